"""Creating and changing jobs: every door, the console and the shell come through here.

A change is one transaction: the fields, the payload, the parents and `next_run_at` become true together, so an edit is
in force for the scheduler's next look at the job, and for no other job. What is wrong is refused as Invalid, with every
field that is wrong; nothing is stored then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F

from errors import audit
from errors.exceptions import Conflict, Invalid, NotFound
from jobs import facts, lineage, rules, upcoming
from jobs.models import Job, JobRecord
from jobs.schedule import ScheduleError
from jobs.signals import instants_dropped
from jobs.validation import TAKEN, Plan, examine, is_taken, warnings
from jobtypes.limits import Problem

_DECIDE_WHEN = ("schedule", "timezone", "is_enabled", "starts_at", "expires_at")
"""Fields on which the next instant depends."""


class Gone(NotFound):
    """The job does not exist any more."""


class BelongsToTheHouse(Conflict):
    """The house made this job for single runs of a job type; it cannot be changed."""


def create(
    fields: Mapping[str, Any],
    *,
    by: str,
    now: datetime,
    lenient: bool = False,
    foreign: Mapping[str, Any] | None = None,
) -> Job:
    """Make a job of `fields`, in the native API's words; what is not said gets its default. Raises Invalid.

    Of several that are made at once under one name, one is made and the others are refused.

    The last two are for foreign doors. `lenient` stores what the original would have stored: a configuration and an
    input that the job type's interface refuses, an `owner_email` that is none, an `expires_at` not after `starts_at`.
    A run with such a configuration or input fails with the DATA error ``invalid-input``, which says what is wrong with
    it. Names, schedules, parents and sizes are checked as ever. `foreign` is what doors keep of their own about the
    job, by door, as JSON without secrets; nothing else reads it.
    """
    try:
        with transaction.atomic():
            if fields.get("parents"):
                lineage.lock()
            plan = examine(fields, None, lenient=lenient)
            plan.check()
            job = Job(created_by=by[:150], schedule_anchor=_anchor(now), foreign=dict(foreign or {}))
            _apply(plan, job)
            job.next_run_at = upcoming.next_run(job, now)
            _save(plan, job)
            told = facts.of_new(job) | ({"parents": _names(plan.parents)} if plan.parents else {})
            audit.record(job, "create", by=by, after=told)
            return job
    except IntegrityError:
        if is_taken(fields["name"]):
            raise Invalid.field("name", TAKEN) from None
        raise


@transaction.atomic
def update(
    job: Job,
    fields: Mapping[str, Any],
    *,
    by: str,
    now: datetime,
    partial: bool,
    lenient: bool = False,
    foreign: Mapping[str, Any] | None = None,
) -> Job:
    """Change `job`: all of it, where what is not said gets its default, or, `partial`, only what is said.

    Returns it as it stands then. Raises Invalid, Gone, and BelongsToTheHouse for a job of single runs. `lenient` as in
    `create`; `foreign` takes the place of what the doors named in it kept, and leaves alone what others keep.
    """
    if fields.get("parents"):
        lineage.lock()
    locked = _lock(job)
    if locked.is_ad_hoc:
        raise BelongsToTheHouse
    plan = examine(fields, locked, partial=partial, lenient=lenient)
    plan.check()
    if foreign is not None:
        locked.foreign = {**locked.foreign, **foreign}
    changed = {name for name in _DECIDE_WHEN if name in plan.values and plan.values[name] != getattr(locked, name)}
    due = _overdue(locked, now) if changed else 0
    before, payload = facts.facts_of(locked), locked.payload
    if plan.parents is not None:
        before["parents"] = _names(locked.parents.all())
    _apply(plan, locked)
    if changed:
        if "schedule" in changed or (locked.is_enabled and "is_enabled" in changed):
            locked.schedule_anchor = _anchor(now)
        locked.next_run_at = upcoming.next_run(locked, now)
        _count_dropped(locked, due)
    _save(plan, locked)
    after = facts.facts_of(locked)
    if plan.parents is not None:
        after["parents"] = _names(plan.parents)
    if facts.secrets_differ(payload, locked.payload):
        after["secrets"] = "changed"
    audit.changed(locked, "update", before, after, by=by)
    return locked


def rename(job: Job, name: str, *, by: str) -> Job:
    """Give `job` another name; all that belongs to it goes on belonging to it. Raises Invalid, Gone, BelongsToTheHouse.

    For doors whose originals can do that. Of several that ask for one name at once, one gets it.
    """
    try:
        new = rules.name(name)
    except ValueError as error:
        raise Invalid.field("name", str(error)) from error
    try:
        with transaction.atomic():
            locked = _lock(job)
            if locked.is_ad_hoc:
                raise BelongsToTheHouse
            before, locked.name = locked.name, new
            locked.save(update_fields=["name", "last_modified"])
            audit.changed(locked, "rename", {"name": before}, {"name": new}, by=by)
            return locked
    except IntegrityError:
        raise Invalid.field("name", TAKEN) from None


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
    before = facts.pause_of(locked)
    if until and until <= now:
        raise Invalid.field("until", "must be in the future")
    try:
        locked.pause_note = rules.text(250)(note)
    except ValueError as error:
        raise Invalid.field("note", str(error)) from error
    locked.paused_at = locked.paused_at or now
    locked.paused_until, locked.paused_by = until, by[:150]
    locked.save()
    audit.changed(locked, "pause", before, facts.pause_of(locked), by=by)
    return locked


@transaction.atomic
def resume(job: Job, *, by: str, now: datetime) -> Job:
    """End the pause of `job`; nothing changes where there is none. Raises Gone.

    An instant that came meanwhile stays `next_run_at`: the scheduler decides about it, as after any downtime.
    """
    locked = _lock(job)
    before = facts.pause_of(locked)
    locked.paused_at = locked.paused_until = None
    locked.paused_by = locked.pause_note = ""
    locked.save()
    audit.changed(locked, "resume", before, facts.pause_of(locked), by=by)
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


def _names(parents: Iterable[Job]) -> list[str]:
    return sorted(parent.name for parent in parents)


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
        instants_dropped.send(Job, job=job.pk, count=due, reason=reason)
