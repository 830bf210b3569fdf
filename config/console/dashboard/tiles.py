"""The six tiles: a number, how it went, and the list that it counts."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse

from config.console import links
from config.console.dashboard.coming import Coming
from config.console.dashboard.past import Past, Start
from config.console.dashboard.present import Present
from errors.console.words import rough, short
from executions.states import Status

POINTS = 24


@dataclass(frozen=True, slots=True)
class Tile:
    name: str
    state: str
    figure: str
    more: str
    url: str
    line: list[float]
    line_words: str


def tiles(past: Past, present: Present, coming: Coming) -> list[Tile]:
    running, waits = present.counts.get(Status.RUNNING, 0), present.in_line
    trouble = len(coming.late) + len(present.stuck) + sum(one.is_over for one in present.running)
    lost = sum(one.status == "lost" for one in present.workers)
    concurrency, waited, since = _lately(past.starts)
    return [
        _tile(
            "Running",
            "run",
            running,
            f"of {present.slots} slots",
            links.executions(status="RUNNING"),
            concurrency,
            since,
        ),
        _tile(
            "Waiting",
            "wait",
            waits,
            _waits(present),
            links.executions(status=["QUEUED", "PENDING", "BLOCKED"]),
            waited,
            since,
        ),
        _ended("Succeeded", "ok", "COMPLETED", past),
        _ended("Failed", "bad", "FAILED", past),
        _ended("Canceled", "stop", "CANCELED", past),
        Tile(
            "Late or stuck" if not lost else "Late, stuck or lost",
            "late" if trouble + lost else "ok",
            f"{trouble + lost}{'+' if coming.is_more_late else ''}",
            "jobs, runs, workers" if trouble + lost else "all is on time",
            f"{reverse('admin:index')}#trouble",
            [],
            "",
        ),
    ]


def _tile(name: str, state: str, count: int, more: str, url: str, line: list[float], words: str) -> Tile:
    return Tile(name, state, short(count), more, url, line, words)


def _ended(name: str, state: str, status: str, past: Past) -> Tile:
    url = links.executions(status=status, started="P1D")
    line: list[float] = list(past.by_state[status])
    return _tile(name, state, past.totals[status], "runs, last 24 hours", url, line, "by the hour, last 24 hours")


def _waits(present: Present) -> str:
    parts = [
        f"{present.counts[state]} {state.lower()}" for state in ("PENDING", "BLOCKED") if present.counts.get(state)
    ]
    return ", ".join(parts) if parts else "queued for a slot"


def _lately(starts: Sequence[Start]) -> tuple[list[float], list[float], str]:
    """How many ran at once and how many were queued, at POINTS moments of the time that the newest starts cover."""
    if len(starts) < 2 or starts[0].started <= starts[-1].started:
        return [], [], ""
    last, first = starts[0].started, starts[-1].started
    moments = [first + (last - first) * place / (POINTS - 1) for place in range(POINTS)]
    began = sorted(one.started for one in starts)
    ended = sorted(one.ended for one in starts if one.ended)
    queued = sorted(one.started - timedelta(seconds=one.waited or 0) for one in starts)

    def difference(more: Sequence[datetime], less: Sequence[datetime]) -> list[float]:
        return [float(bisect_right(more, at) - bisect_right(less, at)) for at in moments]

    return difference(began, ended), difference(queued, began), f"at once, last {rough(last - first)}"
