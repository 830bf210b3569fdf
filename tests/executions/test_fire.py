"""Due jobs become executions: once per instant, whatever number of schedulers look, and whatever one job spoils."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions import house
from executions.engine import cancel, fire
from executions.engine.fire import fire_due
from executions.models import Execution
from executions.states import Door, Reason, Status, Trigger
from jobs import services
from jobs.models import Job, JobRecord
from jobtypes.models import JobType
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_job_type, a_worker, an_execution
from tests.executions.acts import ask, at_once, counts, end, newest, of, statuses, take_one

pytestmark = pytest.mark.django_db

DUE = NOON + MINUTE
"""When a job that was made at noon and runs every minute is due first."""


def minutely(**fields) -> Job:
    return a_job(schedule="@every 1m", **fields)


def schedule_of(job: Job) -> tuple:
    job.refresh_from_db()
    return job.last_scheduled_for, job.next_run_at


# --- One instant ------------------------------------------------------------------------------------------------------
def test_a_due_job_is_queued():
    job = minutely()

    fired = fire_due(DUE)

    execution = newest(job)
    assert (fired.jobs, fired.executions, fired.missed) == (1, 1, 0)
    assert (execution.status, execution.trigger, execution.door) == (Status.QUEUED, Trigger.SCHEDULE, Door.SCHEDULER)
    assert (execution.group, execution.origin, execution.slot, execution.attempt) == (execution.pk, execution.pk, 0, 1)
    assert (execution.scheduled_for, execution.created, execution.queued) == (DUE, DUE, DUE)
    assert execution.start_by == DUE + timedelta(seconds=job.deadline)
    assert (execution.payload_id, execution.revision.job_type_id) == (job.payload_id, job.job_type_id)
    assert schedule_of(job) == (DUE, DUE + MINUTE)


def test_a_job_that_is_not_due_is_left_alone():
    job = minutely()

    assert fire_due(DUE - SECOND).jobs == 0

    assert of(job) == []


def test_the_same_instant_fires_once():
    job = minutely()

    fire_due(DUE)
    assert fire_due(DUE).executions == 0

    assert len(of(job)) == 1


def test_an_instant_does_not_fire_again_after_its_history_was_purged():
    job = minutely()
    fire_due(DUE)
    end(take_one(a_worker(), DUE), DUE + SECOND)
    Execution.objects.all().delete()

    assert fire_due(DUE + 30 * SECOND).executions == 0
    services.update(job, {"title": "Edited"}, by="ada", now=DUE + 30 * SECOND, partial=True)
    assert fire_due(DUE + 40 * SECOND).executions == 0


def test_one_moment_fires_and_is_over():
    job = a_job(schedule="@at 2026-11-21T12:05:00Z")

    fire_due(NOON + 5 * MINUTE)

    assert len(of(job)) == 1
    assert schedule_of(job) == (NOON + 5 * MINUTE, None)


def test_priority_is_the_jobs_or_else_its_types():
    JobType.objects.filter(name="shell").update(configuration={"priority": 7})
    own, types = minutely(priority=3), minutely()

    fire_due(DUE)

    assert (newest(own).priority, newest(types).priority) == (3, 7)


# --- Downtime ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("schedule", ["@every 1m", "* * * * *"])
@pytest.mark.parametrize(("policy", "fired", "missed"), [("once", 1, 59), ("all", 60, 0), ("skip", 0, 60)])
def test_after_an_hour_down_the_policy_decides(schedule, policy, fired, missed):
    job = a_job(schedule=schedule, misfire_policy=policy)

    fire_due(NOON + HOUR + 30 * SECOND)

    assert (len(of(job)), counts(job)[2]) == (fired, missed)
    assert schedule_of(job) == (NOON + HOUR, NOON + HOUR + MINUTE)


def test_what_was_missed_says_why():
    job = minutely()

    fire_due(NOON + HOUR)

    reason = JobRecord.objects.get(job=job).missed_reason
    assert reason.startswith("59 of 60 due instants passed while no scheduler fired this job")
    assert reason.endswith("its misfire policy is once.")


def test_the_grace_of_a_job_limits_what_is_made_up_for():
    job = minutely(misfire_policy="all", misfire_grace=120)

    fire_due(NOON + HOUR)

    assert [execution.scheduled_for for execution in of(job)] == [NOON + HOUR - n * MINUTE for n in (2, 1, 0)]
    assert counts(job)[2] == 57


def test_a_pause_of_a_job_is_downtime():
    job = minutely()
    services.pause(job, by="ada", now=NOON)

    assert fire_due(NOON + HOUR).jobs == 0
    services.resume(job, by="ada", now=NOON + HOUR)
    fire_due(NOON + HOUR)

    assert (len(of(job)), counts(job)[2]) == (1, 59)


def test_nothing_fires_while_the_house_is_paused():
    job = minutely()
    house.pause("ada", "moving", NOON)

    assert fire_due(NOON + HOUR).jobs == 0
    house.resume("ada", NOON + HOUR)
    fire_due(NOON + HOUR)

    assert (len(of(job)), counts(job)[2]) == (1, 59)


def test_a_job_starts_at_its_time_and_not_before():
    job = minutely(starts_at=NOON + HOUR)

    assert fire_due(NOON + HOUR - SECOND).jobs == 0
    fire_due(NOON + HOUR)

    assert [execution.scheduled_for for execution in of(job)] == [NOON + HOUR]
    assert counts(job)[2] == 0


def test_a_job_that_has_expired_is_not_due_any_more():
    job = minutely(expires_at=NOON + 5 * MINUTE, misfire_policy="all")

    fire_due(NOON + HOUR)

    assert len(of(job)) == 5
    assert schedule_of(job) == (NOON + 5 * MINUTE, None)


@pytest.mark.parametrize("gone", [{"is_enabled": False}, {"archived": NOON}])
def test_disabled_and_archived_jobs_do_not_fire(gone):
    job = minutely()
    Job.objects.filter(pk=job.pk).update(**gone)

    assert fire_due(NOON + HOUR).jobs == 0


def test_a_clock_that_steps_forward_causes_no_burst():
    jobs = [a_job(schedule="@every 1s") for _ in range(5)]
    fire_due(NOON + SECOND)

    fire_due(NOON + HOUR)

    assert [len(of(job)) for job in jobs] == [2] * 5


# --- Overlap ----------------------------------------------------------------------------------------------------------
def test_an_instant_of_a_job_that_forbids_overlap_is_missed_while_a_run_lives():
    job = minutely(concurrency="forbid")
    fire_due(DUE)

    fired = fire_due(DUE + MINUTE)

    assert (fired.executions, fired.missed) == (0, 1)
    assert (len(of(job)), counts(job)[2]) == (1, 1)
    assert JobRecord.objects.get(job=job).missed_reason == (
        f"Run {newest(job).group} was still going on, and the job forbids a second one."
    )
    assert schedule_of(job) == (DUE + MINUTE, DUE + 2 * MINUTE)


def test_a_job_that_forbids_overlap_fires_again_when_its_run_has_ended():
    job = minutely(concurrency="forbid")
    fire_due(DUE)
    end(take_one(a_worker(), DUE), DUE + SECOND)

    fire_due(DUE + MINUTE)

    assert statuses(job) == ["COMPLETED", "QUEUED"]


def test_a_run_that_waits_for_its_next_try_still_lives():
    minutely(concurrency="forbid", retries=1, retry_delay=3600)
    fire_due(DUE)
    end(take_one(a_worker(), DUE), DUE + SECOND, error="algorithm-unknown")

    assert fire_due(DUE + MINUTE).missed == 1


def test_a_run_that_is_asked_for_tomorrow_keeps_no_instant_of_today_from_firing():
    job = minutely(concurrency="forbid")
    ask(job, at=NOON + timedelta(days=1))

    assert fire_due(DUE).executions == 1


def test_of_several_instants_at_once_a_job_that_forbids_overlap_runs_the_last():
    job = minutely(concurrency="forbid", misfire_policy="all")

    fire_due(NOON + HOUR)

    assert [execution.scheduled_for for execution in of(job)] == [NOON + HOUR]
    assert counts(job)[2] == 59


def test_of_several_instants_at_once_a_job_that_replaces_runs_the_last():
    job = minutely(concurrency="replace", misfire_policy="all")

    fire_due(NOON + HOUR)

    assert [execution.scheduled_for for execution in of(job)] == [NOON + HOUR]
    assert counts(job)[2] == 59
    assert JobRecord.objects.get(job=job).missed_reason.endswith("the newest takes the place of the others.")


def test_a_job_that_replaces_cancels_what_waits_and_stops_what_runs():
    job = minutely(concurrency="replace")
    fire_due(DUE)
    running = take_one(a_worker(), DUE)

    fire_due(DUE + MINUTE)
    fire_due(DUE + 2 * MINUTE)

    first, second, third = of(job)
    assert (first.pk, first.status, first.stop_reason) == (running.pk, Status.RUNNING, Reason.SYSTEM)
    assert (second.status, second.reason) == (Status.CANCELED, Reason.SYSTEM)
    assert (third.status, third.scheduled_for) == (Status.QUEUED, DUE + 2 * MINUTE)


def test_a_job_that_allows_overlap_fires_beside_its_runs():
    job = minutely()

    for n in range(3):
        fire_due(DUE + n * MINUTE)

    assert statuses(job) == ["QUEUED"] * 3


# --- What cannot fire -------------------------------------------------------------------------------------------------
def test_instants_of_a_type_that_is_not_active_are_missed_and_say_why():
    job_type = a_job_type("sleepy", executor="shell")
    job = minutely(job_type={"name": "sleepy", "version": "1.0.0"}, configuration={})
    JobType.objects.filter(pk=job_type.pk).update(is_active=False)

    fired = fire_due(DUE)

    assert (fired.executions, fired.missed) == (0, 1)
    assert JobRecord.objects.get(job=job).missed_reason == "The job type sleepy 1.0.0 is not active."
    assert schedule_of(job) == (DUE, DUE + MINUTE)


def test_a_job_follows_the_newest_active_version_of_its_type():
    a_job_type("grown", version="1.0.0")
    job = minutely(job_type={"name": "grown"}, configuration={})
    newer = a_job_type("grown", version="1.1.0")
    a_job_type("grown", version="2.0.0", is_active=False)

    fire_due(DUE)

    assert newest(job).job_type == newer
    assert newest(job).revision == newer.revisions.get()


def test_a_job_whose_schedule_cannot_be_computed_is_disabled_and_the_others_fire():
    jobs = [minutely() for _ in range(3)]
    Job.objects.filter(pk=jobs[1].pk).update(schedule="every now and then")

    fired = fire_due(DUE)

    assert fired.executions == 2
    jobs[1].refresh_from_db()
    assert (jobs[1].is_enabled, jobs[1].next_run_at) == (False, None)
    assert "Its schedule cannot be computed" in jobs[1].record.missed_reason


@pytest.mark.django_db(transaction=True)
def test_a_job_that_cannot_be_inserted_is_found_disabled_and_the_others_fire():
    jobs = [minutely() for _ in range(7)]
    an_execution(jobs[4], trigger="schedule", scheduled_for=DUE)

    fired = fire_due(DUE)

    assert (fired.jobs, fired.executions) == (7, 6)
    jobs[4].refresh_from_db()
    assert (jobs[4].is_enabled, jobs[4].next_run_at) == (False, None)
    assert jobs[4].record.missed_reason.startswith(
        "Disabled at 2026-11-21 12:01:00Z. It could not be fired: IntegrityError"
    )
    assert [len(of(job)) for job in jobs] == [1] * 7


def test_a_job_that_was_disabled_for_its_schedule_runs_again_when_it_is_mended():
    job = minutely()
    Job.objects.filter(pk=job.pk).update(schedule="* * * * * * * *")
    fire_due(DUE)

    services.update(job, {"schedule": "@every 1m", "is_enabled": True}, by="ada", now=DUE, partial=True)
    fire_due(DUE + MINUTE)

    assert len(of(job)) == 1


# --- Many -------------------------------------------------------------------------------------------------------------
def test_many_due_jobs_fire_in_batches():
    template = minutely()
    Job.objects.bulk_create(
        [
            Job(
                name=f"many-{n}",
                job_type=template.job_type,
                payload=template.payload,
                schedule="@every 1m",
                next_run_at=DUE,
            )
            for n in range(2500)
        ]
    )
    JobRecord.objects.bulk_create([JobRecord(job=job) for job in Job.objects.filter(record=None)])

    fired = fire_due(DUE)

    assert (fired.jobs, fired.executions) == (2501, 2501)
    assert not Job.objects.due(DUE).exists()
    assert Execution.objects.values("job").distinct().count() == 2501
    assert fire_due(DUE).jobs == 0


def test_a_batch_costs_the_same_number_of_queries_whatever_it_holds():
    def queries(jobs: int) -> int:
        for _ in range(jobs):
            minutely(misfire_policy="once")
        with CaptureQueriesContext(connection) as captured:
            fire_due(NOON + HOUR)
        Job.objects.all().update(is_enabled=False)
        return len(captured)

    queries(1)
    assert queries(2) == queries(20)


# --- Clocks -----------------------------------------------------------------------------------------------------------
def test_an_interval_goes_on_after_the_clock_was_set_back():
    job = a_job(schedule="@every 1s")
    for n in range(1, 6):
        fire_due(NOON + n * SECOND)
    back = NOON - HOUR

    assert fire.reanchor(back) == 1
    for n in range(6):
        fire_due(back + n * SECOND + SECOND / 2)

    instants = [execution.scheduled_for for execution in of(job)]
    assert len(instants) == len(set(instants)) == 10
    assert instants[5:] == [back + n * SECOND + timedelta(microseconds=1) for n in range(1, 6)]


def test_the_same_seconds_fire_again_after_the_clock_was_set_back_over_them():
    job = a_job(schedule="@every 1s")
    for n in range(1, 6):
        fire_due(NOON + n * SECOND)

    fire.reanchor(NOON)
    for n in range(1, 6):
        fire_due(NOON + n * SECOND + SECOND / 2)

    assert len(of(job)) == 10


def test_an_interval_that_is_not_ahead_keeps_its_anchor():
    job = a_job(schedule="@every 1h")

    assert fire.reanchor(NOON + MINUTE) == 0

    assert schedule_of(job) == (None, NOON + HOUR)


def test_a_wall_clock_schedule_waits_for_its_time_to_come_again():
    job = a_job(schedule="0 * * * *")
    fire_due(NOON + HOUR)

    assert fire.reanchor(NOON) == 0
    assert fire_due(NOON + HOUR).executions == 0
    fire_due(NOON + 2 * HOUR)

    assert [execution.scheduled_for for execution in of(job)] == [NOON + HOUR, NOON + 2 * HOUR]


# --- Races ------------------------------------------------------------------------------------------------------------
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_several_schedulers_fire_each_instant_once():
    jobs = [a_job(schedule="@every 1s") for _ in range(60)]

    for n in range(1, 4):
        at_once([lambda now=NOON + n * SECOND: fire_due(now, batch=7)] * 4)

    assert [len(of(job)) for job in jobs] == [3] * 60
    assert [counts(job)[2] for job in jobs] == [0] * 60


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(5))
def test_a_fire_and_a_run_by_hand_of_a_job_that_forbids_overlap_do_not_both_start(round_):
    job = minutely(concurrency="forbid")

    at_once([lambda: fire_due(DUE), lambda: ask(job, DUE), lambda: ask(job, DUE)])
    fire_due(DUE)  # a job that somebody holds at the moment is left to the next tick

    queued = [execution for execution in of(job) if execution.status == Status.QUEUED]
    assert len(queued) == 1
    assert len(of(job)) + counts(job)[2] == 3


def test_a_canceled_run_does_not_stand_in_the_way():
    job = minutely(concurrency="forbid")
    fire_due(DUE)
    cancel.cancel(newest(job), by="ada", now=DUE + SECOND)

    assert fire_due(DUE + MINUTE).executions == 1
