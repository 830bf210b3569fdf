"""What the page of a job says: how it stands, its last runs, its year, what it depends on, who changed it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from statistics import median
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django.utils.safestring import SafeString

from errors import audit
from errors.console import pretty_json
from errors.console.charts import Bar
from errors.console.pictures import durations
from errors.console.words import span
from executions.admin import calendar, family
from executions.admin.strips import bar
from executions.engine.why import why_job
from executions.models import Execution
from executions.recent import recent
from executions.states import LIVE, Status
from jobs.models import Job
from jobs.schedule import ScheduleError, zone
from jobs.standing import standing
from jobs.upcoming import instants

STRIP, LISTED, CHANGES, COMING = 50, 12, 8, 5


@dataclass(frozen=True, slots=True)
class Page:
    job: Job
    state: str
    reason: str
    why: str
    words: str
    coming: list[tuple[datetime, str]]
    """The next instants, and each as a clock of the job's zone shows it."""
    strip: list[Bar]
    durations: SafeString
    usual: float | None
    """The median of the successes among the last runs, in seconds."""
    success_rate: float | None
    runs: list[Execution]
    is_live: bool
    calendar: calendar.Calendar
    family: family.Family
    changes: list[Any]
    parents: list[Job]
    configuration: SafeString
    input: SafeString
    facts: list[tuple[str, str]]


def find(key: int) -> Job | None:
    """The job with what its page says of other rows; one query."""
    rows = Job.objects.select_related("job_type", "job_type_revision", "payload", "record")
    return rows.defer("payload__secrets", "job_type__manifest", "job_type__configuration").filter(pk=key).first()


def read(job: Job, now: datetime) -> Page:
    """Eleven queries, those of `why_job`, and one for each step in the picture of its family."""
    newest = recent([job.pk], STRIP).get(job.pk, [])
    bars = [bar(run) for run in newest]
    taken = [run.seconds for run in newest if run.status == Status.COMPLETED and run.seconds is not None]
    usual = median(taken) if taken else None
    rows = Execution.objects.filter(job=job).select_related("worker").order_by("-created", "-id").defer("resources")
    runs = list(rows[:LISTED])
    state, reason = standing(job, now)
    record = job.record
    ended = record.success_count + record.error_count
    return Page(
        job=job,
        state=state,
        reason=reason,
        why=why_job(job, now) or "",
        words=_words(job),
        coming=_coming(job, now),
        strip=bars,
        durations=durations(bars, usual),
        usual=usual,
        success_rate=record.success_count / ended if ended else None,
        runs=runs,
        is_live=any(run.status in LIVE for run in runs),
        calendar=calendar.read(job, now),
        family=family.read(job, now),
        changes=_changes(job),
        parents=list(job.parents.only("name").order_by("name")),
        configuration=pretty_json(job.payload.configuration),
        input=pretty_json(job.payload.input),
        facts=list(_facts(job)),
    )


def _words(job: Job) -> str:
    try:
        return job.parsed_schedule.words
    except ScheduleError as error:
        return str(error)


def _coming(job: Job, now: datetime) -> list[tuple[datetime, str]]:
    if job.next_run_at is None or job.archived or not job.is_enabled:
        return []
    try:
        place = zone(job.zone)
        found = [job.next_run_at, *islice(instants(job, max(job.next_run_at, now), COMING), COMING - 1)]
    except ScheduleError:
        return []
    return [(one, f"{timezone.localtime(one, place):%a %Y-%m-%d %H:%M:%S %Z}") for one in found]


def _changes(job: Job) -> list[Any]:
    kind = ContentType.objects.get_for_model(Job)
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(job.pk)).select_related("user")
    found = list(entries.order_by("-action_time", "-id")[:CHANGES])
    for entry in found:
        entry.told = audit.told(entry)  # type: ignore[attr-defined]  # as errors.console.history does
    return found


def _facts(job: Job) -> Any:
    """What else is set, as far as it is not the default."""
    yield "if it was missed", _misfire(job)
    yield (
        "if it still runs",
        {"allow": "runs beside it", "forbid": "waits for it", "replace": "replaces it"}[job.concurrency],
    )
    if job.priority is not None:
        yield "priority", str(job.priority)
    if job.timeout is not None:
        yield "timeout", span(job.timeout)
    yield "retries", f"{job.retries}, the first after {job.retry_delay} s" if job.retries else "none"
    yield "must have started within", span(job.deadline)
    if job.tags:
        yield "workers with", ", ".join(f"{name}={value}" for name, value in job.tags.items())
    if job.metadata:
        yield "labels", ", ".join(f"{name}={value}" for name, value in job.metadata.items())
    if job.processors:
        yield "processors", ", ".join(job.processors)
    if job.at_most_once:
        yield "at most once", "yes"
    if job.is_ephemeral:
        yield "deleted after its first success", "yes"


def _misfire(job: Job) -> str:
    said = {"once": "runs once", "all": "runs for each", "skip": "is left out"}[job.misfire_policy]
    return f"{said}, within {span(job.misfire_grace)}" if job.misfire_grace is not None else said
