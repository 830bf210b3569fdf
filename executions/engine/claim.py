"""Claiming: what may this worker run now? The one place where an execution becomes RUNNING, and where limits hold.

    1. lock the most urgent queued executions that this worker may take, skipping those that another claimer holds
    2. of those under a limit (a type's `max_scheduled`, a job that forbids or replaces), lock the limiting rows, type
       before job, lowest id first, count what runs, and let pass only what fits
    3. of Seed images let pass only what fits into the worker's resources and keeps nobody from them for ever
       (executions.engine.capacity)
    4. move them QUEUED -> RUNNING with the worker and a lease

Guarantee: an execution is handed out once, and no limit is exceeded, however many workers claim at the same time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, Q, Value
from django.db.models.functions import Coalesce, Greatest

from executions.engine import capacity
from executions.engine.transactions import again_on_conflict
from executions.failpoints import reached
from executions.models import LEASE, Execution, House, Worker
from executions.notifications import record as notify
from executions.querysets import ExecutionQuerySet
from executions.states import Status
from jobs.models import Job
from jobtypes.models import JobType

_LOOKS = 10
"""The queue is looked at again, without what has no room at the moment, so many times at most."""


class _Candidate(NamedTuple):
    id: int
    priority: int
    job: int
    job_type: int
    concurrency: str
    max_scheduled: int | None
    executor: str
    type_name: str
    revision: int
    payload: int

    @property
    def is_limited(self) -> bool:
        return bool(self.max_scheduled) or self.concurrency != Job.Concurrency.ALLOW


@again_on_conflict
def claim(worker: Worker, room: int, now: datetime) -> list[int]:
    """Hand up to `room` executions to `worker`; return their ids, most urgent first.

    An empty list means that nothing is queued that it may run now: wait for a hint.
    """
    if House.objects.filter(paused_at__isnull=False).exists():
        return []
    claimed: list[int] = []
    ready = Execution.objects.ready_for(worker.pk).filter(Q(start_by=None) | Q(start_by__gt=now))
    for _ in range(_LOOKS):
        candidates = _candidates(ready, room - len(claimed))
        allowed = _within_limits(candidates) if any(c.is_limited for c in candidates) else candidates
        allowed, allocated, ready = _within_capacity(worker, allowed, ready, now)
        claimed += _move([candidate.id for candidate in allowed], worker, now)
        for key, resources in allocated.items():
            Execution.objects.filter(pk=key).update(resources=resources)
        if len(allowed) == len(candidates) or len(claimed) >= room:
            break
        ready = ready.with_room()
    if claimed:
        notify.started(claimed, now)
        reached("before_claim_commit")
    return claimed


def _move(keys: list[int], worker: Worker, now: datetime) -> list[int]:
    if keys:
        # What was queued since `now` was asked for did not start before that.
        started = Greatest(Value(now), Coalesce("queued", Value(now)))
        moved = Execution.objects.filter(pk__in=keys).move(
            Status.RUNNING, reason=None, worker=worker, started=started, lease_until=now + LEASE
        )
        assert moved == len(keys), "a locked row was moved by somebody else"
    return keys


def _candidates(ready: ExecutionQuerySet, room: int) -> list[_Candidate]:
    rows = ready.select_for_update(skip_locked=True, no_key=True, of=("self",)).values_list(
        *("pk", "priority", "job_id", "job_type_id", "job__concurrency", "job_type__max_scheduled"),
        *("job_type__executor", "job_type__name", "revision_id", "payload_id"),
    )[:room]
    return [_Candidate(*row) for row in rows]


def _within_capacity(
    worker: Worker, candidates: list[_Candidate], ready: ExecutionQuerySet, now: datetime
) -> tuple[list[_Candidate], dict[int, dict[str, float]], ExecutionQuerySet]:
    """The candidates that fit beside what `worker` runs, the resources of those that get some, and what is left to be
    looked at of `ready`: nothing that surely has no room.
    """
    asking = [candidate for candidate in candidates if candidate.executor == capacity.CONTAINER]
    if not asking:
        return candidates, {}, ready
    within_limits = ready.with_room()
    line = capacity.first_in_line(worker, within_limits, now)
    fitting, others = capacity.allocate(worker, asking, line)
    left_out = {candidate.id for candidate in others}
    allowed = [candidate for candidate in candidates if candidate.id not in left_out]
    if others:
        crowded = {candidate.job_type for candidate in others} | capacity.crowded_out(worker, within_limits)
        ready = ready.exclude(job_type__in=crowded)
    return allowed, {one.id: needed for one, needed in fitting}, ready


def _within_limits(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The candidates that fit, most urgent first. Their types and jobs stay locked until the claim commits."""
    types = {c.job_type: c.max_scheduled for c in candidates if c.max_scheduled}
    jobs = {c.job for c in candidates if c.concurrency != Job.Concurrency.ALLOW}
    limits = dict(
        JobType.objects.filter(pk__in=types)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk", "max_scheduled")
    )
    list(Job.objects.filter(pk__in=jobs).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    running = Execution.objects.running()
    of_type = Counter(dict(running.filter(job_type__in=types).values_list("job_type").annotate(Count("pk"))))
    groups_of_job: dict[int, set[int]] = {}
    for job, group in running.filter(job__in=jobs).values_list("job_id", "group"):
        groups_of_job.setdefault(job, set()).add(group)
    group_of = dict(
        Execution.objects.filter(pk__in=[c.id for c in candidates if c.job in jobs]).values_list("pk", "group")
    )
    allowed = []
    for candidate in candidates:
        limit = limits.get(candidate.job_type)
        if limit and of_type[candidate.job_type] >= limit:
            continue
        if candidate.job in jobs:
            others = groups_of_job.setdefault(candidate.job, set())
            if others - {group_of[candidate.id]}:  # the slots of one run may run beside each other
                continue
            others.add(group_of[candidate.id])
        of_type[candidate.job_type] += 1
        allowed.append(candidate)
    return allowed
