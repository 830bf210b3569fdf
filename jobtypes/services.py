"""Publishing job types, and holding them back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from errors import audit
from jobtypes.models import JobType, JobTypeRevision


@transaction.atomic
def publish_system(
    name: str,
    *,
    executor: str,
    manifest: Mapping[str, Any],
    input_schema: Mapping[str, Any],
    configuration_schema: Mapping[str, Any],
) -> JobType:
    """Make or bring up to date a job type of the house itself; a change of its interface is a new revision."""
    job = manifest["job"]
    facts = {
        "title": job["title"][:250],
        "description": job["description"],
        "executor": executor,
        "manifest": dict(manifest),
    }
    job_type, made = JobType.objects.select_for_update().get_or_create(
        name=name, version=job["jobVersion"], defaults={**facts, "is_system": True, "max_tries": 1}
    )
    present = job_type.revisions.filter(revision_num=job_type.revision_num).first()
    wanted = {
        "manifest": dict(manifest),
        "input_schema": dict(input_schema),
        "configuration_schema": dict(configuration_schema),
    }
    if present is None or any(getattr(present, field) != value for field, value in wanted.items()):
        if not made:
            job_type.revision_num += 1
        for field, value in facts.items():
            setattr(job_type, field, value)
        job_type.save()
        JobTypeRevision.objects.create(job_type=job_type, revision_num=job_type.revision_num, **wanted)
    return job_type


def pause(job_type: JobType, now: datetime) -> None:
    """Let no execution of `job_type` start any more; what runs goes on. One that is paused keeps its time."""
    _hold(job_type, now, is_paused=True)


def resume(job_type: JobType, now: datetime) -> None:
    """Let executions of `job_type` start again."""
    _hold(job_type, now, is_paused=False)


@transaction.atomic
def _hold(job_type: JobType, now: datetime, *, is_paused: bool) -> None:
    other = JobType.objects.filter(pk=job_type.pk, is_paused=not is_paused)
    if other.update(is_paused=is_paused, paused=now if is_paused else None, last_modified=now):
        word = "pause" if is_paused else "resume"
        audit.record(job_type, word, before={"is_paused": not is_paused}, after={"is_paused": is_paused})
