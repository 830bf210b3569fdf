"""Notifications and tokens, as the console shows them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from config.access import tokens
from config.console import notices
from executions import clock
from executions.notifications.models import NotificationDelivery, NotificationEvent, NotificationTry
from executions.notifications.services import create_rule, create_target
from jobs.models import Job
from tests.builders import a_job, a_name
from tests.console.visits import browser, page, queries

pytestmark = pytest.mark.django_db
NOTIFICATIONS, TOKENS = "/admin/notifications/", "/admin/access/token/"


def a_try(job: Job | None = None, *, outcome: str = "sent", message: str = "250 OK", target: str = "") -> None:
    now = clock.now()
    event = NotificationEvent.objects.create(kind="failure", job=job or a_job(), execution=7, time=now)
    delivery = NotificationDelivery.objects.create(
        event=event, target_name=target or a_name("target"), outcome="sent", tries_made=1, created=now
    )
    NotificationTry.objects.create(delivery=delivery, number=1, time=now, outcome=outcome, message=message)


def a_rule(target: str) -> None:
    create_target(target, "https://hooks.example.org/very-secret", by="ada")
    create_rule({"event": "failure", "target": target}, by="ada")


# --- notifications ----------------------------------------------------------------------------------------------------
def test_targets_rules_and_what_was_sent_stand_on_one_page():
    a_rule("hook")
    a_try(a_job("copy"), target="hook")

    shown = page(browser("editor"), NOTIFICATIONS)

    assert "Send a test to hook" in shown
    assert "all jobs" in shown
    assert ">copy</a>" in shown
    assert "250 OK" in shown
    assert "very-secret" not in shown


def test_a_reader_sees_notifications_and_finds_no_button():
    a_rule("hook")

    shown = page(browser("reader"), NOTIFICATIONS)

    assert "hook" in shown
    for word in ("Send a test", "Add a rule", "Add a target"):
        assert word not in shown


def test_what_was_sent_is_filtered_by_its_outcome_and_read_on(monkeypatch):
    a_try(outcome="failed", message="421 busy")
    for number in range(3):
        a_try(message=f"250 OK {number}")
    client = browser()

    assert "421 busy" not in page(client, NOTIFICATIONS, outcome="sent")
    assert "421 busy" in page(client, NOTIFICATIONS, outcome="failed")
    monkeypatch.setattr(notices, "SHOWN", 2)
    older = client.get(NOTIFICATIONS).context["notices"].older
    assert [one.message for one in client.get(NOTIFICATIONS + older).context["notices"].sent] == [
        "250 OK 0",
        "421 busy",
    ]


@pytest.mark.parametrize("query", [{"outcome": "x"}, {"before": "x"}, {"before": "9" * 50}, {"before": "9" * 18}])
def test_strange_addresses_show_notifications(query: dict[str, str]):
    assert "Notifications" in page(browser(), NOTIFICATIONS, **query)


def test_what_a_target_answers_is_shown_as_text():
    a_try(message="<img src=x onerror=alert(1)>")

    assert "<img src=x" not in page(browser(), NOTIFICATIONS)


def test_notifications_cost_no_more_for_fifty_than_for_one():
    client = browser()
    a_rule("first")
    a_try()
    few = queries(client, NOTIFICATIONS)
    for number in range(49):
        a_rule(f"target-{number}")
        a_try()

    assert queries(client, NOTIFICATIONS) == few


def test_an_empty_page_tells_how_to_begin():
    shown = page(browser("reader"), NOTIFICATIONS)

    assert "Messages have nowhere to go yet" in shown
    assert "Nobody hears of anything yet" in shown
    assert browser("nobody").get(NOTIFICATIONS).status_code == 403


# --- tokens -----------------------------------------------------------------------------------------------------------
def test_a_reader_makes_a_token_sees_its_key_once_and_ends_it():
    client = browser("reader", "grace")

    answer = client.post(reverse("admin:access_token_add"), {"name": "ci", "role": ""}, follow=True)

    token = User.objects.get(username="grace").tokens.get()
    shown = page(client, TOKENS)
    assert answer.content.decode().count(f"{token.prefix}") > 1
    assert f"{token.prefix}…" in shown
    assert "all that its user may" in shown
    assert "state-active" in shown
    assert client.post(reverse("admin:access_token_delete", args=[token.pk]), {"post": "yes"}).status_code == 302
    assert "You have no tokens yet" in page(client, TOKENS)


def test_a_token_that_is_over_is_shown_as_expired():
    client = browser("reader", "grace")
    tokens.create(User.objects.get(username="grace"), expires=clock.now() - timedelta(hours=1))

    assert "state-expired" in page(client, TOKENS)


def test_everybody_who_may_enter_is_led_to_their_tokens():
    assert TOKENS in page(browser("reader"), NOTIFICATIONS)


def test_tokens_cost_no_more_for_fifty_than_for_one():
    client = browser(username="grace")
    grace = User.objects.get(username="grace")
    tokens.create(grace)
    few = queries(client, TOKENS)
    for _ in range(39):
        tokens.create(grace)

    assert queries(client, TOKENS) == few
