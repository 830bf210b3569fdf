"""What is due within the hour, one line for each job however often it runs; and what should have begun by now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from config.console import links
from errors.console.charts import Lane, Stretch, Timeline
from errors.console.words import rough
from jobs.models import Job
from jobs.schedule import ScheduleError
from jobs.upcoming import instants

AHEAD = timedelta(hours=1)
JOBS_SHOWN, LATE_SHOWN = 12, 8
INSTANTS = 60
"""Of one job; beyond that it is said how often it runs."""
LATE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class LateJob:
    name: str
    url: str
    due: datetime


@dataclass(frozen=True, slots=True)
class Coming:
    timeline: Timeline
    jobs: int
    """How many jobs are due within the hour; shown are the first JOBS_SHOWN."""
    next_at: datetime | None
    late: list[LateJob]
    is_more_late: bool


def read(now: datetime) -> Coming:
    """Three queries by the index of what is due."""
    end = now + AHEAD
    soon = Job.objects.due(end).filter(next_run_at__gt=now)
    shown = list(soon.select_related("job_type").defer("job_type__manifest", "description")[:JOBS_SHOWN])
    lanes = [_lane(job, now, end) for job in shown]
    late = list(Job.objects.due(now - LATE).only("name", "next_run_at")[: LATE_SHOWN + 1])
    return Coming(
        timeline=Timeline(lanes, _ticks(now), None),
        jobs=soon.count(),
        next_at=shown[0].next_run_at if shown else None,
        late=[LateJob(job.name, links.job(job.pk), job.next_run_at or now) for job in late[:LATE_SHOWN]],
        is_more_late=len(late) > LATE_SHOWN,
    )


def _lane(job: Job, now: datetime, end: datetime) -> Lane:
    first_due = job.next_run_at or now
    try:
        coming = [first_due, *instants(job, first_due, INSTANTS)]
    except ScheduleError:
        coming = [first_due]
    within = [instant for instant in dict.fromkeys(coming) if instant <= end]
    many = len(within) > INSTANTS
    stretches = [_mark(instant, now) for instant in within]
    if many:  # too many to tell apart: a band up to the end of the hour
        first = (within[0] - now) / AHEAD
        stretches = [Stretch("band", first, 1.0, f"every {rough(within[1] - within[0])}")]
    note = f"every {rough(within[1] - within[0])}" if len(within) > 1 else f"{timezone.localtime(within[0]):%H:%M}"
    return Lane(job.name, stretches, links.job(job.pk), note)


def _mark(instant: datetime, now: datetime) -> Stretch:
    place = (instant - now) / AHEAD
    return Stretch("planned", place, place + 0.004, f"{timezone.localtime(instant):%H:%M:%S}")


def _ticks(now: datetime) -> list[str]:
    return [f"{timezone.localtime(now + part * AHEAD / 6):%H:%M}" for part in range(6)]
