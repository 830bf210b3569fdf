"""A schedule explained for somebody who is writing it: what the engine would do with it, and what else starts then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone as clock

from jobs.models import Job
from jobs.schedule import MAX_TEXT, Preview, ScheduleError, preview, zone

MOST_COUNTED = 1_000
_LONGEST_ZONE = 64


@dataclass(frozen=True, slots=True)
class Explained:
    preview: Preview
    next: list[tuple[datetime, str]]
    """Each instant, and what a clock of the schedule's zone shows then."""
    beside: int
    """Other jobs that are due at the first of them, counted to MOST_COUNTED."""

    @property
    def often(self) -> str:
        """How often it runs, in words; empty where that says nothing."""
        per_day = self.preview.per_day
        if not per_day:
            return ""
        if per_day < 1:
            return f"about once in {1 / per_day:.0f} days"
        return "once a day" if per_day == 1 else f"{per_day:,.0f} times a day"


def explain(text: str, place: str, now: datetime, job: int | None = None) -> Explained:
    """One query at most. `job`: the key of the one that the schedule is for. Never raises for what is written."""
    text, place = text.strip()[: MAX_TEXT + 1], (place.strip() or settings.TIME_ZONE)[: _LONGEST_ZONE + 1]
    shown = preview(text, place, now)
    try:
        there = zone(place)
    except ScheduleError:
        return Explained(shown, [], 0)
    coming = [(one, f"{clock.localtime(one, there):%a %Y-%m-%d %H:%M:%S %Z}") for one in shown.next]
    return Explained(shown, coming, _beside(shown.next[0], job) if shown.next else 0)


def _beside(instant: datetime, job: int | None) -> int:
    due = Job.objects.filter(archived=None, is_enabled=True, paused_at=None, next_run_at=instant)
    return due.exclude(pk=job)[:MOST_COUNTED].count() if job else due[:MOST_COUNTED].count()
