"""What is done inside a house's stage: making many jobs, submitting, firing, ticking."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from itertools import cycle, islice
from statistics import median
from typing import Any

from celery import current_app
from django.contrib.auth.models import User
from django.db import connection, transaction

from config.access import tokens
from executions import clock
from executions.beat import JobScheduler
from executions.engine import fire, hints
from executions.engine.draft import Draft, Pinned, insert, pin
from executions.engine.submit import submit
from executions.models import Execution
from executions.states import Door, Trigger
from jobs import services
from jobs.models import Job, JobRecord, Payload
from jobtypes.models import JobType

HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
CONFIGURATIONS: dict[str, dict[str, Any]] = {"noop": {}, "shell": {"command": "echo x", "shell": True}}


def clear() -> None:
    tables = "executions_outputchunk, executions_executionresult, executions_execution, jobs_jobrecord, jobs_job_parents, jobs_job"
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {tables} CASCADE")
        else:
            for table in tables.split(", "):
                cursor.execute(f"DELETE FROM {table}")


def make_jobs(count: int, *, executor: str = "noop", schedules: list[str] | None = None, **fields: Any) -> list[Job]:
    """`count` jobs with one payload; of their `schedules` each has the next one."""
    payload = Payload.objects.create(configuration=CONFIGURATIONS[executor])
    job_type = JobType.objects.get(name=executor)
    jobs = [
        Job(name=f"job-{number}", job_type=job_type, payload=payload, schedule=schedule, **fields)
        for number, schedule in enumerate(islice(cycle(schedules or ["@manually"]), count))
    ]
    Job.objects.bulk_create(jobs, batch_size=1000)
    JobRecord.objects.bulk_create([JobRecord(job=job) for job in jobs], batch_size=1000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return jobs


# --- submitting -------------------------------------------------------------------------------------------------------
def submit_each(count: int, wait: bool = False) -> dict[str, float]:
    """Submit `count` runs of one job one by one; the seconds it took, and those until the last one has ended."""
    (job,) = make_jobs(1)
    job = Job.objects.select_related("job_type", "payload").get(pk=job.pk)
    begun = time.monotonic()
    for _ in range(count):
        submit(job, by="bench", door=Door.NATIVE, now=clock.now())
    submitted = time.monotonic() - begun
    while wait and Execution.objects.live().exists():
        time.sleep(0.01)
    return {"submitted": submitted, "ended": time.monotonic() - begun}


def light_load(count: int, per_second: float) -> list[float]:
    """Milliseconds from a run's commit until it was claimed, of `count` runs submitted at so many a second."""
    (job,) = make_jobs(1)
    job = Job.objects.select_related("job_type", "payload").get(pk=job.pk)
    committed: dict[int, datetime] = {}
    begun = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
        moments: list[datetime] = []
        with transaction.atomic():
            # before the hint
            transaction.on_commit(lambda moments=moments: moments.append(datetime.now().astimezone()))
            run = submit(job, by="bench", door=Door.NATIVE, now=clock.now())
        committed[run.pk] = moments[0]
    deadline = time.monotonic() + 30
    while Execution.objects.live().exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    started = Execution.objects.filter(pk__in=committed).values_list("pk", "started")
    return [(moment - committed[key]) / timedelta(milliseconds=1) for key, moment in started]


def queue(executor: str, jobs: int, each: int, wait: bool = False) -> float:
    """Queue `each` runs of every one of so many jobs, all in one transaction; the seconds from its commit to the last
    end.
    """
    made = make_jobs(jobs, executor=executor)
    pins = pin(Job.objects.select_related("job_type"))
    now = clock.now()
    with transaction.atomic():
        for job in made:
            pinned = pins[job.pk]
            assert isinstance(pinned, Pinned)
            insert([Draft(job, pinned, Trigger.MANUAL, Door.NATIVE, now)] * each)
        hints.after_commit()
    begun = time.monotonic()
    while wait and Execution.objects.live().exists():
        time.sleep(0.01)
    return time.monotonic() - begun


# --- firing -----------------------------------------------------------------------------------------------------------
def make_due(count: int, crontabs: list[str]) -> datetime:
    """`count` jobs that fall due at one instant, a full hour: half intervals, half crontabs; return the instant."""
    clear()
    instant = clock.now().replace(minute=0, second=0, microsecond=0)
    schedules = ["@every 1h"] * len(crontabs) + crontabs
    make_jobs(count, schedules=schedules, schedule_anchor=instant - HOUR, next_run_at=instant)
    return instant


def fire_burst(count: int, crontabs: list[str]) -> dict[str, float]:
    """Fire `count` jobs that are due at once: executions stored, hints out."""
    instant = make_due(100, crontabs)
    fire.fire_due(instant + SECOND)  # connections and caches are there, as in a scheduler that has run for a while
    instant = make_due(count, crontabs)
    begun = time.monotonic()
    fired = fire.fire_due(instant + SECOND)
    took = time.monotonic() - begun
    assert fired.executions == count == Execution.objects.count(), fired
    return {"fired": fired.executions, "seconds": took}


# --- ticking ----------------------------------------------------------------------------------------------------------
def make_sleeping(count: int) -> None:
    """`count` jobs of which none is due within the next weeks."""
    clear()
    later = clock.now() + timedelta(days=20)
    for start in range(0, count, 20_000):
        size = min(20_000, count - start)
        jobs = make_jobs(size, schedules=["@every 720h", "0 0 1 1 *"], next_run_at=later)
        for job in jobs:
            job.name = f"sleeping-{start + int(job.name.removeprefix('job-'))}"
        Job.objects.bulk_update(jobs, ["name"], batch_size=2000)


def _ticking() -> JobScheduler:
    scheduler = JobScheduler(app=current_app)
    for _ in range(5):
        scheduler.tick()
    return scheduler


def tick_milliseconds(ticks: int) -> dict[str, float]:
    """Medians of a tick, of one that also sweeps, and of one before which a job was changed."""
    scheduler = _ticking()
    job = Job.objects.select_related("job_type").order_by("pk")[Job.objects.count() // 2]
    found: dict[str, list[float]] = {"plain": [], "sweeping": [], "changed": []}
    for number in range(ticks):
        for kind, times in found.items():
            if kind == "sweeping":
                scheduler._swept = 0.0
            if kind == "changed":
                services.update(
                    job, {"schedule": f"@every {721 + number % 2}h"}, by="bench", now=clock.now(), partial=True
                )
            begun = time.perf_counter()
            scheduler.tick()
            times.append((time.perf_counter() - begun) * 1000)
    scheduler.close()
    return {kind: median(times) for kind, times in found.items()}


def change_and_tick() -> bool:
    """Whether a job that an operator changed fires with the first tick after its new instant."""
    scheduler = _ticking()
    job = Job.objects.select_related("job_type").order_by("pk")[Job.objects.count() // 2]
    services.update(job, {"schedule": "@every 1s"}, by="bench", now=clock.now(), partial=True)
    time.sleep(1.1)
    scheduler.tick()
    scheduler.close()
    return Execution.objects.filter(job=job).exists()


# --- schedules that go on ---------------------------------------------------------------------------------------------
def make_spread(count: int, seconds: int, executor: str) -> None:
    """`count` jobs every so many seconds, their instants spread evenly over the period, from the next full one on."""
    clear()
    start = clock.now().replace(microsecond=0) + 3 * SECOND
    jobs = make_jobs(count, executor=executor, schedules=[f"@every {seconds}s"])
    for number, job in enumerate(jobs):
        job.next_run_at = start + timedelta(seconds=number % seconds)
        job.schedule_anchor = job.next_run_at - timedelta(seconds=seconds)
    Job.objects.bulk_update(jobs, ["next_run_at", "schedule_anchor"], batch_size=1000)


def make_at_once(count: int, executor: str) -> None:
    """`count` daily jobs that fall due for the first time at one instant, a few seconds from now."""
    clear()
    instant = clock.now().replace(microsecond=0) + 5 * SECOND
    anchor = instant - timedelta(days=1)
    make_jobs(count, executor=executor, schedules=["@every 24h"], schedule_anchor=anchor, next_run_at=instant)


def make_token() -> str:
    """The key of somebody who may read."""
    return tokens.create(User.objects.create_superuser("bench", password="of no use to anybody"))[1]


def silence() -> None:
    """Let no schedule fire any more."""
    Job.objects.update(is_enabled=False)
