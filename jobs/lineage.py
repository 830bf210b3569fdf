"""Who waits for whom: the parents of jobs make no circle and no chain without end."""

from __future__ import annotations

from collections.abc import Collection

from django.db import connection

from jobs.models import Job

MAX_PARENTS = 20
MAX_CHAIN = 20
"""Jobs in a row of which each waits for the one before."""

_LINKS = Job.parents.through.objects
"""Rows (from_job: the child, to_job: its parent)."""
_LOCK = 0x6A6F_6273  # "jobs": any number will do that nothing else in this database locks


def lock() -> None:
    """Until the transaction ends nobody else changes who waits for whom; call it before locking any row.

    Two edits that are harmless each could close a circle together. On SQLite the immediate transaction sees to it.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


def problem(job: Job | None, parents: Collection[Job]) -> str | None:
    """What is wrong with `job` (None: one that is yet to be made) waiting for `parents`; None when nothing is."""
    if not parents:
        return None
    if len(parents) > MAX_PARENTS:
        return f"must be at most {MAX_PARENTS} jobs, not {len(parents)}"
    named = {parent.pk: parent.name for parent in parents}
    if job and job.pk in named:
        return f"{job.name} cannot wait for itself"
    above = _generations(named.keys(), up=True)
    if job and any(job.pk in generation for generation in above):
        return f"{job.name} would wait for itself: {_culprits(job, named)} already waits for it"
    below = _generations({job.pk}, up=False) if job else [set()]
    chain = len(above) + len(below)
    if chain > MAX_CHAIN:
        return f"would make a chain of {chain} jobs or more that wait for one another; at most {MAX_CHAIN} may"
    return None


def _generations(first: Collection[int], *, up: bool) -> list[set[int]]:
    """`first`, then all their parents (or children), then theirs; one query each, and none beyond the limit."""
    known, following = ("from_job", "to_job") if up else ("to_job", "from_job")
    generations: list[set[int]] = []
    generation = set(first)
    while generation and len(generations) <= MAX_CHAIN:
        generations.append(generation)
        links = _LINKS.filter(**{f"{known}__in": generation, "to_job__archived": None, "from_job__archived": None})
        generation = set(links.values_list(following, flat=True))
    return generations


def _culprits(job: Job, named: dict[int, str]) -> str:
    """Which of the wished parents (names by id) descend from `job`."""
    return ", ".join(
        name for key, name in sorted(named.items()) if any(job.pk in above for above in _generations({key}, up=True))
    )
