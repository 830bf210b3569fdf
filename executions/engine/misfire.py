"""What is due of one job at one moment, and what of it runs: pure.

As a rule one instant is due, and runs. When a scheduler was away, or the job was paused, more than one is, and the
job's misfire policy decides; what does not run is counted as missed, so that fired + missed = due.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.models import Job
from jobs.schedule import Schedule

MOST = 100
"""So many missed instants at most are made up for by the policy `all`, the newest ones."""
ON_TIME = timedelta(seconds=10)
"""An instant that is no later than this is late, not missed: the longest that a dead scheduler may delay a start."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Due:
    """What becomes of a job's due instants: those that run, oldest first; how many do not, and why; what is next."""

    fire: tuple[datetime, ...]
    missed: int
    why_missed: str
    last: datetime
    next: datetime | None


def due(job: Job, schedule: Schedule, now: datetime) -> Due:
    """Decide about a job whose `next_run_at` has come. Instants after its `expires_at` do not exist."""
    first = job.next_run_at or now
    end = min(now, job.expires_at) if job.expires_at else now
    newest: tuple[datetime, ...]
    following = job.next_instant(first)
    if following is None or following > end:
        newest, total = (first,), 1
    else:
        found, total = schedule.latest_between(first - _SECOND, end, job.schedule_anchor, newest=MOST)
        newest = tuple(instant + job.instant_mark for instant in found)
        following = job.next_instant(newest[-1])
    if following and job.expires_at and following > job.expires_at:
        following = None
    chosen = _chosen(job, newest, total, now)
    missed = total - len(chosen)
    return Due(chosen, missed, _why(job, missed, total) if missed else "", newest[-1], following)


def _chosen(job: Job, newest: tuple[datetime, ...], total: int, now: datetime) -> tuple[datetime, ...]:
    if job.misfire_grace is not None:
        newest = tuple(
            instant for instant in newest if now - instant <= max(timedelta(seconds=job.misfire_grace), ON_TIME)
        )
    match job.misfire_policy:
        case Job.Misfire.ALL:
            return newest
        case Job.Misfire.SKIP:
            return tuple(instant for instant in newest[-1:] if now - instant <= ON_TIME)
        case _:
            return newest[-1:]


def _why(job: Job, missed: int, total: int) -> str:
    instants = "instant" if missed == 1 else "instants"
    return (
        f"{missed} of {total} due {instants} passed while no scheduler fired this job (it was late, down or paused); "
        f"its misfire policy is {job.misfire_policy}."
    )
