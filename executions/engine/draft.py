"""Drafts: executions about to be made, by whatever made them; and the one place that inserts them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from django.conf import settings
from django.db import router
from django.db.models import Field

from errors.exceptions import Conflict
from executions import bulk
from executions.engine import placement
from executions.models import LEASE, Execution, Worker
from executions.states import Door, Reason, Status, Trigger
from jobs.models import Job
from jobtypes.models import JobType

FIELDS = (
    "id",
    "group",
    "slot",
    "attempt",
    "origin",
    "job",
    "job_type",
    "revision",
    "payload",
    "status",
    "reason",
    "trigger",
    "door",
    "requested_by",
    "priority",
    "scheduled_for",
    "created",
    "ready_at",
    "start_by",
    "queued",
    "needs_worker",
    "chosen_worker",
)
_ATTRIBUTES = tuple(cast("Field[Any, Any]", Execution._meta.get_field(name)).attname for name in FIELDS)
# Every submission asks this: written out, since the ORM takes four times as long to word it as the database to answer.
_CURRENT = """
    SELECT t.id, t.name, t.version, t.is_active, t.configuration, r.id AS current,
           EXISTS (SELECT 1 FROM jobs_job_parents WHERE to_job_id IN ({jobs})) AS has_dependants
    FROM jobtypes_jobtype t
    JOIN jobtypes_jobtyperevision r ON r.job_type_id = t.id AND r.revision_num = t.revision_num
    WHERE t.id IN ({ids}) OR (t.is_active AND t.name IN ({names}))
    ORDER BY t.precedence
"""


class CannotRun(Conflict):
    """The job's type has no version that may run."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """What a run was pinned to when it was made: it runs this, whatever is edited while it waits."""

    job_type: int
    revision: int
    priority: int
    has_dependants: bool
    """Whether one of the jobs that were asked about together has any."""


@dataclass(slots=True)
class Draft:
    """One run of a job that is about to be made; `slots` names the chosen worker of each of its parallel executions."""

    job: Job
    pinned: Pinned
    trigger: Trigger
    door: Door
    created: datetime
    status: Status = Status.QUEUED
    reason: Reason | None = None
    by: str = ""
    payload: int | None = None
    scheduled_for: datetime | None = None
    ready_at: datetime | None = None
    origin: int | None = None
    """The group of the run that set everything off; None: this one does."""
    slots: Sequence[int | None] = placement.ANYWHERE

    @property
    def start_by(self) -> datetime:
        return (self.ready_at or self.created) + timedelta(seconds=self.job.deadline)


def insert(drafts: Sequence[Draft]) -> list[int]:
    """Make the executions of `drafts`; return each one's group, in order. Call inside a transaction."""
    ids = iter(bulk.allocate_ids(Execution, sum(len(draft.slots) for draft in drafts)))
    rows, groups = [], []
    for draft in drafts:
        keys = [next(ids) for _ in draft.slots]
        groups.append(keys[0])
        rows += [_row(draft, key, keys[0], slot) for slot, key in enumerate(keys)]
    bulk.insert_each(Execution, FIELDS, rows)
    return groups


def inserted(draft: Draft, group: int) -> Execution:
    """The first execution of `draft` as `insert` has just stored it, without a look into the database."""
    execution = Execution(**dict(zip(_ATTRIBUTES, _row(draft, group, group, 0), strict=True)))
    execution.job = draft.job
    execution._state.adding = False
    execution._state.db = router.db_for_write(Execution)
    return execution


def _row(draft: Draft, key: int, group: int, slot: int) -> tuple[object, ...]:
    job, pinned = draft.job, draft.pinned
    return (
        key,
        group,
        slot,
        1,
        draft.origin or group,
        job.pk,
        pinned.job_type,
        pinned.revision,
        draft.payload or job.payload_id,
        draft.status,
        draft.reason,
        draft.trigger,
        draft.door,
        draft.by,
        pinned.priority,
        draft.scheduled_for,
        draft.created,
        draft.ready_at,
        draft.start_by,
        draft.created if draft.status == Status.QUEUED else None,
        bool(job.tags),
        draft.slots[slot],
    )


def pin(jobs: Iterable[Job]) -> Mapping[int, Pinned | CannotRun]:
    """What each of `jobs` runs if it runs now, by the job's id: one query, whatever their number.

    A job follows the newest active version of its type unless it names one, and that version's current revision
    unless it names one. Jobs come with their `job_type` loaded.
    """
    jobs = list(jobs)
    named = {job.job_type_id for job in jobs if not job.follows_newest}
    followed = {job.job_type.name for job in jobs if job.follows_newest}
    sql = _CURRENT.format(jobs=bulk.places(jobs), ids=bulk.places(named), names=bulk.places(followed))
    types = list(JobType.objects.raw(sql, [*(job.pk for job in jobs), *named, *followed]))
    found = {job_type.pk: vars(job_type) for job_type in types}
    by_id = {job_type.pk: job_type for job_type in types}
    newest = {job_type.name: job_type for job_type in types if job_type.is_active}
    pinned: dict[int, Pinned | CannotRun] = {}
    for job in jobs:
        job_type = newest.get(job.job_type.name) if job.follows_newest else by_id[job.job_type_id]
        if job_type is None:
            pinned[job.pk] = CannotRun(f"No version of the job type {job.job_type.name} is active.")
        elif not job_type.is_active:
            pinned[job.pk] = CannotRun(f"The job type {job_type} is not active.")
        else:
            priority = job_type.priority if job.priority is None else job.priority
            more = found[job_type.pk]
            revision = job.job_type_revision_id or more["current"]
            pinned[job.pk] = Pinned(job_type.pk, revision, priority, bool(more["has_dependants"]))
    return pinned


def living_workers(now: datetime) -> list[placement.Candidate]:
    """The workers that tags may choose from, each with the tags that all have besides its own."""
    alive = Worker.objects.alive(now, LEASE).values_list("pk", "tags")
    return [placement.Candidate(key, {**settings.STANDING_TAGS, **tags}) for key, tags in alive]
