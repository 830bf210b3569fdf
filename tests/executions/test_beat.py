"""The beat scheduler, in process: it fires jobs from their rows, and as the leader the plain periodic tasks.

Here the clock is the database's own, so what is to be due is made due a while ago.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from celery.signals import before_task_publish
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from config.celery import app
from executions import clock, house
from executions.beat import LEADER_LEASE, JobScheduler, LeadLost
from executions.models import House
from executions.states import Status
from jobs import services
from jobs.models import Job, JobRecord
from tests.builders import HOUR, MINUTE, SECOND, a_job, an_execution
from tests.executions.acts import counts, loaded, newest, of

pytestmark = pytest.mark.django_db(transaction=True)  # django-celery-beat commits and closes connections as it likes


@pytest.fixture
def now():
    return clock.now()


@pytest.fixture
def sent():
    """The names of the Celery tasks that are sent."""
    names: list[str] = []

    def note(sender: str, **_: object) -> None:
        names.append(sender)

    before_task_publish.connect(note)
    yield names
    before_task_publish.disconnect(note)


def a_scheduler() -> JobScheduler:
    return JobScheduler(app=app, lazy=False)


def due_job(now, **fields) -> Job:
    """A job of which one instant came a few seconds ago."""
    return a_job(schedule="@every 1h", now=now - HOUR - 3 * SECOND, **fields)


def a_periodic_task(now, name: str = "reap-workers", *, ran: timedelta = 2 * HOUR) -> PeriodicTask:
    """One that is due each hour and ran so long ago; all others are taken away."""
    PeriodicTask.objects.all().delete()
    hourly, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.HOURS)
    return PeriodicTask.objects.create(name=name, task=name, interval=hourly, last_run_at=now - ran)


def tick_until_idle(scheduler: JobScheduler) -> None:
    for _ in range(5):
        scheduler.tick()


# --- Jobs -------------------------------------------------------------------------------------------------------------
def test_a_tick_fires_what_is_due(now):
    job = due_job(now)

    a_scheduler().tick()

    assert [execution.status for execution in of(job)] == [Status.QUEUED]
    assert newest(job).scheduled_for == Job.objects.get(pk=job.pk).last_scheduled_for
    assert abs(House.row().last_tick - now) < MINUTE


def test_the_next_tick_comes_with_the_next_second(now):
    PeriodicTask.objects.all().delete()

    assert 0 <= a_scheduler().tick() <= 1.01


def test_schedulers_side_by_side_fire_an_instant_once(now):
    job = due_job(now)

    for scheduler in [a_scheduler() for _ in range(3)]:
        scheduler.tick()

    assert len(of(job)) == 1


def test_a_changed_job_counts_from_the_next_tick(now):
    scheduler, job = a_scheduler(), a_job(schedule="@daily", now=now)
    scheduler.tick()
    assert of(job) == []

    services.update(job, {"schedule": "@every 1s"}, by="ada", now=now - 5 * SECOND, partial=True)
    scheduler.tick()

    assert len(of(job)) == 1


def test_a_new_a_disabled_and_a_deleted_job_count_from_the_next_tick(now):
    scheduler = a_scheduler()
    scheduler.tick()
    new, disabled, deleted = due_job(now), due_job(now), due_job(now)
    services.disable(disabled, by="ada", now=now)
    Job.objects.filter(pk=deleted.pk).update(archived=now)

    scheduler.tick()

    assert [len(of(job)) for job in (new, disabled, deleted)] == [1, 0, 0]


def test_a_tick_queues_what_waited_for_its_time(now):
    waiting = an_execution(status=Status.PENDING, ready_at=now - SECOND)

    a_scheduler().tick()

    assert loaded(waiting).status == Status.QUEUED


def test_a_tick_sweeps(now):
    lost = an_execution(status=Status.RUNNING, lease_until=now - MINUTE)

    a_scheduler().tick()

    assert loaded(lost).status == Status.FAILED


def test_a_paused_house_fires_nothing_and_still_ticks(now):
    job = due_job(now)
    house.pause("ada", "", now)

    a_scheduler().tick()

    assert of(job) == []
    assert House.row().last_tick is not None


def test_a_job_that_spoils_a_tick_does_not_stop_it(now):
    bad, good = due_job(now), due_job(now)
    Job.objects.filter(pk=bad.pk).update(schedule="sometimes")

    a_scheduler().tick()

    assert len(of(good)) == 1
    assert JobRecord.objects.get(job=bad).missed_reason.startswith("Disabled at")


def test_the_queries_of_a_tick_do_not_depend_on_how_many_jobs_there_are(now):
    scheduler = a_scheduler()

    def queries() -> int:
        scheduler.tick()  # this one sweeps, if it is time for that
        with CaptureQueriesContext(connection) as captured:
            scheduler.tick()
        return len(captured)

    few = queries()
    for _ in range(30):
        a_job(schedule="@daily", now=now)

    assert queries() == few <= 15


def test_a_clock_that_was_set_back_is_noticed(now):
    job = a_job(schedule="@every 10m", now=now + 5 * HOUR)
    House.row()
    House.objects.update(last_tick=now + 5 * HOUR)

    a_scheduler().tick()

    job.refresh_from_db()
    assert now < job.next_run_at <= now + 11 * MINUTE
    assert counts(job) == (0, 0, 0)


# --- Periodic tasks ---------------------------------------------------------------------------------------------------
def test_the_leader_sends_a_periodic_task_that_is_due(now, sent):
    task = a_periodic_task(now)

    tick_until_idle(a_scheduler())

    assert sent == ["reap-workers"]
    task.refresh_from_db()
    assert (now - task.last_run_at) < MINUTE
    assert task.total_run_count == 1


def test_three_schedulers_send_it_once(now, sent):
    a_periodic_task(now)
    schedulers = [a_scheduler() for _ in range(3)]

    for _ in range(4):
        for scheduler in schedulers:
            scheduler.tick()

    assert sent == ["reap-workers"]
    assert [scheduler.is_leader for scheduler in schedulers] == [True, False, False]
    assert House.row().leader == schedulers[0].name


def test_the_lead_passes_when_its_lease_has(now, sent):
    a_periodic_task(now)
    first, second = a_scheduler(), a_scheduler()
    tick_until_idle(first)
    second.tick()
    assert not second.is_leader

    House.objects.update(leader_until=now - SECOND)
    tick_until_idle(second)
    first.tick()

    assert (first.is_leader, second.is_leader) == (False, True)
    assert sent == ["reap-workers"]


def test_whoever_takes_over_sends_what_falls_due_then(now, sent):
    task = a_periodic_task(now)
    first, second = a_scheduler(), a_scheduler()
    tick_until_idle(first)
    PeriodicTask.objects.filter(pk=task.pk).update(last_run_at=now - 2 * HOUR)
    House.objects.update(leader_until=now - SECOND)

    tick_until_idle(second)
    tick_until_idle(first)

    assert sent == ["reap-workers"] * 2


def test_a_leader_that_was_paused_sends_nothing_when_it_wakes_up(now, sent):
    task = a_periodic_task(now)
    first, second = a_scheduler(), a_scheduler()
    first._lead()
    House.objects.update(leader=second.name, leader_until=now + MINUTE)
    PeriodicTask.objects.filter(pk=task.pk).update(last_run_at=now - 2 * HOUR)
    sent.clear()

    first._lead()

    assert sent == []
    assert not first.is_leader


def test_a_changed_periodic_task_counts_soon(now, sent):
    task = a_periodic_task(now, ran=timedelta())
    scheduler = a_scheduler()
    tick_until_idle(scheduler)
    assert sent == []

    task.last_run_at = now - 2 * HOUR
    task.save()
    tick_until_idle(scheduler)

    assert sent == ["reap-workers"]


def test_the_lead_is_given_back_at_the_end(now):
    a_periodic_task(now)
    first, second = a_scheduler(), a_scheduler()
    first.tick()
    assert House.row().leader_until > now + LEADER_LEASE - SECOND

    first.close()
    second.tick()

    assert second.is_leader


def test_a_periodic_task_that_is_disabled_is_not_sent(now, sent):
    task = a_periodic_task(now)
    task.enabled = False
    task.save()

    tick_until_idle(a_scheduler())

    assert sent == []


def test_a_leader_that_was_paused_until_another_led_sends_nothing(now, sent):
    a_periodic_task(now, ran=MINUTE)
    paused = a_scheduler()
    paused.tick()
    entry = paused.schedule["reap-workers"]
    House.objects.update(leader="another", leader_until=now + MINUTE)

    with pytest.raises(LeadLost):
        paused.reserve(entry)
    assert sent == []
