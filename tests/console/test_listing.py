"""The list of executions: filters in the address, browsing by time, saved views, exports, deeds for many."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from config.console.models import SavedView
from executions.admin import filters
from executions.models import BulkAction, Execution
from executions.states import Door, Status, Trigger
from tests.builders import HOUR, MINUTE, NOON, a_job, a_worker, an_execution
from tests.console.visits import browser, page, queries

pytestmark = pytest.mark.django_db
LIST = "/admin/executions/execution/"


def listed(client: Client, **query: Any) -> list[int]:
    answer = client.get(LIST, query)
    assert answer.status_code == 200
    return [row.pk for row in answer.context["cl"].result_list]


def test_filters_combine_and_say_the_same_as_in_the_api():
    copy = a_job("copy")
    wanted = an_execution(copy, status=Status.FAILED)
    an_execution(copy, status=Status.COMPLETED)
    an_execution(a_job("move"), status=Status.FAILED)
    query = {"status": "FAILED", "job_name": "copy"}

    assert listed(browser(), **query) == [wanted.pk]
    assert f"/v6/executions/?{'status=FAILED&amp;job_name=copy'}" in page(browser(), LIST, **query).replace(
        "job_name=copy&amp;status=FAILED", "status=FAILED&amp;job_name=copy"
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "RUNNING"),
        ("job_name", "wanted"),
        ("job_type_name", "http"),
        ("worker", "the-worker"),
        ("trigger", "backfill"),
        ("door", "dkron"),
        ("reason", "timeout"),
        ("error_name", "algorithm-unknown"),
        ("started", "2026-11-21T12:30:00Z"),
    ],
)
def test_each_filter_finds_what_it_says(name: str, value: str):
    job = a_job("wanted", executor="http")
    wanted = an_execution(
        job,
        status=Status.RUNNING if name == "status" else Status.FAILED,
        created=NOON + HOUR,
        worker=a_worker("the-worker"),
        trigger=Trigger.BACKFILL,
        door=Door.DKRON,
        reason="timeout",
    )
    an_execution(a_job("other"), status=Status.COMPLETED, created=NOON)

    assert listed(browser(), **{name: value}) == [wanted.pk]


def test_the_line_for_a_shell_is_safe_to_paste():
    shown = page(browser(), LIST, job_name="$(reboot)", status="FAILED")

    assert "manage.py executions --job &#x27;$(reboot)&#x27; --status FAILED" in shown


def test_several_states_are_one_filter():
    wanted = {an_execution(status=status).pk for status in (Status.QUEUED, Status.BLOCKED)}
    an_execution(status=Status.RUNNING)

    assert set(listed(browser(), status=["QUEUED", "BLOCKED"])) == wanted


@pytest.mark.parametrize("query", [{"started": "yesterday"}, {"job_id": "x"}, {"is_last_try": "maybe"}])
def test_a_filter_that_cannot_be_read_says_so(query: dict[str, str]):
    an_execution()
    client = browser()

    answer = client.get(LIST, query)

    assert list(answer.context["cl"].result_list) == []
    assert next(iter(query)) in "".join(answer.context["asked"].problems)


@pytest.mark.parametrize(
    "query", ["before=x", "before=99999999999999999999", "p=abc", "o=99", "status=%F0%9F", "q=" + "a" * 5000]
)
def test_hostile_addresses_are_no_failure(query: str):
    an_execution()

    assert browser().get(f"{LIST}?{query}").status_code in (200, 302, 400)


def test_older_pages_go_on_where_the_last_one_ended():
    keys = [an_execution(a_job(), created=NOON + number // 3 * MINUTE).pk for number in range(12)]
    client = browser()

    seen, before = [], ""
    for _ in range(3):
        rows = listed(client, **({"before": before} if before else {}))[:5]
        seen += rows
        before = str(rows[-1])

    assert seen == keys[::-1]


def test_a_full_page_offers_what_is_older():
    for _ in range(51):
        an_execution()
    client = browser()
    answer = client.get(LIST, {"status": "QUEUED"})

    older = answer.context["cl"].older

    assert "status=QUEUED" in older
    assert len(client.get(LIST + older).context["cl"].result_list) == 1
    assert client.get(LIST + older).context["cl"].older == ""


def test_filters_without_an_index_look_through_so_many_at_a_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(filters, "LOOKED_THROUGH", 2)
    keys = [an_execution(door=Door.DKRON, created=NOON + number * MINUTE).pk for number in range(5)]
    client = browser()

    assert listed(client, door="dkron") == keys[:2:-1]
    assert f"door=dkron&amp;before={keys[2]}" in page(client, LIST, door="dkron")
    assert listed(client, door="dkron", before=keys[3]) == keys[2:0:-1]
    assert listed(client, door="dkron", started="2026-11-21T12:03:00Z") == keys[:2:-1]
    assert listed(client, door="dkron", job_name="none") == []


def test_the_list_asks_no_more_for_fifty_rows_than_for_one():
    client = browser()

    def more(count: int) -> None:
        for _ in range(count):
            an_execution(a_job(), status=Status.FAILED, message="x")
            an_execution(a_job(), status=Status.RUNNING)
            an_execution(a_job())

    more(1)
    few = queries(client, LIST)
    more(49)

    assert queries(client, LIST) == few


def test_an_empty_list_says_what_to_do():
    assert "Run now" in page(browser(), LIST)
    assert "Nothing matches these filters" in page(browser(), LIST, status="FAILED")


# --- exports ----------------------------------------------------------------------------------------------------------
def exported(client: Client, kind: str, **query: Any) -> str:
    answer = client.get(f"{LIST}export/{kind}/", query)
    assert answer.status_code == 200
    assert answer["Content-Disposition"] == f'attachment; filename="executions.{kind}"'
    return b"".join(answer.streaming_content).decode()


def test_the_list_in_view_is_exported_whole_and_in_its_order():
    keys = [an_execution(status=Status.FAILED, created=NOON + n * MINUTE).pk for n in range(60)]
    an_execution(status=Status.QUEUED)
    client = browser("reader")

    rows = json.loads(exported(client, "json", status="FAILED"))
    table = list(csv.DictReader(io.StringIO(exported(client, "csv", status="FAILED"))))

    assert [row["id"] for row in rows] == keys[::-1]
    assert [row["id"] for row in table] == [str(key) for key in keys[::-1]]
    assert rows[0]["status"] == "FAILED"


def test_no_exported_cell_is_a_formula():
    an_execution(status=Status.FAILED, message='=HYPERLINK("http://evil.example")')

    (row,) = csv.DictReader(io.StringIO(exported(browser(), "csv")))

    assert row["message"].startswith("'=")


def test_an_export_of_an_unknown_kind_is_not_found():
    assert browser().get(f"{LIST}export/xls/").status_code == 404


def test_whoever_may_not_see_the_list_may_not_export_it():
    assert browser("nobody").get(f"{LIST}export/csv/").status_code == 403


# --- saved views ------------------------------------------------------------------------------------------------------
def save(client: Client, name: str, query: str, **fields: str) -> int:
    return client.post(reverse("admin:save-view"), {"name": name, "next": f"{LIST}?{query}", **fields}).status_code


def test_a_view_is_saved_for_oneself():
    ada, other = browser("reader", "ada"), browser("reader")

    assert save(ada, "red ones", "status=FAILED") == 302

    assert f"{LIST}?status=FAILED" in page(ada, LIST)
    assert "red ones" in page(ada, LIST)
    assert "red ones" not in page(other, LIST)


def test_an_editor_saves_a_view_for_all_and_nobody_else_does():
    assert save(browser("editor"), "everybody's", "status=FAILED", for_all="on") == 302
    assert save(browser("executor"), "mine", "status=FAILED", for_all="on") == 403

    assert "everybody&#x27;s" in page(browser("reader"), LIST)
    assert SavedView.objects.count() == 1


def test_a_view_of_the_same_name_is_replaced():
    client = browser()
    save(client, "red", "status=FAILED")
    save(client, "red", "status=CANCELED")

    assert SavedView.objects.get().query == "status=CANCELED"


def test_views_are_removed_by_whom_they_belong_to():
    ada = browser("reader")
    save(ada, "mine", "status=FAILED")
    save(browser("editor"), "for all", "status=FAILED", for_all="on")
    mine, shared = SavedView.objects.exclude(user=None).get(), SavedView.objects.get(user=None)

    def remove(client: Client, view: SavedView) -> int:
        return client.post(reverse("admin:delete-view", args=[view.pk])).status_code

    assert remove(browser("editor"), mine) == 404
    assert remove(ada, shared) == 403
    assert remove(ada, mine) == 302
    assert remove(browser("editor"), shared) == 302
    assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    "there", ["https://evil.example/admin/", "//evil.example/admin/", "/v6/jobs/", "/admin/" + "x" * 300]
)
def test_a_view_is_of_a_page_of_this_console(there: str):
    client = browser()

    assert client.post(reverse("admin:save-view"), {"name": "x", "next": there}).status_code == 404
    assert not SavedView.objects.exists()


# --- deeds for many ---------------------------------------------------------------------------------------------------
def test_a_deed_for_many_shows_count_filter_and_samples_first():
    for number in range(7):
        an_execution(a_job(f"job-of-{number}"), status=Status.QUEUED)
    an_execution(status=Status.COMPLETED)

    shown = page(browser("executor"), f"{LIST}bulk/cancel/", status="QUEUED")

    assert "Cancel 7 executions" in shown
    assert shown.count("job-of-") == 5
    assert Execution.objects.filter(status=Status.CANCELED).count() == 0


def test_a_deed_for_many_leaves_a_receipt():
    for _ in range(3):
        an_execution(status=Status.QUEUED)
    spared = an_execution(status=Status.BLOCKED)
    client = browser("executor", "ada")

    answer = client.post(f"{LIST}bulk/cancel/?status=QUEUED", follow=True)

    assert Execution.objects.filter(status=Status.CANCELED).count() == 3
    spared.refresh_from_db()
    assert spared.status == Status.BLOCKED
    receipt = BulkAction.objects.get()
    assert (receipt.count, receipt.done, receipt.by, receipt.door) == (3, 3, "ada", "console")
    assert "3 of 3" in answer.content.decode()


def test_failures_are_tried_again_by_filter():
    failed = an_execution(a_job("copy"), status=Status.FAILED)
    an_execution(a_job("move"), status=Status.FAILED)

    browser("executor").post(f"{LIST}bulk/retry/?job_name=copy")

    assert Execution.objects.filter(group=failed.group).count() == 2
    assert Execution.objects.count() == 3


def test_a_deed_for_everything_there_is_is_refused():
    an_execution()
    client = browser("executor")

    answer = client.post(f"{LIST}bulk/cancel/", follow=True)

    assert "say which" in answer.content.decode()
    assert Execution.objects.get().status == Status.QUEUED
    assert "bulk/cancel" not in page(client, LIST)


def test_a_reader_does_nothing_to_many():
    an_execution()
    client = browser("reader")

    assert client.get(f"{LIST}bulk/cancel/?status=QUEUED").status_code == 403
    assert client.post(f"{LIST}bulk/cancel/?status=QUEUED").status_code == 403
    assert "bulk/cancel" not in page(client, LIST, status="QUEUED")
    assert browser().get(f"{LIST}bulk/delete/?status=QUEUED").status_code == 404
