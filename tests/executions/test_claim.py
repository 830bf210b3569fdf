"""What may a worker run now: the most urgent of what is queued, within all limits, each handed out once."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions import house
from executions.engine.claim import claim
from executions.models import LEASE, Execution
from executions.states import Status
from jobs import services
from jobs.models import Job
from jobtypes.models import JobType
from jobtypes.services import pause as pause_type
from jobtypes.services import resume as resume_type
from tests.builders import MINUTE, NOON, SECOND, a_job, a_job_type, a_worker, an_execution
from tests.executions.acts import LATER, ask, at_once, end, loaded, of, statuses, take, take_one

pytestmark = pytest.mark.django_db


def limited(at_once: int, name: str = "limited") -> Job:
    """A job of a type of which so many may run at once."""
    a_job_type(name, max_scheduled=at_once)
    return a_job(job_type={"name": name}, configuration={})


def keys(executions: list[Execution]) -> list[int]:
    return [execution.pk for execution in executions]


def test_a_claim_starts_the_execution_with_a_lease():
    execution, worker = an_execution(), a_worker()

    taken = take_one(worker, LATER)

    assert taken.pk == execution.pk
    assert (taken.status, taken.worker, taken.started) == (Status.RUNNING, worker, LATER)
    assert taken.lease_until == LATER + LEASE


def test_what_was_handed_out_is_not_handed_out_again():
    an_execution()
    take_one(a_worker())

    assert take(a_worker()) == []


def test_the_most_urgent_run_first_and_the_oldest_of_these():
    job = a_job()
    late, slow, soon, sooner = (an_execution(job, priority=priority) for priority in (100, 200, 100, 5))

    assert keys(take(a_worker(), room=3)) == [sooner.pk, late.pk, soon.pk]
    assert keys(take(a_worker(), room=3)) == [slow.pk]


def test_a_worker_takes_no_more_than_it_has_room_for():
    job = a_job()
    for _ in range(5):
        an_execution(job)

    assert len(take(a_worker(), room=3)) == 3


@pytest.mark.parametrize("status", [Status.PENDING, Status.BLOCKED, Status.COMPLETED, Status.CANCELED])
def test_only_what_is_queued_is_handed_out(status):
    an_execution(status=status)

    assert take(a_worker()) == []


def test_what_has_passed_its_deadline_is_not_started():
    an_execution(start_by=NOON + MINUTE)

    assert take(a_worker(), NOON + MINUTE) == []


# --- Pauses -----------------------------------------------------------------------------------------------------------
def test_nothing_starts_while_the_house_is_paused():
    an_execution()
    house.pause("ada", "", NOON)
    assert take(a_worker()) == []

    house.resume("ada", NOON)

    assert len(take(a_worker())) == 1


def test_nothing_of_a_paused_job_starts_and_others_go_on():
    held, free = an_execution(), an_execution()
    services.pause(held.job, by="ada", now=NOON)
    assert keys(take(a_worker(), room=5)) == [free.pk]

    services.resume(held.job, by="ada", now=NOON)

    assert keys(take(a_worker(), room=5)) == [held.pk]


def test_nothing_of_a_paused_type_starts():
    execution = an_execution()
    pause_type(execution.job_type, NOON)
    assert take(a_worker()) == []

    resume_type(execution.job_type, NOON)

    assert len(take(a_worker())) == 1


# --- Limits -----------------------------------------------------------------------------------------------------------
def test_no_more_of_a_type_run_than_its_limit():
    job = limited(2)
    for _ in range(4):
        ask(job)

    first, _ = take(a_worker(), room=10)
    assert take(a_worker(), room=10) == []
    end(first)

    assert len(take(a_worker(), LATER, room=10)) == 1
    assert statuses(job) == ["COMPLETED", "RUNNING", "RUNNING", "QUEUED"]


def test_the_limit_counts_all_jobs_of_the_type():
    one = limited(1)
    other = a_job(job_type={"name": "limited"}, configuration={})
    ask(one), ask(other)

    assert len(take(a_worker(), room=10)) == 1


def test_a_limit_that_was_lowered_lets_what_runs_go_on():
    job = limited(3)
    for _ in range(4):
        ask(job)
    running = take(a_worker(), room=3)
    JobType.objects.filter(name="limited").update(max_scheduled=1)

    for execution in running[:2]:
        end(execution)
        assert take(a_worker(), LATER) == []
    end(running[2])

    assert len(take(a_worker(), LATER)) == 1


@pytest.mark.parametrize("none", [None, 0])
def test_a_type_without_a_limit_has_none(none):
    a_job_type("free", max_scheduled=none)
    job = a_job(job_type={"name": "free"}, configuration={})
    for _ in range(3):
        ask(job)

    assert len(take(a_worker(), room=10)) == 3


def test_a_full_type_does_not_keep_others_waiting():
    full = limited(1)
    for _ in range(30):
        an_execution(full, priority=1)
    other = an_execution(priority=100)

    assert len(take(a_worker(), room=1)) == 1
    assert keys(take(a_worker(), room=1)) == [other.pk]


def test_many_full_types_do_not_keep_others_waiting():
    """More of them than there are looks at the queue in one claim."""
    worker = a_worker()
    for n in range(15):
        full = limited(1, f"limited-{n}")
        an_execution(full, priority=1)
        an_execution(full, priority=1)
    other = an_execution(priority=100)
    assert len(take(worker, room=15)) == 15

    assert keys(take(worker, room=1)) == [other.pk]


def test_a_job_that_forbids_overlap_runs_once_at_a_time():
    job, worker = a_job(concurrency="forbid"), a_worker()
    first, second = an_execution(job), an_execution(job)

    assert keys(take(worker, room=10)) == [first.pk]
    assert take(worker, room=10) == []
    end(loaded(first))

    assert keys(take(worker, LATER, room=10)) == [second.pk]


def test_many_occupied_jobs_do_not_keep_others_waiting():
    worker = a_worker()
    for _ in range(15):
        job = a_job(concurrency="forbid")
        an_execution(job, priority=1)
        an_execution(job, priority=1)
    other = an_execution(priority=100)
    for _ in range(15):
        assert len(take(worker, room=1)) == 1

    assert keys(take(worker, room=1)) == [other.pk]


def test_the_slots_of_one_run_may_run_beside_each_other():
    job = a_job(concurrency="forbid")
    first = an_execution(job)
    second = an_execution(job, group=first.group, origin=first.group, slot=1)
    Execution.objects.filter(pk=second.pk).update(group=first.group, origin=first.group)

    assert keys(take(a_worker(), room=1)) == [first.pk]
    assert keys(take(a_worker(), room=1)) == [second.pk]


def test_a_limit_and_a_job_that_forbids_overlap_hold_together():
    a_job_type("both", max_scheduled=2)
    jobs = [a_job(job_type={"name": "both"}, configuration={}, concurrency="forbid") for _ in range(3)]
    for job in jobs:
        an_execution(job)
        an_execution(job)

    taken = take(a_worker(), room=10)

    assert len(taken) == 2
    assert len({execution.job_id for execution in taken}) == 2


# --- Chosen workers ---------------------------------------------------------------------------------------------------
def test_a_run_for_a_chosen_worker_waits_for_it():
    chosen, other = a_worker(), a_worker()
    execution = an_execution(needs_worker=True, chosen_worker=chosen)

    assert take(other) == []
    assert keys(take(chosen)) == [execution.pk]


def test_a_run_that_needs_a_worker_and_has_none_waits():
    an_execution(needs_worker=True, chosen_worker=None)

    assert take(a_worker()) == []


def test_a_claim_of_nothing_limited_is_three_queries():
    job, worker = a_job(), a_worker()
    for _ in range(5):
        an_execution(job)

    with CaptureQueriesContext(connection) as captured:
        claim(worker, 5, NOON)

    statements = [query["sql"] for query in captured if not query["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(statements) == 3


# --- Races ------------------------------------------------------------------------------------------------------------
def drain(worker, room: int) -> list[int]:
    """Claim until nothing is left."""
    taken: list[int] = []
    while found := claim(worker, room, NOON):
        taken += found
    return taken


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_eight_claimers_of_two_hundred_are_handed_each_once():
    job = a_job()
    wanted = {an_execution(job).pk for _ in range(200)}
    workers = [a_worker() for _ in range(8)]

    taken = at_once([lambda w=worker: drain(w, 3) for worker in workers])

    handed = [key for part in taken for key in part]
    assert len(handed) == 200
    assert set(handed) == wanted
    for worker, part in zip(workers, taken, strict=True):
        assert set(Execution.objects.filter(worker=worker).values_list("pk", flat=True)) == set(part)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_a_limit_holds_among_eight_claimers(round_):
    job = limited(3)
    for _ in range(40):
        ask(job)
    workers = [a_worker() for _ in range(8)]

    at_once([lambda w=worker: claim(w, 5, NOON) for worker in workers])

    assert Execution.objects.running().count() == 3


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_a_limit_holds_while_runs_end_and_others_begin():
    job = limited(3)
    for _ in range(60):
        ask(job)
    workers = [a_worker() for _ in range(6)]
    most: list[int] = []

    def work(worker) -> None:
        for _ in range(20):
            for key in claim(worker, 2, NOON):
                most.append(Execution.objects.running().count())
                end(loaded(key), NOON + SECOND)

    at_once([lambda w=worker: work(w) for worker in workers])

    assert max(most) <= 3
    assert len(most) == Execution.objects.filter(status=Status.COMPLETED).count()


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_a_job_that_forbids_overlap_is_handed_out_once_among_eight_claimers(round_):
    jobs = [a_job(concurrency="forbid") for _ in range(4)]
    for job in jobs:
        for _ in range(8):
            an_execution(job)
    workers = [a_worker() for _ in range(8)]

    at_once([lambda w=worker: claim(w, 5, NOON) for worker in workers])

    assert [statuses(job).count("RUNNING") for job in jobs] == [1] * 4


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_claims_of_limited_types_in_any_order_do_not_lock_each_other_out():
    jobs = [limited(50, f"limited-{n}") for n in range(4)]
    for n in range(80):
        an_execution(jobs[(n * 7) % 4], priority=1 + n % 3)
    workers = [a_worker() for _ in range(8)]

    taken = at_once([lambda w=worker: drain(w, 4) for worker in workers])

    assert sum(map(len, taken)) == 80
    assert all(len(of(job)) == 20 for job in jobs)
