"""From event to delivery to answer: each target once, again for an hour where it fails, and every try on record."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise

import pytest
from django.core import mail
from django.db import connection

from executions.notifications import outbox
from executions.notifications.models import (
    AlertState,
    NotificationDelivery,
    NotificationEvent,
    NotificationTry,
)
from executions.notifications.parcels import Answer
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_worker
from tests.conftest import database_url
from tests.executions.acts import BAD, ask, at_once, run
from tests.executions.executors.http_server import serve
from tests.executions.notifications.told import a_rule, a_target, deliveries, events, tries

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def a_mail_server(settings) -> None:
    """Mail goes into `mail.outbox`."""
    settings.MAIL_HOST = settings.EMAIL_HOST = "mail.example.org"


def failed(name: str = "nightly", **fields):
    job = a_job(name, **fields)
    return run(ask(job), a_worker(), error=BAD)


# --- Whom it concerns -------------------------------------------------------------------------------------------------
def test_a_target_hears_once_of_an_event_whatever_number_of_rules_says_so():
    ops, dba = a_target("ops"), a_target("dba")
    for scope in ({}, {"job": a_job("nightly").name}, {"owner": "data"}):
        a_rule("failure", ops, **scope)
    a_rule("failure", dba, label={"team": "data"})
    a_rule("failure", a_target("others"), owner="somebody else")

    job = outbox.Job.objects.get(name="nightly")
    job.owner, job.metadata = "data", {"team": "data"}
    job.save()
    run(ask(job), a_worker(), error=BAD)

    assert sorted(row.target_name for row in deliveries()) == ["dba", "ops"]


def test_what_concerns_nobody_after_all_goes():
    a_rule("end", owner="somebody else")
    failed()
    assert len(events()) == 1

    outbox.dispatch(NOON)

    assert events() == []


def test_a_rule_that_went_before_its_event_was_dispatched_sends_nothing():
    rule = a_rule("failure")
    failed()
    rule.delete()

    assert deliveries() == []


# --- Sending ----------------------------------------------------------------------------------------------------------
def test_a_failure_is_told_by_mail_with_all_that_helps():
    a_rule("failure", a_target("ops", "ops@example.org"))
    execution = failed(owner="ada")
    deliveries()

    assert outbox.send_due(NOON + MINUTE) == 1

    (letter,) = mail.outbox
    assert letter.subject == "[Jobhouse] nightly failed"
    assert letter.to == ["ops@example.org"]
    for line in ("Job: nightly", "Owner: ada", f"Execution: {execution.pk}, try 1", "Status: FAILED", "Exit code: 1"):
        assert line in letter.body
    assert tries() == [("sent", "Handed to mail.example.org for ops@example.org")]
    assert outbox.send_due(NOON + HOUR) == 0


def test_a_webhook_is_told_as_data(loopback):
    with serve(lambda call: call.answer(204)) as server:
        a_rule("failure", a_target("hook", server.url("/hook")))
        execution = failed(metadata={"team": "data"})
        deliveries()
        outbox.send_due(NOON + MINUTE)

    (call,) = server.calls
    told = json.loads(call.received)
    assert (told["event"], told["title"]) == ("failure", "[Jobhouse] nightly failed")
    assert told["job"] == {"name": "nightly", "title": "", "owner": "", "metadata": {"team": "data"}}
    assert (told["execution"]["id"], told["execution"]["status"]) == (execution.pk, "FAILED")
    assert call.headers["Content-Type"] == "application/json"


def test_the_end_of_the_output_is_told():
    a_rule("failure", a_target("ops"))
    execution = failed()
    outbox.Execution.objects.get(pk=execution.pk).output.create(
        seq=30, lines=30, time=NOON, stream="stdout", text="".join(f"line {n}\n" for n in range(1, 31))
    )
    deliveries()

    outbox.send_due(NOON)

    assert "line 11\n" in mail.outbox[0].body
    assert "line 10\n" not in mail.outbox[0].body


def test_what_fails_is_tried_again_with_growing_pauses_for_an_hour(loopback):
    with serve(lambda call: call.answer(503, b"not now")) as server:
        a_rule("failure", a_target("hook", server.url()))
        failed()
        deliveries(NOON)
        moments, now = [], NOON
        while row := NotificationDelivery.objects.filter(outcome="waiting").first():
            now = row.next_try
            assert outbox.send_due(now) == 1
            moments.append(now - NOON)

    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert pauses[:4] == [15 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE]
    assert max(pauses) == 10 * MINUTE
    assert 50 * MINUTE <= moments[-1] <= HOUR
    assert len(server.calls) == len(moments) == len(tries())
    assert {outcome for outcome, _ in tries()} == {"failed"}
    assert all(message.startswith("503 ") for _, message in tries())
    assert NotificationDelivery.objects.get().outcome == "failed"


@pytest.mark.parametrize(("number", "after"), [(1, 15), (2, 30), (3, 60), (6, 480), (7, 600), (60, 600), (65_000, 600)])
def test_a_pause_doubles_up_to_ten_minutes(number, after):
    assert outbox.next_try(number, NOON, NOON) == NOON + timedelta(seconds=after)
    assert outbox.next_try(number, NOON, NOON + HOUR) is None


def test_what_succeeded_at_last_is_not_tried_again(loopback):
    answers = iter([500, 200, 200])
    with serve(lambda call: call.answer(next(answers))) as server:
        a_rule("failure", a_target("hook", server.url()))
        failed()
        deliveries(NOON)
        outbox.send_due(NOON)
        outbox.send_due(NOON + SECOND)
        outbox.send_due(NOON + MINUTE)
        outbox.send_due(NOON + HOUR)

    assert [outcome for outcome, _ in tries()] == ["failed", "sent"]


def test_a_target_that_was_deleted_is_told_nothing():
    rule = a_rule("failure")
    failed()
    deliveries()
    target = rule.target
    rule.delete()
    target.delete()

    outbox.send_due(NOON)

    assert tries() == [("failed", "The target was deleted.")]


def test_an_address_that_no_key_opens_is_an_answer():
    a_rule("failure")
    failed()
    deliveries()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE executions_notificationtarget SET url = 'gAAAAA-nothing'")

    outbox.send_due(NOON)

    assert tries()[0] == ("failed", "The target's address opens with none of the ENCRYPTION_KEYS.")


# --- Crashes and company ----------------------------------------------------------------------------------------------
def test_a_try_whose_process_ended_is_unknown_and_is_made_again():
    a_rule("failure")
    failed()
    deliveries(NOON)

    (lost,) = outbox.claim(5, NOON)
    assert outbox.claim(5, NOON + outbox.OURS - SECOND) == []
    assert outbox.send_due(NOON + outbox.OURS) == 1

    assert [outcome for outcome, _ in tries()] == ["unknown", "sent"]
    assert not outbox.record(lost.delivery, lost.number, Answer(False, "late"), NOON + HOUR)
    assert NotificationDelivery.objects.get().outcome == "sent"


CRASHES = """
import os, django
django.setup()
from datetime import datetime
from executions.notifications import outbox
outbox.record = lambda *_: os._exit(9)
outbox.send_due(datetime.fromisoformat("2026-11-21T12:00:00+00:00"))
"""


@pytest.mark.django_db(transaction=True)
def test_a_crash_between_sending_and_its_record_sends_twice_and_never_loses(loopback):
    with serve(lambda call: call.answer(200)) as server:
        a_rule("failure", a_target("hook", server.url()))
        failed()
        deliveries(NOON)
        environment = {
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "OUTBOUND_ALLOW": "127.0.0.1",
        }
        crashed = subprocess.run([sys.executable, "-c", CRASHES], env=environment, timeout=60, check=False)
        assert crashed.returncode == 9
        assert len(server.calls) == 1

        assert outbox.send_due(NOON + MINUTE) == 0
        assert outbox.send_due(NOON + outbox.OURS) == 1

    assert len(server.calls) == 2
    assert [outcome for outcome, _ in tries()] == ["unknown", "sent"]


@pytest.mark.django_db(transaction=True)
def test_several_processes_dispatch_and_claim_side_by_side_and_nothing_twice():
    for number in range(10):
        a_rule("failure", a_target(f"target-{number}"))
    failed()

    at_once([lambda: outbox.dispatch(NOON)] * 3)
    claimed = at_once([lambda: outbox.claim(4, NOON)] * 4)

    keys = [one.delivery for some in claimed for one in some]
    assert len(keys) == len(set(keys))
    assert NotificationDelivery.objects.count() == 10
    assert NotificationTry.objects.count() == len(keys)


# --- The log ----------------------------------------------------------------------------------------------------------
def test_the_log_is_kept_for_as_long_as_history_is(settings):
    settings.RETENTION_DAYS = 30
    a_rule("failure")
    a_rule("missed")
    failed()
    deliveries(NOON)
    outbox.send_due(NOON)
    AlertState.objects.create(job=a_job(), topic="missed", since=NOON, alerted=NOON)

    assert outbox.purge(NOON + timedelta(days=30)) == 0
    assert outbox.purge(NOON + timedelta(days=30) + 2 * SECOND) == 1

    assert not NotificationEvent.objects.exists()
    assert not NotificationTry.objects.exists()
    assert [state.topic for state in AlertState.objects.all()] == ["failure"]
