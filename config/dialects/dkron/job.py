"""A job in Dkron's words: those of the client that sent it, as long as they still say what the job does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Prefetch, Q, QuerySet

from config.dialects.dkron import executors, moments, schedules, standing
from config.dialects.dkron.body import Kept
from config.dialects.dkron.words import DOOR
from jobs.models import Job, Payload
from jobtypes.models import JobType

_LINKS = Job.parents.through.objects
"""Rows (from_job: the child, to_job: its parent)."""
_LARGE = ("job_type__manifest", "job_type__configuration", "payload__secrets", "payload__input")
_NAMED = 1_000
"""So many jobs are named in one query."""


def living() -> QuerySet[Job]:
    """The jobs that this door shows, with what showing them needs."""
    jobs = Job.objects.living().filter(is_ad_hoc=False).select_related("job_type", "payload", "record")
    return jobs.defer(
        "job_type__manifest", "job_type__configuration", "payload__secrets", "payload__input", "description"
    )


def loaded(keys: Sequence[int]) -> list[Job]:
    """The jobs with these keys, in this order, with what showing them needs; a query a table for every thousand.

    Without joins: on tables that have just been filled a database may plan those badly.
    """
    rows = Job.objects.defer("description").prefetch_related(
        "record",
        Prefetch("job_type", JobType.objects.light()),
        Prefetch("payload", Payload.objects.defer("secrets", "input")),
    )
    found: dict[int, Job] = {}
    for start in range(0, len(keys), _NAMED):
        found |= {one.pk: one for one in rows.filter(pk__in=keys[start : start + _NAMED])}
    return [found[key] for key in keys if key in found]


def shown(jobs: Collection[Job], now: datetime) -> list[dict[str, Any]]:
    """`jobs` (of `living`) as Dkron shows them, with every key that its own have; three queries for a page of them."""
    statuses = standing.of(jobs)
    parents, children = _family({job.pk for job in jobs})
    return [
        _shown(job, statuses[job.pk], min(parents[job.pk], default=""), sorted(children[job.pk]), now) for job in jobs
    ]


def _family(keys: set[int]) -> tuple[dict[int, list[str]], dict[int, list[str]]]:
    """The names of the living parents and of the living children of these jobs."""
    parents: dict[int, list[str]] = defaultdict(list)
    children: dict[int, list[str]] = defaultdict(list)
    links = _LINKS.filter(from_job__archived=None, to_job__archived=None)
    if len(keys) <= _NAMED:
        links = links.filter(Q(from_job__in=keys) | Q(to_job__in=keys))
    for child, child_name, parent, parent_name in links.values_list(
        "from_job", "from_job__name", "to_job", "to_job__name"
    ):
        parents[child].append(parent_name)
        children[parent].append(child_name)
    return parents, children


def _shown(job: Job, status: str, parent: str, children: list[str], now: datetime) -> dict[str, Any]:
    kept = job.foreign.get(DOOR) or {}
    schedule, timezone = timing(job, parent)
    said = executors.told(job)
    return {
        "id": job.name,
        "name": job.name,
        "displayname": job.title,
        "timezone": timezone,
        "schedule": schedule,
        "owner": job.owner,
        "owner_email": job.owner_email,
        "success_count": job.record.success_count,
        "error_count": job.record.error_count,
        "last_success": moments.written(job.record.last_success),
        "last_error": moments.written(job.record.last_error),
        "disabled": not job.is_enabled,
        "tags": job.tags or ({} if "tags" in kept.get("empty", ()) else None),
        "metadata": job.metadata or ({} if "metadata" in kept.get("empty", ()) else None),
        "retries": job.retries,
        "dependent_jobs": children or None,
        "parent_job": parent,
        "processors": job.processors,
        "concurrency": concurrency(job),
        "executor": said.executor,
        "executor_config": said.config,
        "status": status,
        "next": moments.written(next_of(job, now)) or moments.ZERO,
        "ephemeral": job.is_ephemeral,
        "starts_at": moments.written(job.starts_at),
        "expires_at": moments.written(job.expires_at),
    }


def timing(job: Job, parent: str) -> tuple[str, str]:
    """Its schedule and its zone: the client's while they mean what stands in the house, otherwise the house's."""
    kept = job.foreign.get(DOOR) or {}
    if "schedule" in kept:
        meant = _meaning(kept["schedule"], kept["timezone"], job.name, is_child=bool(parent))
        if meant == (job.schedule, job.timezone):
            return kept["schedule"], kept["timezone"]
    return schedules.shown(job.schedule), job.timezone


def _meaning(schedule: str, timezone: str, name: str, *, is_child: bool) -> tuple[str, str] | None:
    try:
        ours = schedules.translate(schedule, timezone, name)
    except (schedules.BadSchedule, schedules.BadZone):
        return None
    return (schedules.MANUALLY if is_child else ours.schedule), ours.timezone


def concurrency(job: Job) -> str:
    """Its policy; an empty one, which Dkron takes for `allow`, stays empty."""
    kept = job.foreign.get(DOOR) or {}
    return "" if job.concurrency == Job.Concurrency.ALLOW and kept.get("concurrency") == "" else job.concurrency


def next_of(job: Job, now: datetime) -> datetime | None:
    """When it runs next; Dkron says the begin of its time as long as that is to come."""
    if job.next_run_at and job.starts_at and job.starts_at > now:
        return job.starts_at
    return job.next_run_at


def says(job: Job, parent: str) -> Kept:
    """What `job` says already, which may be in words that Dkron has not."""
    return Kept(timing(job, parent)[0], concurrency(job))


def parent_of(job: Job) -> str:
    """The name of its parent; of several the first, empty where there is none."""
    return job.parents.filter(archived=None).order_by("name").values_list("name", flat=True).first() or ""
