"""What the audit is told of a job: its fields as every reader may see them."""

from __future__ import annotations

from typing import Any

from jobs import rules
from jobs.models import Job, Payload

_NAMES_ONLY = ("processors",)
"""Fields whose values may hold what is nobody's business; the audit says which there are."""


def facts_of(job: Job) -> dict[str, Any]:
    """The fields that people write, besides the parents; secrets are masked in a configuration."""
    facts = {name: getattr(job, name) for name in (*rules.FIELDS, "schedule", "timezone")}
    for name in _NAMES_ONLY:
        facts[name] = sorted(getattr(job, name))
    kind, revision = job.job_type, job.job_type_revision
    facts["job_type"] = kind.name if job.follows_newest else f"{kind.name} {kind.version}"
    facts["job_type_revision"] = revision.revision_num if revision else None
    return {**facts, "configuration": job.payload.configuration, "input": job.payload.input}


def of_new(job: Job) -> dict[str, Any]:
    """The facts of a job that has just been made, as far as they say anything."""
    defaults = {name: rule.default for name, rule in rules.FIELDS.items()}
    return {name: value for name, value in facts_of(job).items() if value and value != defaults.get(name)}


def pause_of(job: Job) -> dict[str, Any]:
    """Whether `job` is held back, until when, and what was said about it."""
    return {"is_paused": job.is_paused, "until": job.paused_until, "note": job.pause_note}


def secrets_differ(one: Payload, other: Payload) -> bool:
    """Whether two payloads differ in what nobody is shown."""
    return one is not other and bool(one.secrets != other.secrets)
