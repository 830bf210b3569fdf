"""Canceling: what waits never starts, what runs is asked to stop."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from errors import audit
from errors.exceptions import Conflict
from executions.engine import dependants
from executions.engine.transactions import again_on_conflict
from executions.models import Execution
from executions.states import FINAL, WAITING, Reason, Status


class AlreadyOver(Conflict):
    """The execution has already ended."""


@again_on_conflict
def cancel(
    execution: Execution, *, by: str, now: datetime, reason: Reason = Reason.USER, message: str = ""
) -> Execution:
    """End `execution`: at once when it waits, within seconds when it runs. Returns it as it stands then.

    Raises AlreadyOver. A running one stays RUNNING until its worker has stopped it; one that ends by itself before
    that keeps its own end.
    """
    fresh, is_asked = _cancel(execution, by=by, now=now, reason=reason, message=message)
    if is_asked:
        after = {"status": fresh.status if fresh.is_final else "stopping"}
        audit.record(fresh, "cancel", by=by, before={"status": execution.status}, after=after)
    return fresh


@again_on_conflict
def _cancel(execution: Execution, *, by: str, now: datetime, reason: Reason, message: str) -> tuple[Execution, bool]:
    """As `cancel`, for callers who account for many at once; says also whether it was this call that did it."""
    said = message or (f"Canceled by {by}." if by else "Canceled.")
    row = Execution.objects.filter(pk=execution.pk)
    moved = row.filter(status__in=[Status.PENDING, Status.BLOCKED, Status.QUEUED]).move(
        Status.CANCELED, reason=reason, ended=now, stop_requested=now, stop_reason=reason, stop_by=by, message=said
    )
    if moved:
        ended([execution.pk], now)
    else:
        moved = (
            row.running()
            .filter(stop_requested=None)
            .update(stop_requested=now, stop_reason=reason, stop_by=by, message=said)
        )
    fresh = Execution.objects.get(pk=execution.pk)
    if fresh.status in FINAL and not moved:
        raise AlreadyOver(f"Execution {execution.pk} has already ended: {fresh.status}.")
    return fresh, bool(moved)


def cancel_many(keys: Collection[int], *, by: str, now: datetime, reason: Reason, message: str) -> int:
    """As `cancel_all`, in a handful of statements whatever the number of `keys`; call it inside a transaction."""
    how = {"stop_requested": now, "stop_reason": reason, "stop_by": by, "message": message}
    rows = Execution.objects.filter(pk__in=keys, stop_requested=None)
    list(rows.live().order_by("pk").select_for_update(no_key=True).values_list("pk"))
    waiting = list(rows.filter(status__in=WAITING).values_list("pk", flat=True))
    moved = Execution.objects.filter(pk__in=waiting, status__in=WAITING).move(
        Status.CANCELED, reason=reason, ended=now, **how
    )
    asked = rows.running().update(**how)
    if waiting:
        ended(waiting, now)
    return moved + asked


def cancel_all(keys: Iterable[int], *, by: str, now: datetime, reason: Reason, message: str) -> int:
    """Cancel those of `keys` that have not ended; return how many were canceled or asked to stop."""
    count = 0
    for execution in Execution.objects.filter(pk__in=list(keys)).live().only("pk").order_by("pk"):
        try:
            _cancel(execution, by=by, now=now, reason=reason, message=message)
        except AlreadyOver:
            continue
        count += 1
    return count


def replace(job: int, now: datetime) -> int:
    """Make way for a new run of `job`: cancel those that live. The new one starts when the last of them has stopped."""
    keys = Execution.objects.filter(job=job).occupying().values_list("pk", flat=True)
    return cancel_all(keys, by="", now=now, reason=Reason.SYSTEM, message="Replaced by a newer run of its job.")


def ended(keys: Iterable[int], now: datetime) -> None:
    """Let follow what follows the end of executions that never ran: their dependants, and what they kept waiting."""
    rows = list(Execution.objects.filter(pk__in=list(keys)).values_list("origin", "job_id"))
    dependants.settle({origin for origin, _ in rows}, now)
    dependants.unblock({job for _, job in rows}, now)
