"""Late starts and long runs: seen while they last, told once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from executions.engine.fire import fire_due
from executions.models import Execution
from executions.notifications import interest, watch
from executions.states import Status, Trigger
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_worker, an_execution
from tests.executions.acts import end, take_one
from tests.executions.notifications.told import a_rule, deliveries, events

pytestmark = pytest.mark.django_db


def look(now: datetime) -> None:
    watch.look(interest.read(), now)


def due_at_noon(name: str = "report", **fields: Any) -> Execution:
    """A run that the scheduler made, waiting for a worker."""
    job = a_job(name, schedule="@at 2026-11-21T12:00:00Z", now=NOON - HOUR, **fields)
    fire_due(NOON)
    return Execution.objects.get(job=job)


# --- Late -------------------------------------------------------------------------------------------------------------
def test_a_run_that_waits_longer_than_the_rule_allows_is_late_once():
    a_rule("late", late_after=60)
    execution = due_at_noon()

    look(NOON + MINUTE)
    assert events() == []
    for seconds in (61, 66, 71):
        look(NOON + seconds * SECOND)

    (event,) = events("late")
    assert (event.execution, event.details["late_by"]) == (execution.pk, 61)


def test_the_late_start_of_a_short_run_is_told_at_its_end():
    a_rule("late", late_after=60)
    due_at_noon()
    execution = take_one(a_worker(seen=NOON + 90 * SECOND), NOON + 90 * SECOND)

    end(execution, NOON + 91 * SECOND)
    look(NOON + 92 * SECOND)

    (event,) = events("late")
    assert event.details["late_by"] == 90


def test_a_run_that_started_in_time_is_not_late_however_long_it_takes():
    a_rule("late", late_after=60)
    due_at_noon()
    execution = take_one(a_worker(seen=NOON + SECOND), NOON + SECOND)

    look(NOON + HOUR)
    end(execution, NOON + 2 * HOUR)

    assert events() == []


def test_each_rule_has_its_own_idea_of_late():
    patient, strict = a_rule("late", late_after=600), a_rule("late", late_after=30)
    due_at_noon()

    look(NOON + MINUTE)
    assert [event.rule for event in events("late")] == [strict.pk]
    look(NOON + 11 * MINUTE)

    assert [event.rule for event in events("late")] == [strict.pk, patient.pk]
    assert [row.target_name for row in deliveries()] == [strict.target.name, patient.target.name]


def test_a_job_that_is_late_again_and_again_is_told_of_once_an_hour():
    a_rule("late", late_after=60)
    job = a_job(schedule="@every 10m", now=NOON)
    for number in range(1, 8):
        instant = NOON + number * 10 * MINUTE
        an_execution(job, created=instant, trigger=Trigger.SCHEDULE, scheduled_for=instant)
        look(instant + 2 * MINUTE)

    assert [event.time - NOON for event in events("late")] == [12 * MINUTE, 72 * MINUTE]


def test_runs_asked_for_by_hand_and_second_tries_are_never_late():
    a_rule("late", late_after=60)
    first = due_at_noon()
    end(take_one(a_worker(), NOON), NOON + SECOND)
    an_execution(scheduled_for=NOON)
    an_execution(of=Execution.objects.get(pk=first.pk), trigger=Trigger.SCHEDULE, scheduled_for=NOON)

    look(NOON + HOUR)

    assert events() == []


@pytest.mark.parametrize(
    ("scope", "is_told"),
    [
        ({"job": "report"}, True),
        ({"owner": "ops"}, True),
        ({"label": {"team": "data"}}, True),
        ({"owner": "somebody"}, False),
        ({"label": {"team": "other"}}, False),
    ],
)
def test_late_is_told_of_the_jobs_that_the_rule_is_about(scope, is_told):
    execution = due_at_noon(owner="ops", metadata={"team": "data"})
    a_rule("late", late_after=60, **scope)

    look(NOON + 2 * MINUTE)
    running = take_one(a_worker(seen=NOON + 2 * MINUTE), NOON + 2 * MINUTE)
    end(running, NOON + 3 * MINUTE)

    assert [event.execution for event in events("late")] == [execution.pk] * is_told


# --- Long -------------------------------------------------------------------------------------------------------------
def succeeded(job, seconds: float, count: int = 1) -> None:
    for _ in range(count):
        an_execution(job, status=Status.COMPLETED, started=NOON, ended=NOON + seconds * SECOND)


def test_a_run_beyond_twice_the_p95_of_the_last_successes_is_long_once():
    a_rule("long")
    job = a_job()
    succeeded(job, 100, count=48)
    succeeded(job, 3000, count=2)
    execution = an_execution(job, status=Status.RUNNING, started=NOON)

    look(NOON + 200 * SECOND)
    assert events() == []
    for seconds in (201, 206):
        look(NOON + seconds * SECOND)

    (event,) = events("long")
    assert event.execution == execution.pk
    assert event.details == {"seconds": 201, "p95": 100}


def test_short_jobs_are_not_long_before_a_minute_is_over():
    a_rule("long")
    job = a_job()
    succeeded(job, 0.1)
    an_execution(job, status=Status.RUNNING, started=NOON)

    look(NOON + MINUTE)
    assert events() == []
    look(NOON + MINUTE + SECOND)

    assert len(events("long")) == 1


def test_of_a_job_that_never_succeeded_nobody_knows_what_is_long():
    a_rule("long")
    an_execution(status=Status.RUNNING, started=NOON)

    look(NOON + 24 * HOUR)

    assert events() == []


def test_a_later_try_of_a_long_run_is_not_told_of_again():
    a_rule("long")
    job = a_job()
    succeeded(job, 1)
    first = an_execution(job, status=Status.RUNNING, started=NOON)
    look(NOON + 2 * MINUTE)
    end(first, NOON + 3 * MINUTE, error="filesystem-io")
    Execution.objects.filter(pk=first.pk).update(is_last_try=False)
    an_execution(of=first, status=Status.RUNNING, created=NOON + HOUR, started=NOON + HOUR)

    look(NOON + 2 * HOUR)

    assert len(events("long")) == 1


def test_the_95th_percentile_is_one_of_the_last_fifty_that_succeeded():
    job = a_job()
    assert watch.p95(job.pk) is None
    succeeded(job, 9000, count=5)
    for number in range(1, 51):
        an_execution(
            job, status=Status.COMPLETED, created=NOON + HOUR, started=NOON, ended=NOON + timedelta(seconds=number)
        )
    an_execution(job, status=Status.FAILED, created=NOON + 2 * HOUR, started=NOON, ended=NOON + HOUR)

    assert watch.p95(job.pk) == timedelta(seconds=48)
