"""The output of an execution: collected while it runs, capped with its head and tail kept, and read back by line.

Chunks are numbered by lines. Where output was left out in the middle, the numbers go on and the loss is stated.
"""

from __future__ import annotations

import codecs
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf

from executions.executors.base import Stream
from executions.models import Execution, OutputChunk
from executions.redaction import Redactor

HEAD = 256 * 1024
TAIL = 768 * 1024
"""Bytes kept of an output's beginning and of its end; up to a chunk more of each."""
LARGEST_CHUNK = 32 * 1024
LONGEST_LINE = 64 * 1024
"""Characters of one line that a reader is shown."""
LONGEST_TEXT = 64 * 1024
"""Characters that are kept of what is stored in the place of an output."""
STREAMS: tuple[Stream, ...] = ("stdout", "stderr")
PATIENCE = 0.5
"""Seconds for which the end of a line is waited for."""


@dataclass(slots=True)
class _Piece:
    stream: Stream
    time: float
    text: str


class Collector:
    """Takes the output of one try as it comes, from one thread, and gives it out as chunks to be stored, to another.

    A chunk holds whole lines; a line that is longer than a chunk, or whose end is long in coming, is broken.
    """

    def __init__(self, execution: int, redactor: Redactor, *, keeps_all: bool = False) -> None:
        """`keeps_all`: what is kept stays here too when it has been stored, for `text`; up to a mebibyte."""
        self.execution = execution
        self._all: deque[OutputChunk] | None = deque() if keeps_all else None
        self._redactor = redactor
        self._lock = threading.Lock()
        self._decoders = {s: codecs.getincrementaldecoder("utf-8")("replace") for s in STREAMS}
        self._withheld: dict[Stream, bytes] = dict.fromkeys(STREAMS, b"")
        self._open: dict[Stream, _Piece] = {}  # lines that have no end yet
        self._pieces: list[_Piece] = []
        self._unsaved: deque[OutputChunk] = deque()
        self._tail: deque[tuple[int, int]] = deque()  # (seq, bytes) of the tail's chunks, oldest first
        self._tail_bytes = 0
        self._head_bytes = 0
        self._head_seq = 0
        self._seq = 0
        self._stale_seq = 0
        self._replaced_seq = 0
        self._lost_bytes = 0
        self.total_bytes = 0

    @property
    def lost_bytes(self) -> int:
        """How many bytes of the output are not kept."""
        return min(self._lost_bytes, self.total_bytes)  # broken characters are kept as longer ones than they came as

    def write(self, stream: Stream, data: bytes, time: float, lost: int = 0) -> None:
        """Take `data`, read at `time` (seconds since the epoch), after `lost` bytes that were left out before it."""
        with self._lock:
            self.total_bytes += len(data) + lost
            if lost:
                self._skip(lost, time)
            data = self._withheld[stream] + data
            keep = self._redactor.withheld(data)
            self._withheld[stream], data = data[len(data) - keep :], data[: len(data) - keep]
            self._take(stream, time, self._decoders[stream].decode(self._redactor.clean(data)))

    def _skip(self, lost: int, time: float) -> None:
        """Leave a number out, so that the lines around the gap are not read as neighbours."""
        self._lost_bytes += lost
        self._close(time)
        self._cut()
        self._seq += 1

    def _take(self, stream: Stream, time: float, text: str) -> None:
        text = text.replace("\x00", "\ufffd")
        if not text:
            return
        begun = self._open.pop(stream, None) or _Piece(stream, time, "")
        text = begun.text + text
        end = text.rfind("\n") + 1
        if len(text) - end > LARGEST_CHUNK:
            end = len(text)
        if end < len(text):
            self._open[stream] = _Piece(stream, time if end else begun.time, text[end:])
        self._add(stream, begun.time, text[:end])
        if len(self._pieces) > 64:
            self._cut()

    def _add(self, stream: Stream, time: float, text: str) -> None:
        last = self._pieces[-1] if self._pieces else None
        if last and last.stream == stream and time - last.time < 0.2 and len(last.text) + len(text) <= LARGEST_CHUNK:
            last.text += text
        else:
            self._pieces += [_Piece(stream, time, part) for part in _parts(text)]

    def _break(self, before: float) -> None:
        """Give out lines without an end that began before then."""
        for stream, piece in list(self._open.items()):
            if piece.time < before:
                self._add(stream, piece.time, self._open.pop(stream).text)

    def _close(self, time: float) -> None:
        """What is withheld or open does not go on."""
        for stream in STREAMS:
            rest, self._withheld[stream] = self._withheld[stream], b""
            self._take(stream, time, self._decoders[stream].decode(self._redactor.clean(rest), final=True))
        self._break(inf)

    def _cut(self) -> None:
        """Turn what was taken into numbered chunks, and let go of the middle."""
        for piece in self._pieces:
            lines = piece.text.count("\n") + (not piece.text.endswith("\n"))
            self._seq += lines
            size = len(piece.text.encode())
            time = datetime.fromtimestamp(piece.time, UTC)
            chunk = OutputChunk(
                execution_id=self.execution, seq=self._seq, lines=lines, time=time, stream=piece.stream, text=piece.text
            )
            self._unsaved.append(chunk)
            if self._all is not None:
                self._all.append(chunk)
            if not self._tail and self._head_bytes < HEAD:
                self._head_bytes += size
                self._head_seq = self._seq
                continue
            self._tail.append((self._seq, size))
            self._tail_bytes += size
            while self._tail_bytes - self._tail[0][1] >= TAIL:
                self._stale_seq, gone = self._tail.popleft()
                self._tail_bytes -= gone
                self._lost_bytes += gone
        self._pieces.clear()
        while len(self._unsaved) > 1 and self._is_stale(self._unsaved[0]):
            self._unsaved.popleft()
        if any(self._is_stale(chunk) for chunk in self._unsaved):
            self._unsaved = deque(chunk for chunk in self._unsaved if not self._is_stale(chunk))
        if self._all is not None and any(self._is_stale(chunk) for chunk in self._all):
            self._all = deque(chunk for chunk in self._all if not self._is_stale(chunk))

    def _is_stale(self, chunk: OutputChunk) -> bool:
        return self._head_seq < chunk.seq <= self._stale_seq

    def finish(self) -> None:
        """No more output comes: give out all that there is."""
        with self._lock:
            self._close(self._pieces[-1].time if self._pieces else datetime.now(UTC).timestamp())

    def text(self) -> str:
        """All that is kept, once it has been finished; for one that was made to keep it."""
        with self._lock:
            self._cut()
            return "".join(_told(self._all or (), self.lost_bytes))

    def replace(self, text: str) -> None:
        """Store `text` (its first 64 Ki characters) in the place of all that came, once that has been finished.

        Its lines are numbered from 1 again; whoever has followed the output as it came has seen more than is kept.
        """
        with self._lock:
            self._cut()
            self._unsaved.clear()
            self._tail.clear()
            self._replaced_seq = self._seq
            self._seq = self._head_seq = self._stale_seq = 0
            self._tail_bytes = self._head_bytes = self._lost_bytes = 0
            self._take("stdout", datetime.now(UTC).timestamp(), text[:LONGEST_TEXT])
            self._break(inf)
            self._cut()

    def unsaved(self, now: float = inf) -> tuple[list[OutputChunk], tuple[int, int] | None]:
        """The chunks to be stored, and the range of numbers (above, until) whose stored chunks are to be deleted.

        Lines that have no end yet are kept back until they are half a second old at `now`, seconds since the epoch.
        """
        with self._lock:
            self._break(now - PATIENCE)
            self._cut()
            stale = (self._head_seq, self._stale_seq) if self._stale_seq > self._head_seq else None
            if self._replaced_seq:
                stale = (0, self._replaced_seq)
            return list(self._unsaved), stale

    def saved(self, chunks: list[OutputChunk]) -> None:
        """`chunks` have been stored. Those that replace others are given out again: with them the others go again."""
        if self._replaced_seq:
            return
        done = {chunk.seq for chunk in chunks}
        with self._lock:
            self._unsaved = deque(chunk for chunk in self._unsaved if chunk.seq not in done)


def _parts(text: str) -> Iterator[str]:
    """`text` in parts that fit into a chunk, cut at the ends of lines where there are any."""
    start = 0
    while len(text) - start > LARGEST_CHUNK:
        end = text.rfind("\n", start, start + LARGEST_CHUNK) + 1 or start + LARGEST_CHUNK
        yield text[start:end]
        start = end
    if start < len(text):
        yield text[start:]


@dataclass(frozen=True, slots=True)
class Line:
    seq: int
    time: datetime
    stream: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some lines; `after` is what to ask with next, `done` that no more will come."""

    lines: list[Line]
    after: int
    done: bool
    lost_bytes: int


def read(execution: Execution, after: int = 0, limit: int = 500) -> Page:
    """Up to `limit` lines above line `after`. `execution` is taken at its word about whether it has ended."""
    lines: list[Line] = []
    for chunk in OutputChunk.objects.after(execution.pk, after)[: limit + 1]:
        for number, text in enumerate(chunk.text.removesuffix("\n").split("\n"), chunk.seq - chunk.lines + 1):
            if number > after and len(lines) < limit:
                lines.append(Line(number, chunk.time, chunk.stream, text[:LONGEST_LINE]))
        if len(lines) == limit:
            break
    last = lines[-1].seq if lines else after
    done = execution.is_final and not OutputChunk.objects.after(execution.pk, last).exists()
    return Page(lines, last, done, execution.output_lost_bytes)


def text(execution: Execution) -> Iterator[str]:
    """The whole of what was kept, in pieces; where output was left out, a line says how much."""
    chunks = OutputChunk.objects.after(execution.pk, 0).iterator(chunk_size=50)
    return _told(chunks, execution.output_lost_bytes)


def _told(chunks: Iterable[OutputChunk], lost_bytes: int) -> Iterator[str]:
    """The texts of `chunks`, with a line where numbers are missing."""
    previous, loss = 0, f"{lost_bytes:,} bytes left out"
    for chunk in chunks:
        if chunk.seq - chunk.lines > previous:
            yield f"\n[… {loss} …]\n"
            loss = "more of them"
        yield chunk.text
        previous = chunk.seq
