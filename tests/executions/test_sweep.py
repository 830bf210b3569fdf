"""Whatever a crash swallowed is found and set going again, and nothing keeps the rest from being looked at."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.engine import hints, sweep
from executions.engine.sweep import choose_again, expire, hint_again, queue_ready, repair_blocked
from executions.models import LEASE, Execution, House, Worker
from executions.states import Reason, Status
from jobs import services
from jobs.models import Job
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_worker, an_execution
from tests.executions.acts import BAD, LATER, ask, at_once, counts, end, loaded, newest, of, statuses, take, take_one

pytestmark = pytest.mark.django_db


@pytest.fixture
def heard():
    """The hints that are given."""
    given: list[int] = []
    unlisten = hints.listen(lambda: given.append(1))
    yield given
    unlisten()


# --- Delays -----------------------------------------------------------------------------------------------------------
def test_a_delay_that_has_passed_queues_what_waited(heard, django_capture_on_commit_callbacks):
    execution = an_execution(status=Status.PENDING, ready_at=LATER)

    with django_capture_on_commit_callbacks(execute=True):
        assert queue_ready(LATER - SECOND) == 0
        assert queue_ready(LATER) == 1

    assert (loaded(execution).status, loaded(execution).queued) == (Status.QUEUED, LATER)
    assert len(heard) == 1


def test_a_retry_of_a_job_that_forbids_overlap_waits_when_another_run_lives():
    job = a_job(concurrency="forbid")
    an_execution(job, status=Status.RUNNING)
    waiting = an_execution(job, status=Status.PENDING, ready_at=LATER)

    queue_ready(LATER)

    assert (loaded(waiting).status, loaded(waiting).reason) == (Status.BLOCKED, Reason.CONCURRENCY)


def test_two_sweeps_do_not_queue_what_one_of_them_has_blocked():
    """Both read the row as PENDING; the second one comes to write when the first has blocked it."""
    execution = an_execution(a_job(concurrency="forbid"), status=Status.PENDING, ready_at=LATER)
    an_execution(execution.job, status=Status.RUNNING)
    queue_ready(LATER)

    assert queue_ready(LATER) == 0
    assert loaded(execution).status == Status.BLOCKED


# --- Deadlines --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [Status.PENDING, Status.BLOCKED, Status.QUEUED])
def test_what_has_not_started_by_its_deadline_is_canceled(status):
    execution = an_execution(status=status, start_by=LATER)

    assert expire(LATER) == 0
    assert expire(LATER + SECOND) == 1

    expired = loaded(execution)
    assert (expired.status, expired.reason, expired.ended) == (Status.CANCELED, Reason.EXPIRED, LATER + SECOND)
    assert expired.message == "It did not start by its deadline."


def test_what_runs_has_no_deadline_any_more():
    execution = an_execution(status=Status.RUNNING, start_by=LATER)

    assert expire(LATER + HOUR) == 0
    assert loaded(execution).status == Status.RUNNING


def test_an_expired_run_lets_the_next_one_go():
    job = a_job(concurrency="forbid", deadline=60)
    ask(job)
    second = ask(job, NOON + 30 * SECOND)

    expire(NOON + MINUTE + SECOND)

    assert loaded(second).status == Status.QUEUED


# --- Pauses, archived jobs --------------------------------------------------------------------------------------------
def test_a_pause_ends_at_its_time():
    job = a_job()
    services.pause(job, by="ada", now=NOON, until=NOON + HOUR, note="a while")

    sweep.end_pauses(NOON + HOUR - SECOND)
    assert Job.objects.get(pk=job.pk).is_paused
    sweep.end_pauses(NOON + HOUR)

    job.refresh_from_db()
    assert (job.paused_at, job.paused_until, job.paused_by, job.pause_note) == (None, None, "", "")


def test_what_waits_of_a_deleted_job_is_canceled():
    job = a_job()
    for status in (Status.QUEUED, Status.BLOCKED, Status.PENDING, Status.RUNNING):
        an_execution(job, status=status)
    Job.objects.filter(pk=job.pk).update(archived=NOON)

    sweep.cancel_orphans(LATER)

    assert statuses(job) == ["CANCELED system"] * 3 + ["RUNNING"]


# --- Chosen workers ---------------------------------------------------------------------------------------------------
def web_worker(**fields) -> Worker:
    return a_worker(tags={"role": "web"}, **fields)


def test_a_chosen_worker_that_died_is_replaced():
    dead, job = web_worker(), a_job(tags={"role": "web"})
    execution = ask(job)
    assert execution.chosen_worker == dead
    later = NOON + LEASE + SECOND
    other = web_worker(seen=later)

    choose_again(later)

    assert take_one(other, later).pk == execution.pk


@pytest.mark.parametrize("gone", [{"is_stopping": True}, {"stopped": NOON}])
def test_a_chosen_worker_that_stops_is_replaced(gone):
    leaving, job = web_worker(), a_job(tags={"role": "web"})
    ask(job)
    other = web_worker()
    Worker.objects.filter(pk=leaving.pk).update(**gone)

    choose_again(LATER)

    assert newest(job).chosen_worker_id == other.pk


def test_a_run_for_which_nobody_qualified_gets_the_first_worker_that_comes():
    job = a_job(tags={"role": "web"})
    assert ask(job).chosen_worker is None
    choose_again(LATER)
    assert newest(job).chosen_worker is None

    worker = web_worker()
    choose_again(LATER)

    assert newest(job).chosen_worker_id == worker.pk


def test_a_retry_may_run_where_the_try_before_ran():
    worker, job = web_worker(), a_job(tags={"role": "web"}, retries=1, retry_delay=0)
    ask(job)
    end(take_one(worker), error=BAD)

    choose_again(LATER)

    assert take_one(worker, LATER).attempt == 2


def test_two_slots_of_a_run_do_not_meet_on_one_worker():
    first, second = web_worker(), web_worker()
    job = a_job(tags={"role": "web"})
    ask(job)
    Worker.objects.filter(pk=first.pk).update(stopped=NOON)

    choose_again(LATER)
    assert sorted(e.chosen_worker_id for e in of(job)) == [first.pk, second.pk]
    third = web_worker()
    choose_again(LATER)

    assert sorted(e.chosen_worker_id for e in of(job)) == [second.pk, third.pk]


def test_runs_for_which_nobody_qualifies_do_not_keep_others_from_a_worker(monkeypatch):
    monkeypatch.setattr(sweep, "_AT_ONCE", 3)
    nobody = a_job(tags={"role": "moon"})
    for _ in range(5):
        ask(nobody)
    job = a_job(tags={"role": "web"})
    ask(job)
    worker = web_worker()

    choose_again(LATER)

    assert newest(job).chosen_worker_id == worker.pk


# --- What is blocked --------------------------------------------------------------------------------------------------
def test_a_run_that_nothing_stands_in_the_way_of_any_more_is_freed():
    execution = an_execution(a_job(concurrency="forbid"), status=Status.BLOCKED, reason=Reason.CONCURRENCY)

    assert repair_blocked(NOON + SECOND) == 0  # whoever ends something now sees to it
    assert repair_blocked(LATER) == 1

    assert (loaded(execution).status, loaded(execution).reason) == (Status.QUEUED, None)


def test_runs_that_wait_for_their_turn_go_when_the_job_allows_overlap_at_last():
    job = a_job(concurrency="forbid")
    for _ in range(3):
        ask(job)
    services.update(job, {"concurrency": "allow"}, by="ada", now=LATER, partial=True)

    repair_blocked(LATER)

    assert statuses(job) == ["QUEUED"] * 3


def test_a_child_whose_parent_ended_unseen_is_freed():
    parent = a_job("parent")
    child = a_job("child", parents=["parent"])
    first = ask(parent)
    take_one(a_worker())
    Execution.objects.filter(pk=first.pk).update(status=Status.COMPLETED, ended=LATER)

    repair_blocked(LATER)

    assert statuses(child) == ["QUEUED"]


def test_those_that_wait_rightly_do_not_keep_others_from_being_freed(monkeypatch):
    monkeypatch.setattr(sweep, "_AT_ONCE", 3)
    busy = a_job("busy", concurrency="forbid")
    a_job("below", parents=["busy"])
    for _ in range(8):
        ask(busy)
    freed = an_execution(a_job(concurrency="forbid"), status=Status.BLOCKED, reason=Reason.CONCURRENCY)
    child = a_job("child", parents=["busy"])
    first = ask(busy)
    Execution.objects.filter(pk=first.pk).move(Status.CANCELED, ended=LATER)

    repair_blocked(LATER)

    assert loaded(freed).status == Status.QUEUED
    assert statuses(child) == ["CANCELED upstream"]


# --- Hints ------------------------------------------------------------------------------------------------------------
def test_what_has_been_queued_for_long_is_hinted_at_again(heard):
    an_execution()

    assert hint_again(NOON + 29 * SECOND) is False
    assert hint_again(NOON + 31 * SECOND) is True

    assert len(heard) == 1


def test_nothing_queued_is_no_hint(heard):
    an_execution(status=Status.RUNNING)

    assert hint_again(NOON + HOUR) is False
    assert heard == []


# --- As a whole -------------------------------------------------------------------------------------------------------
def test_a_sweep_brings_a_dead_workers_work_back():
    job = a_job()
    ask(job)
    take_one(a_worker())

    sweep.sweep(NOON + LEASE + SECOND)

    assert take_one(a_worker(), NOON + LEASE + SECOND).attempt == 2
    assert House.row().last_sweep == NOON + LEASE + SECOND


def test_one_sweep_brings_back_all_that_a_large_worker_ran(monkeypatch):
    monkeypatch.setattr(sweep, "_AT_ONCE", 3)
    job = a_job()
    for _ in range(8):
        ask(job)
    take(a_worker(), room=8)

    sweep.sweep(NOON + LEASE + SECOND)

    assert Execution.objects.filter(attempt=2).count() == 8


def test_a_sweep_that_finds_nothing_costs_the_same_whatever_there_is():
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            sweep.sweep(LATER)
        return len(captured)

    House.row()
    few = queries()
    job = a_job()
    for _ in range(20):
        an_execution(job)
        an_execution(job, status=Status.RUNNING)
        an_execution(job, status=Status.COMPLETED)

    assert queries() == few <= 30


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_several_sweeps_at_once_take_each_loss_up_once():
    job = a_job()
    for _ in range(40):
        ask(job)
    take(a_worker(), room=40)

    at_once([lambda: sweep.sweep(NOON + HOUR)] * 4)

    assert Execution.objects.filter(attempt=2).count() == 40
    assert counts(job) == (0, 40, 0)
