"""Submitting: everything that makes an execution besides a schedule: people, programs, doors, operators' retries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from errors import audit
from errors.exceptions import Conflict, Invalid
from executions.engine import cancel, dependants, hints, placement
from executions.engine.draft import CannotRun, Draft, insert, inserted, living_workers, pin
from executions.engine.finish import next_try
from executions.engine.transactions import again_on_conflict
from executions.failpoints import reached
from executions.models import Execution
from executions.states import FINAL, Door, Reason, Status, Trigger
from jobs.models import Job, Payload
from jobs.payloads import compose
from jobtypes.models import JobType, JobTypeRevision

FURTHEST = timedelta(days=36_525)
"""How far ahead a run may be asked for: a deadline later, the calendar goes on."""


class Archived(Conflict):
    """The job was deleted."""


class CannotRetry(Conflict):
    """Only the latest try of a run can be retried, and only when it has ended."""


def submit(
    job: Job,
    *,
    by: str,
    door: Door,
    now: datetime,
    input: Mapping[str, Any] | None = None,
    configuration: Mapping[str, Any] | None = None,
    at: datetime | None = None,
    trigger: Trigger = Trigger.MANUAL,
) -> Execution:
    """Make one run of `job`, now or at `at`, and the runs of all its dependants; return the run's first execution.

    `input` and `configuration` take the place of the job's own for this run. Raises Archived, CannotRun and Invalid.
    """
    if at and at > now + FURTHEST:
        raise Invalid.field("at", f"must be within {FURTHEST.days // 365} years from now")
    execution = _submit(job, by, door, now, input, configuration, at, trigger, [])
    reached("after_submit_commit")
    return execution


@again_on_conflict
def _submit(
    job: Job,
    by: str,
    door: Door,
    now: datetime,
    input: Mapping[str, Any] | None,
    configuration: Mapping[str, Any] | None,
    at: datetime | None,
    trigger: Trigger,
    made: list[int],
) -> Execution:
    if made:  # again: the commit may have gone well before its answer was lost, and one run was asked for
        already = Execution.objects.filter(pk=made[-1], job=job, requested_by=by, created=now).first()
        if already:
            return already
    if job.archived:
        raise Archived
    if job.concurrency != Job.Concurrency.ALLOW:
        list(Job.objects.filter(pk=job.pk).select_for_update(no_key=True).values_list("pk"))
    pins = pin([job])[job.pk]
    if isinstance(pins, CannotRun):
        raise pins
    status, reason = (Status.PENDING, None) if at and at > now else (Status.QUEUED, None)
    if status == Status.QUEUED and job.concurrency == Job.Concurrency.FORBID and dependants.is_occupied(job.pk):
        status, reason = Status.BLOCKED, Reason.CONCURRENCY
    if status == Status.QUEUED and job.concurrency == Job.Concurrency.REPLACE:
        cancel.replace(job.pk, now)
    payload = (
        _payload(job, pins.revision, input, configuration) if input is not None or configuration is not None else None
    )
    draft = Draft(
        job=job,
        pinned=pins,
        trigger=trigger,
        door=door,
        created=now,
        status=status,
        reason=reason,
        by=by,
        payload=payload,
        scheduled_for=at,
        ready_at=at if status == Status.PENDING else None,
        slots=placement.slots_for(job.tags, living_workers(now)) if job.tags else placement.ANYWHERE,
    )
    (group,) = insert([draft])
    made.append(group)
    if pins.has_dependants:
        dependants.make([(job.pk, group)], door=door, by=by, now=now, at=at)
    if trigger == Trigger.MANUAL:
        audit.record(job, "run", by=by, door=door, after={"execution": group, "at": at} if at else {"execution": group})
    if status == Status.QUEUED:
        hints.after_commit()
    return inserted(draft, group)


def _payload(job: Job, revision: int, input: Mapping[str, Any] | None, configuration: Mapping[str, Any] | None) -> int:
    """A payload for one run; what is not given comes from the job's own. Raises Invalid with all that is wrong."""
    own = job.payload
    pinned = JobTypeRevision.objects.only("input_schema", "configuration_schema").get(pk=revision)
    made, problems = compose(
        pinned,
        own.configuration if configuration is None else configuration,
        own.input if input is None else input,
        own,
    )
    if problems:
        raise Invalid.listing((problem.path, problem.message) for problem in problems)
    if made.pk is None:
        made.save()
    return made.pk


def submit_ad_hoc(
    job_type: JobType,
    *,
    by: str,
    door: Door,
    now: datetime,
    input: Mapping[str, Any] | None = None,
    configuration: Mapping[str, Any] | None = None,
) -> Execution:
    """Run `job_type` once, as a run of the type's own unscheduled job, which is made at first use."""
    return submit(ad_hoc_job(job_type), by=by, door=door, now=now, input=input or {}, configuration=configuration or {})


def ad_hoc_job(job_type: JobType) -> Job:
    """The unscheduled job to which runs of `job_type` that belong to no other job belong.

    Its name, as in ``shell@1.0.0``, is one that nobody can give to a job.
    """
    name = f"{job_type.name}@{job_type.version}"
    mine = Job.objects.living().filter(name=name).select_related("job_type", "payload")
    if found := mine.first():
        return found
    try:
        with transaction.atomic():
            return Job.objects.create(
                name=name,
                title=f"Single runs of {job_type}",
                job_type=job_type,
                follows_newest=False,
                payload=Payload.objects.create(),
                is_ad_hoc=True,
            )
    except IntegrityError:  # somebody else was first
        return mine.get()


@again_on_conflict
def retry(execution: Execution, *, by: str, door: Door, now: datetime) -> Execution:
    """Try a run again that has ended, as its next attempt; its dependants wait for it anew, or go on waiting.

    Raises CannotRetry and Archived.
    """
    made = try_again(execution, by=by, door=door, now=now)
    audit.record(execution, "retry", by=by, door=door, after={"execution": made.pk, "attempt": made.attempt})
    return made


@again_on_conflict
def try_again(execution: Execution, *, by: str, door: Door, now: datetime) -> Execution:
    """As `retry`, for callers who account for many at once."""
    list(Job.objects.filter(pk=execution.job_id).select_for_update(no_key=True).values_list("pk"))
    locked = Execution.objects.select_for_update(no_key=True, of=("self",)).select_related("job").get(pk=execution.pk)
    if locked.status not in FINAL or not locked.is_last_try:
        raise CannotRetry
    if locked.job.archived:
        raise Archived
    waits = locked.job.concurrency == Job.Concurrency.FORBID and dependants.is_occupied(locked.job_id)
    made = next_try(locked, now=now, ready_at=None, trigger=Trigger.RETRY, door=door, by=by, is_blocked=waits)
    waiting = (
        Execution.objects.set_off_by([locked.origin]).filter(status=Status.BLOCKED).exclude(reason=Reason.CONCURRENCY)
    )
    dependants.make(
        [(locked.job_id, locked.origin)], door=door, by=by, now=now, besides=waiting.values_list("job_id", flat=True)
    )
    return Execution.objects.get(pk=made)
