"""When a zone's clock shows what a cron pattern asks for. Two answers, one interface, as Debian's cron has it.

`FirstReadings` serves patterns with a fixed minute and hour. Such a pattern watches the *high-water mark* of the clock:
it is due when the mark passes a matching reading. So what a jump forward skips is due at once and as one instant, right
after the gap, and what the clock repeats is not due again.

`EveryReading` serves patterns that follow real time: due whenever the clock shows a match.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from jobs.schedule.clock import (
    SECOND,
    changes,
    high_water,
    instant_of,
    next_change,
    offset_at,
    reached,
    reading,
    stretches,
    zone,
)
from jobs.schedule.pattern import Pattern

# A match that daylight saving always skips would be looked for without end; rarer dates do not exist (pattern.py).
HORIZON = timedelta(days=50 * 366)


@dataclass(frozen=True)
class CronTime(ABC):
    """The due instants of `pattern` by the clock of `timezone`. Instants in, instants out: whole seconds in UTC."""

    pattern: Pattern
    timezone: str

    @property
    def place(self) -> ZoneInfo:
        return zone(self.timezone)

    @abstractmethod
    def next_after(self, instant: datetime) -> datetime | None:
        """The first due instant after `instant`; None when there is none for 50 years, which means never."""

    @abstractmethod
    def count(self, after: datetime, until: datetime) -> int:
        """How many instants in (after, until] are due: exact, by days and not one by one."""

    @abstractmethod
    def newest_first(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """The due instants in (after, until], the newest first."""


class FirstReadings(CronTime):
    """Due when the clock first reaches, or has skipped, a match."""

    def next_after(self, instant: datetime) -> datetime | None:
        match = self.pattern.first_from(high_water(self.place, instant) + SECOND)
        return match and reached(self.place, match)

    def count(self, after: datetime, until: datetime) -> int:
        merged = (self._passed(change - SECOND, change) - 1 for change in changes(self.place, after, until))
        return self._passed(after, until) - sum(extra for extra in merged if extra > 0)

    def newest_first(self, after: datetime, until: datetime) -> Iterator[datetime]:
        while match := next(self.pattern.backwards(high_water(self.place, until)), None):
            due = reached(self.place, match)
            if due <= after:
                return
            yield due
            until = due - SECOND

    def _passed(self, after: datetime, until: datetime) -> int:
        """How many matching readings the clock's high-water mark passed in (after, until]."""
        return self.pattern.count(high_water(self.place, after) + SECOND, high_water(self.place, until) + SECOND)


class EveryReading(CronTime):
    """Due whenever the clock shows a match."""

    def next_after(self, instant: datetime) -> datetime | None:
        """Steps: find the next match as if the offset stayed; if it changes before, look again from the change."""
        start = instant + SECOND
        offset = offset_at(self.place, start)
        match = self.pattern.first_from(reading(start, offset))
        while match and start - instant < HORIZON:
            due = instant_of(match, offset)
            change = next_change(self.place, start, due)
            if change is None:
                return due
            expected = reading(change, offset)
            start, offset = change, offset_at(self.place, change)
            shown = reading(start, offset)
            if match < shown or self.pattern.count(shown, expected):  # skipped, or the clock repeats a match
                match = self.pattern.first_from(shown)
        return None

    def count(self, after: datetime, until: datetime) -> int:
        return sum(
            self.pattern.count(reading(first, offset), reading(last, offset) + SECOND)
            for first, last, offset in stretches(self.place, after, until)
        )

    def newest_first(self, after: datetime, until: datetime) -> Iterator[datetime]:
        for first, last, offset in reversed(list(stretches(self.place, after, until))):
            oldest = reading(first, offset)
            for match in self.pattern.backwards(reading(last, offset)):
                if match < oldest:
                    break
                yield instant_of(match, offset)


def cron_time(pattern: Pattern, timezone: str) -> CronTime:
    """The rule that `pattern` calls for."""
    return (EveryReading if pattern.follows_real_time else FirstReadings)(pattern, timezone)
