"""The audit log: who did what, from which door, when; and how it was before."""

from __future__ import annotations

import json

import pytest
from django.contrib.admin.models import LogEntry
from django.utils import timezone

from config.access import tokens
from config.console import auditlog
from errors import audit
from jobs import services
from tests.builders import NOON, a_job, a_user
from tests.console.visits import browser, page, queries

pytestmark = pytest.mark.django_db
AUDIT = "/admin/audit/"


def a_pause(name: str = "", by: str = "ada", note: str = "for the move") -> None:
    services.pause(a_job(name), by=by, now=NOON, note=note)


def test_a_change_is_told_with_how_it_was_before():
    services.update(a_job("copy"), {"timeout": 77}, by="grace", now=NOON, partial=True)

    shown = page(browser("reader"), AUDIT, action="update")

    assert "grace" in shown
    assert ">copy</a>" in shown
    assert "<ins>77</ins>" in shown
    assert "<del>nothing</del>" in shown


def test_the_log_is_filtered_by_who_door_object_action_and_time():
    a_pause("copy", by="ada")
    a_pause("move", by="grace")
    client = browser()

    def names(**query: str) -> set[str]:
        shown = page(client, AUDIT, **query)
        return {name for name in ("copy", "move") if f">{name}</a>" in shown}

    assert names() == {"copy", "move"}
    assert names(user="grace") == {"move"}
    assert names(object_name="copy") == {"copy"}
    assert names(action="pause", user="ada") == {"copy"}
    assert names(action="cancel") == set()
    assert names(door="dkron") == set()
    assert names(object_type="job") == {"copy", "move"}
    assert names(object_type="worker") == set()
    assert names(started="P1D") == {"copy", "move"}
    assert names(ended="2001-01-01T00:00:00Z") == set()


def test_the_log_is_read_on_from_where_a_page_ends(monkeypatch):
    for number in range(5):
        a_pause(f"job-number-{number}")
    monkeypatch.setattr(auditlog, "SHOWN", 2)
    client, address, seen = browser(), AUDIT + "?action=pause", []
    for _ in range(3):
        log = client.get(address).context["log"]
        seen += [row.name for row in log.rows]
        address = AUDIT + log.older

    assert seen == [f"job-number-{number}" for number in (4, 3, 2, 1, 0)]
    assert log.older == ""


def test_a_reader_does_not_see_what_was_done_to_tokens_of_others():
    tokens.create(a_user("editor", "grace"), name="for the robot")

    assert "for the robot" not in page(browser("reader"), AUDIT)
    assert "for the robot" in page(browser(), AUDIT)


def test_what_is_hostile_is_shown_as_text():
    a_pause(by="<script>alert(1)</script>", note="<b>bold</b>")

    shown = page(browser("reader"), AUDIT)

    assert "<script>alert" not in shown
    assert "<b>bold" not in shown
    assert "&lt;b&gt;bold" in shown


@pytest.mark.parametrize(
    "query",
    [{"started": "yesterday"}, {"before": "x" * 50}, {"before": "9" * 40}, {"user": "ﷺ"}, {"object_id": "a" * 5000}],
)
def test_strange_filters_are_answered(query: dict[str, str]):
    a_pause()

    assert "Audit log" in page(browser(), AUDIT, **query)


def test_what_is_wrong_with_a_filter_is_said():
    assert "errornote" in page(browser(), AUDIT, started="yesterday")


def test_the_log_in_view_is_exported():
    a_pause("copy", note="=1+1")
    a_pause("move")
    client = browser("reader")

    rows = json.loads(client.get(f"{AUDIT}json/?object_name=copy&action=pause").getvalue())
    assert [(row["object"], row["user"], row["action"]) for row in rows] == [("copy", "ada", "pause")]
    assert "=1+1" in rows[0]["after"].values()
    assert client.get(f"{AUDIT}csv/").getvalue().decode().startswith("id,time,user")
    assert client.get(f"{AUDIT}xml/").status_code == 404
    assert client.get(AUDIT, {"user": "\x00"}).status_code == 400


def test_the_log_costs_no_more_for_fifty_than_for_one():
    client = browser()
    a_pause()
    few = queries(client, AUDIT)
    for _ in range(49):
        a_pause()

    assert queries(client, AUDIT) == few


def test_an_empty_log_says_what_belongs_here():
    client = browser("reader")
    LogEntry.objects.all().delete()

    assert "Nobody has changed anything yet" in page(client, AUDIT)
    assert audit.purge(timezone.now()) == 0
