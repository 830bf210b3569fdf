"""How long a token lives, as people write it: `30d`, `12h`; pure."""

from __future__ import annotations

import re
from datetime import timedelta

UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
LONGEST = timedelta(days=36_500)

_LIFETIME = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)


def lifetime(text: str) -> timedelta:
    """A whole number and a unit: s, m, h, d or w. Raises ValueError, whose text says what would do."""
    match = _LIFETIME.fullmatch(text.strip().lower())
    if not match:
        raise ValueError(f"{text!r} is no duration: write a whole number and a unit, such as 30d, 12h or 45m")
    span = timedelta(**{UNITS[match[2]]: int(match[1])})
    if not timedelta() < span <= LONGEST:
        raise ValueError(f"{text!r} is out of range: a token lives longer than nothing and at most 100 years")
    return span
