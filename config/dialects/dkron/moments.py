"""Timestamps as Go writes and reads them, and the nanoseconds of Dkron's ids; pure.

Our clock has microseconds. The three digits below them are taken from a key of the database, so that what began in one
microsecond still has ids of its own.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from datetime import timezone as fixed

ZERO = "0001-01-01T00:00:00Z"
"""Go's zero time: no time at all."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BELOW = 1000
_RFC3339 = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)T(?P<time>\d\d:\d\d:\d\d)(?:\.(?P<fraction>\d{1,9}))?"
    r"(?P<zone>Z|(?P<sign>[+-])(?P<hours>\d\d):(?P<minutes>\d\d))",
    re.ASCII,
)
_OF_A_BROWSER = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d", re.ASCII)
_ID = re.compile(r"(\d{1,19})(?:-.*)?", re.ASCII | re.DOTALL)


def written(moment: datetime | None) -> str | None:
    """RFC 3339 with the offset that `moment` has, trailing zeros trimmed, `Z` for UTC; None for None."""
    if moment is None:
        return None
    text = moment.replace(tzinfo=None).isoformat()
    if "." in text:
        text = text.rstrip("0")
    offset = moment.utcoffset() or timedelta()
    if not offset:
        return f"{text}Z"
    minutes = round(offset.total_seconds() / 60)
    return f"{text}{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def read(text: str) -> datetime:
    """An RFC 3339 time; what lies below a microsecond is cut. Raises ValueError."""
    found = _RFC3339.fullmatch(text)
    if not found:
        raise ValueError(f"{text[:60]!r} is no time such as 2026-11-21T10:00:00Z")
    zone: fixed = UTC
    if found["sign"]:
        offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"]))
        zone = fixed(-offset if found["sign"] == "-" else offset)
    fraction = (found["fraction"] or "").ljust(6, "0")[:6]
    try:
        return datetime.fromisoformat(f"{found['day']}T{found['time']}.{fraction}").replace(tzinfo=zone).astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is out of range") from None


def read_from_form(text: str) -> datetime:
    """As `read`, and also what a browser's field for date and time sends, which means UTC. Raises ValueError."""
    return read(f"{text}:00Z" if _OF_A_BROWSER.fullmatch(text) else text)


def nanoseconds(moment: datetime, key: int) -> int:
    """`moment` in Unix nanoseconds, told apart from others within its microsecond by `key`."""
    return (moment - _EPOCH) // _MICROSECOND * _BELOW + key % _BELOW


def execution_id(started: datetime, key: int, node: str) -> str:
    """Dkron's id of a try."""
    return f"{nanoseconds(started, key)}-{node}"


def parse_id(text: str) -> tuple[datetime, int] | None:
    """When the try of that id started, and its key modulo 1000; None where it is no id. The node has no say."""
    found = _ID.fullmatch(text)
    if not found:
        return None
    microseconds, rest = divmod(int(found[1]), _BELOW)
    try:
        return _EPOCH + microseconds * _MICROSECOND, rest
    except OverflowError:
        return None


SAME = _BELOW
"""Keys that are the same modulo this have the same last digits."""
