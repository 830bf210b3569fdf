"""What only time tells: starts that are late, runs that take long. Looked for every few seconds; nothing where no rule
asks for it.

Late is a run by schedule whose start comes, or would come now, more than a rule's seconds after its instant. Long is a
run beyond twice the 95th percentile of the last 50 successes of its job, and beyond a minute: of a job that has never
succeeded nobody can tell.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.db.models import DateTimeField as Moment
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q

from executions.models import Execution
from executions.notifications import alerts, record
from executions.notifications.interest import Interest, Kind, Rule
from executions.notifications.models import AlertState, NotificationEvent
from executions.states import LIVE, Status, Trigger
from jobs.models import Job

SHORTEST_LONG = timedelta(minutes=1)
TIMES = 2
SUCCESSES = 50
_AT_ONCE = 500
_LOOKED_AT = 20_000
"""Late executions that are looked at for one rule: those of a label are told apart only here."""


def look(rules: Interest, now: datetime) -> None:
    """Record what is late or long at `now`. Any number of processes may look."""
    for rule in rules.of(Kind.LATE):
        _look_for_late(rule, now)
    if wanted := rules.of(Kind.LONG):
        _look_for_long(wanted, now)


def _look_for_late(rule: Rule, now: datetime) -> None:
    limit = timedelta(seconds=rule.late_after or 0)
    told = AlertState.objects.filter(topic=alerts.late(rule.id), job=OuterRef("job"), alerted__gt=now - alerts.AGAIN)
    latest = ExpressionWrapper(F("scheduled_for") + limit, output_field=Moment())
    waiting = Execution.objects.filter(
        Q(started=None) | Q(started__gt=latest),
        status__in=LIVE,
        trigger=Trigger.SCHEDULE,
        attempt=1,
        scheduled_for__lt=now - limit,
    )
    rows = waiting.filter(~Exists(told), **_within(rule)).order_by("pk")
    columns = rows.values_list("pk", "job_id", "scheduled_for", "started", "job__owner", "job__metadata")
    found = [
        (key, job, ((started or now) - instant).total_seconds())
        for key, job, instant, started, owner, metadata in columns[:_LOOKED_AT]
        if instant and rule.concerns(Job(pk=job, owner=owner, metadata=metadata))
    ]
    if found:
        record.late(rule, found[:_AT_ONCE], now)


def _within(rule: Rule) -> dict[str, object]:
    """What of a rule the database can be asked for at little cost."""
    if rule.job is not None:
        return {"job": rule.job}
    return {"job__owner": rule.owner} if rule.owner else {}


@dataclass(frozen=True, slots=True)
class _Running:
    key: int
    job: int
    run: str
    since: datetime


def _look_for_long(wanted: Sequence[Rule], now: datetime) -> None:
    running = Execution.objects.running().filter(started__lt=now - SHORTEST_LONG).order_by("pk")
    columns = running.values_list("pk", "job_id", "group", "slot", "started", "job__owner", "job__metadata")
    candidates = [
        _Running(key, job, f"{group}/{slot}", started)
        for key, job, group, slot, started, owner, metadata in columns
        if started and any(rule.concerns(Job(pk=job, owner=owner, metadata=metadata)) for rule in wanted)
    ]
    if not candidates:
        return
    known = NotificationEvent.objects.filter(once__in=[record.once_long(one.run) for one in candidates])
    told = set(known.values_list("once", flat=True))
    found = []
    for one in candidates:
        if record.once_long(one.run) in told or (usual := _usual(one.job, int(now.timestamp() // 60))) is None:
            continue
        if now - one.since > max(TIMES * usual, SHORTEST_LONG):
            details = {"seconds": (now - one.since).total_seconds(), "p95": usual.total_seconds()}
            found.append((one.key, one.job, one.run, details))
    if found:
        record.long(found, now)


@lru_cache(maxsize=1024)
def _usual(job: int, minute: int) -> timedelta | None:
    """`p95`, asked for once a minute."""
    return p95(job)


def forget() -> None:
    """Ask anew how long jobs usually take."""
    _usual.cache_clear()


def p95(job: int) -> timedelta | None:
    """The 95th percentile of how long the last 50 successes of `job` took; None where there were none."""
    done = Execution.objects.filter(job=job, status=Status.COMPLETED, started__isnull=False)
    newest = done.order_by("-created", "-id").values_list("started", "ended")[:SUCCESSES]
    took = sorted(ended - started for started, ended in newest if started and ended)
    return took[math.ceil(0.95 * len(took)) - 1] if took else None
