"""The house's own state: whether it is paused, and how it is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, Min, Q, Sum

from errors import audit
from executions.engine import hints
from executions.models import LEASE, Execution, House, Worker
from executions.states import FINAL, Status, Trigger

_MINUTE = timedelta(minutes=1)


def pause(by: str, note: str, now: datetime) -> House:
    """Let nothing start any more: no schedule fires, no worker claims. What runs goes on, jobs' own pauses stay."""
    House.row()
    with transaction.atomic():
        if House.objects.filter(id=1, paused_at=None).update(paused_at=now, paused_by=by, pause_note=note):
            after = {"is_paused": True, "note": note}
            audit.record(House.row(), "pause", by=by, before={"is_paused": False, "note": ""}, after=after)
    return House.row()


def resume(by: str, now: datetime) -> House:
    """Let things start again. What fell due meanwhile is decided by each job's misfire policy."""
    House.row()
    with transaction.atomic():
        paused = House.objects.filter(id=1, paused_at__isnull=False)
        if paused.update(paused_at=None, paused_by="", pause_note=""):
            audit.record(House.row(), "resume", by=by, before={"is_paused": True}, after={"is_paused": False})
        hints.after_commit()
    return House.row()


@dataclass(frozen=True, slots=True)
class HouseStatus:
    """The figures of `/v6/status/`; times are aware, lag and ages in seconds."""

    version: str
    started: datetime
    database: str
    broker: str
    paused: dict[str, object] | None
    leader: str | None
    last_tick: datetime | None
    lag: float | None
    workers: int
    slots: int
    queued: int
    oldest_queued: datetime | None
    running: int
    fired_last_minute: int
    finished_last_minute: int


def status(now: datetime) -> HouseStatus:
    """How the house is: five short queries on live rows and on the last minute's."""
    house = House.row()
    live = Execution.objects.filter(status__in=[Status.QUEUED, Status.RUNNING]).aggregate(
        waiting=Count("pk", filter=Q(status=Status.QUEUED)),
        oldest=Min("queued", filter=Q(status=Status.QUEUED)),
        running=Count("pk", filter=Q(status=Status.RUNNING)),
    )
    workers = Worker.objects.alive(now, LEASE).aggregate(count=Count("pk"), slots=Sum("slots"))
    return HouseStatus(
        version=settings.VERSION,
        started=house.started,
        database=connection.vendor,
        broker=settings.BROKER_URL.split(":", 1)[0],
        paused={"by": house.paused_by, "at": house.paused_at, "note": house.pause_note} if house.paused_at else None,
        leader=house.leader if house.leader_until and house.leader_until > now else None,
        last_tick=house.last_tick,
        lag=max(0.0, (now - house.last_tick).total_seconds()) if house.last_tick else None,
        workers=workers["count"],
        slots=workers["slots"] or 0,
        queued=live["waiting"],
        oldest_queued=live["oldest"],
        running=live["running"],
        fired_last_minute=Execution.objects.filter(created__gte=now - _MINUTE, trigger=Trigger.SCHEDULE).count(),
        finished_last_minute=Execution.objects.filter(ended__gte=now - _MINUTE, status__in=FINAL).count(),
    )
