"""Watching a house while its processes die: how far beyond its lease something was RUNNING."""

from __future__ import annotations

import sqlite3
import threading
import time
from datetime import UTC, datetime
from types import TracebackType

import psycopg

from tests.faults.house import House, moment


class LeaseWatch:
    """Looks every half second; `worst` is for how many seconds, at most, the lease of something RUNNING had passed."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look_forever, name="lease watch", daemon=True)
        self.worst = 0.0
        self.looks = 0

    def __enter__(self) -> LeaseWatch:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join(30)

    def _look_forever(self) -> None:
        while not self._over.wait(0.5):
            try:
                oldest = self._house.value("SELECT min(lease_until) FROM executions_execution WHERE status = 'RUNNING'")
            except (sqlite3.Error, psycopg.Error):
                time.sleep(1)
                continue
            self.looks += 1
            if oldest is not None:
                self.worst = max(self.worst, (datetime.now(UTC) - moment(oldest)).total_seconds())
