"""What waits never starts, what runs is asked to stop."""

from __future__ import annotations

import pytest

from executions.engine import cancel as engine
from executions.engine.cancel import AlreadyOver, cancel
from executions.engine.lease import held
from executions.models import Execution
from executions.states import Reason, Status
from tests.builders import NOON, SECOND, a_job, a_worker, an_execution
from tests.executions.acts import LATER, ask, at_once, counts, end, loaded, newest, statuses, take, take_one

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("status", [Status.PENDING, Status.BLOCKED, Status.QUEUED])
def test_what_waits_is_canceled_at_once(status):
    execution = an_execution(status=status)

    canceled = cancel(execution, by="ada", now=LATER)

    assert (canceled.status, canceled.reason, canceled.ended) == (Status.CANCELED, Reason.USER, LATER)
    assert (canceled.stop_by, canceled.message) == ("ada", "Canceled by ada.")
    assert take(a_worker(), LATER) == []


def test_what_runs_is_asked_to_stop_and_ends_when_its_worker_has_stopped_it():
    ask(a_job())
    execution = take_one(a_worker())

    asked = cancel(execution, by="ada", now=LATER)
    assert (asked.status, asked.stop_requested, asked.stop_reason) == (Status.RUNNING, LATER, Reason.USER)
    (grip,) = held(execution.worker)
    assert (grip.execution, grip.stop_reason) == (execution.pk, Reason.USER)
    end(execution, stopped=True, reason="user")

    assert (loaded(execution).status, loaded(execution).reason) == (Status.CANCELED, Reason.USER)


def test_what_runs_may_end_by_itself_before_it_is_stopped():
    ask(a_job())
    execution = take_one(a_worker())
    cancel(execution, by="ada", now=LATER)

    end(execution)

    assert loaded(execution).status == Status.COMPLETED


def test_a_second_cancel_of_what_runs_leaves_the_first_one_as_it_is():
    execution = an_execution(status=Status.RUNNING)
    cancel(execution, by="ada", now=LATER)

    again = cancel(execution, by="eve", now=LATER + SECOND)

    assert (again.stop_requested, again.stop_by) == (LATER, "ada")


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED, Status.CANCELED])
def test_what_is_over_cannot_be_canceled(status):
    execution = an_execution(status=status)

    with pytest.raises(AlreadyOver, match="has already ended"):
        cancel(execution, by="ada", now=LATER)

    assert loaded(execution).ended == execution.ended


def test_a_cancellation_counts_neither_as_a_success_nor_as_an_error():
    execution = an_execution()

    cancel(execution, by="ada", now=LATER)

    assert counts(execution.job) == (0, 0, 0)


def test_a_canceled_run_lets_the_next_one_go():
    job = a_job(concurrency="forbid")
    first, second = ask(job), ask(job)

    cancel(first, by="ada", now=LATER)

    assert loaded(second).status == Status.QUEUED


def test_a_run_that_waits_for_another_can_be_canceled():
    job = a_job(concurrency="forbid")
    ask(job)
    second = ask(job)

    cancel(second, by="ada", now=LATER)

    assert statuses(job) == ["QUEUED", "CANCELED user"]


def test_a_retry_that_waits_for_its_time_can_be_canceled():
    job = a_job(retries=3, retry_delay=600)
    ask(job)
    end(take_one(a_worker()), error="algorithm-unknown")

    cancel(newest(job), by="ada", now=LATER)

    assert statuses(job) == ["FAILED", "CANCELED user"]


def test_one_slot_may_be_canceled_and_the_others_go_on():
    job = a_job()
    first, second = an_execution(job), an_execution(job)
    Execution.objects.filter(pk=second.pk).update(group=first.pk, origin=first.pk, slot=1)

    cancel(second, by="ada", now=LATER)

    assert statuses(job) == ["QUEUED", "CANCELED user"]
    assert take_one(a_worker(), LATER).pk == first.pk


def test_many_are_canceled_and_those_that_are_over_are_left_out():
    job = a_job()
    executions = [
        an_execution(job, status=s) for s in (Status.QUEUED, Status.COMPLETED, Status.RUNNING, Status.PENDING)
    ]

    count = engine.cancel_all([e.pk for e in executions], by="ada", now=LATER, reason=Reason.SYSTEM, message="All.")

    assert count == 3
    assert statuses(job) == ["CANCELED system", "COMPLETED", "RUNNING", "CANCELED system"]


# --- Races ------------------------------------------------------------------------------------------------------------
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_cancel_and_a_claim_leave_no_run_that_nobody_stops():
    job, worker = a_job(), a_worker()
    for _ in range(15):
        execution = ask(job)
        at_once([lambda e=execution: cancel(e, by="ada", now=LATER), lambda: take(worker, LATER)])

        after = loaded(execution)
        if after.status == Status.RUNNING:
            assert after.stop_requested == LATER
        else:
            assert (after.status, after.started) == (Status.CANCELED, None)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_cancel_and_a_finish_leave_one_end():
    job, worker = a_job(), a_worker()
    for _ in range(15):
        ask(job)
        execution = take_one(worker)
        refused, recorded = at_once([lambda e=execution: cancel(e, by="ada", now=LATER), lambda e=execution: end(e)])

        assert recorded is True
        assert loaded(execution).status == Status.COMPLETED
        assert isinstance(refused, AlreadyOver | Execution)

    assert counts(job) == (15, 0, 0)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_many_cancels_at_once_one_takes_effect_and_the_others_are_told():
    execution = an_execution()

    results = at_once([lambda name=f"user-{n}": cancel(execution, by=name, now=NOON + SECOND) for n in range(8)])

    assert sum(isinstance(result, AlreadyOver) for result in results) == 7
    (winner,) = (result for result in results if isinstance(result, Execution))
    assert loaded(execution).stop_by == winner.stop_by
