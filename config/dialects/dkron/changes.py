"""Storing Dkron's jobs: a new name makes a job, a known one replaces all that Dkron knows of it.

What Dkron has no word for (priority, deadline, misfire policy, …) stays as it is, and so does what was sent back as it
was shown, masked secrets with it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction

from config.dialects.dkron import executors, job
from config.dialects.dkron.body import ALLOW, Definition, Past, check
from config.dialects.dkron.words import DOOR, ENDINGS
from errors import audit
from errors.exceptions import Invalid, NotFound
from executions import housekeeping
from jobs import services
from jobs.models import Job, JobRecord
from jobs.payloads import DEFAULTS

_TWICE = 2


class ParentMissing(NotFound):
    """specified parent job not found"""


def find(name: str) -> Job:
    """The living job of that name. Raises NotFound."""
    found = job.living().filter(name=name).first()
    if found is None:
        raise NotFound
    return found


@transaction.atomic
def store(definition: Definition, *, by: str, now: datetime) -> tuple[Job, bool]:
    """Make the job, or replace it; return it, and whether it is new.

    Raises body.Wrong, ParentMissing, and Invalid for what the house does not take (a circle of parents, a name of more
    than 128 letters, …).
    """
    for attempt in range(_TWICE):
        present = job.living().filter(name=definition.name).first()
        parent = job.parent_of(present) if present else ""
        check(definition, job.says(present, parent) if present else None)
        if definition.parent_job and not Job.objects.living().filter(name=definition.parent_job).exists():
            raise ParentMissing
        if present:
            return _replace(present, parent, definition, by, now), False
        try:
            return _make(definition, by, now), True
        except Invalid:
            if attempt or not Job.objects.living().filter(name=definition.name).exists():
                raise  # otherwise somebody else was first: it is a replacement
    raise AssertionError


def _make(definition: Definition, by: str, now: datetime) -> Job:
    told = executors.translate(definition.said, definition.name)
    fields = {"name": definition.name, **_fields(definition), **_timing(definition), **_run(told)}
    fields["parents"] = [definition.parent_job] if definition.parent_job else []
    return services.create(fields, by=by, now=now, lenient=True, foreign={DOOR: _kept(definition, told.shown)})


def _replace(present: Job, parent: str, definition: Definition, by: str, now: datetime) -> Job:
    said = executors.told(present)
    fields = _fields(definition)
    timing = job.timing(present, parent)
    if timing != (definition.schedule, definition.timezone) or bool(parent) != bool(definition.parent_job):
        fields |= _timing(definition)
    if parent != definition.parent_job:
        fields["parents"] = [definition.parent_job] if definition.parent_job else []
    if definition.said == said:
        shown = said.config
    else:
        told = executors.translate(definition.said, definition.name)
        shown = told.shown
        fields |= _run(told)
        if told.job_type != present.job_type.name:
            fields["input"] = DEFAULTS["input"]
    kept = {**(present.foreign.get(DOOR) or {}), **_kept(definition, shown)}
    return services.update(present, fields, by=by, now=now, partial=True, lenient=True, foreign={DOOR: kept})


def _fields(definition: Definition) -> dict[str, Any]:
    return {
        "title": definition.displayname,
        "owner": definition.owner,
        "owner_email": definition.owner_email,
        "is_enabled": not definition.disabled,
        "tags": definition.tags or {},
        "metadata": definition.metadata or {},
        "retries": definition.retries,
        "processors": definition.processors or {},
        "concurrency": definition.concurrency or ALLOW,
        "is_ephemeral": definition.ephemeral,
        "starts_at": definition.starts_at,
        "expires_at": definition.expires_at,
    }


def _timing(definition: Definition) -> dict[str, Any]:
    ours = definition.ours()
    return {"schedule": ours.schedule, "timezone": ours.timezone}


def _run(told: executors.Told) -> dict[str, Any]:
    return {"job_type": {"name": told.job_type}, "configuration": told.configuration, "timeout": told.timeout}


def _kept(definition: Definition, shown: dict[str, str]) -> dict[str, Any]:
    """What the house has no place for: the client's own words, without secrets."""
    return {
        "schedule": definition.schedule,
        "timezone": definition.timezone,
        "concurrency": definition.concurrency,
        "executor": definition.executor,
        "executor_config": shown,
        "empty": [name for name in ("tags", "metadata") if getattr(definition, name) == {}],
    }


def toggle(present: Job, *, by: str, now: datetime) -> Job:
    """Let it run by its schedule if it does not, and the other way round."""
    change = services.disable if present.is_enabled else services.enable
    return change(present, by=by, now=now)


def forget(present: Job, status: str, *, by: str) -> None:
    """Delete the executions of `present` that have ended, and count from nothing; its status stays what it was."""
    deleted = housekeeping.delete_ended(present)
    cleared = dict.fromkeys(("success_count", "error_count"), 0) | dict.fromkeys(("last_success", "last_error"))
    with transaction.atomic():
        JobRecord.objects.filter(job=present).update(**cleared, last_execution=None)
        keep_status(present, status)
        audit.record(present, "clear", by=by, after={"executions_deleted": deleted})


@transaction.atomic
def remember(stored: Job, past: Past) -> None:
    """What a file says came of a job so far: the larger of both counts, the later of both times."""
    record = JobRecord.objects.select_for_update().get(job=stored)
    record.success_count = max(record.success_count, past.success_count)
    record.error_count = max(record.error_count, past.error_count)
    record.last_success = _later(record.last_success, past.last_success)
    record.last_error = _later(record.last_error, past.last_error)
    if not record.last_status and past.status in ENDINGS:
        record.last_status = ENDINGS[past.status]
        keep_status(stored, past.status)
    record.save()


def keep_status(stored: Job, status: str) -> None:
    """Let the job go on to say `status` when the run that said so is not there."""
    kept = {**(stored.foreign.get(DOOR) or {}), "status": status}
    Job.objects.filter(pk=stored.pk).update(foreign={**stored.foreign, DOOR: kept})


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)
