"""The ledger: a file where jobs write when they start, that they live, and when they end. The house cannot see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

# One `echo` is one write to a file opened for appending: lines of several processes never mix.
_SAY = (
    'say() { read -r up rest < /proc/uptime; echo "$1 $JOB_NAME ${JOB_SCHEDULED_FOR:--} $JOB_EXECUTION_ID $JOB_RUN_ID'
    ' $JOB_ATTEMPT $$ $up" >> "$LEDGER"; }\n'
)
_BEAT = "n=0; while [ $n -lt {beats} ]; do say beat; sleep 0.1; n=$((n+1)); done\n"


def beating(seconds: float) -> str:
    """Script: live for about `seconds`, and say so ten times in each."""
    return _BEAT.format(beats=round(seconds * 10))


def configuration(script: str, ledger: Path, mark: str) -> dict[str, Any]:
    """What a shell job is told: to note its start, do `script`, and note its end. `mark` tells its processes apart."""
    return {
        "command": f"{_SAY}say start\n{script}\nsay end\n",
        "shell": True,
        "env": {"LEDGER": str(ledger), "FAULTS_MARK": mark},
    }


@dataclass(frozen=True)
class Entry:
    kind: str
    job: str
    instant: datetime | None
    execution: int
    run: int
    attempt: int
    pid: int
    at: float
    """Seconds of the machine's uptime."""


@dataclass(slots=True)
class Seen:
    """What was seen of one try."""

    execution: int
    run: int
    attempt: int
    starts: int
    ends: int
    first: float
    last: float


def read(path: Path) -> list[Entry]:
    """Every line of the ledger at `path`, in order."""
    lines = path.read_text().splitlines() if path.exists() else []
    return [_entry(line.split()) for line in lines]


def _entry(words: list[str]) -> Entry:
    kind, job, instant, execution, run, attempt, pid, at = words
    moment = None if instant == "-" else datetime.fromisoformat(instant)
    return Entry(kind, job, moment, int(execution), int(run), int(attempt), int(pid), float(at))


def tries(entries: list[Entry]) -> Mapping[int, Seen]:
    """What was seen of each try, by execution."""
    seen: dict[int, Seen] = {}
    for entry in entries:
        one = seen.setdefault(
            entry.execution, Seen(entry.execution, entry.run, entry.attempt, 0, 0, entry.at, entry.at)
        )
        one.starts += entry.kind == "start"
        one.ends += entry.kind == "end"
        one.last = max(one.last, entry.at)
    return seen


def overlaps(entries: list[Entry]) -> list[tuple[int, int]]:
    """Pairs of tries of one run that were seen alive at the same time."""
    of_run: dict[int, list[Seen]] = {}
    for one in tries(entries).values():
        of_run.setdefault(one.run, []).append(one)
    found = []
    for members in of_run.values():
        members.sort(key=lambda one: one.first)
        found += [
            (first.execution, second.execution) for first, second in pairwise(members) if second.first < first.last
        ]
    return found
