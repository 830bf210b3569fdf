"""Bulk actions: cancel or retry all executions that a filter finds, in the background, with a receipt.

    start    what is found is written down in one statement, so nothing that comes later is touched
    work     a portion at a time: act, strike the items off, count; one transaction
    abort    what is left stays as it is

Guarantee: whoever dies where, each execution is acted upon once at most, and the receipt says for how many it was done.
Workers call `work` again and again; any number of them may, since the receipt's row is locked while one does.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F

from errors import audit
from errors.exceptions import Conflict, Invalid, Refused
from executions import bulk
from executions.engine import backfill, cancel
from executions.engine.submit import try_again
from executions.engine.transactions import again_on_conflict
from executions.models import BulkAction, BulkItem, Execution
from executions.querysets import ExecutionQuerySet
from executions.states import FINAL, Door, Reason, Status

log = structlog.get_logger(__name__)

MOST = 100_000
"""Executions of one bulk action."""
CHUNK = 500
"""Executions that are canceled in one transaction."""
RETRIES_AT_ONCE = 25
"""Retries are made one by one; a transaction of more would keep others waiting."""
AT_ONCE = 1_000
"""What is no more than this is done before `start` returns, as far as QUICKLY_RETRIED allows."""
QUICKLY_RETRIED = 100

Action = BulkAction.Action


class TooMany(Invalid):
    """The filter finds more executions than one bulk action takes; narrow it."""


class Over(Conflict):
    """The bulk action has ended already."""


class Next(Enum):
    """When there may be more to do."""

    NOW = 0.0
    SOON = 0.5
    LATER = 5.0


def able(action: Action, found: ExecutionQuerySet, *, says_status: bool) -> ExecutionQuerySet:
    """Those of `found` to which `action` can be done. A retry leaves alone what completed, unless the filter
    `says_status`: nobody means to run again what went well by naming a job alone.
    """
    if action == Action.CANCEL:
        return found.live().filter(stop_requested=None)
    wanted = FINAL if says_status else {Status.FAILED, Status.CANCELED}
    return found.runs().filter(status__in=wanted, job__archived=None)


def count(found: ExecutionQuerySet) -> int:
    """How many there are. Raises TooMany for more than MOST, without counting on."""
    counted = found.order_by().values("pk")[: MOST + 1].count()
    if counted > MOST:
        raise TooMany(f"The filter finds more than {MOST:,} executions; narrow it.")
    return counted


def start(
    action: Action, found: ExecutionQuerySet, *, filter: Mapping[str, Any], by: str, door: Door, now: datetime
) -> BulkAction:
    """Cancel or retry all of `found` (which `able` has restricted), beginning at once; return the receipt.

    `filter` is what the receipt shows and the audit tells. Raises TooMany.
    """
    made = _start(action, found, dict(filter), by, door, now)
    if made.count <= (AT_ONCE if action == Action.CANCEL else QUICKLY_RETRIED):
        _begin(made, now)
    return BulkAction.objects.get(pk=made.pk)


@again_on_conflict
def _start(
    action: Action, found: ExecutionQuerySet, filter: dict[str, Any], by: str, door: Door, now: datetime
) -> BulkAction:
    count(found)
    made = BulkAction.objects.create(action=action, filter=filter, count=0, by=by[:150], door=door, created=now)
    made.count = bulk.insert_selected(BulkItem, {"bulk": made.pk}, "execution", found.order_by("pk"))
    made.save(update_fields=["count"])
    _end_if_done(made, now)
    audit.record(made, action, by=by, door=door, after={"filter": filter, "count": made.count})
    return made


def _begin(made: BulkAction, now: datetime) -> None:
    """Do what can be done at once. The receipt stands: where this fails, a worker goes on with it."""
    try:
        while _portion(made.pk, now) == Next.NOW:
            continue
    except (OperationalError, InterfaceError) as error:
        log.warning("a bulk action is left to the workers", bulk=made.pk, error=str(error).strip())


def abort(key: int, *, by: str, now: datetime) -> BulkAction:
    """Leave alone what a bulk action has not done yet; what a backfill has begun goes on. Raises Over."""
    return _abort(key, by, now)


@again_on_conflict
def _abort(key: int, by: str, now: datetime) -> BulkAction:
    row = BulkAction.objects.select_for_update(no_key=True, of=("self",)).get(pk=key)
    if row.is_over:
        raise Over(f"The bulk action has ended already: {row.state}.")
    row.state, row.ended, row.aborted_by = BulkAction.State.ABORTED, now, by[:150]
    row.save(update_fields=["state", "ended", "aborted_by"])
    left = row.items.count()
    row.items.all().delete()
    audit.record(row, "abort", by=by, after={"done": row.done, "failed": row.failed, "left": left})
    return row


# --- Working off ------------------------------------------------------------------------------------------------------
def work(now: datetime) -> Next:
    """Do a portion of every bulk action that is not over; say when there may be more. Called by every worker."""
    open_ones = BulkAction.objects.filter(state=BulkAction.State.RUNNING).order_by("pk")
    answers = [_portion(key, now) for key in open_ones.values_list("pk", flat=True)[:20]]
    return min(answers, key=lambda answer: answer.value, default=Next.LATER)


@again_on_conflict
def _portion(key: int, now: datetime) -> Next:
    held = BulkAction.objects.select_for_update(skip_locked=True, no_key=True, of=("self",))
    row = held.filter(pk=key, state=BulkAction.State.RUNNING).first()
    if row is None:
        return Next.SOON  # over, or another worker is at it
    if row.action == Action.BACKFILL:
        done, failed = backfill.step(row, now)
    else:
        size = CHUNK if row.action == Action.CANCEL else RETRIES_AT_ONCE
        items = dict(row.items.order_by("pk").values_list("pk", "execution")[:size])
        keys = [execution for execution in items.values() if execution is not None]
        done = _cancel(row, keys, now) if row.action == Action.CANCEL else _retry(row, keys, now)
        failed = len(items) - done
        BulkItem.objects.filter(pk__in=list(items)).delete()
    if done or failed:
        BulkAction.objects.filter(pk=row.pk).update(done=F("done") + done, failed=F("failed") + failed)
    if _end_if_done(row, now):
        return Next.SOON
    return Next.SOON if row.action == Action.BACKFILL else Next.NOW


def _end_if_done(row: BulkAction, now: datetime) -> bool:
    if row.items.exists():
        return False
    row.state, row.ended = BulkAction.State.COMPLETED, now
    row.save(update_fields=["state", "ended"])
    return True


def _cancel(row: BulkAction, keys: list[int], now: datetime) -> int:
    said = f"Canceled by {row.by}." if row.by else "Canceled."
    return cancel.cancel_many(keys, by=row.by, now=now, reason=Reason.USER, message=said)


def _retry(row: BulkAction, keys: list[int], now: datetime) -> int:
    done = 0
    for execution in Execution.objects.filter(pk__in=keys).order_by("pk"):
        try:
            with transaction.atomic():
                try_again(execution, by=row.by, door=Door(row.door), now=now)
        except (OperationalError, InterfaceError):
            raise  # the whole portion again
        except Refused:
            continue  # it was tried again meanwhile, or its job is gone
        except Exception:
            log.exception("an execution could not be retried", execution=execution.pk, bulk=row.pk)
            continue
        done += 1
    return done
