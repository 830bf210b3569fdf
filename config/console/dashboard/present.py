"""What goes on: what runs and how far it is, what waits, who works, what is stuck, whether the scheduler ticks."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, F, Min, Q

from config.console import links
from executions.models import LEASE, Execution, House, Worker
from executions.recent import usual
from executions.states import Status

RUNNING_SHOWN, STUCK_SHOWN, WORKERS_SHOWN = 10, 8, 12
SLOW_TO_STOP = timedelta(seconds=30)
FRESH = timedelta(seconds=30)
"""How old the last look of a scheduler may be."""
FAR_OVER = 3
"""Times the usual duration after which a run is called stuck; short ones get a minute."""


@dataclass(frozen=True, slots=True)
class Running:
    id: int
    url: str
    job: str
    worker: str
    started: datetime
    seconds: float
    usual: float | None

    @property
    def share(self) -> float:
        return self.seconds / self.usual if self.usual else 0.0

    @property
    def is_over(self) -> bool:
        return self.usual is not None and self.seconds > max(FAR_OVER * self.usual, 60.0)


@dataclass(frozen=True, slots=True)
class Stuck:
    url: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is queued with one priority."""

    priority: int
    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class WorkerLoad:
    name: str
    url: str
    status: str
    busy: int
    slots: int
    version: str
    last_seen: datetime

    @property
    def share(self) -> float:
        return self.busy / self.slots if self.slots else 0.0


@dataclass(frozen=True, slots=True)
class Present:
    counts: dict[str, int]
    """Of every state that is not final."""
    waiting: list[Waiting]
    running: list[Running]
    stuck: list[Stuck]
    workers: list[WorkerLoad]
    slots: int
    last_tick: datetime | None
    last_sweep: datetime | None
    leader: str
    is_ticking: bool

    @property
    def in_line(self) -> int:
        return sum(count for status, count in self.counts.items() if status != Status.RUNNING)

    @property
    def oldest(self) -> datetime | None:
        return min((one.oldest for one in self.waiting if one.oldest), default=None)


def read(now: datetime) -> Present:
    """Seven queries on what lives, which is little among whatever history."""
    counts: dict[str, int] = defaultdict(int)
    waiting = []
    live = Execution.objects.live().order_by().values("status", "priority")
    for row in live.annotate(count=Count("pk"), oldest=Min("queued")).order_by("priority"):
        counts[row["status"]] += row["count"]
        if row["status"] == Status.QUEUED:
            waiting.append(Waiting(row["priority"], row["count"], row["oldest"]))
    house = House.objects.filter(id=1).first()
    workers, slots = _workers(now)
    return Present(
        counts=dict(counts),
        waiting=waiting,
        running=_running(now),
        stuck=_stuck(now),
        workers=workers,
        slots=slots,
        last_tick=house.last_tick if house else None,
        last_sweep=house.last_sweep if house else None,
        leader=house.leader if house and house.leader_until and house.leader_until > now else "",
        is_ticking=bool(house and house.last_tick and house.last_tick >= now - FRESH),
    )


def _running(now: datetime) -> list[Running]:
    """Those that run longest, against what their job usually takes."""
    rows = Execution.objects.running().select_related("job", "worker").order_by("started")
    shown = list(rows.only("started", "job__name", "worker__name")[:RUNNING_SHOWN])
    usually = usual({row.job_id for row in shown})
    return [
        Running(
            id=row.pk,
            url=links.execution(row.pk),
            job=row.job.name,
            worker=row.worker.name if row.worker else "",
            started=row.started or now,
            seconds=max(0.0, (now - (row.started or now)).total_seconds()),
            usual=usually.get(row.job_id),
        )
        for row in shown
    ]


def _stuck(now: datetime) -> list[Stuck]:
    """Under a lease that has passed, or asked to stop and still there."""
    rows = Execution.objects.running().filter(Q(lease_until__lt=now) | Q(stop_requested__lt=now - SLOW_TO_STOP))
    return [
        Stuck(
            links.execution(row.pk),
            f"{row.job.name}, execution {row.pk}",
            "its worker's lease has passed"
            if row.lease_until and row.lease_until < now
            else f"asked to stop by {row.stop_by or 'the house'}, still running",
        )
        for row in rows.select_related("job").only("job__name", "lease_until", "stop_by").order_by("pk")[:STUCK_SHOWN]
    ]


def _workers(now: datetime) -> tuple[list[WorkerLoad], int]:
    """Those that have not stopped, the least healthy first; and the slots of all that are alive."""
    busy = dict(Execution.objects.running().order_by().values_list("worker").annotate(count=Count("pk")))
    rows = list(Worker.objects.filter(stopped=None).order_by(F("last_seen").desc())[:200])
    loads = [
        WorkerLoad(
            row.name,
            links.worker(row.pk),
            row.status(now),
            busy.get(row.pk, 0),
            row.slots,
            row.version,
            row.last_seen,
        )
        for row in rows
    ]
    slots = sum(load.slots for row, load in zip(rows, loads, strict=True) if row.last_seen >= now - LEASE)
    order = {"lost": 0, "stopping": 1}
    return sorted(loads, key=lambda one: (order.get(one.status, 2), -one.share))[:WORKERS_SHOWN], slots
