"""What a job runs: a job type, in one version or the newest active one, at one revision or the current one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from errors.exceptions import Invalid
from jobs.models import Job
from jobtypes.models import JobType, JobTypeRevision

MAX_SHOWN = 50
"""Characters of a name or version: no job type has a longer one."""

_REFERENCE = frozenset({"id", "name", "version"})


@dataclass(frozen=True, slots=True)
class Target:
    """`revision` is what a run would be given now; `is_pinned` says that the job insists on it."""

    job_type: JobType
    follows_newest: bool
    revision: JobTypeRevision
    is_pinned: bool


class _Kept:
    """Stands for a value that was not sent."""


KEPT = _Kept()


def resolve(reference: Any, revision_num: Any, job: Job | None) -> Target:
    """The target that `reference` names: a JobType, its id, or `{"name", "version"?}`.

    Without a version the job follows the newest active one. What a job was answered with, sent back whole, leaves it as
    it was, and so does KEPT. `revision_num` is a number, None for the current one, or KEPT: the job's own, if it is of
    the same type still. Raises Invalid, by field, where there is no such type or revision, or where nothing may be
    started of it.
    """
    if job and (reference is KEPT or _is_answer(reference, job.job_type)):
        job_type, follows = job.job_type, job.follows_newest
        if follows:
            job_type = _newest(job_type.name) or job_type
    else:
        job_type, follows = _find(reference)
        if not (job and job.job_type_id == job_type.pk):
            _refuse_unfit(job_type)
    if revision_num is KEPT:
        own = job.job_type_revision if job else None
        revision_num = own.revision_num if own and own.job_type_id == job_type.pk and not follows else None
    return Target(job_type, follows, _revision(job_type, revision_num, follows), revision_num is not None)


def _is_answer(reference: Any, job_type: JobType) -> bool:
    """Whether this is the base object of `job_type`, as the API gave it out."""
    return (
        isinstance(reference, Mapping)
        and set(reference) >= _REFERENCE
        and (reference["id"], reference["name"], reference["version"]) == (job_type.pk, job_type.name, job_type.version)
    )


def _find(reference: Any) -> tuple[JobType, bool]:
    if isinstance(reference, JobType):
        return reference, False
    if isinstance(reference, int) and not isinstance(reference, bool):
        return _one(f"there is no job type {reference}", pk=reference), False
    if not isinstance(reference, Mapping):
        raise Invalid.field("job_type", 'must be an id, or an object with "name" and perhaps "version"')
    if "id" in reference:
        return _find(reference["id"])
    if unknown := sorted(set(map(str, reference)) - _REFERENCE):
        raise Invalid.field("job_type", f"has a name and perhaps a version, not {', '.join(unknown)[:MAX_SHOWN]}")
    name, version = reference.get("name"), reference.get("version")
    if not isinstance(name, str) or not isinstance(version, str | None):
        raise Invalid.field("job_type", "must have a name, and perhaps a version, which are texts")
    said = name[:MAX_SHOWN]
    if version is not None:
        return _one(f"there is no job type {said} {version[:MAX_SHOWN]}", name=name, version=version), False
    newest = _newest(name)
    if newest is None:
        known = JobType.objects.filter(name=name).exists()
        raise Invalid.field("job_type", f"no version of {said} is active" if known else f"there is no job type {said}")
    return newest, True


def _newest(name: str) -> JobType | None:
    return JobType.objects.newest_active([name]).get(name)


def _one(absence: str, **which: Any) -> JobType:
    try:
        return JobType.objects.get(**which)
    except (JobType.DoesNotExist, OverflowError) as error:
        raise Invalid.field("job_type", absence) from error


def _refuse_unfit(job_type: JobType) -> None:
    if not job_type.is_active:
        raise Invalid.field("job_type", f"{job_type} is not active")
    if settings.EXECUTORS_ALLOWED and job_type.executor not in settings.EXECUTORS_ALLOWED:
        raise Invalid.field("job_type", f"the executor {job_type.executor} is not allowed in this house")


def _revision(job_type: JobType, revision_num: Any, follows: bool) -> JobTypeRevision:
    if revision_num is None:
        return job_type.revisions.get(revision_num=job_type.revision_num)
    if isinstance(revision_num, bool) or not isinstance(revision_num, int):
        raise Invalid.field("job_type_revision", "must be a whole number or null")
    if follows:
        raise Invalid.field("job_type_revision", "needs a version in job_type, since revisions belong to one version")
    try:
        return job_type.revisions.get(revision_num=revision_num)
    except (JobTypeRevision.DoesNotExist, OverflowError) as error:
        raise Invalid.field("job_type_revision", f"{job_type} has no revision {revision_num}") from error
