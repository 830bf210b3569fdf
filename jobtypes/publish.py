"""Publishing Seed job types and editing them: what Scale's POST and PATCH do, for every door.

    1. the documents are judged, before anything is read or locked
    2. the job type's row is locked, so that of two edits the second sees the first
    3. the configuration is judged against the manifest in force after the edit; secret settings are taken out of it
    4. job type, revision, tags, secrets and errors are written in one transaction

Guarantee: a refused call has changed nothing. Revision numbers of a job type have no gaps and no doubles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict

from django.db import IntegrityError, transaction

from errors import audit
from errors import services as errors
from errors.exceptions import Invalid, NotFound
from jobtypes import documents, seed
from jobtypes.documents import Manifest
from jobtypes.models import JobType, JobTypeRevision, JobTypeSecrets, JobTypeTag
from jobtypes.secrets import MASK

CONTAINER = "container"
"""The executor of every job type that is published."""
RESERVED = frozenset({"validation", "status", "pending", "running", "system-failures"})
"""Words that stand in the API where a name would."""
OF_SYSTEM_TYPES = frozenset({"is_paused", "auto_update"})
"""What may be sent in an edit of a system type."""
_CREATING = "Unable to create new job type"
_EDITING = "Unable to update job type"


class SystemJobType(Invalid):
    """You can only modify the is_paused field for a System Job"""


class Changes(TypedDict, total=False):
    """What an edit may change. What is not in it stays; of None only a `max_scheduled` means something: no limit."""

    manifest: Any
    configuration: Any
    docker_image: str
    icon_code: str | None
    is_published: bool | None
    is_active: bool | None
    is_paused: bool | None
    max_scheduled: int | None
    auto_update: bool | None


@dataclass(frozen=True, slots=True)
class Published:
    job_type: JobType
    is_new: bool
    """False: name and version were known, and the job type was edited."""


def publish(given: Changes, *, now: datetime) -> Published:
    """Make the job type that ``given["manifest"]`` names; where that version is known already, edit it.

    `manifest` and `docker_image` must be in it. Raises Invalid.
    """
    manifest = documents.manifest_of(given["manifest"])
    if given.get("configuration"):
        documents.refuse_misshapen(given["configuration"], manifest)
    name, version = manifest["job"]["name"], manifest["job"]["jobVersion"]
    with transaction.atomic():
        if _locked(name, version) is None:
            _refuse_reserved(name)
            try:
                with transaction.atomic():
                    return Published(_create(manifest, given, now), is_new=True)
            except IntegrityError:  # somebody else was first; then this is an edit
                if _locked(name, version) is None:
                    raise
        return Published(_edit(name, version, manifest, given, now), is_new=False)


def edit(name: str, version: str, changes: Changes, *, now: datetime) -> JobType:
    """Change a job type. Raises NotFound, Invalid and SystemJobType."""
    manifest = judged_for(name, version, changes)
    with transaction.atomic():
        return _edit(name, version, manifest, changes, now)


def judged_for(name: str, version: str, changes: Changes) -> Manifest | None:
    """The manifest among `changes` as it is stored, after all that can be judged without looking at the job type.

    Raises Invalid.
    """
    manifest = None
    if changes.get("manifest") is not None:
        manifest = documents.manifest_of(changes["manifest"])
        if (manifest["job"]["name"], manifest["job"]["jobVersion"]) != (name, version):
            raise Invalid.field("manifest", f"its name and version are not {name} {version}, which is to be edited")
    if changes.get("configuration"):
        documents.refuse_misshapen(changes["configuration"], manifest or {})
    return manifest


def _create(manifest: Manifest, given: Changes, now: datetime) -> JobType:
    configuration = given.get("configuration") or {}
    documents.refuse_unfit(_CREATING, configuration, manifest)
    public, secrets = _without_secrets(seed.normalized_configuration(configuration), manifest, {})
    job_type = JobType(
        name=manifest["job"]["name"],
        version=manifest["job"]["jobVersion"],
        executor=CONTAINER,
        docker_image=given["docker_image"],
        configuration=public,
    )
    _take_manifest(job_type, manifest)
    _take_flags(job_type, given, now)
    job_type.save(force_insert=True)
    _follow(job_type, manifest, secrets, now)
    audit.record(job_type, "create", after=_facts(job_type))
    return job_type


def _edit(name: str, version: str, manifest: Manifest | None, changes: Changes, now: datetime) -> JobType:
    job_type = _locked(name, version)
    if job_type is None:
        raise NotFound("Not found.")
    if job_type.is_system and not set(changes) <= OF_SYSTEM_TYPES:
        raise SystemJobType
    image = changes.get("docker_image")
    has_new_image = image is not None and image != job_type.docker_image
    before = _facts(job_type)
    stored = job_type.secrets
    secrets = stored
    if manifest is not None or changes.get("configuration"):
        # What stands in the stored configuration may have become a secret with this manifest.
        in_force = manifest or job_type.manifest
        configuration = changes.get("configuration") or job_type.configuration
        documents.refuse_unfit(_EDITING, configuration, in_force, stored_secrets=stored)
        whole = seed.normalized_configuration(configuration)
        job_type.configuration, secrets = _without_secrets(whole, in_force, stored)
    if image is not None:
        job_type.docker_image = image
    if manifest is not None:
        _take_manifest(job_type, manifest)
    if manifest is not None or has_new_image:
        job_type.revision_num += 1
        job_type.unmet_resources = None
    _take_flags(job_type, changes, now)
    if set(changes) - {"auto_update"}:
        job_type.save()
    if manifest is not None or has_new_image:
        _follow(job_type, manifest, secrets, now)
    elif secrets != stored:
        _keep_secrets(job_type, secrets)
    after = _facts(job_type) | ({"secrets": "changed"} if secrets != stored else {})
    audit.changed(job_type, _deed(before, after), before, after)
    return job_type


def _facts(job_type: JobType) -> dict[str, Any]:
    """What the audit is told of a job type; its manifests stand in its revisions."""
    return audit.fields(
        job_type,
        ("revision_num", "docker_image", "configuration", "is_active", "is_paused", "is_published", "max_scheduled"),
    )


def _deed(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """An edit in one word: what it came to, first the rarest."""
    if before["is_active"] != after["is_active"]:
        return "activate" if after["is_active"] else "deprecate"
    if before["revision_num"] != after["revision_num"]:
        return "revise"
    if before["is_paused"] != after["is_paused"]:
        return "pause" if after["is_paused"] else "resume"
    return "update"


def _locked(name: str, version: str) -> JobType | None:
    return JobType.objects.select_for_update().filter(name=name, version=version).first()


def _refuse_reserved(name: str) -> None:
    if name in RESERVED:
        raise Invalid.field("manifest", f"{_CREATING}: the name {name!r} is reserved")
    if JobType.objects.filter(name=name, is_system=True).exists():
        raise Invalid.field("manifest", f"{_CREATING}: the name {name!r} is that of a system job type")


def _take_manifest(job_type: JobType, manifest: Manifest) -> None:
    job_type.manifest = manifest
    job_type.title = manifest["job"]["title"]
    job_type.description = manifest["job"]["description"]


def _take_flags(job_type: JobType, changes: Changes, now: datetime) -> None:
    """The plain values among `changes`; a time is noted where a flag really changes."""
    if (icon_code := changes.get("icon_code")) is not None:
        job_type.icon_code = icon_code
    if (is_published := changes.get("is_published")) is not None:
        job_type.is_published = is_published
    if (is_active := changes.get("is_active")) is not None and is_active != job_type.is_active:
        job_type.is_active, job_type.deprecated = is_active, None if is_active else now
    if (is_paused := changes.get("is_paused")) is not None and is_paused != job_type.is_paused:
        job_type.is_paused, job_type.paused = is_paused, now if is_paused else None
    # 0 counts as not given; None, said explicitly, takes the limit away.
    if "max_scheduled" in changes and changes["max_scheduled"] != 0:
        job_type.max_scheduled = changes["max_scheduled"]


def _without_secrets(
    configuration: Mapping[str, Any], manifest: Manifest, stored: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """The public part of a configuration, and all secrets from now on: stored ones stay unless new ones were given."""
    public, given = seed.split_settings_secrets(configuration, manifest)
    return public, {**stored, **{name: value for name, value in given.items() if value != MASK or name not in stored}}


def _follow(job_type: JobType, manifest: Manifest | None, secrets: Mapping[str, str], now: datetime) -> None:
    """The revision that `job_type` now is, and with a new manifest all that is made of one."""
    JobTypeRevision.objects.create(
        job_type=job_type,
        revision_num=job_type.revision_num,
        manifest=job_type.manifest,
        docker_image=job_type.docker_image,
        input_schema=seed.input_schema(job_type.manifest),
        configuration_schema=documents.configuration_schema(job_type.manifest),
        created=now,
    )
    _keep_secrets(job_type, secrets)
    if manifest is None:
        return
    job_type.tags.all().delete()
    JobTypeTag.objects.bulk_create(JobTypeTag(job_type=job_type, name=tag) for tag in seed.tags(manifest))
    declared = [
        errors.Declared(one.name, one.title, one.description, one.category) for one in seed.declared_errors(manifest)
    ]
    errors.register(job_type.name, declared, now)


def _keep_secrets(job_type: JobType, secrets: Mapping[str, str]) -> None:
    if secrets:
        JobTypeSecrets.objects.update_or_create(job_type=job_type, defaults={"settings": dict(secrets)})
