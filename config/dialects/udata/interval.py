"""udata's interval, `{"every": 5, "period": "minutes"}`, and the house's `@every`; pure.

The house fires at most once a second: a shorter interval, which only microseconds can say, is due every second.
"""

from __future__ import annotations

from typing import TypedDict

from jobs.schedule import Kind, parse

PERIODS = {"days": 86_400, "hours": 3_600, "minutes": 60, "seconds": 1}
"""In seconds, the longest first."""
MICROSECONDS = "microseconds"
WORDS = (*PERIODS, MICROSECONDS)
LONGEST = 290 * 365 * 86_400
"""Seconds: no interval of the house is longer than some 292 years."""
_SECOND = 1_000_000  # microseconds


class Interval(TypedDict):
    every: int
    period: str


class NotAnInterval(ValueError):
    """No interval is that long or that short; the message says what would do."""


def house_text(interval: Interval) -> str:
    """The schedule that means what `interval` means. Raises NotAnInterval."""
    every, period = interval["every"], interval["period"]
    if every < 1:
        raise NotAnInterval("must be 1 or more")
    seconds = -(-every // _SECOND) if period == MICROSECONDS else every * PERIODS[period]
    if seconds > LONGEST:
        raise NotAnInterval("is too long: 290 years at most")
    for unit, size in (("h", 3_600), ("m", 60), ("s", 1)):
        if seconds % size == 0:
            return f"@every {seconds // size}{unit}"
    raise AssertionError("a second divides every whole number of them")


def interval_of(text: str) -> Interval | None:
    """The interval of a schedule of ours, in the longest unit that says it; None where it is no `@every`."""
    schedule = parse(text)
    if schedule.kind is not Kind.INTERVAL or schedule.period is None:
        return None
    seconds = int(schedule.period.total_seconds())
    period, size = next((period, size) for period, size in PERIODS.items() if seconds % size == 0)
    return Interval(every=seconds // size, period=period)


def display(interval: Interval) -> str:
    """`every minute`, `every 5 minutes`."""
    every, period = interval["every"], interval["period"]
    return f"every {period.removesuffix('s')}" if every == 1 else f"every {every} {period}"
