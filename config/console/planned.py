"""What is planned: starts by the hour over all jobs for the coming week, when it is quiet, and when jobs bunch.

    schedules, each once --walk--> starts by the hour, first instants --+--> week, load, quiet hours, bunches
    jobs that have them ------------------------------------------------'

Bounded: at most MOST_JOBS jobs are read and about MOST_STEPS steps walked, which takes a second; what is left over is
said.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from django.db.models import Sum
from django.utils import timezone
from django.utils.http import urlencode

from config.console import links
from errors.console.charts import Column
from executions import tally
from executions.models import Worker
from executions.recent import usual
from executions.states import Status
from jobs.models import Job
from jobs.schedule import ScheduleError, parse

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
HOURS, PAST_DAYS = 168, 14
MOST_JOBS, MOST_STEPS, MOST_INSTANTS = 2_000, 8_000, 60
"""A step is an instant that is looked for; counting those of an hour costs about half as much."""
BUSIEST = 100
"""Jobs whose usual duration makes up the load: those that start most often."""
SAID = ("MOST_JOBS", "MOST_INSTANTS", "BUSIEST")
"""Bounds that the page tells."""
SHOWN, BUNCHES_SHOWN, QUIET_SHOWN = 100, 8, 5
BUNCH = 3
"""Jobs that start at one instant, from which on that is worth saying."""


Key = tuple[str, str, datetime | None]
"""A schedule: its text, its zone, and for an interval what it counts from."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What a schedule does: its starts by the hour, and its first instants, MOST_INSTANTS at most."""

    by_hour: tuple[float, ...]
    first: tuple[datetime, ...]
    is_spread: bool = False
    """Whether it was not walked, and its starts are spread evenly."""


@dataclass(frozen=True, slots=True)
class Cell:
    """An hour. `heat` is how much is planned, 0 to 4."""

    label: str
    count: int
    heat: int
    url: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    label: str
    cells: list[Cell | None]
    total: int


@dataclass(frozen=True, slots=True)
class Bunch:
    moment: datetime
    count: int
    url: str


@dataclass(frozen=True, slots=True)
class Quiet:
    start: datetime
    end: datetime
    count: int

    @property
    def hours(self) -> int:
        return int((self.end - self.start) / HOUR)


@dataclass(frozen=True, slots=True)
class Line:
    """A job within the chosen hour."""

    name: str
    url: str
    count: int


@dataclass(frozen=True, slots=True)
class Calendar:
    rows: list[Row]
    starts: int
    jobs: int
    is_cut: bool
    """Whether there are more jobs than MOST_JOBS."""
    spread: int
    """Jobs whose starts are spread evenly, since all different schedules together have more than MOST_STEPS steps."""
    load: list[float]
    """Slots busy by the hour, as far as usual durations are known."""
    peak: float
    peak_at: datetime | None
    slots: int
    minutes: list[tuple[int, int]]
    """At which minute of an hour how many jobs start, the fullest first."""
    bunches: list[Bunch]
    quiet: list[Quiet]
    hour: datetime | None
    lines: list[Line]
    past: list[Column]


def read(now: datetime, chosen: str = "") -> Calendar:
    """The coming HOURS hours and the last PAST_DAYS days; `chosen`: an hour whose jobs are told. Five queries."""
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    end = start + HOURS * HOUR
    jobs = list(
        Job.objects.due(end).only(
            *("id", "name", "schedule", "timezone", "schedule_anchor", "starts_at", "expires_at", "next_run_at")
        )[: MOST_JOBS + 1]
    )
    is_cut = len(jobs) > MOST_JOBS
    by_job, instants, spread = _planned(jobs[:MOST_JOBS], start)
    by_hour = [sum(counts) for counts in zip(*by_job.values(), strict=True)] if by_job else [0.0] * HOURS
    load = _load(by_job)
    hour = _hour(chosen, start)
    moments = Counter(instant for of_job in instants.values() for instant in of_job)
    minutes = Counter(minute for of_job in instants.values() for minute in {instant.minute for instant in of_job})
    peak = max(load, default=0)
    return Calendar(
        rows=_rows(by_hour, start, hour),
        starts=round(sum(by_hour)),
        jobs=len(by_job),
        is_cut=is_cut,
        spread=spread,
        load=load,
        peak=peak,
        peak_at=start + load.index(peak) * HOUR if peak else None,
        slots=Worker.objects.filter(stopped=None, last_seen__gte=now - timedelta(minutes=1)).aggregate(n=Sum("slots"))[
            "n"
        ]
        or 0,
        minutes=[(minute, count) for minute, count in minutes.most_common(3) if count >= BUNCH],
        bunches=[
            Bunch(moment, count, _address(moment))
            for moment, count in sorted(moments.items(), key=lambda one: (-one[1], one[0]))[:BUNCHES_SHOWN]
            if count >= BUNCH
        ],
        quiet=quiet(by_hour, start) if by_job else [],
        hour=hour,
        lines=_lines(jobs, by_job, int((hour - start) / HOUR)) if hour else [],
        past=_past(now),
    )


def _planned(
    jobs: Sequence[Job], start: datetime
) -> tuple[dict[int, list[float]], dict[int, tuple[datetime, ...]], int]:
    """By job: its starts by the hour, and its first instants; then how many jobs were not walked."""
    by_job: dict[int, list[float]] = {}
    instants: dict[int, tuple[datetime, ...]] = {}
    walked = _walked({_key(job) for job in jobs}, start)
    spread = 0
    for job in jobs:
        found = walked.get(_key(job))
        if found is None:
            continue
        spread += found.is_spread
        by_job[job.pk] = [
            count if _is_within(job, start + place * HOUR) else 0.0 for place, count in enumerate(found.by_hour)
        ]
        instants[job.pk] = tuple(one for one in found.first if not job.expires_at or one <= job.expires_at)
    return by_job, instants, spread


def _key(job: Job) -> Key:
    return job.schedule, job.zone, job.schedule_anchor if job.schedule.startswith("@every") else None


def _walked(keys: Iterable[Key], start: datetime) -> dict[Key, Walk]:
    """The starts of these schedules; those of the most frequent ones are spread evenly when the steps are used up. What
    is no schedule any more is left out.
    """
    before = start - timedelta(seconds=1)
    starts: dict[Key, int] = {}
    for text, zone, anchor in keys:
        with suppress(ScheduleError):
            counted = parse(text, zone).count_between(before, before + HOURS * HOUR, anchor or start)
            starts[text, zone, anchor] = counted
    found, steps = {}, 0
    for key in sorted(starts, key=lambda one: (starts[one], one[0], one[1])):
        if steps < MOST_STEPS:
            found[key] = _walk(*key, start)
            steps += _steps(found[key])
        else:
            found[key] = Walk((starts[key] / HOURS,) * HOURS, (), is_spread=True)
    return found


def _steps(walk: Walk) -> int:
    return len(walk.first) + (HOURS // 2 if len(walk.first) == MOST_INSTANTS else 0)


def _is_within(job: Job, hour: datetime) -> bool:
    """Whether `job` may start by itself within that hour."""
    return not (job.expires_at and job.expires_at < hour) and not (job.starts_at and job.starts_at >= hour + HOUR)


@lru_cache(maxsize=2_048)
def _walk(text: str, zone: str, anchor: datetime | None, start: datetime) -> Walk:
    """The same for all jobs that have the schedule, so it is kept in mind until the hour is over."""
    schedule, before = parse(text, zone), start - timedelta(seconds=1)
    end = before + HOURS * HOUR
    first = tuple(schedule.instants(before, end, anchor or start, MOST_INSTANTS))
    if len(first) < MOST_INSTANTS:
        counted = Counter(int((instant - start) / HOUR) for instant in first)
        return Walk(tuple(float(counted[place]) for place in range(HOURS)), first)
    ends = [before + place * HOUR for place in range(HOURS + 1)]
    by_hour = (schedule.count_between(one, another, anchor or start) for one, another in pairwise(ends))
    return Walk(tuple(map(float, by_hour)), first)


def _load(by_job: dict[int, list[float]]) -> list[float]:
    """By the hour, how many slots are busy on average: starts times usual seconds, of the BUSIEST jobs."""
    busiest = sorted(by_job, key=lambda job: -sum(by_job[job]))[:BUSIEST]
    seconds = usual(busiest)
    load = [0.0] * HOURS
    for job, took in seconds.items():
        for place, count in enumerate(by_job[job]):
            load[place] += count * took / 3_600
    return load


def quiet(by_hour: Sequence[float], start: datetime) -> list[Quiet]:
    """The longest stretches of hours in which next to nothing starts: at most a tenth of the usual; pure."""
    most = max(min(by_hour), sum(by_hour) / len(by_hour) / 10)
    found: list[Quiet] = []
    place = 0
    while place < len(by_hour):
        first = place
        while place < len(by_hour) and by_hour[place] <= most:
            place += 1
        if place > first:
            found.append(Quiet(start + first * HOUR, start + place * HOUR, round(sum(by_hour[first:place]))))
        place += 1
    longest = sorted(found, key=lambda one: (-one.hours, one.count, one.start))[:QUIET_SHOWN]
    return [one for one in longest if one.hours < len(by_hour)]


def _rows(by_hour: Sequence[float], start: datetime, chosen: datetime | None) -> list[Row]:
    """A row for each day, a cell for each hour that its clocks show; an hour that they show twice is one cell."""
    most = max(by_hour) or 1
    days: dict[date, dict[int, tuple[datetime, float]]] = defaultdict(dict)
    for place, count in enumerate(by_hour):
        hour = start + place * HOUR
        local = timezone.localtime(hour)
        first, already = days[local.date()].get(local.hour, (hour, 0.0))
        days[local.date()][local.hour] = (first, already + count)
    rows = []
    for day, hours in days.items():
        cells = [_cell(*hours[hour], most, chosen) if hour in hours else None for hour in range(24)]
        rows.append(Row(f"{day:%a %d %b}", cells, round(sum(count for _, count in hours.values()))))
    return rows


def _cell(hour: datetime, count: float, most: float, chosen: datetime | None) -> Cell:
    local = timezone.localtime(hour)
    heat = min(4, 1 + int(count / most * 4)) if count else 0
    label = f"{local:%a %d %b, %H:%M}: {round(count):,} planned"
    return Cell(label, round(count), heat, _address(hour), hour == chosen)


def _address(moment: datetime) -> str:
    hour = moment.replace(minute=0, second=0, microsecond=0)
    return f"?{urlencode({'hour': f'{hour.astimezone(UTC):%Y-%m-%dT%H:00Z}'})}#hour"


def _hour(text: str, start: datetime) -> datetime | None:
    """The hour that `text` names; None for what is none, or lies outside of the calendar."""
    try:
        found = datetime.fromisoformat(text[:40])
        if found.tzinfo is None or not start <= found < start + HOURS * HOUR:
            return None
    except (ValueError, OverflowError):
        return None
    return found.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _lines(jobs: Iterable[Job], by_job: dict[int, list[float]], place: int) -> list[Line]:
    found = [
        Line(job.name, links.job(job.pk), max(1, round(by_job[job.pk][place])))
        for job in jobs
        if job.pk in by_job and by_job[job.pk][place]
    ]
    return sorted(found, key=lambda line: (-line.count, line.name))[:SHOWN]


def _past(now: datetime) -> list[Column]:
    """The last days by outcome, today last."""
    today = timezone.localtime(now).date()
    first = timezone.make_aware(datetime.combine(today - (PAST_DAYS - 1) * DAY, datetime.min.time()))
    counts: dict[date, Counter[str]] = defaultdict(Counter)
    for one in tally.hourly(first, now):
        counts[timezone.localtime(one.hour).date()][one.status] += one.count
    columns = []
    for place in range(PAST_DAYS):
        day = today - (PAST_DAYS - 1 - place) * DAY
        begin = timezone.make_aware(datetime.combine(day, datetime.min.time()))
        url = links.executions(started=begin.isoformat(), ended=(begin + DAY).isoformat())
        parts = {state.value: counts[day][state.value] for state in (Status.COMPLETED, Status.FAILED, Status.CANCELED)}
        columns.append(Column(f"{day:%a %d %b}", parts, url))
    return columns
