"""Which workers a run is for: a job's tags choose them; pure.

As in Dkron: a worker qualifies when it has every tag with that value. Without a count all that qualify run the job,
each in a slot of its own; with counts (``"web:2"``) that many of them, the lowest count applying. Unlike Dkron, a job
without tags runs once, on any worker, and a run that nobody qualifies for waits.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

ANYWHERE: tuple[int | None, ...] = (None,)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A living worker as placement sees it."""

    id: int
    tags: Mapping[str, str]


def split(tag: str) -> tuple[str, int | None]:
    """A tag's value and its count; a malformed count is 0, as in Dkron."""
    value, colon, count = str(tag).rpartition(":")
    if not colon:
        return tag, None
    return value, int(count) if count.isdecimal() else 0


def qualified(tags: Mapping[str, str], workers: Iterable[Candidate]) -> list[int]:
    """The workers that have every one of `tags`."""
    wanted = {name: split(value)[0] for name, value in tags.items()}
    return [worker.id for worker in workers if all(worker.tags.get(name) == value for name, value in wanted.items())]


def slots_for(tags: Mapping[str, str], workers: Sequence[Candidate]) -> Sequence[int | None]:
    """The chosen worker of each slot; one slot without a choice where there is no tag, or nobody to choose yet."""
    if not tags:
        return ANYWHERE
    able = qualified(tags, workers)
    counts = [count for _, count in map(split, tags.values()) if count is not None]
    if counts:
        able = random.sample(able, min(len(able), max(min(counts), 1)))
    return able or ANYWHERE
