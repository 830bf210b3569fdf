"""Sweeping: whatever a crash swallowed is found and set going again. Any number of processes may sweep.

Each step is a bounded set of conditional updates that find nothing to do, as a rule, in an index on live states.
"""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import structlog
from django.db.models import Exists, F, OuterRef, Q

from executions import tally
from executions.engine import cancel, capacity, dependants, hints, placement
from executions.engine.draft import living_workers
from executions.engine.finish import fail_lost
from executions.engine.transactions import again_on_conflict
from executions.failpoints import reached
from executions.models import LEASE, Execution, House, Worker
from executions.states import WAITING, Reason, Status
from jobs.models import Job

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=5)
STALE_HINT = timedelta(seconds=30)
"""What has been queued for so long gets another hint: the first may have been swallowed."""
_AT_ONCE = 500
_PORTIONS = 10


def sweep(now: datetime) -> None:
    """Do everything that is overdue at `now`."""
    reached("before_sweep")
    for _ in range(_PORTIONS):  # a worker that dies with all that it ran leaves more than one portion behind
        if fail_lost(now, _AT_ONCE) < _AT_ONCE:
            break
    queue_ready(now)
    expire(now)
    end_pauses(now)
    cancel_orphans(now)
    choose_again(now)
    repair_blocked(now)
    hint_again(now)
    tally.merge(now)
    capacity.refresh_unmet(now)
    House.objects.filter(id=1).update(last_sweep=now)


@again_on_conflict
def queue_ready(now: datetime) -> int:
    """Queue what waited for a delay that has passed: retries, and runs asked for at a time."""
    keys = list(
        Execution.objects.filter(status=Status.PENDING, ready_at__lte=now)
        .order_by("ready_at")
        .values_list("pk", flat=True)[:_AT_ONCE]
    )
    if not keys:
        return 0
    forbidding = Execution.objects.filter(pk__in=keys, job__concurrency=Job.Concurrency.FORBID).values_list(
        "pk", "job_id"
    )
    held = [key for key, job in forbidding if dependants.is_occupied(job, keys)]
    # Only what is PENDING still: another sweep may have found a run's job occupied, and blocked it.
    pending = Execution.objects.filter(status=Status.PENDING)
    moved = pending.filter(pk__in=set(keys) - set(held)).move(Status.QUEUED, queued=now)
    pending.filter(pk__in=held).move(Status.BLOCKED, reason=Reason.CONCURRENCY)
    if moved:
        hints.after_commit()
    return moved


@again_on_conflict
def expire(now: datetime) -> int:
    """Cancel what did not start by its deadline."""
    late = Execution.objects.filter(status__in=WAITING, start_by__lt=now).order_by("start_by")
    keys = list(late.values_list("pk", flat=True)[:_AT_ONCE])
    if not keys:
        return 0
    moved = Execution.objects.filter(pk__in=keys, status__in=WAITING).move(
        Status.CANCELED, reason=Reason.EXPIRED, ended=now, message="It did not start by its deadline."
    )
    cancel.ended(keys, now)
    return moved


def end_pauses(now: datetime) -> int:
    """Resume jobs whose pause was to last until now."""
    return Job.objects.filter(paused_until__lte=now).update(
        paused_at=None, paused_until=None, paused_by="", pause_note=""
    )


def cancel_orphans(now: datetime) -> int:
    """Cancel what waits although its job was archived; but not what still waits of an ephemeral job that went."""
    orphans = Execution.objects.filter(
        status__in=WAITING, job__archived__isnull=False, job__is_ephemeral=False
    ).values_list("pk", flat=True)[:_AT_ONCE]
    return cancel.cancel_all(list(orphans), by="", now=now, reason=Reason.SYSTEM, message="Its job was deleted.")


@again_on_conflict
def choose_again(now: datetime) -> int:
    """Choose another worker for runs that only theirs may take, where it has gone, or a first one, where none was."""
    chosen = Worker.objects.filter(pk=OuterRef("chosen_worker")).alive(now, LEASE)
    waiting = Execution.objects.filter(~Exists(chosen), status=Status.QUEUED, needs_worker=True)
    tags = dict(waiting.order_by().distinct().values_list("job_id", "job__tags"))
    if not tags:
        return 0
    workers = living_workers(now)
    # Runs for which nobody qualifies are left out at once: they must not keep the others from being looked at.
    able = {job: found for job, wanted in tags.items() if (found := placement.qualified(wanted, workers))}
    moved = 0
    for key, job, group, slot in (
        waiting.filter(job__in=able).order_by("pk").values_list("pk", "job_id", "group", "slot")[:_AT_ONCE]
    ):
        others = Execution.objects.runs().filter(group=group).exclude(slot=slot)
        taken = set(others.exclude(worker=None).values_list("worker", flat=True)) | set(
            others.values_list("chosen_worker", flat=True)
        )
        free = [worker for worker in able[job] if worker not in taken]
        if free:
            moved += Execution.objects.filter(pk=key, status=Status.QUEUED).update(chosen_worker=random.choice(free))
    if moved:
        hints.after_commit()
    return moved


@again_on_conflict
def repair_blocked(now: datetime) -> int:
    """Free what is blocked although nothing that it could wait for lives: an end may have been missed."""
    old = Execution.objects.filter(status=Status.BLOCKED, created__lt=now - EVERY).order_by()
    parents = Execution.objects.live().filter(job__children=OuterRef("job"))
    orphans = old.exclude(reason=Reason.CONCURRENCY).exclude(
        Exists(parents.filter(group=OuterRef("origin")))
        | Exists(parents.filter(~Q(origin=F("group")), origin=OuterRef("origin")))
    )
    others = Execution.objects.filter(job=OuterRef("job")).occupying()
    unneeded = old.filter(reason=Reason.CONCURRENCY).exclude(Exists(others), job__concurrency=Job.Concurrency.FORBID)
    origins = set(orphans.values_list("origin", flat=True)[:_AT_ONCE])
    jobs = set(unneeded.values_list("job_id", flat=True)[:_AT_ONCE])
    moved = dependants.settle(origins, now) + dependants.unblock(jobs, now) if origins or jobs else 0
    if moved:
        hints.after_commit()
    return moved


def hint_again(now: datetime) -> bool:
    """Hint when something has been queued for long."""
    stale = Execution.objects.filter(Q(queued__lt=now - STALE_HINT), status=Status.QUEUED).exists()
    if stale:
        hints.send()
    return stale
