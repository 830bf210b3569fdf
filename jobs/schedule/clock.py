"""What the clock of a zone shows, and when.

An *instant* is a whole second in UTC. A *reading* is what a wall clock shows: a datetime without zone. A *change* is
the first instant at which a zone's distance from UTC is new. The rules come from the tzdata package, never from the
machine, whose own may be years old: every machine agrees.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import NamedTuple
from zoneinfo import ZoneInfo

from jobs.schedule.errors import quoted, refusal

SECOND = timedelta(seconds=1)
STRIDE = timedelta(days=1)  # since 1970 no zone has changed twice within a week


class Stretch(NamedTuple):
    """The instants from `first` to `last`, both included, through which a zone keeps one `offset`."""

    first: datetime
    last: datetime
    offset: timedelta


@cache
def zone_names() -> frozenset[str]:
    """Every name that `zone` knows."""
    return frozenset((files("tzdata") / "zones").read_text("ascii").split())


@cache
def zone(name: str) -> ZoneInfo:
    """The time zone called `name`; raises ScheduleError for any other text (so no text ever reaches a path)."""
    if name not in zone_names():
        same = [known for known in zone_names() if known.lower() == name.lower()]
        hint = f"did you mean {quoted(same[0])}?" if same else "must be a known zone like Europe/Berlin or UTC"
        raise refusal("timezone", name, hint)
    with files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as rules:
        return ZoneInfo.from_file(rules, key=name)


def whole_second(moment: datetime) -> datetime:
    """`moment` in UTC with fractions of its second cut; raises ValueError when it does not know its zone."""
    if moment.tzinfo is None:
        raise ValueError("a schedule needs times that know their zone")
    return moment.astimezone(UTC).replace(microsecond=0)


def offset_at(place: ZoneInfo, instant: datetime) -> timedelta:
    """How far the clock of `place` is ahead of UTC at `instant`."""
    return instant.astimezone(place).utcoffset() or timedelta()


def reading(instant: datetime, offset: timedelta) -> datetime:
    """What a clock that is `offset` ahead of UTC shows at `instant`."""
    return (instant + offset).replace(tzinfo=None)


def instant_of(shown: datetime, offset: timedelta) -> datetime:
    """When a clock that is `offset` ahead of UTC shows `shown`."""
    return (shown - offset).replace(tzinfo=UTC)


def high_water(place: ZoneInfo, instant: datetime) -> datetime:
    """The latest reading that the clock of `place` has shown up to `instant`.

    It differs from what the clock shows only while the clock, put back, repeats itself.
    """
    local = instant.astimezone(place)
    if not local.fold:
        return local.replace(tzinfo=None)
    earlier = local.replace(fold=0).utcoffset() or timedelta()
    back = earlier - (local.utcoffset() or timedelta())
    change = next_change(place, instant - back, instant)
    return reading(change or instant, earlier) - SECOND


def reached(place: ZoneInfo, shown: datetime) -> datetime:
    """The first instant at which the clock of `place` shows `shown` or, where that is skipped, has passed it."""
    before = shown.replace(tzinfo=place, fold=0).utcoffset() or timedelta()
    after = shown.replace(tzinfo=place, fold=1).utcoffset() or timedelta()
    instant = instant_of(shown, before)
    if after <= before:
        return instant
    return next_change(place, instant - (after - before), instant) or instant


def next_change(place: ZoneInfo, start: datetime, end: datetime) -> datetime | None:
    """The first change of `place` in (start, end], or None."""
    offset = offset_at(place, start)
    while start < end:
        ahead = min(start + STRIDE, end)
        if offset_at(place, ahead) != offset:
            return _first_other(place, start, ahead, offset)
        start = ahead
    return None


def changes(place: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """Every change of `place` in (start, end]. It costs about a third of a millisecond per year."""
    while change := next_change(place, start, end):
        yield change
        start = change


def stretches(place: ZoneInfo, after: datetime, until: datetime) -> Iterator[Stretch]:
    """The instants in (after, until], cut where `place` changes its offset."""
    first = after + SECOND
    while first <= until:
        change = next_change(place, first, until)
        yield Stretch(first, change - SECOND if change else until, offset_at(place, first))
        if change is None:
            return
        first = change


def _first_other(place: ZoneInfo, low: datetime, high: datetime, offset: timedelta) -> datetime:
    """The first instant in (low, high] whose offset is not `offset`, given that `high` is one."""
    while high - low > SECOND:
        middle = low + timedelta(seconds=(high - low) // SECOND // 2)
        if offset_at(place, middle) == offset:
            low = middle
        else:
            high = middle
    return high
