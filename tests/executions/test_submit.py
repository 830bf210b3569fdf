"""Runs that people and programs ask for, and the operators' retries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from errors.exceptions import Conflict, Invalid
from executions.engine import submit
from executions.engine.cancel import cancel
from executions.engine.draft import CannotRun
from executions.engine.sweep import queue_ready
from executions.models import Execution
from executions.states import Door, Reason, Status, Trigger
from jobs.models import Job, Payload
from jobtypes.models import JobType
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_job_type, a_worker, an_execution
from tests.executions.acts import LATER, ask, at_once, end, loaded, newest, of, run, statuses, take, take_one

pytestmark = pytest.mark.django_db


def again(execution: Execution, now=LATER) -> Execution:
    return submit.retry(execution, by="eve", door=Door.CONSOLE, now=now)


# --- Runs -------------------------------------------------------------------------------------------------------------
def test_a_run_is_queued_at_once():
    job = a_job(deadline=60)

    execution = ask(job)

    assert (execution.status, execution.trigger, execution.door) == (Status.QUEUED, Trigger.MANUAL, Door.NATIVE)
    assert (execution.requested_by, execution.group, execution.attempt) == ("ada", execution.pk, 1)
    assert (execution.queued, execution.start_by) == (NOON, NOON + MINUTE)
    assert execution.payload_id == job.payload_id


def test_a_run_for_later_is_pending_until_its_time():
    job = a_job(deadline=60)

    execution = ask(job, at=NOON + HOUR)
    assert (execution.status, execution.ready_at, execution.scheduled_for) == (Status.PENDING, NOON + HOUR, NOON + HOUR)
    assert execution.start_by == NOON + HOUR + MINUTE

    assert queue_ready(NOON + HOUR - SECOND) == 0
    assert queue_ready(NOON + HOUR) == 1
    assert (newest(job).status, newest(job).queued) == (Status.QUEUED, NOON + HOUR)


def test_a_run_cannot_be_asked_for_beyond_what_the_calendar_holds():
    with pytest.raises(Invalid, match="at: must be within 100 years from now"):
        ask(a_job(), at=datetime(9999, 12, 31, tzinfo=UTC))


def test_a_run_for_a_time_that_has_passed_is_queued():
    assert ask(a_job(), at=NOON - HOUR).status == Status.QUEUED


def test_a_run_may_have_an_input_of_its_own():
    a_job_type(
        "adder",
        input_schema={
            "type": "object",
            "properties": {"json": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        },
    )
    job = a_job(job_type={"name": "adder"}, configuration={}, input={"json": {"n": 1}, "files": {}})

    own, given = ask(job), ask(job, input={"json": {"n": 2}, "files": {}})

    assert (own.payload.input["json"], given.payload.input["json"]) == ({"n": 1}, {"n": 2})
    assert Job.objects.get(pk=job.pk).payload_id == own.payload_id


def test_an_input_that_the_interface_refuses_makes_no_run():
    job = a_job(executor="test-low-queue", configuration={})

    with pytest.raises(Invalid) as refusal:
        ask(job, input={"json": {"raises": "perhaps"}, "files": {}})

    assert any(field.startswith("input") for field in refusal.value.fields)
    assert of(job) == []


def test_a_run_with_the_same_input_needs_no_other_payload():
    job = a_job()
    before = Payload.objects.count()

    ask(job, input=job.payload.input, configuration=job.payload.configuration)

    assert Payload.objects.count() == before


def test_what_is_queued_runs_what_it_was_made_with_whatever_is_edited():
    job_type = a_job_type("evolving")
    job = a_job(job_type={"name": "evolving"}, configuration={})
    first = ask(job)
    job_type.revisions.create(revision_num=2)
    JobType.objects.filter(pk=job_type.pk).update(revision_num=2)

    second = ask(job)

    assert (first.revision.revision_num, second.revision.revision_num) == (1, 2)
    assert loaded(first).revision_id == first.revision_id


def test_an_archived_job_cannot_be_run():
    job = a_job()
    Job.objects.filter(pk=job.pk).update(archived=NOON)

    with pytest.raises(submit.Archived):
        ask(job)


def test_a_job_of_a_type_that_is_not_active_cannot_be_run():
    job_type = a_job_type("tired")
    job = a_job(job_type={"name": "tired", "version": "1.0.0"}, configuration={})
    JobType.objects.filter(pk=job_type.pk).update(is_active=False)

    with pytest.raises(CannotRun, match="not active"):
        ask(job)


def test_a_disabled_job_can_be_run_by_hand():
    assert ask(a_job(is_enabled=False)).status == Status.QUEUED


# --- One run at a time ------------------------------------------------------------------------------------------------
def test_a_second_run_of_a_job_that_forbids_overlap_waits_for_the_first():
    job, worker = a_job(concurrency="forbid"), a_worker()
    first, second, third = ask(job), ask(job), ask(job)
    assert statuses(job) == ["QUEUED", "BLOCKED concurrency", "BLOCKED concurrency"]

    run(first, worker)
    assert statuses(job) == ["COMPLETED", "QUEUED", "BLOCKED concurrency"]
    run(second, worker)
    run(third, worker)

    assert statuses(job) == ["COMPLETED"] * 3


def test_a_run_for_later_does_not_start_before_its_time_because_another_has_ended():
    job = a_job(concurrency="forbid")
    first = ask(job)
    ask(job, at=NOON + HOUR)
    assert statuses(job) == ["QUEUED", "PENDING"]

    run(first, a_worker())

    assert statuses(job) == ["COMPLETED", "PENDING"]


def test_a_run_for_later_waits_when_another_lives_at_its_time():
    job, worker = a_job(concurrency="forbid"), a_worker()
    later = ask(job, at=NOON + HOUR)
    ask(job, NOON + HOUR - MINUTE)
    first = take_one(worker, NOON + HOUR - MINUTE)

    queue_ready(NOON + HOUR)
    assert (loaded(later).status, loaded(later).reason) == (Status.BLOCKED, Reason.CONCURRENCY)
    end(first, NOON + HOUR + MINUTE)

    assert loaded(later).status == Status.QUEUED


def test_a_run_for_later_keeps_no_other_from_starting_now():
    job = a_job(concurrency="forbid")
    ask(job, at=NOON + HOUR)

    assert ask(job).status == Status.QUEUED


def test_a_newer_run_takes_the_place_of_the_older_ones():
    job, worker = a_job(concurrency="replace"), a_worker()
    ask(job)
    running = take_one(worker)
    ask(job)
    newer = ask(job)
    assert statuses(job) == ["RUNNING", "CANCELED system", "QUEUED"]
    assert take(worker) == []

    end(loaded(running), stopped=True, reason="system")

    assert take_one(worker, LATER).pk == newer.pk


def test_a_newer_run_for_later_takes_no_place_yet():
    job = a_job(concurrency="replace")
    ask(job)
    ask(job, at=NOON + HOUR)

    assert statuses(job) == ["QUEUED", "PENDING"]


# --- Single runs of a type --------------------------------------------------------------------------------------------
def test_a_type_can_be_run_without_a_job_of_ones_own():
    shell = JobType.objects.get(name="shell")

    first = submit.submit_ad_hoc(shell, by="ada", door=Door.UDATA, now=NOON, configuration={"command": "true"})
    second = submit.submit_ad_hoc(shell, by="ada", door=Door.UDATA, now=NOON, configuration={"command": "false"})

    assert first.job == second.job
    assert (first.job.is_ad_hoc, first.job.next_run_at, first.job_type) == (True, None, shell)
    assert [e.payload.configuration["command"] for e in (first, second)] == ["true", "false"]


# --- Retries ----------------------------------------------------------------------------------------------------------
def test_a_failed_run_is_tried_again_as_its_next_attempt():
    job = a_job()
    failed = run(ask(job), a_worker(), error="algorithm-unknown")

    retried = again(failed)

    assert (retried.group, retried.attempt, retried.origin) == (failed.group, 2, failed.origin)
    assert (retried.status, retried.trigger, retried.door) == (Status.QUEUED, Trigger.RETRY, Door.CONSOLE)
    assert (retried.requested_by, retried.is_last_try, loaded(failed).is_last_try) == ("eve", True, False)
    assert (retried.payload_id, retried.revision_id) == (failed.payload_id, failed.revision_id)


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELED])
def test_every_final_state_can_be_tried_again(status):
    assert again(an_execution(status=status)).attempt == 2


@pytest.mark.parametrize("status", [Status.PENDING, Status.BLOCKED, Status.QUEUED, Status.RUNNING])
def test_what_has_not_ended_cannot_be_tried_again(status):
    with pytest.raises(submit.CannotRetry):
        again(an_execution(status=status))


def test_only_the_latest_try_can_be_tried_again():
    first = an_execution(status=Status.FAILED)
    an_execution(of=first, status=Status.FAILED)

    with pytest.raises(submit.CannotRetry):
        again(first)


def test_a_run_of_an_archived_job_cannot_be_tried_again():
    execution = an_execution(status=Status.FAILED)
    Job.objects.filter(pk=execution.job_id).update(archived=NOON)

    with pytest.raises(Conflict):
        again(execution)


def test_a_retry_of_a_job_that_forbids_overlap_waits_for_the_run_that_lives():
    job, worker = a_job(concurrency="forbid"), a_worker()
    failed = run(ask(job), worker, error="algorithm-unknown")
    ask(job)
    running = take_one(worker)

    retried = again(failed)
    assert (retried.status, retried.reason, retried.queued) == (Status.BLOCKED, Reason.CONCURRENCY, None)
    end(running)

    assert loaded(retried).status == Status.QUEUED


def test_an_operators_retry_gives_the_run_its_attempts_without_gaps():
    job, worker = a_job(retries=1, retry_delay=0), a_worker()
    run(ask(job), worker, error="algorithm-unknown")
    run(newest(job), worker, LATER, error="algorithm-unknown")
    again(newest(job))
    run(newest(job), worker, LATER + MINUTE)

    assert [execution.attempt for execution in of(job)] == [1, 2, 3]
    assert statuses(job) == ["FAILED", "FAILED", "COMPLETED"]


# --- Races ------------------------------------------------------------------------------------------------------------
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_that_ask_at_once_for_a_job_that_forbids_overlap_one_is_queued():
    job = a_job(concurrency="forbid")

    at_once([lambda: ask(job)] * 10)

    assert sorted(statuses(job)) == ["BLOCKED concurrency"] * 9 + ["QUEUED"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_that_ask_at_once_for_a_job_that_replaces_the_last_one_is_left():
    job = a_job(concurrency="replace")

    at_once([lambda: ask(job)] * 10)

    assert sorted(statuses(job)) == ["CANCELED system"] * 9 + ["QUEUED"]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(5))
def test_a_run_that_is_asked_for_while_the_one_before_is_canceled_does_not_wait_for_ever(round_):
    job = a_job(concurrency="forbid")
    first = ask(job)

    at_once([lambda: cancel(first, by="ada", now=LATER), *[lambda: ask(job, LATER)] * 3])

    assert statuses(job).count("QUEUED") == 1


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_retries_at_once_one_is_made():
    execution = an_execution(status=Status.FAILED)

    results = at_once([lambda: again(execution)] * 8)

    assert sum(isinstance(result, submit.CannotRetry) for result in results) == 7
    assert [e.attempt for e in of(execution.job)] == [1, 2]


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_the_job_of_single_runs_is_made_once():
    shell = JobType.objects.get(name="shell")

    made = at_once(
        [lambda: submit.submit_ad_hoc(shell, by="a", door=Door.UDATA, now=NOON, configuration={"command": "true"})] * 8
    )

    assert len({execution.job_id for execution in made}) == 1


def test_a_deadline_may_lie_days_ahead():
    assert ask(a_job()).start_by == NOON + timedelta(days=2)
