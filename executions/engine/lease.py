"""Leases: a worker's grip on what it runs. While it renews them nobody else may touch its executions."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from executions.engine.transactions import again_on_conflict
from executions.failpoints import reached
from executions.models import HEARTBEAT, LEASE, Execution, Worker
from executions.states import Reason

GIVE_UP_SECONDS = 20.0
"""A worker that could not renew for so long kills its jobs: before the lease can pass, at 30 s, to another."""
RENEW_SECONDS = HEARTBEAT.total_seconds()


class Held(NamedTuple):
    """One execution that is this worker's at the moment, and whether it must stop."""

    execution: int
    stop_reason: Reason | None


@again_on_conflict
def renew(worker: Worker, now: datetime) -> None:
    """Renew all leases of `worker` in one statement, and say that it lives."""
    reached("before_renew")
    Execution.objects.running_on(worker.pk).update(lease_until=now + LEASE)
    Worker.objects.filter(pk=worker.pk).update(last_seen=now)


def held(worker: Worker) -> list[Held]:
    """What `worker` holds: one statement. What it runs and does not find here was taken from it."""
    rows = Execution.objects.running_on(worker.pk).values_list("pk", "stop_requested", "stop_reason")
    return [Held(key, Reason(reason or Reason.USER) if asked else None) for key, asked, reason in rows]
