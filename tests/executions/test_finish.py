"""Outcomes become facts: once, with everything that an end brings about."""

from __future__ import annotations

from datetime import timedelta

import pytest

from errors.models import Error
from executions.engine import finish
from executions.engine.cancel import cancel
from executions.engine.lease import renew
from executions.engine.sweep import queue_ready, sweep
from executions.models import LEASE, Execution, ExecutionResult, OutputChunk
from executions.states import Reason, Status, Trigger
from jobs.models import Job, JobRecord
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_job_type, a_worker, an_execution
from tests.executions.acts import (
    BAD,
    LATER,
    RETRIED,
    ask,
    at_once,
    counts,
    end,
    ended,
    loaded,
    newest,
    of,
    run,
    statuses,
    take,
    take_one,
)

pytestmark = pytest.mark.django_db


def chunk(execution: Execution, seq: int, text: str = "line\n") -> OutputChunk:
    return OutputChunk(execution=execution, seq=seq, lines=1, time=NOON, stream="stdout", text=text)


def lose(execution: Execution) -> None:
    """Let its worker fall silent until its lease has passed."""
    finish.fail_lost(loaded(execution).lease_until + SECOND)


# --- One end ----------------------------------------------------------------------------------------------------------
def test_a_success_is_recorded():
    job = a_job()
    ask(job)
    execution = take_one(a_worker())

    assert end(execution, LATER, output_bytes=12, output_lost_bytes=2)

    done = loaded(execution)
    assert (done.status, done.reason, done.ended, done.exit_code) == (Status.COMPLETED, None, LATER, 0)
    assert (done.lease_until, done.output_bytes, done.output_lost_bytes) == (None, 12, 2)
    assert counts(job) == (1, 0, 0)
    record = JobRecord.objects.get(job=job)
    assert (record.last_success, record.last_status, record.last_execution) == (LATER, "COMPLETED", execution.pk)


def test_a_failure_names_its_error():
    job = a_job()

    failed = run(ask(job), a_worker(), error="timeout")

    assert (failed.status, failed.error.name, failed.message, failed.exit_code) == (
        Status.FAILED,
        "timeout",
        "It failed.",
        1,
    )
    assert counts(job) == (0, 1, 0)
    assert JobRecord.objects.get(job=job).last_error == failed.ended


def test_an_error_of_the_job_type_goes_before_a_built_in_one():
    a_job_type("fetcher")
    own = Error.objects.create(name="timeout", job_type_name="fetcher", category="DATA")
    job = a_job(job_type={"name": "fetcher"}, configuration={})

    assert run(ask(job), a_worker(), error="timeout").error == own


def test_what_a_try_left_behind_is_kept():
    execution = take_started()

    end(execution, outputs={"json": {"n": 1}}, chunks=[chunk(execution, 1), chunk(execution, 2)])

    assert ExecutionResult.objects.get(execution=execution).outputs == {"json": {"n": 1}}
    assert OutputChunk.objects.filter(execution=execution).count() == 2


def test_what_a_try_raised_is_kept():
    execution = take_started()

    end(execution, error=BAD, exception="ValueError", traceback="Traceback …")

    result = ExecutionResult.objects.get(execution=execution)
    assert (result.exception, result.traceback) == ("ValueError", "Traceback …")


def test_a_try_that_left_nothing_has_no_result():
    execution = take_started()

    end(execution)

    assert not ExecutionResult.objects.exists()


def test_output_that_was_stored_already_is_no_harm():
    execution = take_started()
    finish.keep_output([chunk(execution, 1, "first\n")])

    assert end(execution, chunks=[chunk(execution, 1, "first\n"), chunk(execution, 2)])

    assert list(OutputChunk.objects.after(execution.pk, 0).values_list("text", flat=True)) == ["first\n", "line\n"]


def test_output_that_newer_output_has_pushed_out_goes():
    execution = take_started()
    finish.keep_output([chunk(execution, seq) for seq in range(1, 6)])

    end(execution, stale=(1, 3))

    assert list(OutputChunk.objects.after(execution.pk, 0).values_list("seq", flat=True)) == [1, 4, 5]


def take_started(**fields) -> Execution:
    an_execution(**fields)
    return take_one(a_worker())


# --- Only once --------------------------------------------------------------------------------------------------------
def test_a_second_finish_changes_nothing():
    execution = take_started()
    end(execution)

    assert end(execution, LATER + MINUTE, error=BAD) is False

    assert loaded(execution).status == Status.COMPLETED
    assert counts(execution.job) == (1, 0, 0)


def test_a_worker_that_outlived_its_lease_cannot_finish_the_run():
    job = a_job()
    ask(job)
    silent = take_one(a_worker())
    lose(silent)

    assert end(silent, LATER + MINUTE) is False

    assert take_one(a_worker(), LATER + MINUTE).attempt == 2
    assert counts(job) == (0, 1, 0)


def test_another_worker_cannot_finish_the_run():
    execution = take_started()
    impostor = loaded(execution)
    impostor.worker = a_worker()

    assert end(impostor) is False


def test_one_execution_twice_in_a_batch_is_recorded_once():
    job = a_job(retries=3)
    ask(job)
    execution = take_one(a_worker())

    finish.finish([ended(execution, error=BAD), ended(execution, error=BAD)], LATER)

    assert counts(job) == (0, 1, 0)
    assert [e.attempt for e in of(job)] == [1, 2]


def test_a_batch_counts_every_end_of_a_job():
    job = a_job()
    for _ in range(5):
        ask(job)
    taken = take(a_worker(), room=5)

    finish.finish(
        [ended(e, LATER + n * SECOND, error=BAD if n % 2 else None) for n, e in enumerate(taken)], LATER + MINUTE
    )

    assert counts(job) == (3, 2, 0)
    record = JobRecord.objects.get(job=job)
    assert (record.last_success, record.last_error) == (LATER + 4 * SECOND, LATER + 3 * SECOND)
    assert (record.last_status, record.last_execution) == ("COMPLETED", taken[-1].pk)


def test_the_slots_of_one_run_may_end_in_one_batch():
    job = a_job(retries=1)
    first = an_execution(job)
    second = an_execution(job)
    Execution.objects.filter(pk=second.pk).update(group=first.pk, origin=first.pk, slot=1)
    taken = take(a_worker(), room=2)

    finish.finish([ended(execution, error=BAD) for execution in taken], LATER)

    tries = (
        Execution.objects.filter(group=first.pk)
        .order_by("slot", "attempt")
        .values_list("slot", "attempt", "is_last_try")
    )
    assert list(tries) == [(0, 1, False), (0, 2, True), (1, 1, False), (1, 2, True)]


def test_what_comes_too_late_does_not_spoil_its_batch():
    job = a_job()
    ask(job), ask(job)
    good, lost = take(a_worker(), room=2)
    Execution.objects.filter(pk=lost.pk).update(lease_until=NOON - SECOND)
    finish.fail_lost(NOON)

    assert finish.finish([ended(good), ended(lost)], LATER) == [good.pk]

    assert counts(job) == (1, 1, 0)


# --- The next try -----------------------------------------------------------------------------------------------------
def test_a_failure_is_tried_again_after_a_while():
    job = a_job(retries=1, retry_delay=60, priority=7)
    ask(job)
    first = take_one(a_worker())

    end(first, error=BAD)

    failed, again = of(job)
    assert (failed.is_last_try, again.is_last_try) == (False, True)
    assert (again.status, again.group, again.attempt, again.slot) == (Status.PENDING, first.group, 2, 0)
    assert LATER < again.ready_at <= LATER + MINUTE
    assert (again.trigger, again.priority, again.payload_id) == (Trigger.MANUAL, 7, first.payload_id)
    queue_ready(LATER + MINUTE)
    assert newest(job).status == Status.QUEUED


def test_retries_are_used_up():
    job, worker, now = a_job(retries=2, retry_delay=0), a_worker(), NOON
    ask(job)

    for _ in range(3):
        now += MINUTE
        run(newest(job), worker, now, error=BAD)

    assert statuses(job) == ["FAILED"] * 3
    assert counts(job) == (0, 3, 0)


def test_an_error_that_should_be_retried_is_tried_as_often_as_the_type_allows():
    a_job_type("patient", max_tries=3)
    job, worker, now = a_job(job_type={"name": "patient"}, configuration={}, retry_delay=0), a_worker(), NOON
    ask(job)

    for _ in range(3):
        now += MINUTE
        run(newest(job), worker, now, error=RETRIED)

    assert statuses(job) == ["FAILED"] * 3


def test_a_system_type_is_tried_once_whatever_the_error():
    job = a_job()

    run(ask(job), a_worker(), error=RETRIED)

    assert statuses(job) == ["FAILED"]


def test_a_success_after_a_failure_is_the_last_try():
    job, worker = a_job(retries=5, retry_delay=0), a_worker()
    run(ask(job), worker, error=BAD)

    run(newest(job), worker, LATER)

    assert statuses(job) == ["FAILED", "COMPLETED"]
    assert Execution.objects.runs().filter(job=job).count() == 1


def test_a_job_that_was_archived_is_not_tried_again():
    job = a_job(retries=5)
    ask(job)
    Job.objects.filter(pk=job.pk).update(archived=NOON)

    end(take_one(a_worker()), error=BAD)

    assert statuses(job) == ["FAILED"]


def test_a_run_that_fails_by_itself_after_it_was_asked_to_stop_is_not_tried_again():
    job = a_job(retries=5)
    ask(job)
    execution = take_one(a_worker())
    cancel(execution, by="ada", now=NOON + SECOND)

    end(execution, error=BAD)

    assert statuses(job) == ["FAILED"]


# --- Losses -----------------------------------------------------------------------------------------------------------
def test_a_run_that_was_lost_with_its_worker_is_tried_again_at_once():
    job = a_job(retries=0)
    ask(job)
    execution = take_one(a_worker())

    lose(execution)

    first, second = of(job)
    assert (first.status, first.reason, first.error.name) == (Status.FAILED, Reason.WORKER_LOST, "worker-lost")
    assert (second.status, second.attempt) == (Status.QUEUED, 2)


def test_a_lease_that_has_not_passed_is_left_alone():
    execution = take_started()

    assert finish.fail_lost(NOON + LEASE) == 0

    assert loaded(execution).status == Status.RUNNING


def test_a_renewed_lease_holds():
    execution = take_started()
    renew(execution.worker, NOON + 20 * SECOND)

    assert finish.fail_lost(NOON + 45 * SECOND) == 0
    assert finish.fail_lost(NOON + 51 * SECOND) == 1


def test_the_third_loss_in_a_row_is_poison():
    job, now = a_job(retries=5), NOON
    ask(job)

    for _ in range(3):
        now += HOUR
        lose(take_one(a_worker(), now))

    assert statuses(job) == ["FAILED worker-lost"] * 3
    assert newest(job).error.name == "poison"
    assert newest(job).message == "Three workers in a row were lost to this run."


def test_a_loss_between_failures_uses_up_no_retry():
    job, now = a_job(retries=2, retry_delay=0), NOON
    ask(job)

    for what in (BAD, "loss", BAD, "loss", "loss", BAD):
        now += HOUR
        execution = take_one(a_worker(), now)
        if what == "loss":
            lose(execution)
        else:
            end(execution, now + SECOND, error=what)

    assert [s.split(" ")[-1] for s in statuses(job)] == [
        "FAILED",
        "worker-lost",
        "FAILED",
        "worker-lost",
        "worker-lost",
        "FAILED",
    ]


def test_a_run_that_must_not_run_twice_is_not_tried_again_after_a_loss():
    job = a_job(at_most_once=True, retries=3)
    ask(job)

    lose(take_one(a_worker()))

    assert statuses(job) == ["FAILED worker-lost"]
    assert newest(job).error.name == "worker-lost"


def test_a_run_that_was_asked_to_stop_and_then_lost_is_canceled():
    job = a_job()
    ask(job)
    execution = take_one(a_worker())
    cancel(execution, by="ada", now=NOON + SECOND)

    lose(execution)

    assert statuses(job) == ["CANCELED user"]
    assert newest(job).message == "Canceled by ada."
    assert counts(job) == (0, 0, 0)


def test_many_losses_are_taken_up_in_portions():
    job = a_job()
    for _ in range(5):
        ask(job)
    take(a_worker(), room=5)

    assert [finish.fail_lost(NOON + HOUR, limit=2) for _ in range(4)] == [2, 2, 1, 0]


# --- Handed back ------------------------------------------------------------------------------------------------------
def test_a_run_that_its_worker_hands_back_goes_on_elsewhere_and_is_no_failure():
    job = a_job()
    ask(job)

    end(take_one(a_worker()), stopped=True, handed_back=True)

    assert statuses(job) == ["CANCELED system", "QUEUED"]
    assert counts(job) == (0, 0, 0)
    assert take_one(a_worker(), LATER).attempt == 2


def test_a_run_may_be_handed_back_any_number_of_times():
    job, now = a_job(), NOON
    ask(job)

    for _ in range(5):
        now += MINUTE
        end(take_one(a_worker(), now), now + SECOND, stopped=True, handed_back=True)

    assert newest(job).status == Status.QUEUED


def test_a_run_that_must_not_run_twice_is_not_handed_back():
    job = a_job(at_most_once=True)
    ask(job)

    end(take_one(a_worker()), stopped=True, handed_back=True)

    assert statuses(job) == ["CANCELED system"]


def test_a_run_that_was_canceled_is_not_handed_back():
    job = a_job()
    ask(job)
    execution = take_one(a_worker())
    cancel(execution, by="ada", now=NOON + SECOND)

    end(execution, stopped=True, handed_back=True)

    assert [s.split(" ")[0] for s in statuses(job)] == ["CANCELED"]


# --- What follows -----------------------------------------------------------------------------------------------------
def test_a_run_that_was_stopped_says_why():
    execution = take_started()

    end(execution, stopped=True, reason="timeout")

    assert (loaded(execution).status, loaded(execution).reason) == (Status.CANCELED, Reason.TIMEOUT)
    assert counts(execution.job) == (0, 0, 0)


def test_an_ephemeral_job_goes_after_its_success():
    job = a_job(is_ephemeral=True, schedule="@every 1m")

    run(ask(job), a_worker())

    job.refresh_from_db()
    assert (job.archived, job.next_run_at) == (NOON + SECOND, None)


def test_an_ephemeral_job_stays_after_a_failure():
    job = a_job(is_ephemeral=True)

    run(ask(job), a_worker(), error=BAD)

    job.refresh_from_db()
    assert job.archived is None


def slots(job: Job, number: int) -> list[Execution]:
    """A run of `job` in so many slots."""
    first, *others = [an_execution(job) for _ in range(number)]
    for slot, other in enumerate(others, 1):
        Execution.objects.filter(pk=other.pk).update(group=first.pk, origin=first.pk, slot=slot)
    return [first, *others]


def test_an_ephemeral_job_goes_when_the_last_of_its_slots_has_succeeded():
    job = a_job(is_ephemeral=True)
    slots(job, 2)
    one, two = take(a_worker(), room=2)

    end(one)
    job.refresh_from_db()
    assert job.archived is None
    end(two, LATER + SECOND)

    job.refresh_from_db()
    assert job.archived == LATER + SECOND


def test_the_runs_of_an_ephemeral_job_that_still_wait_go_on():
    job = a_job(is_ephemeral=True)
    ask(job), ask(job)
    end(take_one(a_worker()))

    sweep(LATER + SECOND)

    assert statuses(job) == ["COMPLETED", "QUEUED"]


# --- Races ------------------------------------------------------------------------------------------------------------
@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_of_two_finishes_of_one_execution_one_takes_effect():
    job = a_job(retries=3)
    for _ in range(20):
        ask(job)
    taken = take(a_worker(), room=20)

    for execution in taken:
        results = at_once([lambda e=execution: end(e), lambda e=execution: end(e, error=BAD)])
        assert sorted(results) == [False, True]

    success, errors, _ = counts(job)
    assert success + errors == 20
    assert success == Execution.objects.filter(status=Status.COMPLETED).count()
    assert (
        errors == Execution.objects.filter(status=Status.FAILED).count() == Execution.objects.filter(attempt=2).count()
    )


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_finish_and_the_loss_of_the_lease_do_not_both_take_effect():
    job = a_job()
    for _ in range(15):
        ask(job)
    taken = take(a_worker(), room=15)
    late = NOON + LEASE + SECOND

    for execution in taken:
        at_once([lambda e=execution: end(e, late), lambda: finish.fail_lost(late), lambda: finish.fail_lost(late)])

    success, errors, _ = counts(job)
    assert success + errors == 15
    assert Execution.objects.filter(attempt=2).count() == errors


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(5))
def test_two_slots_of_an_ephemeral_job_that_end_at_once_archive_it(round_):
    job = a_job(is_ephemeral=True)
    slots(job, 2)
    one, two = take(a_worker(), room=1), take(a_worker(), room=1)

    at_once([lambda: end(loaded(one[0])), lambda: end(loaded(two[0]))])

    job.refresh_from_db()
    assert job.archived == LATER


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(5))
def test_two_slots_of_a_job_that_forbids_overlap_that_end_at_once_let_the_next_run_go(round_):
    job = a_job(concurrency="forbid")
    slots(job, 2)
    one, two = take(a_worker(), room=1), take(a_worker(), room=1)
    waiting = ask(job)

    at_once([lambda: end(loaded(one[0])), lambda: end(loaded(two[0]))])

    assert loaded(waiting).status == Status.QUEUED


def test_a_deadline_does_not_hold_for_later_tries():
    job = a_job(retries=1, retry_delay=0, deadline=60)
    run(ask(job), a_worker(), error=BAD)

    sweep(NOON + timedelta(days=1))

    assert newest(job).status == Status.QUEUED
