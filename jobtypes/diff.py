"""What differs between two documents, place by place; pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST = 500
"""Differences of one pair of documents; further ones are not told."""
MOST_CHARACTERS = 4_000
_NAMING = ("name", "key")
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """`path` as ``job.interface.inputs.json[size].type``; a side that is not there is None."""

    path: str
    before: str | None
    after: str | None

    @property
    def kind(self) -> str:
        return "added" if self.before is None else "removed" if self.after is None else "changed"


def differences(before: Any, after: Any) -> list[Difference]:
    """The differences in the order of `after`, what was removed following. Entries of lists are told apart by their
    names, where all have one, otherwise by their places.
    """
    found = []
    for difference in _walk("", before, after):
        found.append(difference)
        if len(found) == MOST:
            break
    return found


def _walk(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in [*after, *(name for name in before if name not in after)]:
            place = f"{path}.{name}" if path else str(name)
            yield from _walk(place, before.get(name, _NOTHING), after.get(name, _NOTHING))
    elif isinstance(before, list) and isinstance(after, list):
        old, new = _by_name(before, after)
        for name in [*new, *(name for name in old if name not in new)]:
            yield from _walk(f"{path}[{name}]", old.get(name, _NOTHING), new.get(name, _NOTHING))
    elif json.dumps(_plain(before), sort_keys=True) != json.dumps(_plain(after), sort_keys=True):
        yield Difference(path or "(all)", _written(before), _written(after))


def _by_name(before: Sequence[Any], after: Sequence[Any]) -> tuple[dict[Any, Any], dict[Any, Any]]:
    for naming in _NAMING:
        names = [[one.get(naming) if isinstance(one, Mapping) else None for one in many] for many in (before, after)]
        if all(isinstance(name, str) and many.count(name) == 1 for many in names for name in many):
            return dict(zip(names[0], before, strict=True)), dict(zip(names[1], after, strict=True))
    return dict(enumerate(before)), dict(enumerate(after))


def _plain(value: Any) -> Any:
    return None if value is _NOTHING else [value]  # so that null differs from what is not there


def _written(value: Any) -> str | None:
    if value is _NOTHING:
        return None
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    return text if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
