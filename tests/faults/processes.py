"""Processes seen from outside, in /proc: found by a mark in their environment, killed, paused, waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process as it was when it was looked at."""

    pid: int
    parent: int
    name: str
    command: str
    started: str
    """When, in the kernel's words: a number may be another process's later."""


_seen: dict[str, set[tuple[int, str]]] = {}
"""By mark: the number and start of processes that were once found by it."""


def marked(mark: str) -> list[Process]:
    """The living processes that have `mark` in their environment or came of one that has, but for the calling one.

    A worker and its runners keep their environment to themselves, and only root may look: their command line, their
    parent, and having been seen before tell them apart, too.
    """
    living = {process.pid: process for process in map(_look, _numbers()) if process}
    seen = _seen.setdefault(mark, set())
    ours = {p.pid for p in living.values() if (p.pid, p.started) in seen or mark in p.command or _bears(p.pid, mark)}
    while more := {p.pid for p in living.values() if p.parent in ours} - ours:
        ours |= more
    ours.discard(os.getpid())
    seen |= {(pid, living[pid].started) for pid in ours}
    return [process for process in living.values() if process.pid in ours]


def _numbers() -> list[int]:
    return [int(entry) for entry in os.listdir("/proc") if entry.isdigit()]


def _bears(pid: int, mark: str) -> bool:
    with suppress(OSError):
        return mark.encode() in Path(f"/proc/{pid}/environ").read_bytes()
    return False


def _look(pid: int) -> Process | None:
    """The process `pid`; None when it is gone, or a zombie, which only waits for its parent to look."""
    with suppress(OSError):
        head, _, rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")
        fields = rest.split()
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        if fields[0] != "Z":
            return Process(pid, int(fields[1]), head.partition("(")[2], command, started=fields[19])
    return None


def end_all(mark: str) -> int:
    """Kill whatever has `mark`, until two looks in a row find nothing; return how many were found at first."""
    first, quiet, end = len(marked(mark)), 0, time.monotonic() + 30
    while quiet < 2 and time.monotonic() < end:
        found = marked(mark)
        quiet = 0 if found else quiet + 1
        for process in found:
            with suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        time.sleep(0.05)
    return first


def survivors(mark: str, within: float) -> list[Process]:
    """What still has `mark` after `within` seconds at most; two looks in a row must agree that nothing has."""
    quiet, end = 0, time.monotonic() + within
    while True:
        found = marked(mark)
        quiet = 0 if found else quiet + 1
        if quiet == 2 or (found and time.monotonic() > end):
            return found
        time.sleep(0.1)


class Program:
    """A process that a test started. What it prints goes to a file."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=Path(__file__).resolve().parents[2],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def tell(self, number: signal.Signals) -> None:
        if self.is_alive:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, to this process alone."""
        self.tell(signal.SIGKILL)
        self._process.wait(30)

    def ended(self, within: float) -> bool:
        """Whether it has ended by itself, or does within so many seconds."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(within)
        return not self.is_alive

    @property
    def exit_code(self) -> int | None:
        return self._process.poll()

    def said(self) -> str:
        """Everything it has printed so far."""
        return self.log.read_text(errors="replace")
