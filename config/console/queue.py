"""The queue: what waits for a slot, by job type and priority, and in one sentence why its oldest does not run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Min

from config.console import links
from executions.engine.why import why
from executions.models import Execution
from executions.states import Status
from jobtypes.models import JobType

GROUPS_SHOWN = 100
EXPLAINED = 10
"""Groups whose oldest is explained, the most urgent ones: each sentence takes a few queries."""


@dataclass(frozen=True, slots=True)
class Group:
    """What is queued of one job type with one priority."""

    job_type: str
    type_url: str
    is_paused: bool
    priority: int
    count: int
    since: datetime | None
    oldest: int
    oldest_url: str
    url: str
    why: str


@dataclass(frozen=True, slots=True)
class Ahead:
    """What waits for something else than a slot."""

    status: str
    count: int
    next_at: datetime | None
    url: str


@dataclass(frozen=True, slots=True)
class Queue:
    groups: list[Group]
    is_more: bool
    total: int
    ahead: list[Ahead]


def read(now: datetime) -> Queue:
    """Unpaused types first, then by priority, then by who waits longest. Reads what lives, by its small indexes."""
    queued = Execution.objects.filter(status=Status.QUEUED).order_by().values("job_type", "priority")
    rows = list(queued.annotate(count=Count("pk"), since=Min("queued"), oldest=Min("pk")))
    types = JobType.objects.light().in_bulk({row["job_type"] for row in rows})
    rows.sort(key=lambda row: (types[row["job_type"]].is_paused, row["priority"], row["since"] or now))
    oldest = [row["oldest"] for row in rows[:EXPLAINED]]
    explained = Execution.objects.select_related("job", "job_type", "chosen_worker").in_bulk(oldest)
    groups = [
        Group(
            job_type=str(types[row["job_type"]]),
            type_url=links.job_type(row["job_type"]),
            is_paused=types[row["job_type"]].is_paused,
            priority=row["priority"],
            count=row["count"],
            since=row["since"],
            oldest=row["oldest"],
            oldest_url=links.execution(row["oldest"]),
            url=links.executions(job_type_id=row["job_type"], status="QUEUED"),
            why=(why(explained[row["oldest"]], now) or "") if row["oldest"] in explained else "",
        )
        for row in rows[:GROUPS_SHOWN]
    ]
    return Queue(groups, len(rows) > GROUPS_SHOWN, sum(row["count"] for row in rows), _ahead())


def _ahead() -> list[Ahead]:
    waiting = Execution.objects.live().filter(status__in=[Status.PENDING, Status.BLOCKED]).order_by().values("status")
    rows = waiting.annotate(count=Count("pk"), next_at=Min("ready_at")).order_by("status")
    return [Ahead(row["status"], row["count"], row["next_at"], links.executions(status=row["status"])) for row in rows]
