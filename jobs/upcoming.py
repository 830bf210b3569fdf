"""When a job is due next: the one decision behind `next_run_at`; pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from jobs.models import Job

_MOMENT = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)


def next_run(job: Job, now: datetime) -> datetime | None:
    """What `job.next_run_at` must be, seen from `now`; None when it will not run by itself any more.

    It is the first instant of the schedule after `now` and after the last one that was dealt with, not before
    `starts_at` and not beyond `expires_at`. A pause does not count: a paused job keeps its instant, and what it missed
    meanwhile is decided when it goes on. Raises ScheduleError where the stored text is no longer a schedule.
    """
    if job.archived or not job.is_enabled:
        return None
    after = max(now, job.last_scheduled_for or now)
    if job.starts_at and job.starts_at > after:
        after = job.starts_at - _MOMENT
    return _unless_expired(job, job.next_instant(after))


def instants(job: Job, now: datetime, count: int) -> list[datetime]:
    """The next `count` instants at which `job` is due: fewer when its schedule ends, none while it is disabled.

    Those that are due already and wait for a pause to end are not among them.
    """
    coming: list[datetime] = []
    instant = next_run(job, now)
    while instant and len(coming) < count:
        coming.append(instant)
        instant = _unless_expired(job, job.next_instant(instant))
    return coming


def _unless_expired(job: Job, instant: datetime | None) -> datetime | None:
    return None if instant and job.expires_at and instant > job.expires_at else instant


def overdue(job: Job, now: datetime) -> int:
    """How many instants of `job` have come and were not dealt with yet: as a rule 0, more after downtime or a pause."""
    if not job.is_enabled or job.next_run_at is None or job.next_run_at > now:
        return 0
    end = min(now, job.expires_at) if job.expires_at else now
    return job.parsed_schedule.count_between(job.next_run_at - _SECOND, end, job.schedule_anchor)
