"""Output on its way to the worker: prompt while there is little, bounded while there is much.

Time is cut into windows of a quarter of a second. The first 256 KiB of a window go on at once, in bundles; of what
follows the newest 768 KiB are kept and go on when the window ends, with the number of bytes that were dropped before
them. So of any amount of output the very first 256 KiB and the very last 768 KiB always arrive, and memory is bounded.
"""

from __future__ import annotations

from collections import deque

from executions.executors.base import Stream
from executions.executors.process.protocol import STREAMS, Chunk

HEAD = 256 * 1024  # bytes of a window that go on at once
TAIL = 768 * 1024  # bytes that wait for the window's end
WINDOW = 0.25  # seconds
BUNDLE = 0.05  # seconds between two bundles: many small writes must not become many frames
_JOIN = 64 * 1024  # bytes up to which a chunk takes more of its stream


class Funnel:
    """Takes what the streams of one run say, gives what may go on now. Moments are monotonic seconds."""

    def __init__(self) -> None:
        self._head: deque[Chunk] = deque()
        self._head_left = HEAD
        self._tail: deque[Chunk] = deque()
        self._tail_size = 0
        self._lost = dict.fromkeys(STREAMS, 0)
        self._window_ends = 0.0
        self._quiet_until = 0.0

    def add(self, stream: Stream, data: memoryview, time: float, now: float) -> None:
        """Take `data`, which was read at `time` (epoch)."""
        if now >= self._window_ends and not self._head and not self._tail:
            self._open_window(now)
        cut = 0 if self._tail else min(len(data), self._head_left)
        if cut:
            self._head_left -= cut
            _append(self._head, stream, data[:cut], time)
        if cut < len(data):
            _append(self._tail, stream, data[cut:], time)
            self._tail_size += len(data) - cut
            self._drop_oldest()

    def due(self) -> float | None:
        """The moment from which `take` has something; None when there is nothing."""
        if self._head:
            return self._quiet_until
        return self._window_ends if self._tail else None

    def take(self, now: float) -> list[Chunk]:
        """What may go on now, oldest first. Not to be called while what it gave before still waits to be sent."""
        taken: list[Chunk] = []
        if self._head and now >= self._quiet_until:
            taken += self._head
            self._head.clear()
            self._quiet_until = now + BUNDLE
        if self._tail and not self._head and now >= self._window_ends:
            taken += self._take_tail()
            self._open_window(now)
        return taken

    def rest(self) -> list[Chunk]:
        """Everything that is left, when no more comes."""
        taken = [*self._head, *self._take_tail()]
        self._head.clear()
        return taken

    def _open_window(self, now: float) -> None:
        self._window_ends = now + WINDOW
        self._head_left = HEAD

    def _take_tail(self) -> list[Chunk]:
        taken = list(self._tail)
        for stream, lost in self._lost.items():
            if lost:
                first = next((chunk for chunk in taken if chunk.stream == stream), None)
                if first is None:
                    taken.insert(0, Chunk(stream, taken[0].time, bytearray(), lost))
                else:
                    first.lost = lost
        self._lost = dict.fromkeys(STREAMS, 0)
        self._tail.clear()
        self._tail_size = 0
        return taken

    def _drop_oldest(self) -> None:
        while self._tail_size > TAIL:
            oldest = self._tail[0]
            excess = min(self._tail_size - TAIL, len(oldest.data))
            if excess == len(oldest.data):
                self._tail.popleft()
            else:
                del oldest.data[:excess]
            self._lost[oldest.stream] += excess
            self._tail_size -= excess


def _append(chunks: deque[Chunk], stream: Stream, data: memoryview, time: float) -> None:
    last = chunks[-1] if chunks else None
    if last is not None and last.stream == stream and len(last.data) + len(data) <= _JOIN:
        last.data += data
    else:
        chunks.append(Chunk(stream, time, bytearray(data)))
