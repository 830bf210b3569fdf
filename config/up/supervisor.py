"""The supervisor: starts the parts of a house, starts again what dies, and stops them in order.

start --> up for 10 s? --yes--> dies? started again after 1, 2, 4 … 30 s, for ever
                       '--no---> started again likewise; the fifth time in a row the house gives up

SIGTERM, SIGINT    every part gets SIGTERM, those of a later stage when the earlier ones have ended
once more          SIGQUIT, then SIGKILL
in any case        whatever is left below this process is killed before `run` returns
"""

from __future__ import annotations

import os
import selectors
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import FrameType

from config.up.part import PIPE
from config.up.stream import Lines, Stream
from executions.executors.process import family

STOPPED, GAVE_UP = 0, 2
"""What `run` returns: stopped when asked, or one of the parts could not be started at all."""

GRACE = 43.0
"""Seconds from the wish to stop until SIGKILL. A worker takes 30 for its jobs and up to 10 to stop those that go on."""
STAGE_GRACE = 36.0
"""Seconds after which a later stage is stopped although an earlier one has not ended."""
HURRY = 2.0
"""Seconds from SIGQUIT to SIGKILL when somebody asks a second time."""
ONE_WISH = 0.5
"""Seconds within which two signals are one wish to stop."""
LEFTOVERS = 5.0
"""Seconds in which what a dead part has started notices that by itself; then it is killed."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Seconds before a part is started again; doubled each time."""
HEALTHY = 60.0
"""Seconds after which a part that ran counts as healthy: its next pause is the first one again."""
CAME_UP = 10.0
"""Seconds after which a part has shown that it can run at all."""
FAILED_STARTS = 5
"""So often may a part end before it came up."""

_NOT_ITS_FAULT = (-signal.SIGKILL, -signal.SIGTERM)
"""Exits that say nothing about whether a part can run: somebody ended it."""


@dataclass(frozen=True)
class Part:
    """A part of the house: a Python module with its arguments, in a process group of its own."""

    name: str
    command: Sequence[str]
    """What follows ``python -m``."""
    environment: Mapping[str, str] = field(default_factory=dict)
    descriptors: Sequence[int] = ()
    """Open files that it inherits."""
    stage: int = 0
    """Parts of a lower stage are stopped first."""


@dataclass(slots=True)
class Watched:
    """A part and how it fares."""

    part: Part
    pid: int | None = None
    """Its first process; None while there is none."""
    lines: Lines = field(default_factory=Lines)
    started: float = 0.0
    pause: float = FIRST_PAUSE
    start_at: float | None = None
    """When to start it again; None while it runs."""
    failed_starts: int = 0
    has_come_up: bool = False
    was_told: bool = False
    """It got its SIGTERM."""


class Supervisor:
    """Runs `parts` until it is asked to stop.

    Must run in the main thread of a process that has no other children: it reaps them all.
    """

    def __init__(
        self,
        parts: Sequence[Part],
        stream: Stream,
        *,
        python: Sequence[str],
        environment: Mapping[str, str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._watched = [Watched(part) for part in parts]
        self._stream = stream
        self._python = [*python, "-m", "config.up.part"]
        self._environment = dict(environment)
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._wishes = 0
        self._last_wish = -ONE_WISH
        self._stop_began: float | None = None
        self._hurry_began: float | None = None
        self._sweep_at: float | None = None
        self._code = STOPPED

    def run(self) -> int:
        """Run the house; return STOPPED or GAVE_UP. Nothing that it started is alive afterwards."""
        family.become_subreaper()
        with ExitStack() as stack:
            self._pipe, writing = os.pipe()  # closes with this process: that is how the parts notice its end
            stack.callback(os.close, writing)
            stack.callback(os.close, self._pipe)
            stack.enter_context(self._signals())
            stack.callback(self._end_what_is_left)
            for watched in self._watched:
                self._start(watched)
            while not self._is_over():
                self._wait()
                self._reap()
                self._act()
        return self._code

    # --- one turn of the loop ---
    def _wait(self) -> None:
        """Sleep until there is output, a signal, or something to do."""
        for key, _ in self._selector.select(self._seconds_to_next()):
            key.data()

    def _seconds_to_next(self) -> float | None:
        now = self._clock()
        moments = [watched.start_at for watched in self._watched if watched.start_at is not None]
        if self._sweep_at is not None:
            moments.append(self._sweep_at)
        if self._stop_began is not None:
            moments.append(self._stop_began + (STAGE_GRACE if now < self._stop_began + STAGE_GRACE else GRACE))
        if self._hurry_began is not None:
            moments.append(self._hurry_began + HURRY)
        return max(0.0, min(moments) - now) if moments else None

    def _reap(self) -> None:
        """Take note of every child that has ended: parts, and orphans that came to us as their subreaper."""
        by_pid = {watched.pid: watched for watched in self._watched if watched.pid}
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if not pid:
                return
            if pid in by_pid:
                self._ended(by_pid[pid], os.waitstatus_to_exitcode(status))

    def _act(self) -> None:
        """Do what is due: stop what should stop, start what should run, clear away what a dead part left."""
        now = self._clock()
        if self._wishes:
            self._stop(now)
            return
        if self._sweep_at is not None and now >= self._sweep_at:
            self._sweep_at = None
            self._sweep()
        for watched in self._watched:
            if watched.start_at is not None and now >= watched.start_at:
                self._start(watched)

    # --- starting ---
    def _start(self, watched: Watched) -> None:
        part = watched.part
        reading, writing = os.pipe()
        try:
            process = subprocess.Popen(
                [*self._python, *part.command],
                env={**self._environment, **part.environment, PIPE: str(self._pipe)},
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                pass_fds=(self._pipe, *part.descriptors),
                start_new_session=True,  # Ctrl-C at the terminal reaches us alone
            )
        except OSError as error:  # no memory, no process left: that may pass
            self._say(f"{part.name} could not be started ({error.strerror}); trying again in {LONGEST_PAUSE:g} s.")
            watched.start_at = self._clock() + LONGEST_PAUSE
            os.close(reading)
            return
        finally:
            os.close(writing)
        process.returncode = 0  # it is reaped here, not by its object
        watched.pid, watched.started, watched.start_at = process.pid, self._clock(), None
        watched.lines = Lines()
        self._read(watched, reading)

    def _read(self, watched: Watched, pipe: int) -> None:
        """Pass on its output until the last process that holds the pipe has ended."""
        lines, name = watched.lines, watched.part.name

        def read() -> None:
            try:
                data = os.read(pipe, 65_536)
            except BlockingIOError:
                return
            for line in lines.feed(data):
                if line.strip():
                    self._stream.line(name, line)
            if not data:
                self._selector.unregister(pipe)
                os.close(pipe)

        os.set_blocking(pipe, False)
        self._selector.register(pipe, selectors.EVENT_READ, read)

    # --- a part ended ---
    def _ended(self, watched: Watched, code: int) -> None:
        now = self._clock()
        watched.pid = None
        if self._wishes:
            if not watched.was_told or code not in (0, -signal.SIGTERM):
                self._say(f"{watched.part.name} ended ({_how(code)}).")
            return
        ran = now - watched.started
        if ran >= CAME_UP:
            watched.has_come_up = True
        if ran >= HEALTHY:
            watched.pause = FIRST_PAUSE
        if not watched.has_come_up and code not in _NOT_ITS_FAULT:
            watched.failed_starts += 1
            if watched.failed_starts >= FAILED_STARTS:
                self._give_up(watched, code)
                return
        self._say(f"{watched.part.name} ended ({_how(code)}); starting it again in {watched.pause:g} s.")
        watched.start_at = now + watched.pause
        watched.pause = min(2 * watched.pause, LONGEST_PAUSE)
        self._sweep_at = now + LEFTOVERS

    def _give_up(self, watched: Watched, code: int) -> None:
        self._drain()
        how = f"it ended {FAILED_STARTS} times in a row ({_how(code)})"
        self._say(f"{watched.part.name} cannot start: {how}. Its last lines:")
        for line in watched.lines.last:
            self._stream.line("house", f"  {line}")
        self._code = GAVE_UP
        self._wishes = max(1, self._wishes)

    def _sweep(self) -> None:
        """Kill what a part that died has left: only orphans are our children without being parts."""
        parts = [watched.pid for watched in self._watched if watched.pid]
        if leftovers := family.descendants(os.getpid(), keep=parts):
            self._say(f"Killing {len(leftovers)} processes that outlived their part.")
            family.kill(leftovers)

    # --- stopping ---
    def _stop(self, now: float) -> None:
        """Move the stop on. Stages one after the other; a second wish hurries; SIGKILL ends what does not end."""
        if self._stop_began is None:
            self._stop_began = now
            for watched in self._watched:
                watched.start_at = None
            if self._living():
                self._say("Stopping: running jobs have 30 s. Once more stops them at once.")
        if self._wishes > 1 and self._hurry_began is None:
            self._hurry_began = now
            self._say("Stopping at once.")
            for watched in self._living():
                watched.was_told = True
                self._signal(watched, signal.SIGQUIT)
        stages = {watched.part.stage for watched in self._living()}
        for watched in self._living():
            is_its_turn = watched.part.stage == min(stages) or now >= self._stop_began + STAGE_GRACE
            if is_its_turn and not watched.was_told:
                watched.was_told = True
                self._signal(watched, signal.SIGTERM)
        hurried_out = self._hurry_began is not None and now >= self._hurry_began + HURRY
        if hurried_out or now >= self._stop_began + GRACE:
            for watched in self._living():
                self._say(f"{watched.part.name} did not end in time and is killed.")
                self._signal(watched, signal.SIGKILL)
                watched.pid = None

    def _is_over(self) -> bool:
        return self._stop_began is not None and not self._living()

    def _living(self) -> list[Watched]:
        return [watched for watched in self._watched if watched.pid]

    @staticmethod
    def _signal(watched: Watched, number: signal.Signals) -> None:
        """To the part's first process alone: a worker's runners tidy up by themselves when it has gone."""
        if watched.pid:
            family.tell([watched.pid], number)

    def _end_what_is_left(self) -> None:
        """Give what the parts started a moment to tidy up by itself, then kill whatever lives below this process."""
        end = self._clock() + HURRY
        while family.children(os.getpid()) and self._clock() < end:
            self._reap()
            time.sleep(0.05)
        family.end(family.Bill(), within=1.0)
        self._drain()
        self._selector.close()

    def _drain(self) -> None:
        """Show what has been printed and not been read yet; not all of it where it never ends."""
        for _ in range(64):
            for key, _events in self._selector.select(0):
                key.data()

    # --- signals ---
    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Inside, signals wake the loop; SIGTERM, SIGINT and SIGHUP (the terminal has gone) are wishes to stop."""
        reading, writing = socket.socketpair()
        reading.setblocking(False)
        writing.setblocking(False)
        numbers = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        before = {number: signal.getsignal(number) for number in numbers}
        wake_before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        self._selector.register(reading, selectors.EVENT_READ, lambda: reading.recv(4096))
        for number in numbers:
            signal.signal(number, self._note)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wake_before)
            for number, handler in before.items():
                signal.signal(number, handler)
            reading.close()
            writing.close()

    def _note(self, number: int, _frame: FrameType | None) -> None:
        """A terminal and a `make` in front of us may pass on the same wish twice, so what comes at once counts once."""
        now = time.monotonic()
        if number != signal.SIGCHLD and now - self._last_wish > ONE_WISH:
            self._wishes += 1
            self._last_wish = now

    def _say(self, text: str) -> None:
        self._stream.line("house", text)


def _how(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"
