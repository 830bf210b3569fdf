"""An execution in Dkron's words: a try that has started; its run is a group, named by when it was asked for."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, tzinfo
from itertools import groupby
from typing import Any

from django.db.models import F, QuerySet, Sum, Window
from django.db.models.functions import Length

from config.dialects.dkron import moments, nodes
from executions.models import Execution, OutputChunk
from executions.states import Reason, Status
from jobs.models import Job

KEPT = 100
"""Executions of a job that Dkron has."""
MAX_OUTPUT = 256_000
"""Bytes of an output that Dkron has: its last ones."""
NEWEST = "id"
_KEYS = {
    "started_at": lambda try_: try_.started,
    "finished_at": lambda try_: try_.ended or moments.read(moments.ZERO),
    "attempt": lambda try_: try_.attempt,
}
_KILLED = "signal: killed"
_NO_PROGRAM, _NOT_FOUND = "No such program:", "executable file not found:"
_AFTERWARDS = {
    Reason.TIMEOUT: "The defined timeout was exceeded: the job was killed.",
    "out-of-memory": "The defined memory limit was exceeded: the job was killed.",
}


def newest(job: Job) -> list[Execution]:
    """The newest tries of `job` that have started, the newest first."""
    rows = _with_names(Execution.objects.filter(job=job, started__isnull=False)).order_by("-created", "-id")[:KEPT]
    return sorted(rows, key=lambda one: (one.started, one.pk), reverse=True)


def running() -> list[Execution]:
    return list(_with_names(Execution.objects.running().filter(job__is_ad_hoc=False)).order_by("started", "id"))


def find(job: Job, said: str) -> Execution | None:
    """The try of `job` with that id of Dkron's."""
    place = moments.parse_id(said)
    if place is None:
        return None
    started, rest = place
    rows = _with_names(Execution.objects.filter(job=job, started=started))
    return next((one for one in rows if one.pk % moments.SAME == rest), None)


def _with_names(rows: QuerySet[Execution]) -> QuerySet[Execution]:
    columns = ("group", "attempt", "status", "reason", "started", "ended", "created", "scheduled_for", "message")
    return rows.select_related("job", "worker", "error").only(
        *columns, "output_bytes", "job__name", "job__timezone", "worker__host", "error__name", "error__title"
    )


def in_order(rows: list[Execution], field: str, *, is_descending: bool) -> list[Execution]:
    """`rows`, which come with the newest first, by `field`; by their id where it is none that is known."""
    key = _KEYS.get(field, _KEYS["started_at"])
    return sorted(rows, key=lambda one: (key(one), one.started, one.pk), reverse=is_descending)


def shown(
    rows: Collection[Execution], outputs: dict[int, tuple[str, bool]], zone: tzinfo = UTC, *, says_cut: bool = False
) -> list[dict[str, Any]]:
    """`rows` as Dkron shows them, their times in `zone`; one query for the runs that they belong to."""
    asked = {one.pk: one.created for one in rows if one.pk == one.group}
    others = {one.group for one in rows} - asked.keys()
    asked |= dict(Execution.objects.filter(pk__in=others).values_list("pk", "created"))
    return [_shown(one, asked, *outputs[one.pk], zone, says_cut) for one in rows]


def _shown(
    one: Execution, asked: dict[int, datetime], output: str, is_cut: bool, zone: tzinfo, says_cut: bool
) -> dict[str, Any]:
    assert one.started is not None  # noqa: S101 -- what has not started is not shown
    node = one.worker.host if one.worker else nodes.name()
    fields: dict[str, Any] = {
        "id": moments.execution_id(one.started, one.pk, node),
        "job_name": one.job.name,
        "started_at": moments.written(one.started.astimezone(zone)),
        "finished_at": moments.written(one.ended.astimezone(zone)) if one.ended else moments.ZERO,
        "success": one.status == Status.COMPLETED,
        "output": output,
        "node_name": node,
        # Where the run's first try is not kept any more, its own time has to do.
        "group": moments.nanoseconds(asked.get(one.group, one.created), one.group),
        "attempt": one.attempt,
        "scheduled_for": moments.written(one.scheduled_for.astimezone(zone)) if one.scheduled_for else None,
    }
    if not output:
        del fields["output"]
    return {**fields, "output_truncated": is_cut} if says_cut else fields


def outputs(rows: Iterable[Execution], limit: int | None = None) -> dict[int, tuple[str, bool]]:
    """The last bytes of what each try put out, and whether that is not all; what was left out is not read.

    A failure begins with what went wrong, as Dkron's does; what still runs has put out nothing yet. No limit means
    Dkron's own.
    """
    rows = list(rows)
    most = MAX_OUTPUT if limit is None else min(limit, MAX_OUTPUT)
    tails = _tails([one.pk for one in rows if one.ended], most) if most else {}
    return {one.pk: _cut(one, tails.get(one.pk, ""), most, limit) for one in rows}


def latest(rows: Iterable[Execution]) -> dict[int, tuple[str, bool]]:
    """The latest piece of what each try has put out so far."""
    rows = list(rows)
    tails = _tails([one.pk for one in rows], 1)
    return {one.pk: (tails.get(one.pk, ""), False) for one in rows}


def _tails(keys: list[int], most: int) -> dict[int, str]:
    """The last chunks of these tries' outputs that hold `most` characters together, or all."""
    behind = Window(Sum(Length("text")), partition_by=F("execution"), order_by=F("seq").desc())
    chunks = OutputChunk.objects.filter(execution__in=keys).annotate(until_here=behind, size=Length("text"))
    wanted = chunks.filter(until_here__lt=F("size") + most).order_by("execution", "seq")
    told = wanted.values_list("execution", "text")
    return {key: "".join(text for _, text in pieces) for key, pieces in groupby(told, key=lambda row: row[0])}


def _cut(one: Execution, printed: str, most: int, limit: int | None) -> tuple[str, bool]:
    whole = _told(one, printed).encode()
    is_longer = len(whole) > most or (not most and bool(one.output_bytes))
    if not is_longer:
        return whole.decode(), limit is not None and one.output_bytes > len(printed.encode())
    return whole[len(whole) - most :].decode(errors="ignore"), limit is not None


def _told(one: Execution, printed: str) -> str:
    """What a try put out, with what went wrong before it."""
    if one.status not in (Status.FAILED, Status.CANCELED):
        return printed
    error = one.error.name if one.error else ""
    afterwards = _AFTERWARDS.get(one.reason or "") or _AFTERWARDS.get(error)
    if afterwards:
        told = f" ({one.message})" if one.message else ""
        return f"{_KILLED}\n{_line(printed)}{afterwards}{told}"
    why = one.message or (one.error.title if one.error else "") or "canceled"
    return f"{why.replace(_NO_PROGRAM, _NOT_FOUND)}\n{printed}"


def _line(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"
