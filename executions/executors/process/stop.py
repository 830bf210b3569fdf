"""The order to stop a run."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Stop:
    """The order to stop one run: given by any thread, before the run starts, too; the first reason counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tell: Callable[[str], None] | None = None
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the run is to stop; None as long as it is not."""
        return self._reason

    def request(self, reason: str = "Stopped on request") -> None:
        """Prevent the run's start, or end it: SIGTERM, grace, SIGKILL. Returns at once."""
        with self._lock:
            if self._reason is None:
                self._reason = reason
                if self._tell is not None:
                    self._tell(reason)

    @contextmanager
    def heard_by(self, tell: Callable[[str], None]) -> Iterator[None]:
        """Let `tell` know of the request, now if it was made already; never after this ends."""
        with self._lock:
            self._tell = tell
            if self._reason is not None:
                tell(self._reason)
        try:
            yield
        finally:
            with self._lock:
                self._tell = None
