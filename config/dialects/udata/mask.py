"""The X-Fields header, which trims an answer to the fields that it names; pure.

name,schedule,interval{every}       braces around the whole may be there: {name,schedule}
*                                   all fields that are not named otherwise
"""

from __future__ import annotations

import re
from typing import Any

Mask = dict[str, "Mask | None"]
"""What is asked for of an object, by field; None where all of a field is."""

ALL = "*"
_TOKEN = re.compile(r"[\w:*-]+|[{},]|\S", re.ASCII)
_NAME = re.compile(r"[\w:*-]+", re.ASCII)
_SHOWN = 40


class NotAMask(ValueError):
    """The header cannot be read; the message says why."""


def parse(text: str) -> Mask | None:
    """The mask that `text` says; None where it says nothing, so that everything is shown. Raises NotAMask."""
    said = text.strip()
    if said.startswith("{"):
        if not said.endswith("}"):
            raise NotAMask("Missing closing bracket")
        said = said[1:-1]
    root: Mask = {}
    above: list[Mask] = []
    current, previous = root, ","
    for word in _TOKEN.findall(said):
        if _NAME.fullmatch(word):
            if _NAME.fullmatch(previous):
                raise NotAMask(f"Missing comma before {word[:_SHOWN]}")
            current.setdefault(word, None)
        elif word == "{":
            if not _NAME.fullmatch(previous):
                raise NotAMask("Unexpected opening bracket")
            above.append(current)
            inner: Mask = {}
            current[previous], current = inner, inner
        elif word == "}":
            if not above:
                raise NotAMask("Unexpected closing bracket")
            current = above.pop()
        elif word != ",":
            raise NotAMask(f"Unexpected {word}")
        elif not (_NAME.fullmatch(previous) or previous == "}"):
            raise NotAMask("Unexpected comma")
        previous = word
    if above:
        raise NotAMask("Missing closing bracket")
    return root or None


def apply(mask: Mask | None, value: Any) -> Any:
    """What `mask` leaves of `value`; of a list, of each of its entries. Names that are not there are passed over."""
    if mask is None:
        return value
    if isinstance(value, list):
        return [apply(mask, one) for one in value]
    if not isinstance(value, dict):
        return value
    wanted = {name: mask[name] for name in value if name in mask} if ALL not in mask else dict.fromkeys(value) | mask
    return {name: apply(below, value[name]) for name, below in wanted.items() if name in value}
