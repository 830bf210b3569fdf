"""Creating and changing jobs: every door, the console and the shell come through here.

A change is one transaction: the fields, the payload, the parents and `next_run_at` become true together, so an edit is
in force for the scheduler's next look at the job, and for no other job. What is wrong is refused as Invalid, with every
field that is wrong; nothing is stored then.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from errors.exceptions import Conflict, Invalid, NotFound
from jobs import lineage, rules, upcoming
from jobs.models import Job, JobRecord
from jobs.schedule import ScheduleError
from jobs.validation import TAKEN, Plan, examine, is_taken, warnings
from jobtypes.limits import Problem

_DECIDE_WHEN = ("schedule", "timezone", "is_enabled", "starts_at", "expires_at")
"""Fields on which the next instant depends."""


class Gone(NotFound):
    """The job does not exist any more."""


class BelongsToTheHouse(Conflict):
    """The house made this job for single runs of a job type; it cannot be changed."""


def create(fields: Mapping[str, Any], *, by: str, now: datetime) -> Job:
    """Make a job of `fields`, in the native API's words; what is not said gets its default. Raises Invalid.

    Of several that are made at once under one name, one is made and the others are refused.
    """
    try:
        with transaction.atomic():
            if fields.get("parents"):
                lineage.lock()
            plan = examine(fields, None)
            plan.check()
            job = Job(created_by=by[:150], schedule_anchor=_anchor(now))
            _apply(plan, job)
            job.next_run_at = upcoming.next_run(job, now)
            _save(plan, job)
            return job
    except IntegrityError:
        if is_taken(fields["name"]):
            raise Invalid.field("name", TAKEN) from None
        raise


@transaction.atomic
def update(job: Job, fields: Mapping[str, Any], *, by: str, now: datetime, partial: bool) -> Job:
    """Change `job`: all of it, where what is not said gets its default, or, `partial`, only what is said.

    Returns it as it stands then. Raises Invalid, Gone, and BelongsToTheHouse for a job of single runs.
    """
    if fields.get("parents"):
        lineage.lock()
    locked = _lock(job)
    if locked.is_ad_hoc:
        raise BelongsToTheHouse
    plan = examine(fields, locked, partial=partial)
    plan.check()
    changed = {name for name in _DECIDE_WHEN if name in plan.values and plan.values[name] != getattr(locked, name)}
    due = _overdue(locked, now) if changed else 0
    _apply(plan, locked)
    if changed:
        if "schedule" in changed or (locked.is_enabled and "is_enabled" in changed):
            locked.schedule_anchor = _anchor(now)
        locked.next_run_at = upcoming.next_run(locked, now)
        _count_dropped(locked, due)
    _save(plan, locked)
    return locked


def enable(job: Job, *, by: str, now: datetime) -> Job:
    """Let `job` run by its schedule again, from now on; nothing changes where it does. Raises Gone."""
    return update(job, {"is_enabled": True}, by=by, now=now, partial=True)


def disable(job: Job, *, by: str, now: datetime) -> Job:
    """Let `job` run no more by its schedule; what is running or waiting goes on. Raises Gone."""
    return update(job, {"is_enabled": False}, by=by, now=now, partial=True)


@transaction.atomic
def pause(job: Job, *, by: str, now: datetime, note: str = "", until: datetime | None = None) -> Job:
    """Hold `job` back until it is resumed, or until `until`: what is queued waits, what falls due is decided afterwards
    by its misfire policy. A job that is paused already gets the new note and end. Raises Invalid and Gone.
    """
    locked = _lock(job)
    if until and until <= now:
        raise Invalid.field("until", "must be in the future")
    try:
        locked.pause_note = rules.text(250)(note)
    except ValueError as error:
        raise Invalid.field("note", str(error)) from error
    locked.paused_at = locked.paused_at or now
    locked.paused_until, locked.paused_by = until, by[:150]
    locked.save()
    return locked


@transaction.atomic
def resume(job: Job, *, by: str, now: datetime) -> Job:
    """End the pause of `job`; nothing changes where there is none. Raises Gone.

    An instant that came meanwhile stays `next_run_at`: the scheduler decides about it, as after any downtime.
    """
    locked = _lock(job)
    locked.paused_at = locked.paused_until = None
    locked.paused_by = locked.pause_note = ""
    locked.save()
    return locked


def problems(fields: Mapping[str, Any], job: Job | None = None, *, now: datetime) -> list[Problem]:
    """What is wrong, or as warnings doubtful, about a job of `fields`, or about `job` with all its fields replaced."""
    plan = examine(fields, job)
    if not plan.problems:
        plan.problems.extend(warnings(plan, now))
    return plan.problems


def _lock(job: Job) -> Job:
    """The living job, read anew and held until the transaction ends."""
    held = Job.objects.living().select_related("job_type", "job_type_revision", "payload", "record")
    locked = held.select_for_update(no_key=True, of=("self",)).filter(pk=job.pk).first()
    if locked is None:
        raise Gone
    return locked


def _anchor(now: datetime) -> datetime:
    return now.replace(microsecond=0)


def _apply(plan: Plan, job: Job) -> None:
    for name, value in plan.values.items():
        setattr(job, name, value)
    if plan.target:
        job.job_type, job.follows_newest = plan.target.job_type, plan.target.follows_newest
        job.job_type_revision = plan.target.revision if plan.target.is_pinned else None


def _save(plan: Plan, job: Job) -> None:
    if plan.payload and plan.payload.pk is None:
        plan.payload.save()
    if plan.payload:
        job.payload = plan.payload
    job.save()
    if plan.parents is not None:
        job.parents.set(plan.parents)


def _overdue(job: Job, now: datetime) -> int:
    try:
        return upcoming.overdue(job, now)
    except ScheduleError:  # an edit is how such a job is mended
        return 0


def _count_dropped(job: Job, due: int) -> None:
    """What had come and was not fired when the job was changed counts as missed: no instant is unaccounted for."""
    if due:
        reason = f"{due} due instant{'s' * (due > 1)} had not been fired when the job was changed."
        JobRecord.objects.filter(job=job).update(missed_count=F("missed_count") + due, missed_reason=reason)
