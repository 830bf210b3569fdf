"""Taking stock: what the house's tables say, held against what was due and against what the jobs wrote down."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from tests.faults import ledger
from tests.faults.house import House, manage, moment

SECOND = timedelta(seconds=1)
_CHECK = Path(__file__).resolve().parents[2] / "executions/management/commands/check_invariants.py"


@dataclass(slots=True)
class Stock:
    """Figures for people, and all that must not be."""

    due: int = 0
    fired: int = 0
    missed: int = 0
    tries: int = 0
    runs_seen: int = 0
    lost_tries: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"due {self.due} = fired {self.fired} + missed {self.missed}; tries recorded {self.tries}, seen running "
            f"{self.runs_seen}, worker-lost {self.lost_tries}; last tries {dict(self.statuses)}"
        )


def seconds_due(anchor: datetime, until: datetime, period: timedelta = SECOND) -> int:
    """How many instants an interval job has after `anchor`, up to and with `until`."""
    return max(0, (until - anchor) // period)


def take(house: House, *, ends: frozenset[str] = frozenset({"COMPLETED"})) -> Stock:
    """Compare everything once the house is at rest; `ends` are the states in which runs may have ended."""
    stock = Stock()
    _executions(house, stock, ends)
    _instants(house, stock)
    if _CHECK.exists():
        manage(house.environment, "check_invariants")
    return stock


def _executions(house: House, stock: Stock, ends: frozenset[str]) -> None:
    entries = house.entries()
    seen = ledger.tries(entries)
    rows = house.rows(
        'SELECT id, "group", attempt, status, reason, started, ended, is_last_try FROM executions_execution'
        ' ORDER BY "group", attempt'
    )
    stock.tries, stock.runs_seen = len(rows), len(seen)
    known = {row[0] for row in rows}
    stock.problems += [f"try {key} ran and is not in the database" for key in seen if key not in known]
    stock.problems += [f"try {one.execution} ran {one.starts} times" for one in seen.values() if one.starts > 1]
    stock.problems += [f"tries {pair} of one run overlapped" for pair in ledger.overlaps(entries)]
    earlier: tuple[int, int, object] = (0, 0, None)
    completed: Counter[int] = Counter()
    for key, group, attempt, status, reason, started, ended, is_last in rows:
        found = seen.get(key)
        stock.lost_tries += reason == "worker-lost"
        if status == "COMPLETED":
            completed[group] += 1
            if found is None or found.starts != 1 or found.ends != 1:
                stock.problems.append(f"try {key} is COMPLETED and was seen as {found}")
        if is_last:
            stock.statuses[status] += 1
            if status not in ends:
                stock.problems.append(f"run {group} ended {status} ({reason})")
        if started is None and found is not None:
            stock.problems.append(f"try {key} ran and was never started")
        if earlier[0] == group:
            if attempt != earlier[1] + 1:
                stock.problems.append(f"run {group} has no try {attempt - 1}")
            if started is not None and earlier[2] is not None and moment(started) < moment(earlier[2]):
                stock.problems.append(f"try {key} was started before the one before it had ended")
        elif attempt != 1:
            stock.problems.append(f"run {group} begins with try {attempt}")
        earlier = (group, attempt, ended)
    stock.problems += [f"run {group} was completed {n} times" for group, n in completed.items() if n > 1]


def _instants(house: House, stock: Stock) -> None:
    """Of each `@every 1s` job: its seconds from its anchor to its end are fired or missed, each once."""
    jobs = house.rows(
        "SELECT j.id, j.name, j.schedule_anchor, j.expires_at, r.missed_count FROM jobs_job j JOIN jobs_jobrecord r"
        " ON r.job_id = j.id WHERE j.schedule = '@every 1s' AND j.expires_at IS NOT NULL"
    )
    fired: dict[int, list[datetime]] = {}
    for job, instant in house.rows(
        "SELECT job_id, scheduled_for FROM executions_execution WHERE attempt = 1 AND \"trigger\" = 'schedule'"
    ):
        fired.setdefault(job, []).append(moment(instant))
    for job, name, anchor, expires, missed in jobs:
        instants = fired.get(job, [])
        due = seconds_due(moment(anchor), moment(expires))
        stock.due += due
        stock.fired += len(instants)
        stock.missed += missed
        if len(set(instants)) != len(instants):
            stock.problems.append(f"{name} fired an instant twice")
        if any(not moment(anchor) < instant <= moment(expires) for instant in instants):
            stock.problems.append(f"{name} fired an instant that was not due")
        if len(instants) + missed != due:
            stock.problems.append(f"{name}: {len(instants)} fired + {missed} missed, {due} due")
