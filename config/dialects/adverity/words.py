"""How Adverity words what the house knows; pure.

Times are UTC in whole seconds with `Z`; ids are integers; of every job `job_end` is set once it is over, since clients
poll until it is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.utils.dateparse import parse_date

from config.dialects.runs import Run
from errors.api import values
from executions.models import Execution
from executions.states import Door, Reason, Status, Trigger
from jobs.models import Job


@dataclass(frozen=True, slots=True)
class State:
    number: int
    label: str
    color: str
    is_final: bool = True


SCHEDULED = State(0, "Scheduled", "grey", is_final=False)
RUNNING = State(1, "Running", "orange", is_final=False)
SUCCESS = State(2, "Success", "green")
CANCELLED = State(3, "Cancelled", "red")
FAILED = State(4, "Failed", "red")
DISCARDED = State(5, "Discarded", "grey")
STALE = State(6, "Stale", "grey")
"""Adverity keeps it for jobs that can never complete, and does not set it. A lost worker's run is Failed here."""

ALL_STATES = (SCHEDULED, RUNNING, SUCCESS, CANCELLED, FAILED, DISCARDED, STALE)

STATES: dict[Status, State] = {
    Status.PENDING: SCHEDULED,
    Status.BLOCKED: SCHEDULED,
    Status.QUEUED: SCHEDULED,
    Status.RUNNING: RUNNING,
    Status.COMPLETED: SUCCESS,
    Status.FAILED: FAILED,
    Status.CANCELED: CANCELLED,
}

DISCARDS = frozenset({Reason.UPSTREAM, Reason.EXPIRED, Reason.USER})
"""Why a canceled run is Discarded: a job before it did not succeed, it was not started in time, or somebody stopped it.
Canceled for any other reason, by the house, it is Cancelled."""

STACK = {"id": 1, "name": "Jobhouse", "slug": "jobhouse"}
"""The one workspace there is."""

STAGE = "Fetch"
"""The stage of everything: job types have no stages."""

ROOT = "/api/"


def state_of(execution: Execution) -> State:
    if execution.status == Status.CANCELED and execution.reason in DISCARDS:
        return DISCARDED
    return STATES[Status(execution.status)]


def moment(value: datetime | None) -> str | None:
    return values.iso(value.replace(microsecond=0)) if value else None


def duration(length: timedelta | None) -> str:
    """``0s``, ``2m 5s``, ``1h 0m 5s``."""
    minutes, seconds = divmod(max(0, int(length.total_seconds())) if length else 0, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h {minutes}m {seconds}s"
    return f"{minutes}m {seconds}s" if minutes else f"{seconds}s"


def read_moment(text: str) -> datetime | date:
    """A date, or a moment in UTC: one without a zone is in UTC, too. Raises ValueError."""
    said = text.strip()
    if (day := parse_date(said)) is not None:
        return day
    try:
        return values.moment(said)
    except ValueError as error:
        if "zone" not in str(error):
            raise
    return values.moment(f"{said}Z")


def begin_of(said: datetime | date) -> datetime:
    """The first second of it."""
    moment = said if isinstance(said, datetime) else datetime.combine(said, time(), UTC)
    return moment.replace(microsecond=0)


def end_of(said: datetime | date) -> datetime:
    """The last second of it: of a date, that of its day."""
    moment = said if isinstance(said, datetime) else datetime.combine(said, time(23, 59, 59), UTC)
    return moment.replace(microsecond=0)


def _shown_bound(text: object, bound: Any) -> str | None:
    """A bound of a data range, as the input of a run holds it; None for what is no moment."""
    try:
        return moment(bound(read_moment(str(text)))) if text else None
    except ValueError:
        return None


def datastream(job: Job, root: str) -> dict[str, Any]:
    """What every answer says of a datastream; `root` is the absolute address of ROOT."""
    return {
        "id": job.pk,
        "name": job.name,
        "slug": job.name,
        "url": f"{root}datastreams/{job.pk}/",
        "stack_id": STACK["id"],
        "stack": {**STACK, "url": f"{root}datastreams/"},
        "enabled": job.is_enabled,
        "app_label": job.job_type.name,
        "version": job.job_type.version,
    }


def job(run: Run, root: str, now: datetime) -> dict[str, Any]:
    """Adverity's job object. The run's executions come as `rows.shown` has them."""
    latest = run.latest
    state = state_of(latest)
    scheduled = latest.scheduled_for or run.first.created
    ended = latest.ended if state.is_final else None
    shown: dict[str, Any] = {
        "id": run.id,
        "url": f"{root}jobs/{run.id}/",
        "job_start": moment(latest.started),
        "job_end": moment(ended),
        "range_start": _shown_bound(getattr(latest, "range_start", None), begin_of),
        "range_end": _shown_bound(getattr(latest, "range_end", None), end_of),
        "scheduled": moment(scheduled),
        "progress": 100 if state is SUCCESS else 0,
        "duration": duration((ended or now) - latest.started if latest.started else None),
        "state": state.number,
        "state_label": state.label,
        "state_color": state.color,
        "datastream": datastream(latest.job, root),
        "issues": [issue(latest, root)] if state is FAILED else [],
        "manual": run.first.trigger != Trigger.SCHEDULE and run.first.door != Door.SCHEDULER,
    }
    return _without_gaps(shown) if state is FAILED else shown


def _without_gaps(shown: dict[str, Any]) -> dict[str, Any]:
    """A failed job with all of its five dates: there are clients to whom one that is missing is an error."""
    shown["job_start"] = shown["job_start"] or shown["job_end"]
    for bound in ("range_start", "range_end"):
        shown[bound] = shown[bound] or shown["scheduled"]
    return shown


def issue(execution: Execution, root: str) -> dict[str, Any]:
    return {
        "message": message_of(execution),
        "type_label": category_of(execution),
        "extraction_state_label": STAGE,
        "url": f"{root}errors/{execution.pk}/",
    }


def error(execution: Execution, run: Run, root: str, now: datetime) -> dict[str, Any]:
    """An item of the list of errors: a try that failed and was the last of its run."""
    return {
        "id": execution.pk,
        "url": f"{root}errors/{execution.pk}/",
        "start": moment(execution.started or execution.ended),
        "end": moment(execution.ended),
        "message": message_of(execution),
        "type_label": category_of(execution),
        "datastream": datastream(run.first.job, root),
        "ack": False,
        "occurrences": execution.attempt,
        "job": _without_gaps(job(run, root, now) | {"job_end": moment(execution.ended)}),
    }


def message_of(execution: Execution) -> str:
    known = execution.error
    return execution.message or (known.title or known.name if known else "") or "The run failed."


def category_of(execution: Execution) -> str:
    return execution.error.category if execution.error else "SYSTEM"
