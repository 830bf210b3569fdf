"""The tally: how many runs ended how, by job type, error and time, at a cost that does not grow with the history.

    executions --triggers--> a row for each change --merge--> sums by minute, hour and day --+--> counts
    what lives, counted in its own small index ----------------------------------------------'

What is counted are runs: the latest try of each. A window is put together from whole days, hours and minutes, and from
the executions of the minute that an edge of it cuts (longer ago: the hour, the day), which are counted themselves.
Guarantee: the numbers are those that counting all executions would give, at any moment, merged or not. `newest` is true
of what is there, tried again or not, once `failures` has looked at those; only a run that was deleted may
still show in it, and in `oldest`.
"""

# ruff: noqa: S608 -- every word of these statements is ours; what comes from outside goes as a parameter
from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connections, router, transaction
from django.utils.dateparse import parse_datetime

from executions.models import Execution, Tally
from executions.states import FINAL, LIVE, Status

Grain = Tally.Grain
MINUTES_KEPT, HOURS_KEPT = timedelta(hours=12), timedelta(days=40)
"""How long there are sums by the minute and by the hour; those by the day stay."""
_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""The `newest` of a sum of nothing."""
_COLUMNS = "grain, since, job_type, status, error, count, oldest, newest"


def _listed(statuses: Collection[Status]) -> str:
    return ", ".join(sorted(f"'{status.value}'" for status in statuses))


_ENDED = f"is_last_try AND status IN ({_listed(FINAL)})"
_CHANGED = "COALESCE(started, queued, created)"


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` until `end`, both included; None: open."""

    start: datetime | None = None
    end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """Runs of a job type that are in one state, with one error; `oldest` and `newest`: when they entered it."""

    job_type: int
    status: str
    error: int  # an error's id, 0 for none
    count: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Ended:
    """Runs that ended within one hour in one state, with one error."""

    hour: datetime
    status: str
    error: int  # an error's id, 0 for none
    count: int


def ended(window: Window, now: datetime, *, status: Status | None = None) -> list[Count]:
    """The runs that ended within `window`."""
    parts, values = _ended(window, now, status)
    return _counted(parts, values)


def ended_and_live(window: Window, now: datetime) -> list[Count]:
    """The runs that ended within `window`, those that entered another state within it, and all that are running."""
    parts, values = _ended(window, now, None)
    within, bounds = _within(_CHANGED, window)
    parts.append(
        f"SELECT job_type_id, status, 0, 1, {_CHANGED}, {_CHANGED} FROM executions_execution "
        f"WHERE status IN ({_listed(LIVE)}) AND (status = 'RUNNING' OR ({within}))"
    )
    return _counted(parts, [*values, *bounds])


def hourly(since: datetime, now: datetime) -> list[Ended]:
    """The runs that ended since the hour of `since`, by the hour, state and error; HOURS_KEPT back at most."""
    start = _floor(since, _HOUR)
    # Hour by hour: of a range, a planner expects so many rows that it would rather read the whole table.
    hours = [start + place * _HOUR for place in range(int((now - start) / _HOUR) + 1)]
    hour = "date_trunc('hour', since, 'UTC')" if _is_postgresql() else "substr(since, 1, 14) || '00:00'"
    rows = _ask(
        "SELECT since, status, error, sum(count) FROM ("
        f"SELECT since, status, error, count FROM executions_tally WHERE grain = {Grain.HOUR.value} "
        f"AND since IN ({', '.join(['%s'] * len(hours))}) "
        f"UNION ALL SELECT {hour}, status, error, count FROM executions_tally WHERE grain = 0 AND since >= %s"
        ") AS t GROUP BY 1, 2, 3 HAVING sum(count) > 0",
        [*hours, start],
    )
    return [Ended(_moment(row[0]), row[1], row[2], int(row[3])) for row in rows]


def live(status: Status) -> list[Count]:
    """The executions that are in a state which is not final."""
    part = (
        f"SELECT job_type_id AS job_type, status, 0 AS error, 1 AS count, {_CHANGED} AS oldest, {_CHANGED} AS newest "
        f"FROM executions_execution WHERE status = '{status.value}'"
    )
    return _counted([part], [])


def failures(counted: Iterable[Count], window: Window) -> dict[tuple[int, int], tuple[str, datetime | None]]:
    """Of those of `counted` that are failures: the category of their error, and when the last that nobody tried again
    failed; by job type and error. Sums remember the ends of the others, too.
    """
    keys = [(one.job_type, one.error) for one in counted if one.status == Status.FAILED and one.error]
    if not keys:
        return {}
    of_one, bounds = _failed(window)
    rows = _ask(
        f"WITH k(job_type, error) AS (VALUES {_listed_keys(keys)}) SELECT job_type, error, x.category, "
        f"({of_one} DESC LIMIT 1) FROM k JOIN errors_error x ON x.id = k.error",
        bounds,
    )
    return {(row[0], row[1]): (row[2], _moment(row[3]) if row[3] is not None else None) for row in rows}


def bounds_of(failed: Sequence[Count], window: Window) -> dict[tuple[int, int], tuple[datetime, datetime]]:
    """When the first and the last of each of `failed` really failed, by job type and error; from the index alone."""
    if not failed:
        return {}
    of_one, bounds = _failed(window)
    keys = _listed_keys((one.job_type, one.error) for one in failed)
    rows = _ask(
        f"WITH k(job_type, error) AS (VALUES {keys}) "
        f"SELECT job_type, error, ({of_one} LIMIT 1), ({of_one} DESC LIMIT 1) FROM k",
        [*bounds, *bounds],
    )
    return {(row[0], row[1]): (_moment(row[2]), _moment(row[3])) for row in rows if row[2] is not None}


def _failed(window: Window) -> tuple[str, list[Any]]:
    """The ends within `window` of what failed as `k` says, oldest first, and the values in that question."""
    within, bounds = _within("ended", window)
    return (
        "SELECT ended FROM executions_execution e WHERE e.job_type_id = k.job_type AND e.error_id = k.error "
        f"AND e.status = 'FAILED' AND e.is_last_try AND {within} ORDER BY ended"
    ), bounds


def _listed_keys(keys: Iterable[tuple[int, int]]) -> str:
    return ", ".join(f"({int(job_type)}, {int(error)})" for job_type, error in keys)


# --- Keeping it small -------------------------------------------------------------------------------------------------
def merge(now: datetime) -> None:
    """Merge the rows that were appended, and drop sums too fine for their age. Any number may merge at once."""
    _merge()
    Tally.objects.filter(grain=Grain.MINUTE, since__lt=_fine_from(now)).delete()
    Tally.objects.filter(grain=Grain.HOUR, since__lt=_hours_from(now)).delete()


@transaction.atomic
def rebuild() -> None:
    """Make the tally anew from the executions: for a database that was filled while its triggers were off."""
    Tally.objects.all().delete()
    minute = "date_trunc('minute', ended)" if _is_postgresql() else "substr(ended, 1, 16) || ':00'"
    _run(
        f"INSERT INTO executions_tally ({_COLUMNS}) SELECT 0, {minute}, job_type_id, status, COALESCE(error_id, 0), "
        f"count(*), min(ended), max(ended) FROM executions_execution WHERE {_ENDED} GROUP BY 1, 2, 3, 4, 5"
    )
    _merge()


@transaction.atomic
def _merge() -> None:
    if _is_postgresql():
        cells = {
            Grain.MINUTE: "since",
            Grain.HOUR: "date_trunc('hour', since, 'UTC')",
            Grain.DAY: "date_trunc('day', since, 'UTC')",
        }
        # Sorted, so that two that merge at once wait for each other in one order. What one has locked the other leaves.
        source = " UNION ALL ".join(_regrained(grain, since, "gone") for grain, since in cells.items())
        _run(
            "WITH gone AS (DELETE FROM executions_tally WHERE id IN (SELECT id FROM executions_tally WHERE grain = 0 "
            f"FOR UPDATE SKIP LOCKED) RETURNING *) {_added_up(source)} {_onto('LEAST', 'GREATEST')}"
        )
        return
    cells = {
        Grain.MINUTE: "since",
        Grain.HOUR: "substr(since, 1, 14) || '00:00'",
        Grain.DAY: "substr(since, 1, 11) || '00:00:00'",
    }
    for grain, since in cells.items():  # SQLite has one writer: nothing comes between these
        source = _regrained(grain, since, "executions_tally WHERE grain = 0")
        _run(f"{_added_up(source)} {_onto('min', 'max')}")
    _run("DELETE FROM executions_tally WHERE grain = 0")


def _regrained(grain: Grain, since: str, of: str) -> str:
    return f"SELECT {grain.value} AS grain, {since} AS since, job_type, status, error, count, oldest, newest FROM {of}"


def _added_up(source: str) -> str:
    return (
        f"INSERT INTO executions_tally ({_COLUMNS}) SELECT grain, since, job_type, status, error, sum(count), "
        f"min(oldest), max(newest) FROM ({source}) AS s WHERE true GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2, 3, 4, 5"
    )


def _onto(least: str, greatest: str) -> str:
    """What becomes of a sum that stands there already. One of nothing takes the times of what is new."""
    return (
        "ON CONFLICT (grain, since, job_type, status, error) WHERE grain > 0 DO UPDATE SET "
        "count = executions_tally.count + excluded.count, "
        f"oldest = {least}(executions_tally.oldest, excluded.oldest), "
        f"newest = {greatest}(executions_tally.newest, excluded.newest)"
    )


def withdraw(execution: int) -> None:
    """Let no sum show the end of this execution as its newest: it is tried again. Call where it ceases to be the last.

    Failures, of which most that are tried again are, are left to `failures`.
    """
    rows = Execution.objects.filter(pk=execution, status__in=FINAL).exclude(status=Status.FAILED)
    for job_type, status, error, ended_at in rows.values_list("job_type_id", "status", "error_id", "ended"):
        others = Execution.objects.filter(job_type=job_type, status=status, error=error, is_last_try=True)
        sums = Tally.objects.filter(job_type=job_type, status=status, error=error or 0, newest=ended_at or NEVER)
        for cell in sums:
            size = {Grain.HOUR: _HOUR, Grain.DAY: _DAY}.get(Grain(cell.grain), _MINUTE)
            within = others.filter(ended__gte=cell.since, ended__lt=cell.since + size).order_by("-ended")
            newest = within.values_list("ended", flat=True).first() or NEVER
            sums.filter(pk=cell.pk).update(newest=newest)


# --- Reading it -------------------------------------------------------------------------------------------------------
def _ended(window: Window, now: datetime, status: Status | None) -> tuple[list[str], list[Any]]:
    """Queries whose rows add up to what ended within `window`, and their values."""
    sums, edges = split(window, now)
    also = f" AND status = '{status.value}'" if status else ""
    parts: list[str] = []
    values: list[Any] = []
    for grain, part in sums:
        within, bounds = _within("since", part, includes_end=False)
        parts.append(
            "SELECT job_type, status, error, count, oldest, newest "
            f"FROM executions_tally WHERE grain = {grain.value} AND {within}{also}"
        )
        values += bounds
    for edge, includes_end in edges:
        within, bounds = _within("ended", edge, includes_end=includes_end)
        parts.append(
            "SELECT job_type_id AS job_type, status, COALESCE(error_id, 0) AS error, 1 AS count, "
            "ended AS oldest, ended AS newest "
            f"FROM executions_execution WHERE {_ENDED} AND {within}{also}"
        )
        values += bounds
    return parts, values


def split(window: Window, now: datetime) -> tuple[list[tuple[Grain, Window]], list[tuple[Window, bool]]]:
    """The parts of `window`: sums of a grain, ends excluded; and edges to count, with whether each takes its end."""
    start, end = window.start, window.end
    first = None if start is None else _ceiling(start, _finest(start, now))
    last = None if end is None else _floor(end, _finest(end, now))
    if first is not None and last is not None and first > last:
        return [], [(window, True)]
    edges: list[tuple[Window, bool]] = []
    if first is not None and start != first:
        edges.append((Window(start, first), False))
    if last is not None:
        edges.append((Window(last, end), True))
    sums = [(Grain.APPENDED, Window(first, last))]
    for grain, coarser in ((Grain.MINUTE, _HOUR), (Grain.HOUR, _DAY), (Grain.DAY, None)):
        inner = _inner(first, last, coarser) if coarser else None
        if inner is None:
            sums.append((grain, Window(first, last)))
            break
        if first is not None and first != inner.start:
            sums.append((grain, Window(first, inner.start)))
        if last is not None and last != inner.end:
            sums.append((grain, Window(inner.end, last)))
        first, last = inner.start, inner.end
    return sums, edges


def _inner(first: datetime | None, last: datetime | None, size: timedelta) -> Window | None:
    """The whole cells of that size between two moments; None where there is none."""
    inner_first = None if first is None else _ceiling(first, size)
    inner_last = None if last is None else _floor(last, size)
    if inner_first is not None and inner_last is not None and inner_first > inner_last:
        return None
    return Window(inner_first, inner_last)


def _finest(moment: datetime, now: datetime) -> timedelta:
    """The size of the finest sums that there are of `moment`."""
    if moment >= _fine_from(now):
        return _MINUTE
    return _HOUR if moment >= _hours_from(now) else _DAY


def _fine_from(now: datetime) -> datetime:
    return _floor(now - MINUTES_KEPT, _HOUR)


def _hours_from(now: datetime) -> datetime:
    return _floor(now - HOURS_KEPT, _DAY)


def _within(column: str, window: Window, *, includes_end: bool = True) -> tuple[str, list[Any]]:
    conditions, values = ["1 = 1"], []
    if window.start is not None:
        conditions.append(f"{column} >= %s")
        values.append(window.start)
    if window.end is not None:
        conditions.append(f"{column} {'<=' if includes_end else '<'} %s")
        values.append(window.end)
    return " AND ".join(conditions), values


def _counted(parts: Iterable[str], values: Sequence[Any]) -> list[Count]:
    rows = _ask(
        "SELECT job_type, status, error, sum(count), min(oldest), max(newest) "
        f"FROM ({' UNION ALL '.join(parts)}) AS t GROUP BY 1, 2, 3 HAVING sum(count) > 0",
        values,
    )
    return [Count(row[0], row[1], row[2], int(row[3]), _moment(row[4]), _moment(row[5])) for row in rows]


def _floor(moment: datetime, size: timedelta) -> datetime:
    return moment - (moment.astimezone(UTC) - datetime.min.replace(tzinfo=UTC)) % size


def _ceiling(moment: datetime, size: timedelta) -> datetime:
    floor = _floor(moment, size)
    return moment if floor == moment else floor + size


# --- The database -----------------------------------------------------------------------------------------------------
def _connection() -> Any:
    return connections[router.db_for_write(Execution)]


def _is_postgresql() -> bool:
    return bool(_connection().vendor == "postgresql")


def _given(values: Iterable[Any]) -> list[Any]:
    adapt = _connection().ops.adapt_datetimefield_value
    return [adapt(value) if isinstance(value, datetime) else value for value in values]


def _ask(sql: str, values: Iterable[Any]) -> list[tuple[Any, ...]]:
    with _connection().cursor() as cursor:
        cursor.execute(sql, _given(values))
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _run(sql: str) -> None:
    with _connection().cursor() as cursor:
        cursor.execute(sql)


def _moment(value: Any) -> datetime:
    """A moment as the database gives it: SQLite has them as texts, in UTC."""
    if isinstance(value, str):
        read = parse_datetime(value)
        if read is None:
            raise ValueError(f"{value!r} is no moment")
        value = read
    moment: datetime = value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
