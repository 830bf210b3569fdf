"""How much JSON the house takes: checked before anything else looks at it. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

MAX_DEPTH = 64
MAX_KEYS = 10_000
MAX_DIGITS = 40
MAX_INPUT = 256 * 1024  # bytes
MAX_CONFIGURATION = 64 * 1024  # bytes
_TOO_LARGE = 10**MAX_DIGITS


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong, or only doubtful, and where: a path such as ``input.json.count``, and words to follow it."""

    path: str
    message: str
    is_warning: bool = False

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


Place = tuple[Any, ...]
"""Where a part of a value stands: ``(place of what it is in, key or number)``, and ``(path,)`` for the value itself."""


def excess(value: Any, path: str, max_bytes: int) -> Problem | None:
    """The first way in which `value`, found at `path`, is too much or is no JSON that can be stored; None if none.

    Takes time and memory in proportion to what it reads, and reads no deeper than MAX_DEPTH.
    """
    keys = entries = 0
    too_large = Problem(path, f"is larger than {max_bytes // 1024} KiB")
    for place, depth, part in _parts(value, path):
        if isinstance(part, dict):
            keys += len(part)
        if isinstance(part, dict | list):
            entries += len(part)
        if depth > MAX_DEPTH:
            return Problem(path, f"is nested deeper than {MAX_DEPTH} levels")
        if keys > MAX_KEYS:
            return Problem(path, f"has more than {MAX_KEYS} names")
        if entries > max_bytes:  # each takes one byte at least: no need to look at them
            return too_large
        if wrong := _wrong(part):
            return Problem(_written(place), wrong)
    if len(json.dumps(value, ensure_ascii=False).encode()) > max_bytes:
        return too_large
    return None


def _wrong(part: Any) -> str | None:
    """What is wrong with one value, without what is in it."""
    match part:
        case None | bool() | list():
            return None
        case str():
            return None if _storable(part) else "contains a character that cannot be stored"
        case dict():
            good = all(isinstance(key, str) and _storable(key) for key in part)
            return None if good else "has a name with a character that cannot be stored"
        case int():
            return None if abs(part) < _TOO_LARGE else f"is a number of more than {MAX_DIGITS} digits"
        case float():
            return None if isfinite(part) else "is not a number that JSON knows"
    return "is not JSON"


def _parts(value: Any, path: str) -> Iterator[tuple[Place, int, Any]]:
    """`value` and all that is in it, with place and depth."""
    waiting: list[tuple[Place, int, Any]] = [((path,), 0, value)]
    while waiting:
        place, above, part = waiting.pop()
        depth = above + isinstance(part, dict | list)
        yield place, depth, part
        if isinstance(part, dict):
            waiting += [((place, key), depth, one) for key, one in part.items()]
        elif isinstance(part, list):
            waiting += [((place, number), depth, one) for number, one in enumerate(part)]


def _written(place: Place) -> str:
    """A place as a path; long names are cut."""
    if len(place) == 1:
        return str(place[0])
    above, key = place
    return _written(above) + (f"[{key}]" if isinstance(key, int) else f".{key[:40]}")


def _storable(text: str) -> bool:
    """No NUL, which PostgreSQL refuses, and no half of a surrogate pair, which UTF-8 does."""
    return "\0" not in text and (text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text))
