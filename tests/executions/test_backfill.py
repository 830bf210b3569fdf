"""Backfill: what the schedule did not run is run, each instant once, so many at a time."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from errors.exceptions import Invalid
from executions.engine import archive, backfill, bulk_actions, fire
from executions.models import BulkAction, Execution
from executions.states import Door, Status
from jobs import services
from jobs.models import Job
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_worker, an_execution
from tests.executions.acts import at_once, end, of, statuses, take

pytestmark = pytest.mark.django_db

SIX = NOON - 6 * HOUR


def hourly(**fields) -> Job:
    """A job that is due at every full hour, made at noon; it has run at none of them."""
    return Job.objects.get(pk=a_job(schedule="0 * * * *", now=NOON, **fields).pk)


def fill(job: Job, since: datetime = SIX, until: datetime = NOON, *, now: datetime = NOON, **how) -> BulkAction:
    return backfill.start(job, since, until, by="ada", door=Door.NATIVE, now=now, **how)


def plan(job: Job, since: datetime = SIX, until: datetime = NOON, *, now: datetime = NOON, newest_first=False):
    return backfill.plan(job, since, until, newest_first=newest_first, now=now)


def hours(job: Job) -> list[int]:
    """The hours for which runs of `job` stand, in the order in which they were made."""
    return [made.scheduled_for.hour for made in of(job)]


def figures(receipt: BulkAction) -> tuple[int, int, int, str]:
    receipt.refresh_from_db()
    return receipt.count, receipt.done, receipt.failed, receipt.state


# --- Which instants ---------------------------------------------------------------------------------------------------
def test_both_ends_of_the_range_are_included():
    assert [instant.hour for instant in plan(hourly()).instants] == [6, 7, 8, 9, 10, 11, 12]


def test_the_newest_may_come_first():
    assert [instant.hour for instant in plan(hourly(), newest_first=True).instants] == [12, 11, 10, 9, 8, 7, 6]


def test_what_was_run_already_is_left_out():
    job = hourly()
    an_execution(job, scheduled_for=NOON - HOUR, trigger="schedule", door="scheduler")
    an_execution(job, scheduled_for=NOON - 2 * HOUR, trigger="backfill")

    made = plan(job)

    assert [instant.hour for instant in made.instants] == [6, 7, 8, 9, 12]
    assert made.left_out == 2


def test_a_run_by_hand_for_a_moment_is_none_of_the_schedule():
    job = hourly()
    an_execution(job, scheduled_for=NOON - HOUR, trigger="manual")

    assert plan(job).left_out == 0


def test_what_the_scheduler_has_still_to_decide_about_is_left_to_it():
    job = hourly()
    services.pause(job, by="ada", now=NOON)
    job.refresh_from_db()

    made = plan(job, until=NOON + 3 * HOUR, now=NOON + 3 * HOUR)

    assert [instant.hour for instant in made.instants] == [6, 7, 8, 9, 10, 11, 12]
    assert made.left_out == 3


def test_instants_outside_the_jobs_own_window_do_not_exist():
    job = hourly(starts_at=NOON - 3 * HOUR, expires_at=NOON - HOUR)

    assert [instant.hour for instant in plan(job).instants] == [9, 10, 11]


def test_a_disabled_job_can_be_made_up_for():
    assert len(plan(hourly(is_enabled=False)).instants) == 7


def test_an_interval_has_its_instants_from_its_anchor_on():
    job = Job.objects.get(pk=a_job(schedule="@every 1h", now=NOON).pk)
    services.disable(job, by="ada", now=NOON + 5 * HOUR)
    job.refresh_from_db()

    made = plan(job, until=NOON + 3 * HOUR, now=NOON + 5 * HOUR)

    assert made.instants == [NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]


@pytest.mark.parametrize(
    ("schedule", "since", "until", "says"),
    [
        ("@manually", SIX, NOON, "no schedule"),
        ("0 * * * *", NOON, SIX, "later than to"),
        ("0 * * * *", SIX, NOON + SECOND, "future"),
        ("* * * * *", NOON - timedelta(days=1), NOON, "at most 1,000"),
        ("@every 1s", NOON, NOON + 6 * HOUR, "20,000"),
        ("* * * * * *", datetime.fromisoformat("0001-01-01T00:00:00+00:00"), NOON, "20,000"),
    ],
)
def test_ranges_that_cannot_be_made_up_for_are_refused(schedule, since, until, says):
    job = Job.objects.get(pk=a_job(schedule=schedule, now=NOON).pk)
    Job.objects.filter(pk=job.pk).update(next_run_at=None)
    job.refresh_from_db()

    with pytest.raises(Invalid, match=says):
        plan(job, since, until, now=max(NOON, until) if "future" not in says else NOON)


def test_a_thousand_are_taken():
    job = Job.objects.get(pk=a_job(schedule="* * * * *", now=NOON).pk)

    assert len(plan(job, NOON - 999 * MINUTE).instants) == 1000


# --- How they run -----------------------------------------------------------------------------------------------------
def test_so_many_run_at_once_and_the_next_follow_when_one_has_ended():
    job, worker = hourly(), a_worker()

    receipt = fill(job, concurrency=2)
    first = hours(job)
    (one, _two) = take(worker, NOON, room=10)
    bulk_actions.work(NOON + SECOND)
    still = hours(job)
    end(one, NOON + 2 * SECOND)
    bulk_actions.work(NOON + 3 * SECOND)

    assert first == still == [6, 7]
    assert hours(job) == [6, 7, 8]
    assert figures(receipt) == (7, 1, 0, "running")


def test_all_of_them_run_and_the_receipt_adds_up():
    job, worker, now = hourly(), a_worker(), NOON
    receipt = fill(job, concurrency=3)

    while not BulkAction.objects.get(pk=receipt.pk).is_over:
        now += SECOND
        for taken in take(worker, now, room=10):
            end(taken, now + SECOND, error="algorithm-unknown" if taken.scheduled_for.hour == 8 else None)
        bulk_actions.work(now + 2 * SECOND)

    assert figures(receipt) == (7, 6, 1, "completed")
    assert sorted(hours(job)) == [6, 7, 8, 9, 10, 11, 12]
    assert {(made.trigger, made.requested_by, made.door) for made in of(job)} == {("backfill", "ada", "native")}


def test_a_run_that_is_tried_again_keeps_its_place():
    job, worker = hourly(retries=1, retry_delay=0), a_worker()

    receipt = fill(job)
    (first,) = take(worker, NOON)
    end(first, NOON + SECOND, error="filesystem-io")
    bulk_actions.work(NOON + 2 * SECOND)

    assert [(made.scheduled_for.hour, made.attempt) for made in of(job)] == [(6, 1), (6, 2)]
    assert figures(receipt) == (7, 0, 0, "running")


def test_a_job_that_forbids_overlap_gets_one_run_at_a_time():
    job = hourly(concurrency="forbid")
    an_execution(job, status=Status.RUNNING)

    fill(job, concurrency=5)
    waits = len(of(job))
    Execution.objects.running().move(Status.COMPLETED, ended=NOON)
    bulk_actions.work(NOON)
    bulk_actions.work(NOON)

    assert waits == 1
    assert statuses(job) == ["COMPLETED", "QUEUED"]


def test_a_job_that_replaces_its_runs_loses_none_to_its_own_backfill():
    job, worker = hourly(concurrency="replace"), a_worker()

    fill(job, concurrency=5)
    (first,) = take(worker, NOON)
    bulk_actions.work(NOON)
    alone = statuses(job)
    end(first, NOON + SECOND)
    bulk_actions.work(NOON + SECOND)

    assert alone == ["RUNNING"]
    assert statuses(job) == ["COMPLETED", "QUEUED"]


def test_the_schedule_goes_on_beside_it():
    job = hourly()

    fill(job)
    fire.fire_due(NOON + HOUR)

    assert sorted((made.trigger, made.scheduled_for.hour) for made in of(job)) == [("backfill", 6), ("schedule", 13)]


def test_what_a_backfill_has_run_is_run_by_no_other():
    job = hourly()

    fill(job, SIX, NOON - 3 * HOUR)
    second = fill(job)

    assert second.count == 3


def test_a_backfill_of_nothing_is_done_at_once():
    assert figures(fill(hourly(), NOON - 30 * MINUTE, NOON - 20 * MINUTE)) == (0, 0, 0, "completed")


def test_an_aborted_one_makes_no_more_runs_and_ends_none():
    job = hourly()
    receipt = fill(job, concurrency=2)

    bulk_actions.abort(receipt.pk, by="ben", now=NOON)
    bulk_actions.work(NOON)

    assert statuses(job) == ["QUEUED", "QUEUED"]
    assert figures(receipt) == (7, 0, 0, "aborted")


def test_a_job_that_is_deleted_meanwhile_ends_it():
    job = hourly()
    receipt = fill(job)

    archive.archive(job, by="ada", now=NOON, cancel_running=True)
    for _ in range(10):
        bulk_actions.work(NOON)

    assert figures(receipt) == (7, 0, 7, "completed")
    assert statuses(job) == ["CANCELED system"]


@pytest.mark.django_db(transaction=True)
def test_of_backfills_asked_for_at_once_each_instant_is_in_one():
    job = hourly()

    receipts = at_once([lambda: fill(Job.objects.get(pk=job.pk), concurrency=7) for _ in range(4)])

    assert sorted(receipt.count for receipt in receipts) == [0, 0, 0, 7]
    assert sorted(hours(job)) == [6, 7, 8, 9, 10, 11, 12]
