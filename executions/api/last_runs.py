"""The newest run of each job: the newest that ended, as its record says, or a newer one that lives.

The same rule twice: for the jobs of a page, in two queries; and in SQL, to filter and to order by.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.db.models import Case, Exists, F, Max, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.functions import Coalesce, NullIf

from errors.api.filters import Texts
from executions.models import Execution
from executions.states import LIVE
from jobs.api.serializers import LastRun
from jobs.models import Job


def of(jobs: Collection[Job]) -> dict[int, LastRun]:
    """The newest run of each of `jobs` that has one, by the job's id. Jobs come with their `record` loaded."""
    if not jobs:
        return {}
    live = Execution.objects.live().filter(job__in=[job.pk for job in jobs]).order_by()
    newest_live: dict[int, int] = dict(live.values_list("job").annotate(newest=Max("pk")))
    newest = {job.pk: max(newest_live.get(job.pk, 0), job.record.last_execution or 0) for job in jobs}
    rows = Execution.objects.only("status", "started", "ended").in_bulk([key for key in newest.values() if key])
    runs: dict[int, LastRun] = {}
    for job in jobs:
        if row := rows.get(newest[job.pk]):
            runs[job.pk] = LastRun(row.pk, row.status, row.started, row.ended)
        elif job.record.last_execution:  # purged since
            ends = [moment for moment in (job.record.last_success, job.record.last_error) if moment]
            runs[job.pk] = LastRun(job.record.last_execution, job.record.last_status, None, max(ends, default=None))
    return runs


def _newer_live() -> QuerySet[Execution]:
    """The executions of the outer job that live and are newer than the newest that ended; the newest first."""
    mine = Execution.objects.live().filter(job=OuterRef("pk"))
    return mine.filter(pk__gt=Coalesce(OuterRef("record__last_execution"), Value(0))).order_by("-pk")


def with_status(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """`jobs`, which can now be ordered by `run_status`."""
    ended = NullIf(F("record__last_status"), Value(""))
    live = Coalesce(Subquery(_newer_live().values("status")[:1]), ended)
    # Few jobs have something that lives, and they are known at once: the others are not looked up one by one.
    return jobs.alias(run_status=Case(When(pk__in=Execution.objects.live().values("job"), then=live), default=ended))


class RunStatus(Texts):
    """Jobs whose newest run has one of these states. Only the states asked for are looked at."""

    def filter(self, qs: QuerySet[Any], value: list[str]) -> QuerySet[Any]:
        if not value:
            return qs
        ended = [status for status in value if status not in LIVE]
        wanted = Q(record__last_status__in=ended) & ~Exists(_newer_live()) if ended else Q(pk__in=[])
        if live := [status for status in value if status in LIVE]:
            candidates = Execution.objects.filter(status__in=live).values("job")
            qs = with_status(qs)
            wanted |= Q(pk__in=candidates, run_status__in=live)
        return qs.filter(wanted)
