"""What a message says: a title, a few lines for people, and the same as data for a webhook."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from errors.api.values import iso
from executions.models import Execution, OutputChunk
from executions.notifications.models import NotificationEvent, NotificationRule
from jobs.models import Job

LINES, CHARACTERS = 20, 4_000
"""Of an output its end is told: so many lines, and so many characters."""

_Event = NotificationRule.Event


@dataclass(frozen=True, slots=True)
class Message:
    title: str
    body: str
    data: dict[str, Any] = field(default_factory=dict)


def message(event: NotificationEvent, job: Job | None, execution: Execution | None) -> Message:
    """What is told of `event`; of the execution, with its worker and error, nothing where it is gone already."""
    if job is None:
        text = "This is a test. Whoever reads it will be reached."
        return Message("[Jobhouse] Test", text, {"event": event.kind, "time": iso(event.time), "text": text})
    tail = _tail(execution) if execution else ""
    title = f"[Jobhouse] {job.name} {_what(event, execution)}"
    body = "\n".join([*_lines(event, job, execution), *(["", "Its output ends with:", tail] if tail else [])]) + "\n"
    data = {
        "event": event.kind,
        "time": iso(event.time),
        "title": title,
        "text": body,
        "job": {"name": job.name, "title": job.title, "owner": job.owner, "metadata": job.metadata},
        "execution": _as_data(execution) if execution else None,
        "details": event.details,
    }
    return Message(title, body, data)


def _what(event: NotificationEvent, execution: Execution | None) -> str:
    match event.kind:
        case _Event.FAILURE:
            since = event.details.get("since")
            return "failed" if since in (None, event.time.isoformat()) else "goes on failing"
        case _Event.RECOVERY:
            return "works again"
        case _Event.SUCCESS:
            return "succeeded"
        case _Event.MISSED:
            count = event.details.get("count", 1)
            return f"missed {count} due instant{'s' * (count != 1)}"
        case _Event.LATE:
            return f"is late by {span(event.details.get('late_by', 0))}"
        case _Event.LONG:
            return f"has been running for {span(event.details.get('seconds', 0))}"
        case _Event.START:
            return "starts"
    return f"ended: {execution.status}" if execution else "ended"


def _lines(event: NotificationEvent, job: Job, execution: Execution | None) -> list[str]:
    said: list[tuple[str, object]] = [
        ("Job", f"{job.name} ({job.title})" if job.title else job.name),
        ("Owner", job.owner or job.owner_email),
        ("Why", event.details.get("why")),
    ]
    if event.kind in (_Event.FAILURE, _Event.RECOVERY):
        said.append(("Failing since" if event.kind == _Event.FAILURE else "Had failed since", _since(event)))
    if event.kind == _Event.LONG:
        said.append(("Usually done in", f"{span(event.details.get('p95', 0))} (95 of 100 runs)"))
    if execution:
        said += [
            ("Execution", f"{execution.pk}, try {execution.attempt} of run {execution.group}"),
            ("Status", f"{execution.status} ({execution.reason})" if execution.reason else execution.status),
            ("Error", execution.error.title or execution.error.name if execution.error else None),
            ("Message", execution.message),
            ("Exit code", execution.exit_code),
            ("Due", _at(execution.scheduled_for)),
            ("Started", _at(execution.started)),
            ("Ended", _at(execution.ended)),
            ("Worker", execution.worker.name if execution.worker else None),
        ]
    return [f"{word}: {value}" for word, value in said if value not in (None, "")]


def _as_data(execution: Execution) -> dict[str, Any]:
    return {
        "id": execution.pk,
        "group": execution.group,
        "slot": execution.slot,
        "attempt": execution.attempt,
        "status": execution.status,
        "reason": execution.reason,
        "error": execution.error.name if execution.error else None,
        "message": execution.message,
        "exit_code": execution.exit_code,
        "scheduled_for": iso(execution.scheduled_for) if execution.scheduled_for else None,
        "started": iso(execution.started) if execution.started else None,
        "ended": iso(execution.ended) if execution.ended else None,
        "worker": execution.worker.name if execution.worker else None,
    }


def _tail(execution: Execution) -> str:
    chunks = OutputChunk.objects.filter(execution=execution.pk).order_by("-seq").values_list("text", flat=True)[:LINES]
    lines = "".join(reversed(chunks)).rstrip("\n").split("\n")[-LINES:]
    return "\n".join(lines)[-CHARACTERS:]


def _since(event: NotificationEvent) -> str:
    try:
        return _at(datetime.fromisoformat(event.details["since"])) or ""
    except (KeyError, ValueError):
        return ""


def _at(moment: datetime | None) -> str | None:
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}" if moment else None


def span(seconds: float) -> str:
    """A duration as ``0:01:30``, or in seconds where it is short."""
    return f"{seconds:.0f} s" if seconds < 100 else str(timedelta(seconds=round(seconds)))
