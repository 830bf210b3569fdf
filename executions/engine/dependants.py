"""Dependants: a run makes the executions of all jobs below it at once, BLOCKED, and each waits for its parents' ends.

They are tied together by `origin`, the run that set everything off. An execution is queued when its job's parents
within that origin have completed, and CANCELED (`upstream`), with all below it, when one of them failed its last try
or was canceled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Q

from executions import bulk
from executions.engine import placement
from executions.engine.draft import Draft, Pinned, insert, living_workers, pin
from executions.models import Execution
from executions.states import Door, Reason, Status, Trigger
from jobs.models import Job

_LINKS = Job.parents.through.objects
"""Rows (from_job: the child, to_job: its parent)."""
# Every submission asks this, and as a rule the answer is: none.
_BELOW = "SELECT id, from_job_id, to_job_id FROM jobs_job_parents WHERE to_job_id IN ({})"


def make(
    origins: Sequence[tuple[int, int]],
    *,
    door: Door,
    by: str,
    now: datetime,
    at: datetime | None = None,
    besides: Iterable[int] = (),
) -> int:
    """Make the executions of all jobs below each (job, origin group) of `origins`; return how many runs were made.

    A child that is disabled, expired, archived or cannot run gets none, nor has anything only below it; `besides` are
    jobs that have theirs already. Their deadline counts from `at`, when the origin is to start, if that is to come.
    One query a generation; none further when there are no children, as a rule.
    """
    pairs = list(origins)
    below: dict[int, set[int]] = {job: {job} for job, _ in pairs}
    frontier = set(below)
    children: dict[int, Job] = {}
    pinned: dict[int, Pinned] = {}
    while frontier:
        rows = _LINKS.raw(_BELOW.format(bulk.places(frontier)), list(frontier))
        links = [(link.from_job_id, link.to_job_id) for link in rows]
        if not links:
            break
        found = _able({child for child, _ in links} - children.keys(), now)
        pinned |= {job: pins for job, pins in pin(found.values()).items() if isinstance(pins, Pinned)}
        children |= {key: job for key, job in found.items() if key in pinned}
        frontier = set()
        for child, parent in links:
            if child in children:
                for jobs in below.values():
                    if parent in jobs and child not in jobs:
                        jobs.add(child)
                        frontier.add(child)
    if not children:
        return 0
    made = set(besides)
    workers = living_workers(now) if any(job.tags for job in children.values()) else []
    drafts = [
        Draft(
            job=children[key],
            pinned=pinned[key],
            trigger=Trigger.PARENT,
            door=door,
            by=by,
            created=now,
            status=Status.BLOCKED,
            ready_at=at if at and at > now else None,
            origin=origin,
            slots=placement.slots_for(children[key].tags, workers),
        )
        for job, origin in pairs
        for key in sorted(below[job] - {job} - made)
    ]
    insert(drafts)
    return len(drafts)


def _able(keys: Iterable[int], now: datetime) -> dict[int, Job]:
    jobs = Job.objects.living().filter(pk__in=set(keys), is_enabled=True).select_related("job_type")
    return {
        job.pk: job
        for job in jobs
        if not (job.expires_at and job.expires_at < now) and not (job.starts_at and job.starts_at > now)
    }


def settle(origins: Iterable[int], now: datetime) -> int:
    """Queue or cancel what waits within each of `origins`, as its parents' ends decide; return how many rows moved.

    Call it in the transaction in which something of these origins ended. The origin's first row is locked before
    anything is read, so that of two parents that end at once the second sees the first.
    """
    waiting = list(
        Execution.objects.set_off_by(origins)
        .filter(status=Status.BLOCKED)
        .order_by("origin")
        .values_list("origin", flat=True)
        .distinct()
    )
    if not waiting:
        return 0
    list(Execution.objects.filter(pk__in=waiting).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    return sum(_settle_one(origin, now) for origin in waiting)


def _settle_one(origin: int, now: datetime) -> int:
    members = list(
        Execution.objects.runs()
        .filter(Q(group=origin) | Q(pk__in=Execution.objects.set_off_by([origin]).values("pk")))
        .values_list("pk", "group", "job_id", "status", "reason")
    )
    newest: dict[int, int] = {}
    for _, group, job, _, _ in members:
        newest[job] = max(newest.get(job, 0), group)
    states: dict[int, list[str]] = defaultdict(list)
    blocked: dict[int, list[int]] = defaultdict(list)
    for key, group, job, status, reason in members:
        if newest[job] == group:
            states[job].append(status)
            if status == Status.BLOCKED and reason != Reason.CONCURRENCY:
                blocked[job].append(key)
    parents: dict[int, set[int]] = defaultdict(set)
    for child, parent in _LINKS.filter(from_job__in=list(blocked), to_job__in=list(states)).values_list(
        "from_job", "to_job"
    ):
        parents[child].add(parent)
    moved, changed = 0, True
    while changed:  # a cancellation decides about the next generation, too
        changed = False
        for job in list(blocked):
            ends = [status for parent in parents[job] for status in states[parent]]
            if any(end in {Status.FAILED, Status.CANCELED} for end in ends):
                moved += Execution.objects.filter(pk__in=blocked.pop(job)).move(
                    Status.CANCELED,
                    reason=Reason.UPSTREAM,
                    ended=now,
                    message="A job that it waits for did not complete.",
                )
                states[job] = [Status.CANCELED]
                changed = True
            elif all(end == Status.COMPLETED for end in ends):  # or there is nothing left to wait for
                moved += release(blocked.pop(job), job, now)
                states[job] = [Status.QUEUED]
    return moved


def release(keys: Sequence[int], job: int, now: datetime) -> int:
    """Queue the blocked executions `keys` of `job`; one whose job forbids overlap goes on waiting behind a live run."""
    rows = Execution.objects.filter(pk__in=keys, status=Status.BLOCKED)
    if Job.objects.filter(pk=job, concurrency=Job.Concurrency.FORBID).exists() and is_occupied(job, keys):
        return rows.update(reason=Reason.CONCURRENCY)
    return rows.move(Status.QUEUED, reason=None, queued=now)


def is_occupied(job: int, besides: Sequence[int] = ()) -> bool:
    """Whether a run of `job` lives that is not itself waiting for another one, for its parents or for its time."""
    return Execution.objects.filter(job=job).occupying().exclude(pk__in=list(besides)).exists()


def unblock(jobs: Iterable[int], now: datetime) -> int:
    """Queue the oldest run that waits for concurrency, of each of `jobs` of which no run lives any more.

    The jobs are locked before anything is read, so that what is being submitted at the same moment is either seen here
    or sees what ended. A job that does not forbid overlap any more lets all of its runs go.
    """
    waiting = Execution.objects.filter(status=Status.BLOCKED, reason=Reason.CONCURRENCY)
    limited = Job.objects.filter(pk__in=set(jobs)).filter(
        Q(concurrency=Job.Concurrency.FORBID) | Exists(waiting.filter(job=OuterRef("pk")))
    )
    moved = 0
    for job, concurrency in limited.order_by("pk").select_for_update(no_key=True).values_list("pk", "concurrency"):
        mine = waiting.filter(job=job)
        if concurrency == Job.Concurrency.FORBID:
            oldest = mine.order_by("group").values_list("group", flat=True).first()
            if oldest is None or is_occupied(job):
                continue
            mine = mine.filter(group=oldest)
        moved += mine.move(Status.QUEUED, reason=None, queued=now)
    return moved
