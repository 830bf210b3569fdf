"""Texts become values, as Scale reads them: booleans, integers, moments; pure. Each raises ValueError."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from django.utils.dateparse import parse_datetime

TRUE = frozenset({"true", "t", "1"})
FALSE = frozenset({"false", "f", "0"})

LARGEST = 2**63 - 1
"""Beyond it no column of ours holds an integer."""

_DURATION = re.compile(
    r"P(?:(?P<days>\d+(?:\.\d+)?)D)?"
    r"(?:T(?=\d)(?:(?P<hours>\d+(?:\.\d+)?)H)?(?:(?P<minutes>\d+(?:\.\d+)?)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?",
    re.ASCII,
)


def boolean(text: str) -> bool:
    """`true t 1 false f 0`, in any case, blanks around them ignored."""
    word = text.strip().lower()
    if word in TRUE:
        return True
    if word in FALSE:
        return False
    raise ValueError(f"{text!r} is no boolean")


def integer(text: str) -> int:
    """As Python's int() reads it. What no column could hold becomes the largest such number: nothing equals it."""
    return max(-LARGEST, min(LARGEST, int(text)))


def duration(text: str) -> timedelta:
    """`P1D`, `PT3H0M0S`, `P1DT12H`, decimals allowed; weeks, months and years are not understood."""
    match = _DURATION.fullmatch(text)
    if not match or not any(match.groupdict().values()):
        raise ValueError(f"{text!r} is no duration in days, hours, minutes and seconds")
    parts = {name: float(value) for name, value in match.groupdict().items() if value}
    try:
        return timedelta(**parts)
    except OverflowError:
        raise ValueError(f"{text!r} is too long a duration") from None


def moment(text: str) -> datetime:
    """An ISO date-time that says its zone (`Z` or an offset), in UTC."""
    # A plus that was not sent as %2B arrives as a blank; nothing else could stand there.
    value = parse_datetime(re.sub(r" (?=\d\d:?\d\d$)", "+", text) if "T" in text else text)
    if value is None:
        raise ValueError(f"{text!r} is no ISO date-time")
    if value.tzinfo is None:
        raise ValueError(f"{text!r} does not say its zone")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


def moment_or_ago(text: str, now: datetime) -> datetime:
    """A moment, or `now` minus a duration (a text that begins with `P`)."""
    if not text.startswith("P"):
        return moment(text)
    try:
        return now - duration(text)
    except OverflowError:
        raise ValueError(f"{text!r} is too long ago") from None


def iso(value: datetime) -> str:
    """ISO-8601 in UTC with `Z`, microseconds where they are not zero."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
