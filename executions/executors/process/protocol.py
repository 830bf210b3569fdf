"""What worker and runner say to each other: orders one way, output and a result the other.

A frame is a kind, a length and so many bytes. Orders and results are JSON, output stays the bytes that it is.
"""

from __future__ import annotations

import json
import struct
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import IntEnum
from typing import Any, Literal

from executions.executors.base import Limits, Stream

EndedBy = Literal["exit", "timeout", "stop", "memory", "lost", "launch"]

RENEWAL = 20.0  # seconds that a run goes on without a renewal from its worker
GRACE = 10.0  # seconds between SIGTERM and SIGKILL
CLEANS_UP_WITHIN = 5.0  # seconds for what is called after a family that was cut short
MAX_RESULT = 1024 * 1024  # bytes of JSON that a called function may return

STREAMS: tuple[Stream, ...] = ("stdout", "stderr")
_HEADER = struct.Struct("!BI")
_CHUNK = struct.Struct("!BdQ")
_LENGTH = struct.Struct("!I")
_MOMENT = struct.Struct("!d")


class Kind(IntEnum):
    """What a frame is."""

    ORDER = 1
    STOP = 2
    RENEWED = 3
    OUTPUT = 4
    RESULT = 5


def alive_clock() -> float:
    """Seconds on a clock that all processes of the machine share and that also runs while the machine sleeps: a lease
    does not wait for it either.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def moment(payload: bytes) -> float:
    """What the frame of a renewal says: the moment at which it was begun."""
    (when,) = _MOMENT.unpack(payload)
    return float(when)


def renewal_frame(when: float) -> bytes:
    """The payload of a renewal that was begun at `when`."""
    return _MOMENT.pack(when)


def frame(kind: Kind, payload: bytes = b"") -> bytes:
    return _HEADER.pack(kind, len(payload)) + payload


class Frames:
    """Puts frames together again from whatever pieces the socket gives."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._whole: deque[tuple[Kind, bytes]] = deque()

    def feed(self, data: bytes | memoryview) -> None:
        self._bytes += data
        start = 0
        while len(self._bytes) - start >= _HEADER.size:
            kind, length = _HEADER.unpack_from(self._bytes, start)
            end = start + _HEADER.size + length
            if end > len(self._bytes):
                break
            self._whole.append((Kind(kind), bytes(self._bytes[start + _HEADER.size : end])))
            start = end
        del self._bytes[:start]

    def next(self) -> tuple[Kind, bytes] | None:
        """The oldest whole frame that was not handed out yet, or None."""
        return self._whole.popleft() if self._whole else None


@dataclass(frozen=True, slots=True)
class Command:
    """A program to start. `cwd` None means the run's private folder."""

    argv: list[str]
    cwd: str | None = None


@dataclass(frozen=True, slots=True)
class Function:
    """A Python function to call, ``"module:name"``, with keyword arguments that JSON can hold."""

    target: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """What a runner is asked to perform. Times in seconds, sizes in bytes."""

    action: Command | Function
    env: Mapping[str, str]
    limits: Limits
    stdin: bytes = b""
    grace: float = GRACE
    renewal: float = RENEWAL
    renewed: float | None = None
    """When the worker last renewed its leases, by `alive_clock`; None: now."""
    cleanup: Function | None = None
    """Called when the family is gone without having ended by itself with status 0."""

    def encode(self) -> bytes:
        plain = {
            "action": {"is": type(self.action).__name__} | asdict(self.action),
            "env": dict(self.env),
            "limits": asdict(self.limits),
            "grace": self.grace,
            "renewal": self.renewal,
            "renewed": self.renewed,
            "cleanup": asdict(self.cleanup) if self.cleanup else None,
        }
        head = json.dumps(plain).encode()
        return _LENGTH.pack(len(head)) + head + self.stdin

    @classmethod
    def decode(cls, payload: bytes) -> Order:
        (length,) = _LENGTH.unpack_from(payload)
        plain = json.loads(payload[_LENGTH.size : _LENGTH.size + length])
        kind = {"Command": Command, "Function": Function}[plain["action"].pop("is")]
        cleanup = plain.pop("cleanup")
        return cls(
            cleanup=Function(**cleanup) if cleanup else None,
            action=kind(**plain.pop("action")),
            limits=Limits(**plain.pop("limits")),
            stdin=payload[_LENGTH.size + length :],
            **plain,
        )


@dataclass(slots=True)
class Chunk:
    """Output of one stream in the order it came. `lost` bytes of that stream, just before `data`, were dropped."""

    stream: Stream
    time: float
    """Seconds since the epoch at which the first byte was read."""
    data: bytearray
    lost: int = 0

    def encode(self) -> bytes:
        return _CHUNK.pack(STREAMS.index(self.stream), self.time, self.lost) + self.data

    @classmethod
    def decode(cls, payload: bytes) -> Chunk:
        stream, time, lost = _CHUNK.unpack_from(payload)
        return cls(STREAMS[stream], time, bytearray(payload[_CHUNK.size :]), lost)


@dataclass(slots=True)
class Result:
    """How a family ended; satisfies `executions.executors.base.ProcessResult`.

    A success is ``ended_by == "exit"``, ``exit_code == 0`` and an empty `message`: the message also says what an exit
    code cannot (an exception, a function that ended without a result, too many processes).
    """

    ended_by: EndedBy = "exit"
    exit_code: int | None = None
    signal: int | None = None
    message: str = ""
    max_rss_bytes: int | None = None
    """The most that the family was seen to use, sampled, or its biggest member by the kernel's account; None when it
    ended too soon for either to tell."""
    cpu_seconds: float | None = None
    value: Any = None
    exception: str | None = None
    traceback: str | None = None

    def encode(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, payload: bytes) -> Result:
        return cls(**json.loads(payload))
