"""A cron expression as a pattern of wall-clock readings. The only module that knows cronsim, which judges expressions.

Readings are datetimes without zone; what daylight saving makes of them is `crontime`'s concern.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import cached_property
from math import prod
from typing import cast

from cronsim import CronSim, CronSimError
from cronsim.cronsim import Field
from cronsim.explain import Expression, Second

from jobs.schedule.errors import ScheduleError, quoted, refusal

SECOND = timedelta(seconds=1)
DAY = timedelta(days=1)
# Any day of the month meets any day of the week within these 28 years, so averages over them are exact until 2100.
CYCLE = (date(2001, 1, 1), date(2029, 1, 1))
BOTH = "&"
"""Before a day of the week: it and the day of the month must both match, as Celery's crontabs have it."""

FIELDS = {
    Field.SECOND: ("second", "0-59"),
    Field.MINUTE: ("minute", "0-59"),
    Field.HOUR: ("hour", "0-23"),
    Field.DAY: ("day-of-month", "1-31, L (last day) or LW (last weekday)"),
    Field.MONTH: ("month", "1-12 or JAN-DEC"),
    Field.DOW: ("day-of-week", "0-7 or SUN-SAT, with #1 to #5 (nth of the month); 0L-7L for the last"),
}


class _Sim(CronSim):
    """cronsim, which learns about `&`."""

    def __init__(self, expression: str, shown: datetime, reverse: bool = False) -> None:
        super().__init__(expression.replace(BOTH, ""), shown, reverse)
        self.day_and = self.day_and or BOTH in expression


def _explained(expression: str) -> str:
    told = Expression(expression.replace(BOTH, "").split())
    told.day_and = told.day_and or BOTH in expression
    return told.explain()


@dataclass(frozen=True)
class Pattern:
    """The readings that match the six cron fields `expression` (seconds first).

    Make it with `read`, which checks the fields. A pattern may match nothing, as 30 February does.
    """

    expression: str

    @cached_property
    def follows_real_time(self) -> bool:
        """Does the minute or the hour field start with `*`, which exempts a schedule from the rules for changes?"""
        _, minute, hour, *_ = self.expression.split()
        return minute.startswith("*") or hour.startswith("*")

    @cached_property
    def takes_any_hour(self) -> bool:
        """Does it match in each of the 24 hours, on the days when it matches?"""
        return self._cron is not None and len(self._cron.hours) == 24

    @cached_property
    def takes_either_day(self) -> bool:
        """Are both day fields limited, so that a day that matches either of them counts?"""
        return self._cron is not None and not self._cron.day_and

    @cached_property
    def words(self) -> str:
        """The pattern in English, as in "At 02:30 every day"."""
        seconds, *rest = self.expression.split()
        whole = _explained(self.expression)
        if seconds == "0" or rest[:2] == ["*", "*"] or self._is_list_of_times:
            return whole
        return f"{_explained(' '.join(rest))}, {Second(seconds)} of that minute"

    @cached_property
    def per_day(self) -> Fraction:
        """How many readings match on an average day."""
        first, end = (datetime.combine(day, time()) for day in CYCLE)
        return Fraction(self.count(first, end), (end - first).days)

    def first_from(self, shown: datetime) -> datetime | None:
        """The first match at or after `shown`, or None.

        cronsim looks 50 years ahead. No date that exists is rarer than every 40 years (a 29 February on a given
        weekday, across 2100), so None means that the date never comes, or only after the year 9999.
        """
        if self._cron is None:
            return None
        try:
            return next(_Sim(self.expression, shown - SECOND), None)
        except (OverflowError, ValueError):  # the calendar ends
            return None

    def backwards(self, shown: datetime) -> Iterator[datetime]:
        """The matches at or before `shown`, newest first."""
        return iter(()) if self._cron is None else _Sim(self.expression, shown + SECOND, reverse=True)

    def count(self, start: datetime, end: datetime) -> int:
        """How many matches lie in [start, end). The cost grows with the days, about a millisecond a year."""
        if self._cron is None or end <= start:
            return 0
        first, last = start.date(), end.date()
        days = sum(self._matches(first + n * DAY) for n in range((last - first).days))
        total = days * len(self._cron.hours) * len(self._cron.minutes) * len(self._cron.seconds)
        if self._matches(first):
            total -= self._times_before(start.time())
        if self._matches(last):
            total += self._times_before(end.time())
        return total

    @cached_property
    def _cron(self) -> CronSim | None:
        """What cronsim makes of the expression; None where it knows that no date can match."""
        try:
            return _Sim(self.expression, datetime.combine(CYCLE[0], time()))
        except CronSimError:
            return None

    @cached_property
    def _is_list_of_times(self) -> bool:
        """Are there so few times of day that cronsim's words list them?"""
        times = self.expression.split()[:3]
        return not set("".join(times)) & set("*/-") and prod(len(field.split(",")) for field in times) <= 4

    @cached_property
    def _sorted(self) -> tuple[list[int], list[int], list[int]]:
        """The matching hours, minutes and seconds, in order."""
        cron = cast(CronSim, self._cron)
        return sorted(cron.hours), sorted(cron.minutes), sorted(cron.seconds)

    def _matches(self, day: date) -> bool:
        return self._cron is not None and day.month in self._cron.months and self._cron.match_day(day)

    def _times_before(self, limit: time) -> int:
        """How many times of a matching day come before `limit`."""
        hours, minutes, seconds = self._sorted
        total = bisect_left(hours, limit.hour) * len(minutes) * len(seconds)
        if limit.hour in hours:
            total += bisect_left(minutes, limit.minute) * len(seconds)
            if limit.minute in minutes:
                total += bisect_left(seconds, limit.second)
        return total


def read(fields: list[str]) -> Pattern:
    """The pattern of six cron fields; raises ScheduleError that names the first bad one."""
    for field, text in zip(Field, fields, strict=True):
        if not _is_good(field, text):
            raise _diagnosis(field, text)
    return Pattern(" ".join(_unambiguous(field, text.upper()) for field, text in zip(Field, fields, strict=True)))


def _is_good(field: Field, text: str) -> bool:
    """Is `text` good in `field`? ASCII only: upper() makes plain letters of some that are not."""
    if field is Field.DOW:
        text = text.removeprefix(BOTH)
    try:
        return text.isascii() and bool(field.parse(text.upper()))
    except CronSimError:
        return False


def _unambiguous(field: Field, text: str) -> str:
    """`text` with 5 for 5-5/10, which cron takes so and cronsim for 5/10."""
    terms = text.split(",")
    for place, term in enumerate(terms):
        values, slash, _ = term.partition("/")
        low, dash, high = values.partition("-")
        if slash and dash and field.int(low) == field.int(high):
            terms[place] = low
    return ",".join(terms)


def _diagnosis(field: Field, text: str) -> ScheduleError:
    """What is wrong with `text`: its first bad part, and what would be allowed there."""
    name, allowed = FIELDS[field]
    term = next((term for term in text.split(",") if not _is_good(field, term)), text)
    complaint = _complaint(field, term, allowed)
    return refusal(name, text, f"{quoted(term)} {complaint}" if term and term != text else complaint)


def _complaint(field: Field, term: str, allowed: str) -> str:
    values, slash, step = term.partition("/")
    low, dash, high = values.partition("-")
    if not term:
        return f"must not have an empty part; allowed is {allowed}"
    if term == "?":
        return 'must be "*" to mean any'
    if slash and _is_good(field, values):
        return f"must have a whole number from 1 up as its step, not {quoted(step)}"
    if dash and _is_good(field, low) and _is_good(field, high):
        return f"must not end before it starts; allowed is {allowed}"
    return f"must be within {allowed}"
