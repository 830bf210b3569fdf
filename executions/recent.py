"""The last runs of jobs: what a strip shows, how long a job usually takes. One query, whatever the history holds."""

# ruff: noqa: S608 -- every word of these statements is ours; what comes from outside goes as a parameter
from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median

from django.db.models import QuerySet
from django.db.models.query import RawQuerySet

from executions.models import Execution
from executions.states import Status

SUCCESSES, LOOKED_AT = 50, 200
"""The usual duration is the median of so many successes, among so many of the newest tries."""
_AT_ONCE = 100  # parts of one statement


@dataclass(frozen=True, slots=True)
class Run:
    """A try of a job, as a strip shows it."""

    id: int
    job: int
    status: str
    created: datetime
    started: datetime | None
    ended: datetime | None

    @property
    def seconds(self) -> float | None:
        return (self.ended - self.started).total_seconds() if self.started and self.ended else None


def recent(jobs: Collection[int], count: int = 20) -> dict[int, list[Run]]:
    """The newest `count` tries of each of `jobs` (ids) that has any, oldest first."""
    found: dict[int, list[Run]] = {}
    for run in _newest(list(jobs), count):
        found.setdefault(run.job, []).append(run)
    return {job: sorted(runs, key=lambda run: (run.created, run.id)) for job, runs in found.items()}


def usual(jobs: Collection[int]) -> dict[int, float]:
    """How many seconds each of `jobs` (ids) usually takes; one that has not succeeded lately is not in it."""
    found: dict[int, float] = {}
    for job, runs in recent(jobs, LOOKED_AT).items():
        taken = [run.seconds for run in runs if run.status == Status.COMPLETED and run.seconds is not None]
        if taken:
            found[job] = median(taken[-SUCCESSES:])
    return found


def _newest(jobs: Sequence[int], count: int) -> Iterator[Run]:
    """The newest tries of each job, in any order: each job's are read from the index on (job, created)."""
    for start in range(0, len(jobs), _AT_ONCE):
        for row in _together([_of_job(job, count) for job in jobs[start : start + _AT_ONCE]]):
            yield Run(row.pk, row.job_id, row.status, row.created, row.started, row.ended)


def _of_job(job: int, count: int) -> QuerySet[Execution]:
    of_job = Execution.objects.filter(job=job).order_by("-created", "-id")
    return of_job.only("id", "job_id", "status", "created", "started", "ended")[:count]


def _together(parts: Sequence[QuerySet[Execution]]) -> RawQuerySet[Execution]:
    """All of `parts` in one statement. Written out: SQLite takes a LIMIT only in a table of its own."""
    written = [part.query.sql_with_params() for part in parts]
    sql = " UNION ALL ".join(f"SELECT * FROM ({text}) AS part{place}" for place, (text, _) in enumerate(written))
    return Execution.objects.raw(sql, [value for _, values in written for value in values])
