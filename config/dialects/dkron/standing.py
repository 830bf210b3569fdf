"""How the newest run of a job ended, in Dkron's words: of the jobs of a page, and in SQL, to filter and to count by.

The run is the one whose try ended last (`JobRecord.last_execution`); all its tries that have started count, those of
other nodes too. Where it is not kept any more, the job's record says how its last try ended.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import Case, CharField, Count, Exists, OuterRef, Q, QuerySet, Subquery, Value, When

from config.dialects.dkron.words import DOOR, FAILED, PARTLY, SUCCESS, UNTRIGGERED, of_run
from executions.models import Execution
from executions.states import Reason, Status
from jobs.models import Job

_HANDED_BACK = Q(status=Status.CANCELED, reason=Reason.SYSTEM)
"""A try that a worker gave back when it was stopped: nothing came of it."""
_CHUNK = 5_000
COLUMN = "dkron_status"
"""What `annotated` adds."""


def of(jobs: Collection[Job]) -> dict[int, str]:
    """The status of each of `jobs`, by its id. They come with their `record`; two queries for a page of them."""
    newest = {job.record.last_execution: job for job in jobs if job.record.last_execution}
    groups: dict[int, int] = dict(_chunked(Execution.objects.order_by(), "pk", newest, "pk", "group"))
    tries: dict[int, set[str]] = defaultdict(set)
    started = Execution.objects.filter(started__isnull=False).exclude(_HANDED_BACK).order_by().distinct()
    for group, status in _chunked(started, "group", groups.values(), "group", "status"):
        tries[group].add(status)
    return {job.pk: _status(job, tries.get(groups.get(job.record.last_execution or 0, 0))) for job in jobs}


def _chunked(rows: QuerySet[Execution], field: str, keys: Iterable[int], *columns: str) -> list[tuple[int, Any]]:
    wanted = list(keys)
    found: list[tuple[int, Any]] = []
    for start in range(0, len(wanted), _CHUNK):
        found += rows.filter(**{f"{field}__in": wanted[start : start + _CHUNK]}).values_list(*columns)
    return found


def _status(job: Job, tries: set[str] | None) -> str:
    if tries:
        return of_run(tries)
    kept = job.foreign.get(DOOR) or {}
    if not job.record.last_execution and kept.get("status") == PARTLY:
        return PARTLY
    if not job.record.last_status:
        return UNTRIGGERED
    return SUCCESS if job.record.last_status == Status.COMPLETED else FAILED


def annotated(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """`jobs` with their status as COLUMN, computed where it is asked for."""
    last = Execution.objects.filter(pk=OuterRef("record__last_execution")).values("group")[:1]
    mates = Execution.objects.filter(group=OuterRef("last_group"), started__isnull=False)
    good = Exists(mates.filter(status=Status.COMPLETED))
    bad = Exists(mates.exclude(status=Status.COMPLETED).exclude(_HANDED_BACK))
    told = Case(
        When(Q(good) & Q(bad), then=Value(PARTLY)),
        When(good, then=Value(SUCCESS)),
        When(bad, then=Value(FAILED)),
        When(**{"record__last_execution": None, f"foreign__{DOOR}__status": PARTLY}, then=Value(PARTLY)),
        When(record__last_status="", then=Value(UNTRIGGERED)),
        When(record__last_status=Status.COMPLETED, then=Value(SUCCESS)),
        default=Value(FAILED),
        output_field=CharField(),
    )
    return jobs.alias(last_group=Subquery(last)).annotate(**{COLUMN: told})


def counts(jobs: QuerySet[Job]) -> dict[str, int]:
    """How many of `jobs` stand how; one query over all of them."""
    rows = annotated(jobs).order_by().values(COLUMN).annotate(count=Count("pk"))
    return {row[COLUMN]: row["count"] for row in rows}
