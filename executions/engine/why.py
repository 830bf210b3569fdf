"""Why is it not running? One sentence for any waiting execution and any silent job, from what a claim goes by."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Sum

from executions.engine import capacity, placement
from executions.engine.draft import living_workers
from executions.models import LEASE, Execution, House, Worker
from executions.states import Reason, Status
from jobs.models import Job


def why(execution: Execution, now: datetime) -> str | None:
    """Why `execution` has not started yet; None when it has, or when it is over."""
    match execution.status:
        case Status.PENDING:
            what = "Its next try" if execution.attempt > 1 else "It"
            return (
                f"{what} is due in {_span(execution.ready_at, now)}." if execution.ready_at else "It is being queued."
            )
        case Status.BLOCKED:
            return _why_blocked(execution)
        case Status.QUEUED:
            return _why_queued(execution, now)
        case _:
            return None


def why_job(job: Job, now: datetime) -> str | None:
    """Why `job` does not run at the moment; None while it runs."""
    newest = Execution.objects.filter(job=job).live().select_related("job", "job_type").order_by("-pk").first()
    if newest is not None:
        return why(newest, now)
    if job.archived:
        return f"It was deleted {_span(job.archived, now)} ago."
    if paused := _paused(job):
        return paused
    if not job.is_enabled:
        reason = job.record.missed_reason
        return reason if reason.startswith("Disabled") else "It is disabled."
    house = House.row()
    if house.paused_at:
        return _house(house)
    if not job.job_type.is_active and not job.follows_newest:
        return f"Its job type {job.job_type} is not active."
    if job.job_type.is_paused:
        return f"Its job type {job.job_type} is paused."
    if job.next_run_at is None:
        return _why_never(job, now)
    if job.next_run_at <= now:
        return _why_late(job, house, now)
    start = f" It starts at {job.starts_at:%Y-%m-%d %H:%M}Z." if job.starts_at and job.starts_at > now else ""
    return f"It is next due in {_span(job.next_run_at, now)}.{start}"


def _why_blocked(execution: Execution) -> str:
    if execution.reason == Reason.CONCURRENCY:
        live = (
            Execution.objects.filter(job=execution.job_id).live().exclude(status=Status.BLOCKED).order_by("pk").first()
        )
        other = f"run {live.group} of the same job ends" if live else "it is queued"
        return f"The job forbids two runs at once: it waits until {other}."
    parents = Job.objects.filter(children=execution.job_id).values_list("pk", flat=True)
    within = (
        Execution.objects.runs().filter(job__in=list(parents)).filter(pk__gte=execution.origin, origin=execution.origin)
    )
    unfinished = within.exclude(status=Status.COMPLETED).select_related("job").order_by("pk")[:5]
    names = ", ".join(f"{parent.job.name} ({parent.status}, execution {parent.pk})" for parent in unfinished)
    return f"It waits for {names} to complete." if names else "Its parents have completed: it is being queued."


def _why_queued(execution: Execution, now: datetime) -> str:
    house = House.row()
    if house.paused_at:
        return _house(house)
    job, job_type = execution.job, execution.job_type
    if paused := _paused(job):
        return paused
    if job_type.is_paused:
        return f"Its job type {job_type} is paused."
    running = Execution.objects.running()
    if job_type.max_scheduled:
        of_type = list(running.filter(job_type=job_type).order_by("pk").values_list("pk", flat=True))
        if len(of_type) >= job_type.max_scheduled:
            allowed = job_type.max_scheduled
            return f"{len(of_type)} of {allowed} allowed executions of {job_type} are running ({_ids(of_type)})."
    if job.concurrency != Job.Concurrency.ALLOW:
        others = list(running.filter(job=job).exclude(group=execution.group).values_list("pk", flat=True))
        if others:
            return f"The job allows one run at a time, and execution {_ids(others)} is running."
    if execution.needs_worker and (missing := _no_worker(execution, now)):
        return missing
    if crowded := capacity.why(execution, now):
        return crowded
    alive = Worker.objects.alive(now, LEASE)
    slots = alive.aggregate(slots=Sum("slots"))["slots"]
    if not slots:
        return "No worker is alive."
    if running.count() >= slots:
        ahead = Execution.objects.filter(
            status=Status.QUEUED, priority__lte=execution.priority, pk__lt=execution.pk
        ).count()
        return f"All {slots} slots are busy, and {ahead} executions are ahead of it."
    return "A worker will take it in a moment."


def _no_worker(execution: Execution, now: datetime) -> str | None:
    wanted = ", ".join(f"{name}={placement.split(value)[0]}" for name, value in execution.job.tags.items())
    if not placement.qualified(execution.job.tags, living_workers(now)):
        return f"No living worker has the tags {wanted}."
    if execution.chosen_worker_id is None:
        return f"It is being given to a worker with the tags {wanted}."
    return f"It waits for a free slot of its worker {execution.chosen_worker}."


def _why_never(job: Job, now: datetime) -> str:
    if job.expires_at and job.expires_at <= now:
        return f"It expired at {job.expires_at:%Y-%m-%d %H:%M}Z."
    if job.schedule in ("", "@manually"):
        if job.parents.exists():
            return "It runs after its parents: " + ", ".join(job.parents.values_list("name", flat=True)) + "."
        return "It has no schedule: it runs when somebody asks for it."
    if job.schedule.startswith("@at"):
        return f"Its one moment, {job.schedule.removeprefix('@at').strip()}, has passed."
    return f"Its schedule {job.schedule} has no further instant."


def _why_late(job: Job, house: House, now: datetime) -> str:
    late = _span(job.next_run_at, now)
    if house.last_tick is None or house.last_tick < now - timedelta(seconds=10):
        seen = f"for {_span(house.last_tick, now)}" if house.last_tick else "yet"
        return f"It has been due for {late}, but no scheduler was seen {seen}."
    return f"It has been due for {late}: the scheduler is about to fire it."


def _paused(job: Job) -> str | None:
    if not job.paused_at:
        return None
    until = f" until {job.paused_until:%Y-%m-%d %H:%M}Z" if job.paused_until else ""
    return f"Job {job.name} was paused by {_whom(job.paused_by, job.paused_at)}{until}{_note(job.pause_note)}"


def _house(house: House) -> str:
    return f"The whole house was paused by {_whom(house.paused_by, house.paused_at)}{_note(house.pause_note)}"


def _whom(by: str, at: datetime | None) -> str:
    return f"{by or 'somebody'} at {at:%Y-%m-%d %H:%M}Z"


def _note(note: str) -> str:
    return f": {note}" if note else "."


def _ids(keys: list[int]) -> str:
    shown = ", ".join(map(str, keys[:5]))
    return f"{shown} and {len(keys) - 5} more" if len(keys) > 5 else shown


def _span(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "a moment"
    seconds = abs((moment - now).total_seconds())
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
