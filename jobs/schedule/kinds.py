"""The four kinds of schedule, and what each answers."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from jobs.schedule.clock import whole_second, zone
from jobs.schedule.crontime import CronTime

# Cron is computed within these years; outside, some zones' clocks leave the calendar.
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime(9999, 1, 1, tzinfo=UTC)


class Kind(StrEnum):
    CRON = "cron"
    INTERVAL = "interval"
    MOMENT = "moment"
    MANUAL = "manual"


class Due(NamedTuple):
    """What fell due in a stretch of time: its `newest` instants, oldest of them first, and how many there were."""

    newest: tuple[datetime, ...]
    total: int


@dataclass(frozen=True)
class Schedule(ABC):
    """When a job is due. Immutable and hashable; `parse` makes it, and equal texts give equal schedules.

    `text` is the schedule with its white space tidied, "@manually" for an empty one. Every datetime given must know
    its zone (else ValueError); every datetime returned is a whole second in UTC. `anchor` is the instant from which an
    `@every` counts, and means nothing to the other kinds; without one it counts from `moment` (or `after`) itself.
    """

    text: str
    timezone: str

    @property
    @abstractmethod
    def kind(self) -> Kind: ...

    @property
    @abstractmethod
    def words(self) -> str:
        """The schedule in English, without its zone."""

    @property
    def period(self) -> timedelta | None:
        """The time between two instants of an `@every`; None for the other kinds."""
        return None

    @property
    def per_day(self) -> float:
        """How many instants an average day has, leaving aside the days when a clock is changed."""
        return 0

    def next_after(self, moment: datetime, anchor: datetime | None = None) -> datetime | None:
        """The first due instant strictly after `moment`; None when there is none any more."""
        return self._next(whole_second(moment), whole_second(moment if anchor is None else anchor))

    def instants(
        self, after: datetime, until: datetime | None = None, anchor: datetime | None = None, limit: int | None = None
    ) -> Iterator[datetime]:
        """The due instants in (after, until] in order of time, made as they are asked for; `limit` at most."""
        return islice(self._walk(after, until, after if anchor is None else anchor), limit)

    def latest_between(
        self, after: datetime, until: datetime, anchor: datetime | None = None, newest: int = 100
    ) -> Due:
        """The `newest` last due instants in (after, until], in order of time, and how many there were in all.

        The total is exact and never counted one by one: an interval is a division, cron costs a millisecond a year.
        To include an instant that is itself due, begin a second before it.
        """
        start = whole_second(after if anchor is None else anchor)
        return self._between(whole_second(after), whole_second(until), start, newest)

    def count_between(
        self, after: datetime, until: datetime, anchor: datetime | None = None, cap: int | None = None
    ) -> int:
        """How many instants in (after, until] are due, exactly; with `cap`, that many at most."""
        total = self.latest_between(after, until, anchor, newest=0).total
        return total if cap is None else min(total, cap)

    @abstractmethod
    def _next(self, moment: datetime, anchor: datetime) -> datetime | None:
        """`next_after`, given whole seconds in UTC."""

    @abstractmethod
    def _between(self, after: datetime, until: datetime, anchor: datetime, newest: int) -> Due:
        """`latest_between`, given whole seconds in UTC."""

    def _walk(self, after: datetime, until: datetime | None, anchor: datetime) -> Iterator[datetime]:
        due = self.next_after(after, anchor)
        while due and (until is None or due <= until):
            yield due
            due = self.next_after(due, anchor)


@dataclass(frozen=True)
class CronSchedule(Schedule):
    """Due by the clock on the wall; `times` says when."""

    times: CronTime

    @property
    def kind(self) -> Kind:
        return Kind.CRON

    @property
    def words(self) -> str:
        return self.times.pattern.words

    @property
    def per_day(self) -> float:
        return float(self.times.pattern.per_day)

    def _next(self, moment: datetime, anchor: datetime) -> datetime | None:
        return next_cron(self.times, max(moment, FIRST))

    def _between(self, after: datetime, until: datetime, anchor: datetime, newest: int) -> Due:
        return cron_between(self.times, max(after, FIRST), min(until, LAST), newest)


@lru_cache(maxsize=4096)
def next_cron(times: CronTime, moment: datetime) -> datetime | None:
    """The first due instant after `moment`, remembered: jobs by the thousand share an expression and an instant."""
    try:
        return times.next_after(moment)
    except OverflowError:  # the calendar ends
        return None


@lru_cache(maxsize=256)
def cron_between(times: CronTime, after: datetime, until: datetime, newest: int) -> Due:
    """What fell due in (after, until], remembered likewise: after downtime such jobs come back together."""
    if until <= after:
        return Due((), 0)
    last = list(islice(times.newest_first(after, until), newest))
    return Due(tuple(reversed(last)), times.count(after, until))


@dataclass(frozen=True)
class IntervalSchedule(Schedule):
    """Due at anchor + k * period, for k from 1 up; the anchor's fraction of a second is cut."""

    every: timedelta

    @property
    def kind(self) -> Kind:
        return Kind.INTERVAL

    @property
    def words(self) -> str:
        return f"Every {duration_words(self.every)}"

    @property
    def period(self) -> timedelta:
        return self.every

    @property
    def per_day(self) -> float:
        return timedelta(days=1) / self.every

    def _next(self, moment: datetime, anchor: datetime) -> datetime | None:
        try:
            return anchor + (self._passed(anchor, moment) + 1) * self.every
        except OverflowError:  # the calendar ends
            return None

    def _between(self, after: datetime, until: datetime, anchor: datetime, newest: int) -> Due:
        last = self._passed(anchor, until)
        total = max(0, last - self._passed(anchor, after))
        steps = range(last + 1 - min(newest, total), last + 1)
        return Due(tuple(anchor + step * self.every for step in steps), total)

    def _passed(self, anchor: datetime, moment: datetime) -> int:
        """How many instants lie at or before `moment`."""
        return max(0, (moment - anchor) // self.every)


@dataclass(frozen=True)
class MomentSchedule(Schedule):
    """Due once, at `instant`; a past one stays valid and is never due again."""

    instant: datetime

    @property
    def kind(self) -> Kind:
        return Kind.MOMENT

    @property
    def words(self) -> str:
        local = self.instant.astimezone(zone(self.timezone))
        return f"Once, on {local:%Y-%m-%d} at {clock_words(local)}"

    def _next(self, moment: datetime, anchor: datetime) -> datetime | None:
        return self.instant if self.instant > moment else None

    def _between(self, after: datetime, until: datetime, anchor: datetime, newest: int) -> Due:
        due = (self.instant,) if after < self.instant <= until else ()
        return Due(due[:newest], len(due))


@dataclass(frozen=True)
class ManualSchedule(Schedule):
    """Never due."""

    @property
    def kind(self) -> Kind:
        return Kind.MANUAL

    @property
    def words(self) -> str:
        return "Only when started by hand or by a parent"

    def _next(self, moment: datetime, anchor: datetime) -> datetime | None:
        return None

    def _between(self, after: datetime, until: datetime, anchor: datetime, newest: int) -> Due:
        return Due((), 0)


def clock_words(shown: datetime) -> str:
    """A time of day as "02:30", or "02:30:15" where there are seconds."""
    return f"{shown:%H:%M:%S}" if shown.second else f"{shown:%H:%M}"


def duration_words(period: timedelta) -> str:
    """A duration as "1 hour 30 minutes"; "hour" alone for one of a kind."""
    minutes, seconds = divmod(int(period.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "hour"), (minutes, "minute"), (seconds, "second")]
    words = [f"{number} {unit}" if number == 1 else f"{number} {unit}s" for number, unit in parts if number]
    return words[0].removeprefix("1 ") if len(words) == 1 else " ".join(words)
