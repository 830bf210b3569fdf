"""What the engine tells: alerts once, then hourly, then of the recovery; and nothing at no cost where nobody asks."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from executions.engine import finish
from executions.engine.cancel import cancel
from executions.engine.claim import claim
from executions.engine.fire import fire_due
from executions.engine.sweep import queue_ready
from executions.models import LEASE, Execution
from executions.notifications import interest
from executions.notifications.models import AlertState, NotificationEvent, NotificationRule
from executions.states import Reason, Status
from jobs import services
from jobs.models import Job
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_worker, an_execution
from tests.executions.acts import BAD, RETRIED, ask, end, ended, newest, run, take_one
from tests.executions.notifications.told import a_rule, a_target, events, kinds

pytestmark = pytest.mark.django_db


@pytest.fixture
def job(db) -> Job:
    return a_job("nightly")


def fails(job: Job, now: datetime = NOON) -> Execution:
    return run(ask(job, now), a_worker(seen=now), now, error=BAD)


def succeeds(job: Job, now: datetime = NOON) -> Execution:
    return run(ask(job, now), a_worker(seen=now), now)


# --- Failure and recovery ---------------------------------------------------------------------------------------------
def test_a_failing_job_alerts_once_then_hourly_then_of_its_recovery(job):
    a_rule("failure")
    a_rule("recovery")

    for minutes in range(0, 150, 10):
        fails(job, NOON + minutes * MINUTE)
    succeeds(job, NOON + 3 * HOUR)
    succeeds(job, NOON + 3 * HOUR + MINUTE)

    told = [(event.kind, event.time - NOON - SECOND) for event in events()]
    assert told == [
        ("failure", timedelta()),
        ("failure", HOUR),
        ("failure", 2 * HOUR),
        ("recovery", 3 * HOUR),
    ]


def test_what_is_told_says_since_when_the_job_fails(job):
    a_rule("failure")
    a_rule("recovery")

    fails(job)
    fails(job, NOON + HOUR)
    succeeds(job, NOON + 2 * HOUR)

    assert {event.details["since"] for event in events()} == {(NOON + SECOND).isoformat()}


def test_a_job_that_fails_again_after_its_recovery_alerts_again(job):
    a_rule("failure")

    fails(job)
    succeeds(job, NOON + MINUTE)
    fails(job, NOON + 2 * MINUTE)

    assert kinds() == ["failure", "failure"]


def test_only_the_last_try_of_a_run_counts(db):
    a_rule("failure")
    a_rule("recovery")
    a_rule("end")
    job = a_job(retries=1, retry_delay=1)

    first = run(ask(job), a_worker(), error=RETRIED)
    assert events() == []
    queue_ready(NOON + MINUTE)
    run(newest(job), a_worker(seen=NOON + MINUTE), NOON + MINUTE)

    assert first.attempt == 1
    assert kinds() == ["end"]


def test_a_success_that_follows_no_failure_is_no_recovery(job):
    a_rule("recovery")

    succeeds(job)

    assert events() == []


def test_a_run_that_was_canceled_is_neither_failure_nor_recovery(job):
    a_rule("failure")
    a_rule("recovery")
    a_rule("end")
    fails(job)
    asked = ask(job, NOON + MINUTE)
    running = take_one(a_worker(seen=NOON + MINUTE), NOON + MINUTE)

    assert running.pk == asked.pk
    assert end(running, NOON + 2 * MINUTE, error=BAD, stopped=True, reason=Reason.USER)

    assert kinds() == ["failure", "end", "end"]
    assert AlertState.objects.count() == 1


def test_a_run_that_never_started_ends_without_a_word(job):
    a_rule("end")

    cancel(ask(job), by="ada", now=NOON)

    assert events() == []


def test_a_run_on_several_workers_recovers_when_all_of_it_succeeded(job):
    a_rule("failure")
    a_rule("recovery")
    one, two = a_worker("one"), a_worker("two")

    def slots(now: datetime) -> list[Execution]:
        first = an_execution(job, status=Status.RUNNING, created=now, worker=one)
        second = an_execution(job, status=Status.RUNNING, created=now, worker=two)
        second.group = second.origin = first.group
        second.slot = 1
        second.save()
        return [first, second]

    whole, half = slots(NOON)
    end(whole, NOON + MINUTE)
    end(half, NOON + MINUTE, error=BAD)
    whole, half = slots(NOON + 2 * MINUTE)
    end(whole, NOON + 3 * MINUTE)
    assert kinds() == ["failure"]
    end(half, NOON + 3 * MINUTE)

    assert kinds() == ["failure", "recovery"]


def test_ends_that_are_recorded_together_are_told_as_if_they_were_not(job):
    a_rule("failure")
    a_rule("recovery")
    worker = a_worker()
    runs = [an_execution(job, status=Status.RUNNING, worker=worker) for _ in range(3)]

    finish.finish([ended(runs[0], error=BAD), ended(runs[1], error=BAD), ended(runs[2])], NOON + MINUTE)

    assert kinds() == ["failure", "recovery"]


def test_a_run_lost_with_its_worker_for_the_last_time_is_a_failure(db):
    a_rule("failure")
    job = a_job(at_most_once=True)
    an_execution(job, status=Status.RUNNING)

    finish.fail_lost(NOON + 2 * LEASE)

    assert kinds() == ["failure"]


def test_nobody_hears_of_a_recovery_that_came_while_no_rule_watched(job):
    rule = a_rule("failure")
    fails(job)
    rule.delete()
    interest.reload()
    succeeds(job, NOON + MINUTE)

    a_rule("recovery")
    succeeds(job, NOON + 2 * MINUTE)

    assert kinds() == ["failure"]


# --- Other events -----------------------------------------------------------------------------------------------------
def test_every_success_and_every_end_is_told_to_those_who_ask(job):
    a_rule("success")
    a_rule("end")

    succeeds(job)
    fails(job, NOON + MINUTE)

    assert kinds() == ["success", "end", "end"]


def test_a_start_is_told_once_a_run_in_the_transaction_of_the_claim(db):
    a_rule("start")
    job = a_job(retries=1, retry_delay=1)

    run(ask(job), a_worker(), error=RETRIED)
    queue_ready(NOON + MINUTE)
    run(newest(job), a_worker(seen=NOON + MINUTE), NOON + MINUTE)

    assert kinds() == ["start"]
    assert events()[0].execution == newest(job).group


def test_missed_instants_are_told_at_most_once_an_hour(db):
    a_rule("missed")
    job = a_job(schedule="@every 10m", concurrency="forbid")
    an_execution(job, status=Status.RUNNING)

    for minutes in range(10, 130, 10):
        fire_due(NOON + minutes * MINUTE)

    told = events("missed")
    assert [event.time - NOON for event in told] == [10 * MINUTE, 70 * MINUTE]
    assert told[0].details["count"] == 1
    assert "still going on" in told[0].details["why"]


def test_instants_dropped_by_an_edit_count_as_missed(db):
    a_rule("missed")
    job = a_job(schedule="@every 10m")

    services.update(job, {"schedule": "@daily"}, by="ada", now=NOON + HOUR, partial=True)

    (event,) = events("missed")
    assert event.details["count"] == 6


def test_a_web_process_looks_for_rules_before_it_drops_instants(db):
    job = a_job(schedule="@every 10m")
    interest.reload()
    NotificationRule.objects.create(event="missed", target=a_target())

    services.update(job, {"schedule": "@daily"}, by="ada", now=NOON + HOUR, partial=True)

    assert kinds() == ["missed"]


# --- Whom it concerns -------------------------------------------------------------------------------------------------
def test_events_of_other_jobs_are_not_even_recorded(job):
    a_rule("failure", job=a_job("other").name)
    a_rule("end", job="other")

    fails(job)

    assert events() == []
    assert not AlertState.objects.exists()


def test_a_rule_that_is_switched_off_asks_for_nothing(job):
    a_rule("failure", is_enabled=False)

    fails(job)

    assert events() == []


# --- Cost and truth ---------------------------------------------------------------------------------------------------
def test_where_there_are_no_rules_the_engine_asks_nothing_and_writes_nothing(job):
    interest.reload()
    worker = a_worker()
    ask(job)

    with CaptureQueriesContext(connection) as asked:
        claim(worker, 1, NOON)
        end(Execution.objects.select_related("job", "job_type").get(), NOON + SECOND, error=BAD)
        fire_due(NOON + HOUR)

    assert [query["sql"] for query in asked if "notification" in query["sql"] or "alertstate" in query["sql"]] == []


def test_many_ends_are_told_in_as_many_queries_as_few(job):
    for kind in ("failure", "recovery", "success", "end"):
        a_rule(kind)
    worker = a_worker()

    def queries(count: int) -> int:
        runs = [an_execution(a_job(), status=Status.RUNNING, worker=worker) for _ in range(count)]
        with CaptureQueriesContext(connection) as asked:
            finish.finish([ended(row, error=BAD if row.pk % 2 else None) for row in runs], NOON + MINUTE)
        return len([query for query in asked if "notification" in query["sql"] or "alertstate" in query["sql"]])

    assert queries(2) == queries(30) == 4


def test_what_is_rolled_back_is_not_told(job):
    a_rule("failure", a_target("ops"))
    running = take_one(a_worker()) if ask(job) else None

    with transaction.atomic():
        assert end(running, error=BAD)
        assert NotificationEvent.objects.count() == 1
        transaction.set_rollback(True)

    assert events() == []
