"""What the parts print, as one stream: whole lines, each with the name of its part in front."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from collections.abc import Sequence
from typing import TextIO

WIDTH = 10
"""Columns for the name of a part."""
COLOURS = (36, 33, 35, 32)
LONGEST = 65_536
"""Bytes after which a line is shown although it has not ended."""
BACKLOG = 5_000
"""Lines kept for a terminal that does not take them (Ctrl-S, a slow pipe); beyond that the oldest are dropped."""


class Stream:
    """Writes lines in a thread of its own, so that a terminal that stands still does not stop the house."""

    def __init__(self, parts: Sequence[str], out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        in_colour = self._out.isatty() and not os.environ.get("NO_COLOR")
        self._colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(parts)} if in_colour else {}
        self._waiting: deque[str] = deque()
        self._dropped = 0
        self._changed = threading.Condition()
        self._is_closed = False
        self._writer = threading.Thread(target=self._write, name="stream", daemon=True)
        self._writer.start()

    def line(self, part: str, text: str) -> None:
        """Show one line of `part`. Never blocks."""
        prefix = f"{part:<{WIDTH}}|"
        if part in self._colours:
            prefix = f"\x1b[{self._colours[part]}m{prefix}\x1b[0m"
        self.text(f"{prefix} {text}")

    def text(self, text: str) -> None:
        """Show `text` as it is. Never blocks."""
        with self._changed:
            if len(self._waiting) >= BACKLOG:
                self._waiting.popleft()
                self._dropped += 1
            self._waiting.append(text)
            self._changed.notify()

    def close(self, seconds: float = 2.0) -> None:
        """Write what is left, for `seconds` at most."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()
        self._writer.join(seconds)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if not self._waiting:
                    return
                texts, dropped = list(self._waiting), self._dropped
                self._waiting.clear()
                self._dropped = 0
            if dropped:
                texts.insert(0, f"… {dropped} lines dropped: nobody took them")
            self._put("\n".join(texts) + "\n")

    def _put(self, text: str) -> None:
        encoding = self._out.encoding or "utf-8"
        try:
            self._out.write(text.encode(encoding, "replace").decode(encoding))
            self._out.flush()
        except (OSError, ValueError):
            pass  # whoever read our output has gone; the house runs on


class Lines:
    """Cuts one part's bytes into lines, and remembers the last of them."""

    def __init__(self, keep: int = 20) -> None:
        self.last: deque[str] = deque(maxlen=keep)
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes. No data means the end: what is left is a line too."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        if self._rest and (not data or len(self._rest) > LONGEST):
            whole.append(self._rest)
            self._rest = b""
        lines = [line.decode("utf-8", "replace").rstrip("\r") for line in whole]
        self.last.extend(line for line in lines if line.strip())
        return lines
