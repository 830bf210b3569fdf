"""A job's year, day by day, from the executions that are kept of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from urllib.parse import urlencode

from django.core.cache import cache
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from errors.console.pictures import Day, year
from executions.models import Execution
from executions.states import Status
from jobs.models import Job
from jobs.schedule import zone

MOST_READ = 10_000
"""Tries that are counted, the newest of the job."""
_KEPT = 60  # seconds


@dataclass(frozen=True, slots=True)
class Calendar:
    drawn: SafeString
    counted: int
    oldest: datetime | None
    is_cut: bool
    """There are more tries within the year than are counted."""


def read(job: Job, now: datetime) -> Calendar:
    """One query by the index on (job, created); kept for a minute, since the page refreshes itself."""
    key = f"console-year-{job.pk}-{job.zone}"
    found: Calendar | None = cache.get(key)
    if found is None:
        found = _read(job, now)
        cache.set(key, found, _KEPT)
    return found


def _read(job: Job, now: datetime) -> Calendar:
    place = zone(job.zone)
    rows = Execution.objects.filter(job=job, created__gte=now - timedelta(days=365)).order_by("-created", "-id")
    read = list(rows.values_list("created", "status")[:MOST_READ])
    counts: dict[date, Counter[str]] = defaultdict(Counter)
    for created, status in read:
        counts[created.astimezone(place).date()][status] += 1
    listed = reverse("admin:executions_execution_changelist")

    def day_of(day: date, found: Counter[str]) -> Day:
        start = datetime.combine(day, time(), place)
        query = {"job_id": job.pk, "started": start.isoformat(), "ended": (start + timedelta(days=1)).isoformat()}
        done, failed = found[Status.COMPLETED], found[Status.FAILED]
        return Day(done, failed, found.total() - done - failed, f"{listed}?{urlencode(query)}")

    days = {day: day_of(day, found) for day, found in counts.items()}
    drawn = year(days, timezone.localtime(now, place).date())
    return Calendar(drawn, len(read), read[-1][0] if read else None, len(read) == MOST_READ)
