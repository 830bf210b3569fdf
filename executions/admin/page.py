"""What the page of one execution says: how it came to where it is, its tries, what they left, what changed since the
last success.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from errors.console import pretty_json
from errors.console.charts import Bar, Lane, Stretch, Timeline
from errors.console.words import span
from executions.api.timeline import Step, timeline
from executions.engine.why import why
from executions.models import Execution, ExecutionFile, ExecutionResult
from executions.recent import Run, recent, usual
from executions.states import WAITING, Status

MAX_TRIES, MAX_CHILDREN, MAX_CHANGES = 50, 15, 25
LOOKED_BACK = 200
"""Tries of the job among which the last success is looked for."""
STRIP = 40


@dataclass(frozen=True, slots=True)
class Told:
    """A step of the timeline in words."""

    status: str
    since: datetime
    seconds: float | None
    reason: str


@dataclass(frozen=True, slots=True)
class Change:
    what: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Page:
    execution: Execution
    why: str
    steps: list[Told]
    drawn: Timeline
    tries: list[Execution]
    result: ExecutionResult | None
    outputs: str
    files: list[ExecutionFile]
    configuration: str
    input: str
    usual: float | None
    seconds: float | None
    """How long it has run, or ran."""
    strip: list[Bar]
    green: Run | None
    """The last success before it, where it is over and was none itself."""
    changes: list[Change]

    @property
    def share(self) -> float:
        return self.seconds / self.usual if self.usual and self.seconds else 0.0

    @property
    def is_over_usual(self) -> bool:
        return self.share > 1.5


def find(key: int) -> Execution | None:
    """The execution with all that its page says of related rows; one query."""
    rows = Execution.objects.with_names().select_related(
        *("job", "job_type", "revision", "worker", "chosen_worker", "error", "payload", "result")
    )
    return rows.defer("payload__secrets").filter(pk=key).first()


def read(execution: Execution, now: datetime) -> Page:
    """Seven queries, and those that explain why it waits."""
    tries = list(Execution.objects.filter(group=execution.group).order_by("slot", "attempt")[:MAX_TRIES])
    result = getattr(execution, "result", None)
    children = []
    if execution.origin == execution.group:
        below = Execution.objects.set_off_by([execution.group]).select_related("job").order_by("pk")
        children = list(below.only("job__name", "status", "created", "started", "ended", "queued")[:MAX_CHILDREN])
    newest = recent([execution.job_id], STRIP).get(execution.job_id, [])
    green = _last_success(execution) if execution.status == Status.FAILED else None
    outputs = (result.outputs or {}) if result else {}
    shown = outputs.get("json", outputs)
    end = execution.ended or now
    return Page(
        execution=execution,
        why=why(execution, now) or "",
        steps=[_told(step, now) for step in timeline(execution)],
        drawn=_drawn(tries, children, now),
        tries=tries,
        result=result,
        outputs=pretty_json(shown) if shown else "",
        files=list(execution.files.order_by("pk")[:200]),
        configuration=pretty_json(execution.payload.configuration),
        input=pretty_json(execution.payload.input),
        usual=usual([execution.job_id]).get(execution.job_id),
        seconds=(end - execution.started).total_seconds() if execution.started else None,
        strip=[_bar(run, execution.pk) for run in newest],
        green=Run(green.pk, green.job_id, green.status, green.created, green.started, green.ended) if green else None,
        changes=list(_changes(green, execution))[:MAX_CHANGES] if green else [],
    )


def _told(step: Step, now: datetime) -> Told:
    until = step.until or (None if step.status not in (*WAITING, Status.RUNNING) else now)
    seconds = (until - step.since).total_seconds() if until else None
    return Told(step.status, step.since, seconds, step.reason or "")


# --- the picture ------------------------------------------------------------------------------------------------------
def _drawn(tries: Sequence[Execution], children: Sequence[Execution], now: datetime) -> Timeline:
    """A lane for each try, its wait before its run, and one for each execution that the run set off."""
    rows = [*tries, *children]
    first = min(row.created for row in rows)
    last = max(row.ended or now for row in rows)
    length = max((last - first).total_seconds(), 0.001)

    def place(moment: datetime) -> float:
        return (moment - first).total_seconds() / length

    def lane(row: Execution, label: str) -> Lane:
        begun, end = row.started or row.ended or now, row.ended or now
        parts = [Stretch("wait", place(row.created), place(begun), f"waited {span(begun - row.created)}", _url(row.pk))]
        if row.started:
            took = f"{row.status.lower()}, {span(end - row.started)}"
            parts.append(Stretch(row.status, place(row.started), place(end), took, _url(row.pk)))
        return Lane(label, parts, _url(row.pk), row.status.lower())

    slots = len({row.slot for row in tries}) > 1
    lanes = [lane(row, f"try {row.attempt}" + (f", slot {row.slot}" if slots else "")) for row in tries]
    lanes += [lane(row, row.job.name) for row in children]
    ticks = ["0", *(f"+{span(length * part / 4)}" for part in (1, 2, 3))]
    return Timeline(lanes, ticks)


def _bar(run: Run, present: int) -> Bar:
    took = f", {span(run.seconds)}" if run.seconds is not None else ""
    mark = " (this one)" if run.id == present else ""
    return Bar(
        run.status,
        run.seconds,
        f"#{run.id} {run.status.lower()}{took}, {timezone.localtime(run.created):%m-%d %H:%M:%S}{mark}",
        _url(run.id),
    )


def _url(key: int) -> str:
    return reverse("admin:executions_execution_change", args=[key])


# --- what changed since it last went well -----------------------------------------------------------------------------
def _last_success(execution: Execution) -> Execution | None:
    """The newest success of the job before `execution`, among its last tries."""
    before = Execution.objects.filter(job=execution.job_id, created__lt=execution.created)
    keys = list(before.order_by("-created", "-id").values_list("pk", "status")[:LOOKED_BACK])
    key = next((pk for pk, status in keys if status == Status.COMPLETED), None)
    return find(key) if key else None


def _changes(green: Execution, red: Execution) -> Iterator[Change]:
    pairs = (
        ("job type", f"{green.job_type}", f"{red.job_type}"),
        ("revision", f"r{green.revision.revision_num}", f"r{red.revision.revision_num}"),
        ("worker", green.worker.name if green.worker else "", red.worker.name if red.worker else ""),
        ("host", green.worker.host if green.worker else "", red.worker.host if red.worker else ""),
        ("worker's version", green.worker.version if green.worker else "", red.worker.version if red.worker else ""),
        ("trigger", green.trigger, red.trigger),
        ("door", green.door, red.door),
    )
    for what, before, after in pairs:
        if before != after:
            yield Change(what, before, after)
    if green.payload_id != red.payload_id:
        yield from _differences("configuration", green.payload.configuration, red.payload.configuration)
        yield from _differences("input", green.payload.input, red.payload.input)


def _differences(path: str, before: Any, after: Any) -> Iterator[Change]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            yield from _differences(f"{path}.{name}", before.get(name), after.get(name))
    elif before != after:
        yield Change(path, _short(before), _short(after))


def _short(value: Any) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= 200 else text[:200] + "…"
