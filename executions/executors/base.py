"""The seam between the engine and whatever does the work: a WorkOrder goes in, an Outcome comes out.

An executor is one module with one class that derives from `Executor`. It is found by its name through the
entry-point group ``jobhouse.executors`` (see `executions.executors`), and every job type names one. What an
executor needs from the slot it runs in stands in its `Context`: a place for output, the order to stop, and
the slot's runner process, in which commands and Python functions run as a family that can be killed whole.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar, Literal, Protocol

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use. Sizes in bytes, time in seconds; None means no limit."""

    seconds: float | None = 3600.0
    memory: int | None = 1024**3
    processes: int | None = 256
    open_files: int | None = 1024


@dataclass(frozen=True, slots=True)
class WorkOrder:
    """Everything an executor may know about the try it is asked to perform; plain data, no database behind it."""

    execution: int
    group: int
    attempt: int
    job: str
    job_type: str
    version: str
    executor: str
    configuration: Mapping[str, Any] = field(default_factory=dict)
    """What the executor is told, with secret values filled in."""
    input: Mapping[str, Any] = field(default_factory=dict)
    """``{"json": {name: value}, "files": {…}}``; Python tasks may carry ``args`` and ``kwargs`` instead of ``json``."""
    manifest: Mapping[str, Any] = field(default_factory=dict)
    scheduled_for: datetime | None = None
    limits: Limits = field(default_factory=Limits)
    secrets: tuple[str, ...] = ()
    """Values that must never show in output, messages or tracebacks."""


@dataclass(slots=True)
class Outcome:
    """How a try ended.

    `error` is the name of an errors.Error (``timeout``, ``out-of-memory``, ``algorithm-unknown``, …) or None on
    success; `message` one line for people. An outcome with `stopped` was ended on request and becomes CANCELED (or goes
    back to the queue when the worker is shutting down), whatever its exit code says.
    """

    ok: bool
    message: str = ""
    error: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    """``{"json": {name: value}, "files": {…}}`` of a success."""
    exception: str | None = None
    """Dotted class of what the job's own code raised."""
    traceback: str | None = None
    max_rss_bytes: int | None = None
    cpu_seconds: float | None = None
    stopped: bool = False
    reason: str | None = None
    """A word of executions.states.Reason (``timeout``, ``worker-lost``) when the status alone does not say it."""

    @classmethod
    def failed(cls, error: str, message: str, **more: Any) -> Outcome:
        return cls(ok=False, error=error, message=message, **more)


Cleanup = tuple[str, Mapping[str, Any]]
"""A function to call, ``"module:name"``, and its keyword arguments, which JSON can hold."""


class ProcessResult(Protocol):
    """How a family in the slot's runner ended (executions.executors.process.protocol.Result)."""

    exit_code: int | None
    """Exit status of the command or function's child; None when a signal ended it."""
    signal: int | None
    ended_by: Literal["exit", "timeout", "stop", "memory", "lost", "launch"]
    """Who ended it: itself, its time limit, a stop request, its memory limit, the death of a process of ours, or it
    never began.
    """
    message: str
    """One line for people when `ended_by` is not "exit"; else empty."""
    max_rss_bytes: int | None
    cpu_seconds: float | None
    value: Any
    """JSON value that a called function returned; None for commands."""
    exception: str | None
    traceback: str | None


class Context(Protocol):
    """What a slot offers to the executor that runs in it."""

    def write(self, stream: Stream, data: bytes) -> None:
        """Keep `data` as output of this try; it is redacted, capped and stored within a second."""

    def spawn(
        self,
        argv: list[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,
        stdin: bytes = b"",
        limits: Limits,
    ) -> ProcessResult:
        """Run a command in the slot's runner until its whole family is gone; its output goes to `write`."""

    def call(
        self,
        target: str,
        arguments: Mapping[str, Any],
        *,
        env: Mapping[str, str],
        limits: Limits,
        cleanup: Cleanup | None = None,
    ) -> ProcessResult:
        """Call the Python function `target` (``"module:name"``) with JSON keyword `arguments` in a forked child.

        `cleanup` is another such function, called when the family is gone without having ended by itself with status
        0, for what it may have left outside of itself; within 5 s, also when the worker has died.
        """


class Executor(ABC):
    """One way of doing work."""

    name: ClassVar[str]
    title: ClassVar[str] = ""
    description: ClassVar[str] = ""
    configuration_schema: ClassVar[Mapping[str, Any]] = {"type": "object"}
    """JSON Schema (2020-12) of a job's configuration. A property with ``"writeOnly": true`` is a secret."""

    @abstractmethod
    def run(self, order: WorkOrder, context: Context) -> Outcome:
        """Perform `order` and say how it ended. May raise: the engine turns that into a SYSTEM failure."""
