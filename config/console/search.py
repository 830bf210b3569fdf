"""The search box of every page: a number is an execution, words begin the name of a job, a job type or an error."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from config.console import links
from errors.models import Error
from executions.models import Execution, Worker
from jobs.models import Job
from jobtypes.models import JobType

MOST = 20
LONGEST = 128


@dataclass(frozen=True, slots=True)
class Hit:
    name: str
    url: str
    more: str = ""


@dataclass(slots=True)
class Found:
    term: str
    groups: list[tuple[str, list[Hit]]] = field(default_factory=list)

    @property
    def only(self) -> str:
        """The address of what was found, where it is one thing."""
        hits = [hit for _, hits in self.groups for hit in hits]
        return hits[0].url if len(hits) == 1 else ""


def find(user: Any, term: str) -> Found:
    """What `user` may see of it: at most MOST of each kind, each by an index or among few."""
    found = Found(_clean(term))
    if not found.term:
        return found
    kinds = (
        ("Executions", "executions.view_execution", _executions),
        ("Jobs", "jobs.view_job", _jobs),
        ("Job types", "jobtypes.view_jobtype", _job_types),
        ("Errors", "errors.view_error", _errors),
        ("Workers", "executions.view_worker", _workers),
    )
    for title, permission, look in kinds:
        if user.has_perm(permission) and (hits := look(found.term.lower())):
            found.groups.append((title, hits))
    return found


def _clean(term: str) -> str:
    """`term` without what no database takes: NUL and half surrogates."""
    return term[: 2 * LONGEST].replace("\x00", "").encode(errors="replace").decode().strip()[:LONGEST]


def _executions(term: str) -> list[Hit]:
    if not term.isascii() or not term.isdigit() or len(term) > 18:
        return []
    row = Execution.objects.filter(pk=int(term)).select_related("job").only("status", "job__name").first()
    return [Hit(f"execution {row.pk}", links.execution(row.pk), f"{row.job.name}, {row.status.lower()}")] if row else []


def _jobs(term: str) -> list[Hit]:
    rows = Job.objects.living().filter(name__startswith=term).only("name", "title").order_by("name", "id")
    return [Hit(row.name, links.job(row.pk), row.title) for row in rows[:MOST]]


def _job_types(term: str) -> list[Hit]:
    rows = JobType.objects.light().filter(name__startswith=term).order_by("name", "-precedence")
    return [Hit(str(row), links.job_type(row.pk), row.title) for row in rows[:MOST]]


def _errors(term: str) -> list[Hit]:
    rows = Error.objects.filter(name__startswith=term).order_by("name", "id")
    return [Hit(row.name, links.error(row.pk), row.title or "") for row in rows[:MOST]]


def _workers(term: str) -> list[Hit]:
    rows = Worker.objects.filter(name__startswith=term, stopped=None).order_by("name")
    return [Hit(row.name, links.worker(row.pk), row.version) for row in rows[:MOST]]
