"""The first page: is the house well, in five seconds.

    past.py     what ended: by the hour, by outcome, by error; durations; jobs that fail
    present.py  what runs and waits, on which workers; what is stuck
    coming.py   what is due within the hour, and what should have begun

Its cost does not grow with the history: sums come from the tally, rows from the newest of an index. What was read is
kept for a few seconds, for all who look.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache

from config.console.dashboard.coming import Coming
from config.console.dashboard.coming import read as read_coming
from config.console.dashboard.past import Past
from config.console.dashboard.past import read as read_past
from config.console.dashboard.present import Present
from config.console.dashboard.present import read as read_present
from config.console.dashboard.tiles import Tile, tiles

KEPT_SECONDS = 3
_KEY = "console:dashboard"


@dataclass(frozen=True, slots=True)
class Dashboard:
    read_at: datetime
    past: Past
    present: Present
    coming: Coming
    tiles: list[Tile]
    is_new: bool
    """Nothing has ever run here."""


def read(now: datetime) -> Dashboard:
    """All of it, as of a few seconds ago at most."""
    kept: Dashboard | None = cache.get(_KEY)
    if kept is None or not timedelta() <= now - kept.read_at < timedelta(seconds=KEPT_SECONDS):
        kept = _read(now)
        cache.set(_KEY, kept, KEPT_SECONDS)
    return kept


def _read(now: datetime) -> Dashboard:
    past, present, coming = read_past(now), read_present(now), read_coming(now)
    is_new = not past.is_any and not present.counts
    return Dashboard(now, past, present, coming, tiles(past, present, coming), is_new)
