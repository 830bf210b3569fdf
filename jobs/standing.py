"""How a job stands, in one word and what belongs to it; pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.utils import timezone

from jobs.models import Job

LATE = timedelta(seconds=30)
"""So long after its instant a job that nobody fired is called late."""


def standing(job: Job, now: datetime) -> tuple[str, str]:
    """The state of `job` (with its record) and a reason, which may be empty: ``("paused", "by ada: for the move")``."""
    if job.archived:
        return "deleted", ""
    if job.paused_at:
        return "paused", pause_words(job)
    if not job.is_enabled:
        return "disabled", job.record.missed_reason if job.record.missed_reason.startswith("Disabled") else ""
    if job.next_run_at and job.next_run_at < now - LATE:
        return "late", ""
    if job.record.last_status == "FAILED":
        return "failing", ""
    return "active", "" if job.next_run_at else "runs when asked"


def pause_words(job: Job) -> str:
    """Who held it back, until when and why."""
    until = f" until {timezone.localtime(job.paused_until):%Y-%m-%d %H:%M}" if job.paused_until else ""
    by = f"by {job.paused_by}" if job.paused_by else ""
    return f"{by}{until}{': ' if job.pause_note and (by or until) else ''}{job.pause_note}".strip()
