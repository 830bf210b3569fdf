"""What a person is shown about a schedule before saving it; the instants come from the code that fires."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from jobs.schedule.clock import SECOND, changes, offset_at, reading, whole_second
from jobs.schedule.crontime import CronTime
from jobs.schedule.errors import ScheduleError
from jobs.schedule.grammar import parse
from jobs.schedule.kinds import CronSchedule, Kind, Schedule, clock_words
from jobs.schedule.pattern import Pattern

OUTLOOK = timedelta(days=366)  # how far ahead notes tell of changes of the clock


@dataclass(frozen=True)
class Preview:
    """A schedule explained. When it is not valid, `error` says why and the rest is empty.

    `next` holds instants in UTC, `per_day` the starts on an average day, `notes` sentences about what may surprise.
    """

    is_valid: bool
    error: str | None
    words: str
    timezone: str
    next: list[datetime] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    per_day: float = 0


def preview(text: str, timezone: str, now: datetime, count: int = 10) -> Preview:
    """Explain the schedule `text`, with its `count` next instants after `now`; never raises ScheduleError."""
    try:
        schedule = parse(text, timezone)
    except ScheduleError as error:
        return Preview(is_valid=False, error=str(error), words="", timezone=timezone)
    coming = list(schedule.instants(now, limit=max(count, 0)))
    return Preview(
        is_valid=True,
        error=None,
        words=schedule.words,
        timezone=timezone,
        next=coming,
        notes=list(_notes(schedule, now)),
        per_day=_tidy(schedule.per_day),
    )


def _tidy(number: float) -> float:
    """Whole numbers whole, others to four places."""
    return int(number) if number == int(number) else round(number, 4)


def _notes(schedule: Schedule, now: datetime) -> Iterator[str]:
    if isinstance(schedule, CronSchedule):
        if schedule.next_after(now) is None:
            yield "This date never comes."
        if schedule.times.pattern.takes_either_day:
            yield "Both day fields are limited: a day that matches either of them counts."
        yield from _clock_notes(schedule.times, whole_second(now))
    elif schedule.kind is Kind.MOMENT and schedule.next_after(now) is None:
        yield "This moment is in the past: it will not run."


def _clock_notes(times: CronTime, now: datetime) -> Iterator[str]:
    """What the zone's changes in the next year do to a schedule that is due in the skipped or repeated time.

    A schedule that follows real time around the clock needs no word about it.
    """
    pattern = times.pattern
    if pattern.follows_real_time and pattern.takes_any_hour:
        return
    for change in changes(times.place, now, now + OUTLOOK):
        before = reading(change, offset_at(times.place, change - SECOND))
        after = reading(change, offset_at(times.place, change))
        starts = pattern.count(min(before, after), max(before, after))
        if not starts:
            continue
        shown = _shown(min(before, after), max(before, after), starts, pattern)
        if before < after:
            yield f"{shown} does not exist in {times.timezone}: {_after_gap(pattern, starts, after)}."
        else:
            both = "both times" if pattern.follows_real_time else "the first time only"
            yield f"{shown} occurs twice in {times.timezone}: runs {both}."


def _shown(first: datetime, end: datetime, starts: int, pattern: Pattern) -> str:
    """The reading between `first` and `end` that is concerned, or the whole span when there are several."""
    if starts == 1 and (only := pattern.first_from(first)):
        return f"{only:%Y-%m-%d} {clock_words(only)}"
    return f"{first:%Y-%m-%d} {clock_words(first)} to {_time(end, beside=first)}"


def _after_gap(pattern: Pattern, starts: int, end: datetime) -> str:
    """What becomes of the `starts` in a gap after which the clock shows `end`."""
    if pattern.follows_real_time:
        return "1 start is left out" if starts == 1 else f"{starts} starts are left out"
    moved = _time(end, beside=end - SECOND)
    return f"runs at {moved}" if starts == 1 else f"{starts} starts become one, at {moved}"


def _time(shown: datetime, beside: datetime) -> str:
    """The time of `shown`, with its date where that is not the date of `beside`."""
    return clock_words(shown) if shown.date() == beside.date() else f"{shown:%Y-%m-%d} {clock_words(shown)}"
