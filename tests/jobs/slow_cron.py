"""Debian's cron, slow and plain: it walks real time tick by tick and looks at the clock. The schedules' oracle.

It shares no code with jobs.schedule: fields come as sets made beside their text, and a change of the clock is not
computed but seen, as Debian sees it, when the clock shows something other than the tick after the last one.
"""

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]

TakesDay = Callable[[date], bool]


@dataclass(frozen=True)
class Numbers:
    """A second, minute, hour or month field and the numbers it means."""

    text: str
    values: frozenset[int]


@dataclass(frozen=True)
class Days:
    """A day field and the days it means."""

    text: str
    takes: TakesDay


@dataclass(frozen=True)
class Line:
    """A line of a crontab."""

    second: Numbers | None
    minute: Numbers
    hour: Numbers
    day: Days
    month: Numbers
    weekday: Days

    @property
    def text(self) -> str:
        fields = [self.second, self.minute, self.hour, self.day, self.month, self.weekday]
        return " ".join(field.text for field in fields if field)

    @property
    def tick(self) -> timedelta:
        return SECOND if self.second else MINUTE

    @property
    def is_wild(self) -> bool:
        return self.minute.text[0] == "*" or self.hour.text[0] == "*"

    def takes_day(self, day: date) -> bool:
        if day.month not in self.month.values:
            return False
        both = self.day.text[0] == "*" or self.weekday.text[0] == "*"
        return (all if both else any)([self.day.takes(day), self.weekday.takes(day)])

    def due(self, place: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
        """Every due instant in (start, end]; the clock must not be repeating itself at `start`."""
        takes_day = cache(self.takes_day)
        seconds = self.second.values if self.second else {0}
        hours, minutes = self.hour.values, self.minute.values

        def matches(shown: datetime) -> bool:
            return (
                shown.minute in minutes and shown.second in seconds and shown.hour in hours and takes_day(shown.date())
            )

        found, virtual = [], shown_at(place, start)
        while (start := start + self.tick) <= end:
            shown = shown_at(place, start)
            if self.is_wild:
                is_due = matches(shown)
            else:
                is_due = False
                while virtual < shown:  # catches up with a clock put forward, stands still for one put back
                    virtual += self.tick
                    is_due |= matches(virtual)
            if is_due:
                found.append(start)
        return found


def shown_at(place: ZoneInfo, instant: datetime) -> datetime:
    return instant.astimezone(place).replace(tzinfo=None, fold=0)


@cache
def place_called(name: str) -> ZoneInfo:
    with files("tzdata").joinpath("zoneinfo", name).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


@cache
def changes_of(name: str) -> list[datetime]:
    """The hours of 2026 and 2027 before which the zone's clock is changed."""
    place, hour, found = place_called(name), datetime(2026, 1, 1, tzinfo=UTC), []
    while (hour := hour + HOUR / 2) < datetime(2028, 1, 1, tzinfo=UTC):
        if hour.astimezone(place).utcoffset() != (hour - HOUR / 2).astimezone(place).utcoffset():
            found.append(hour)
    return found


@st.composite
def numbers(draw: st.DrawFn, low: int, high: int, names: list[str] | None = None) -> Numbers:
    """A field of one to three parts."""

    def written(value: int) -> str:
        use_name = names and draw(st.booleans())
        return names[value - low] if names and use_name else f"{value:0{draw(st.sampled_from([1, 2]))}}"

    def part() -> tuple[str, set[int]]:
        first, last = sorted(draw(st.tuples(st.integers(low, high), st.integers(low, high))))
        step = draw(st.sampled_from([1, 2, 3, 5, 7, 10, 15, 20, 30]))
        forms = {
            "*": ("*", range(low, high + 1)),
            "*/n": (f"*/{step}", range(low, high + 1, step)),
            "a": (written(first), [first]),
            "a-b": (f"{written(first)}-{written(last)}", range(first, last + 1)),
            "a/n": (f"{written(first)}/{step}", range(first, high + 1, step)),
            "a-b/n": (f"{written(first)}-{written(last)}/{step}", range(first, last + 1, step)),
        }
        form = draw(st.sampled_from([*forms, "a", "a"]))
        text, values = forms[form]
        return text, set(values)

    parts = [part() for _ in range(draw(st.sampled_from([1, 1, 1, 2, 3])))]
    return Numbers(",".join(text for text, _ in parts), frozenset().union(*(values for _, values in parts)))


def last_of(day: date) -> int:
    return monthrange(day.year, day.month)[1]


def last_working_day(day: date) -> int:
    return max(number for number in range(1, last_of(day) + 1) if day.replace(day=number).weekday() < 5)


@st.composite
def month_days(draw: st.DrawFn) -> Days:
    plain = draw(numbers(1, 31))
    kinds: list[Days] = [
        Days("*", lambda day: True),
        Days(plain.text, lambda day: day.day in plain.values),
        Days("L", lambda day: day.day == last_of(day)),
        Days("LW", lambda day: day.day == last_working_day(day)),
        Days(f"{plain.text},L", lambda day: day.day in plain.values or day.day == last_of(day)),
    ]
    return draw(st.sampled_from(kinds))


@st.composite
def weekdays(draw: st.DrawFn) -> Days:
    plain = draw(numbers(0, 6, WEEKDAYS).filter(lambda field: "/" not in field.text))
    one, nth = draw(st.integers(0, 7)), draw(st.integers(1, 5))

    def is_one(day: date) -> bool:
        return day.isoweekday() % 7 == one % 7

    kinds: list[Days] = [
        Days("*", lambda day: True),
        Days(plain.text, lambda day: day.isoweekday() % 7 in plain.values),
        Days(f"{one}", is_one),
        Days(f"{one}#{nth}", lambda day: is_one(day) and (day.day - 1) // 7 + 1 == nth),
        Days(f"{one}L", lambda day: is_one(day) and day.day + 7 > last_of(day)),
    ]
    return draw(st.sampled_from(kinds))


def day_lines() -> st.SearchStrategy[Line]:
    """Lines that run at midnight of all kinds of days."""
    zero = st.just(Numbers("0", frozenset({0})))
    return st.builds(Line, st.none(), zero, zero, month_days(), numbers(1, 12, MONTHS), weekdays())


def time_lines(with_seconds: bool, near: Iterable[int] = range(24)) -> st.SearchStrategy[Line]:
    """Lines that run at all times of day, most of them in the hours `near` and on every day."""
    every_day, every_month = Days("*", lambda day: True), Numbers("*", frozenset(range(1, 13)))
    near_hour = st.sampled_from([*near]).map(lambda hour: Numbers(str(hour), frozenset({hour})))
    return st.builds(
        Line,
        numbers(0, 59) if with_seconds else st.none(),
        numbers(0, 59),
        st.one_of(near_hour, near_hour, near_hour, numbers(0, 23)),
        st.one_of(*[st.just(every_day)] * 4, month_days()),
        st.just(every_month),
        st.one_of(*[st.just(every_day)] * 4, weekdays()),
    )


@st.composite
def moments(draw: st.DrawFn, start: datetime, end: datetime) -> datetime:
    """A moment in [start, end), often on a whole second.

    Drawn digit by digit, since one draw from a wide range would mostly give small numbers.
    """
    share = sum(draw(st.integers(0, 99)) / 100**digit for digit in (1, 2, 3))
    whole = int((end - start).total_seconds() * share)
    return start + timedelta(seconds=whole, microseconds=draw(st.sampled_from([0, 0, 1, 500_000, 999_999])))


def within(instants: list[datetime], after: datetime, until: datetime) -> list[datetime]:
    return [instant for instant in instants if after < instant <= until]


def looped(first: datetime, period: timedelta) -> Iterator[datetime]:
    while True:
        first += period
        yield first
