"""How Taipy words a run; pure. Its own schema refuses a key that it does not know, so none is added."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from config.dialects.runs import Run
from config.dialects.taipy import names
from executions.models import Execution
from executions.states import Reason, Status

SUBMITTED = "SUBMITTED"
STATUSES = (SUBMITTED, "BLOCKED", "PENDING", "RUNNING", "CANCELED", "FAILED", "COMPLETED", "SKIPPED", "ABANDONED")

WORDS: dict[Status, str] = {
    Status.PENDING: SUBMITTED,
    Status.BLOCKED: "BLOCKED",
    Status.QUEUED: "PENDING",
    Status.RUNNING: "RUNNING",
    Status.COMPLETED: "COMPLETED",
    Status.FAILED: "FAILED",
    Status.CANCELED: "CANCELED",
}
BECAUSE: dict[tuple[Status, Reason], str] = {
    (Status.COMPLETED, Reason.SKIPPED): "SKIPPED",
    (Status.CANCELED, Reason.UPSTREAM): "ABANDONED",
    (Status.CANCELED, Reason.EXPIRED): "ABANDONED",
}
"""Where the reason says more than the status."""


def status_of(execution: Execution) -> str:
    """The text of Taipy's enumeration, its prefix with it."""
    status = Status(execution.status)
    said = BECAUSE.get((status, Reason(execution.reason))) if execution.reason else None
    return enumerated(said or WORDS[status])


def enumerated(word: str) -> str:
    return f"Status.{word}"


def created(moment: datetime) -> str:
    """``2026-11-21 23:23:04.638758``: in UTC, without saying so."""
    return str(moment.astimezone(UTC).replace(tzinfo=None))


def job(run: Run, traceback: str = "") -> dict[str, Any]:
    """Taipy's job object; `traceback` is that of the run's latest try, where it has one."""
    config = run.first.job_type.name
    return {
        "id": names.write(names.JOB, config, run.id),
        "task_id": names.write(names.TASK, config, run.first.job_id),
        "status": status_of(run.latest),
        "force": False,
        "creation_date": created(run.first.created),
        "stacktrace": [traceback or told(run.latest)] if run.latest.status == Status.FAILED else [],
    }


def told(execution: Execution) -> str:
    """Why a try failed, where its own code has not raised: the error and what it says."""
    known = execution.error
    name = known.title or known.name if known else ""
    return ": ".join(part for part in (name, execution.message) if part) or "The run failed."
