"""Why is it not running? One sentence, from the conditions that a claim uses."""

from __future__ import annotations

import pytest

from executions import house
from executions.engine.archive import archive
from executions.engine.fire import fire_due
from executions.engine.why import why, why_job
from executions.models import Execution, House
from executions.states import Status
from jobs import services
from jobs.models import Job
from jobtypes.models import JobType
from jobtypes.services import pause as pause_type
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_job_type, a_worker, an_execution
from tests.executions.acts import LATER, ask, end, loaded, newest, run, take, take_one

pytestmark = pytest.mark.django_db


def said(execution: Execution, now=NOON) -> str | None:
    return why(loaded(execution), now)


def said_of(job: Job, now=NOON) -> str | None:
    return why_job(Job.objects.select_related("job_type", "record").get(pk=job.pk), now)


# --- An execution -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [Status.RUNNING, Status.COMPLETED, Status.FAILED, Status.CANCELED])
def test_what_has_started_or_ended_waits_for_nothing(status):
    assert said(an_execution(status=status)) is None


def test_a_delayed_run_is_due_in_a_while():
    assert said(ask(a_job(), at=NOON + HOUR)) == "It is due in 60 min."


def test_a_retry_is_due_in_a_while():
    first = an_execution(status=Status.FAILED)
    again = an_execution(of=first, status=Status.PENDING, ready_at=NOON + 40 * SECOND)

    assert said(again) == "Its next try is due in 40 s."


def test_a_run_that_must_not_overlap_names_the_other():
    job = a_job(concurrency="forbid")
    first, second = ask(job), ask(job)

    assert said(second) == f"The job forbids two runs at once: it waits until run {first.group} of the same job ends."


def test_a_child_names_the_parents_that_it_waits_for():
    a_job("left"), a_job("right")
    child = a_job("child", parents=["left"])
    first = ask(Job.objects.get(name="left"))

    assert said(newest(child)) == f"It waits for left (QUEUED, execution {first.pk}) to complete."


def test_a_paused_house_says_by_whom():
    execution = an_execution()
    house.pause("ada", "moving", NOON)

    assert said(execution) == "The whole house was paused by ada at 2026-11-21 12:00Z: moving"


def test_a_paused_job_says_by_whom_and_until_when():
    execution = an_execution(a_job("daily"))
    services.pause(execution.job, by="ada", now=NOON, until=NOON + HOUR, note="migration")

    assert said(execution) == "Job daily was paused by ada at 2026-11-21 12:00Z until 2026-11-21 13:00Z: migration"


def test_a_paused_type_is_named():
    execution = an_execution()
    pause_type(execution.job_type, NOON)

    assert said(execution) == f"Its job type {execution.job_type} is paused."


def test_a_full_type_names_what_runs():
    a_job_type("limited", max_scheduled=2)
    job = a_job(job_type={"name": "limited"}, configuration={})
    for _ in range(3):
        ask(job)
    one, two = take(a_worker(), room=3)

    assert said(newest(job)) == (f"2 of 2 allowed executions of limited 1.0.0 are running ({one.pk}, {two.pk}).")


def test_a_queued_run_behind_another_of_its_job_names_that():
    job = a_job(concurrency="replace")
    running = an_execution(job, status=Status.RUNNING)
    waiting = an_execution(job)

    assert said(waiting) == f"The job allows one run at a time, and execution {running.pk} is running."


def test_a_run_with_tags_that_no_worker_has_says_so():
    a_worker()

    assert said(ask(a_job(tags={"role": "web"}))) == "No living worker has the tags role=web."


def test_a_run_for_a_chosen_worker_names_it():
    worker = a_worker(tags={"role": "web"})

    assert said(ask(a_job(tags={"role": "web"}))) == f"It waits for a free slot of its worker {worker}."


def test_without_workers_nothing_runs():
    assert said(an_execution()) == "No worker is alive."


def test_busy_slots_say_how_many_are_ahead():
    job = a_job()
    an_execution(job, status=Status.RUNNING, worker=a_worker(slots=1))
    an_execution(job), an_execution(job)

    assert said(an_execution(job)) == "All 1 slots are busy, and 2 executions are ahead of it."


def test_otherwise_a_worker_takes_it_in_a_moment():
    a_worker()
    execution = an_execution()

    assert said(execution) == "A worker will take it in a moment."
    assert take_one(a_worker()).pk == execution.pk


# --- A job ------------------------------------------------------------------------------------------------------------
def test_a_job_that_runs_waits_for_nothing():
    job = a_job()
    an_execution(job, status=Status.RUNNING)

    assert said_of(job) is None


def test_a_job_that_is_due_later_says_when():
    assert said_of(a_job(schedule="@every 1h")) == "It is next due in 60 min."


def test_a_job_that_starts_later_says_when():
    job = a_job(schedule="@every 1h", starts_at=NOON + 48 * HOUR)

    assert said_of(job) == "It is next due in 2 d. It starts at 2026-11-23 12:00Z."


def test_a_job_without_a_schedule_waits_to_be_asked():
    assert said_of(a_job()) == "It has no schedule: it runs when somebody asks for it."


def test_a_child_runs_after_its_parents():
    a_job("a"), a_job("b")

    assert said_of(a_job(parents=["a", "b"])) == "It runs after its parents: a, b."


def test_a_disabled_job_is_disabled():
    assert said_of(a_job(is_enabled=False)) == "It is disabled."


def test_a_job_that_the_scheduler_disabled_says_why():
    job = a_job(schedule="@every 1h")
    Job.objects.filter(pk=job.pk).update(schedule="sometimes")
    fire_due(NOON + HOUR)

    assert "Its schedule cannot be computed" in said_of(job)


def test_an_expired_job_says_when_it_expired():
    job = a_job(schedule="@every 1h", expires_at=NOON + HOUR + MINUTE)
    fire_due(NOON + HOUR)
    run(newest(job), a_worker(), NOON + HOUR)

    assert said_of(job, NOON + 2 * HOUR) == "It expired at 2026-11-21 13:01Z."


def test_one_moment_that_has_passed():
    assert said_of(a_job(schedule="@at 2026-11-21T11:00:00Z")) == "Its one moment, 2026-11-21T11:00:00Z, has passed."


def test_a_schedule_that_never_comes():
    assert said_of(a_job(schedule="0 0 30 2 *")) == "Its schedule 0 0 30 2 * has no further instant."


def test_a_job_of_a_type_that_is_not_active():
    job_type = a_job_type("tired")
    job = a_job(job_type={"name": "tired", "version": "1.0.0"}, configuration={}, schedule="@every 1h")
    JobType.objects.filter(pk=job_type.pk).update(is_active=False)

    assert said_of(job) == "Its job type tired 1.0.0 is not active."


def test_a_due_job_without_a_scheduler_says_so():
    job = a_job(schedule="@every 1h")
    House.row()

    assert said_of(job, NOON + 2 * HOUR) == "It has been due for 60 min, but no scheduler was seen yet."
    House.objects.update(last_tick=NOON + 2 * HOUR)
    assert said_of(job, NOON + 2 * HOUR) == "It has been due for 60 min: the scheduler is about to fire it."


def test_a_paused_house_keeps_a_job_too():
    job = a_job(schedule="@every 1h")
    house.pause("ada", "", NOON)

    assert said_of(job) == "The whole house was paused by ada at 2026-11-21 12:00Z."


def test_a_deleted_job_says_so():
    job = a_job()
    archive(job, by="ada", now=NOON, cancel_running=False)

    assert said_of(job, LATER) == "It was deleted 10 s ago."


def test_a_job_whose_run_waits_says_why_that_waits():
    job = a_job(retries=1, retry_delay=0, concurrency="forbid")
    ask(job)
    end(take_one(a_worker()), error="algorithm-unknown")

    assert said_of(job) in {"A worker will take it in a moment.", "No worker is alive."}
