"""Following a container: its end, awaited together with the request to stop it, and what it prints."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import suppress


class Wait:
    """The end of a container, awaited together with the request to stop it."""

    def __init__(self, stop: threading.Event) -> None:
        self._stop = stop
        self._over = threading.Event()
        self.exit_code: int | None = None
        self.problem = ""

    @property
    def is_stop_asked(self) -> bool:
        return self._stop.is_set()

    def tell(self, exit_code: int | None, problem: str = "") -> None:
        self.exit_code, self.problem = exit_code, problem
        self._over.set()

    def wait(self, seconds: float) -> bool:
        """Whether it has ended; returns after `seconds` at the latest."""
        return self._over.wait(seconds)


def pass_on(output: Iterator[tuple[bytes | None, bytes | None]]) -> None:
    """Write what the container prints to our own output, each stream to its own."""
    with suppress(Exception):  # the socket ends with the container, as it likes
        for pair in output:
            for descriptor, data in zip((1, 2), pair, strict=True):
                if data:
                    _write(descriptor, data)


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
