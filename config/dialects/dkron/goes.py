"""Texts as Go reads them: durations, booleans, sizes and the like; pure. Each raises ValueError."""

from __future__ import annotations

import math
import re
from fractions import Fraction

_UNITS = {
    "ns": Fraction(1, 10**9),
    "us": Fraction(1, 10**6),
    "\N{MICRO SIGN}s": Fraction(1, 10**6),
    "\N{GREEK SMALL LETTER MU}s": Fraction(1, 10**6),
    "ms": Fraction(1, 10**3),
    "s": Fraction(1),
    "m": Fraction(60),
    "h": Fraction(3600),
}
_AMOUNT = rf"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)({'|'.join(sorted(_UNITS, key=len, reverse=True))})"
_DURATION = re.compile(rf"(?P<sign>[+-]?)(?P<amounts>(?:{_AMOUNT})+|0)", re.ASCII)
_LONGEST = Fraction(2**63 - 1, 10**9)
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})
_SIZE = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(?P<unit>[a-z]*)", re.ASCII | re.IGNORECASE)
_POWERS = {"": 0, "B": 0, "K": 1, "KB": 1, "M": 2, "MB": 2, "G": 3, "GB": 3, "T": 4, "TB": 4}
_MEBIBYTE = 1024**2
_INTEGER = re.compile(r"(?P<sign>[+-]?)0*(?P<digits>[0-9]+)", re.ASCII)
_LARGEST, _LARGEST_DIGITS = 2**63 - 1, 19
MAX_TEXT = 100
"""Characters of a duration or a size; a longer one says nothing that a shorter one could not."""


def duration(text: str) -> Fraction:
    """Seconds of a duration such as ``1h30m``, ``500ms`` or ``-2s``; exact."""
    found = _DURATION.fullmatch(text) if len(text) <= MAX_TEXT else None
    if not found:
        raise ValueError(f"{text[:40]!r} is no duration such as 90s or 1h30m")
    amounts = re.findall(_AMOUNT, found["amounts"])
    seconds = sum((Fraction(amount) * _UNITS[unit] for amount, unit in amounts), Fraction())
    if seconds > _LONGEST:
        raise ValueError(f"{text[:40]!r} is too long a duration")
    return -seconds if found["sign"] == "-" else seconds


def boolean(text: str) -> bool:
    """True and false as `strconv.ParseBool` reads them; whatever else is false."""
    return text in _TRUE


def size(text: str) -> int:
    """Bytes of ``512M``, ``1.5GB`` and the like: powers of 1024, in any case."""
    found = _SIZE.fullmatch(text.strip()) if len(text) <= MAX_TEXT else None
    power = _POWERS.get(found["unit"].upper()) if found else None
    if not found or power is None:
        raise ValueError(f"{text[:40]!r} is no size such as 512MB")
    amount = int(Fraction(found["number"]) * 1024**power)
    if amount <= 0:
        raise ValueError(f"{text[:40]!r} is not more than nothing")
    return amount


def mebibytes(size: int) -> int:
    """`size` in whole MiB, at least one."""
    return max(1, math.ceil(size / _MEBIBYTE))


def integer(text: str | None) -> int:
    """As an address has it: a text that is no number is 0, and one that is too large the largest there is."""
    found = _INTEGER.fullmatch(text or "")
    if not found:
        return 0
    amount = _LARGEST if len(found["digits"]) > _LARGEST_DIGITS else min(int(found["digits"]), _LARGEST)
    return -amount if found["sign"] == "-" else amount
