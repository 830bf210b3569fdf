"""The worker's side: `Processes` owns the fork server, a `Runner` is a slot's handle on its runner.

    processes = Processes(preload=["executions.executors.python_task"])
    runner = processes.runner()                        # one per slot thread
    result = runner.spawn(["sh", "-c", "echo hello"], env={}, limits=Limits(), on_output=write)
    processes.renewed()                                # after every renewal of the leases, from any thread
    processes.close()

What dies is replaced at its next use. Nothing here waits without a bound but for the run itself.
"""

from __future__ import annotations

import json
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from weakref import WeakSet

from executions.executors.base import Cleanup, Limits, Stream
from executions.executors.process import family, strays
from executions.executors.process.link import Link
from executions.executors.process.protocol import (
    GRACE,
    RENEWAL,
    Chunk,
    Command,
    Function,
    Kind,
    Order,
    Result,
    alive_clock,
    renewal_frame,
)
from executions.executors.process.stop import Stop

__all__ = ["OnOutput", "Processes", "ProcessesError", "Result", "Runner", "Stop"]

OnOutput = Callable[[Stream, bytes, float, int], None]
"""Called in the slot's thread with stream, bytes, when they were read (epoch), how many before them were dropped."""

STARTS_WITHIN = 60.0  # seconds for the fork server to import everything
ANSWERS_WITHIN = 15.0  # seconds for any other answer of it
MARGIN = 40.0  # seconds beyond its limit and grace after which a runner that says nothing is taken for dead
CLOSES_WITHIN = 8.0  # seconds for the fork server to end all when the worker closes
STRAYS_WITHIN = 5.0  # seconds for SIGKILL to end what came to the worker as orphans
_LOOK = 5.0  # seconds between two looks at whether the runner is overdue


class ProcessesError(Exception):
    """The fork server or a runner could not be started; the message says why, in one line."""


class Processes:
    """The fork server of one worker process and the runners that come of it. Safe to use from any thread."""

    def __init__(
        self,
        preload: Sequence[str] = (),
        *,
        django: bool = True,
        folder: str | None = None,
        grace: float = GRACE,
        renewal: float = RENEWAL,
    ) -> None:
        """`preload` names modules that called functions need; `django` sets Django up before, where the environment
        names its settings. Runs get private folders in `folder`, else where the system keeps temporary files. `grace`
        is the time between SIGTERM and SIGKILL, `renewal` the longest between calls of `renewed`; both in seconds.
        """
        self.grace = grace
        self.renewal = renewal
        self.last_renewed: float | None = None
        """When the leases were last renewed, by `alive_clock`; None: not yet, and runs count from their own start."""
        self._options = json.dumps({"preload": list(preload), "django": django, "folder": folder})
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._is_closed = False
        self._takes_in_orphans = False
        self._runners: WeakSet[Runner] = WeakSet()
        self._runners_lock = threading.Lock()

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the fork server and wait until it has imported everything. Raises ProcessesError.

        Not needed, but the first run need not wait then.
        """
        with self._lock:
            self._running_server()

    @property
    def pid(self) -> int | None:
        """The fork server's number; None while there is none."""
        return self._server.process.pid if self._server is not None else None

    def runner(self) -> Runner:
        """A new slot's handle. Its process is forked at its first use."""
        runner = Runner(self)
        with self._runners_lock:
            self._runners.add(runner)
        return runner

    def renewed(self, when: float | None = None) -> None:
        """Tell all runs that the worker's leases were renewed; those that do not hear it for `renewal` seconds end.

        `when` the renewal was begun, by `alive_clock` (None: now), is what the seconds count from, also for runs that
        are yet to start: one that was underway for long, or a worker that was paused, extends nothing.
        """
        self.last_renewed = alive_clock() if when is None else when
        with self._runners_lock:
            runners = list(self._runners)
        for runner in runners:
            runner.renewed(self.last_renewed)

    def close(self) -> None:
        """End everything: runs still going on are lost. Returns when all processes are gone, after 8 s at most."""
        with self._runners_lock:
            runners = list(self._runners)
        with self._lock:
            self._is_closed = True
            server, self._server = self._server, None
            for runner in runners:
                runner.close()
            if server is not None:
                server.close(CLOSES_WITHIN)

    def fork(self) -> Link:
        """A new runner process. Raises ProcessesError."""
        answer, descriptors = self._ask({"fork": True})
        if "error" in answer:
            raise ProcessesError(answer["error"])
        return Link(answer["server"], answer["runner"], socket.socket(fileno=descriptors[0]), descriptors[1])

    def owns(self, link: Link) -> bool:
        """Whether that runner comes of the fork server that lives now: others are about to end."""
        server = self._server
        return server is not None and server.is_alive() and link.server == server.process.pid

    def settle(self, runner: int) -> None:
        """Wait, 5 s at most, until the fork server has ended the family of this dead runner.

        Where the fork server died with it, the family is ended here, if this process takes in orphans.
        """
        with suppress(ProcessesError):
            self._ask({"settle": runner})
        self.end_strays()

    def take_in_orphans(self) -> None:
        """Have what loses both its runner and the fork server come to this process, which ends it.

        Only for a process whose other children all stay in its session.
        """
        family.become_subreaper()
        self._takes_in_orphans = True

    def end_strays(self, *, is_patient: bool = True) -> None:
        """End what came to this process as orphans, in 5 s; not `is_patient`: unless the fork server is starting."""
        if self._takes_in_orphans and self._lock.acquire(blocking=is_patient):
            try:
                strays.end(self._server.process.pid if self._server else None, STRAYS_WITHIN)
            finally:
                self._lock.release()

    def _ask(self, words: Mapping[str, Any]) -> tuple[dict[str, Any], list[int]]:
        with self._lock:
            for is_last in (False, True):
                server = self._running_server()
                try:
                    return server.ask(words)
                except OSError as error:  # it died, or has hung up on us
                    server.close(0)
                    self._server = None
                    if is_last:
                        raise ProcessesError(f"The fork server does not answer: {error}") from error
        raise AssertionError

    def _running_server(self) -> _Server:
        if self._is_closed:
            raise ProcessesError("The worker is shutting down")
        if self._server is not None and not self._server.is_alive():
            self._server.close(0)
            self._server = None
        if self._server is None:
            self._server = _Server(self._options)
        return self._server


class _Server:
    """The fork server's process and the socket to it."""

    def __init__(self, options: str) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "executions.executors.process.forkserver", str(theirs.fileno()), options],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
            )
        try:
            answer, _ = self._receive(STARTS_WITHIN)
        except OSError as error:
            answer = {"error": str(error)}
        if "error" in answer:
            self.close(0)
            raise ProcessesError(f"The processes for jobs cannot be started: {answer['error']}")

    def ask(self, words: Mapping[str, Any]) -> tuple[dict[str, Any], list[int]]:
        """Raises OSError when it does not answer."""
        self._control.settimeout(ANSWERS_WITHIN)
        self._control.send(json.dumps(words).encode())
        return self._receive(ANSWERS_WITHIN)

    def _receive(self, within: float) -> tuple[dict[str, Any], list[int]]:
        self._control.settimeout(within)
        data, descriptors, _, _ = socket.recv_fds(self._control, 65536, 2)
        if not data:
            raise ConnectionResetError("it has ended")
        return json.loads(data), descriptors

    def is_alive(self) -> bool:
        """Whether the process lives and listens."""
        poll = select.poll()
        try:
            poll.register(self._control, 0)
        except ValueError:  # closed here
            return False
        return not poll.poll(0) and self.process.poll() is None

    def close(self, within: float) -> None:
        """Let it end, by force after `within` seconds; its runners and their families end, too."""
        self._control.close()
        try:
            self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Runner:
    """One slot's runner: performs one order at a time, for one thread at a time."""

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._lock = threading.Lock()  # over the two below, never held while anything waits
        self._link: Link | None = None
        self._is_busy = False

    def __enter__(self) -> Runner:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """The runner process's number; None while there is none."""
        link = self._link
        return link.pid if link is not None else None

    def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: str | None = None,
        stdin: bytes = b"",
        limits: Limits,
        on_output: OnOutput,
        stop: Stop | None = None,
    ) -> Result:
        """Run a program until its whole family is gone. `cwd` None: a private folder, removed afterwards.

        HOME, where `env` has none, is the private folder. What `on_output` raises stops the run and is raised after it.
        """
        return self._perform(self._order(Command(list(argv), cwd), env, limits, stdin), on_output, stop)

    def call(
        self,
        target: str,
        arguments: Mapping[str, Any],
        *,
        env: Mapping[str, str],
        limits: Limits,
        on_output: OnOutput,
        stop: Stop | None = None,
        cleanup: Cleanup | None = None,
    ) -> Result:
        """Call ``"module:function"`` with keyword `arguments` in a forked process, until its whole family is gone.

        `cleanup` is called likewise after a family that was cut short.
        """
        order = self._order(Function(target, arguments), env, limits)
        if cleanup is not None:
            order = replace(order, cleanup=Function(*cleanup))
        return self._perform(order, on_output, stop)

    def renewed(self, when: float) -> None:
        """Tell the run, if there is one, that its lease was renewed, and when that was begun."""
        with self._lock:
            link = self._link if self._is_busy else None
            if link is not None:
                link.tell(Kind.RENEWED, renewal_frame(when), within=0)

    def close(self) -> None:
        """End the runner process; a run in it is lost."""
        with self._lock:
            if self._link is None:
                return
            self._link.hang_up()
            if not self._is_busy:  # else the thread that hears of it closes
                self._link.close()
                self._link = None

    def _order(self, action: Command | Function, env: Mapping[str, str], limits: Limits, stdin: bytes = b"") -> Order:
        house = self._processes
        return Order(action, env, limits, stdin, house.grace, house.renewal, house.last_renewed)

    def _perform(self, order: Order, on_output: OnOutput, stop: Stop | None) -> Result:
        stop = stop or Stop()
        if stop.reason is not None:
            return Result(ended_by="stop", message=stop.reason)
        try:
            link = self._engage()
        except ProcessesError as error:
            return Result(ended_by="launch", message=str(error))
        is_fit = False
        try:
            link.order(order)
            with stop.heard_by(lambda reason: link.tell(Kind.STOP, reason.encode())):
                result = _follow(link, order, on_output, stop)
            is_fit = True
            return result
        except OSError:
            link.kill()
            self._processes.settle(link.pid)
            return Result(ended_by="lost", message="The process that ran the job, its runner, has died")
        finally:
            self._release(link, is_fit)

    def _engage(self) -> Link:
        """A living runner process, busy from now on. Raises ProcessesError."""
        with self._lock:
            if self._is_busy:
                raise RuntimeError("a runner performs one order at a time")
            link, self._link = self._link, None
            self._is_busy = True
        try:
            if link is not None and not (link.is_alive() and self._processes.owns(link)):
                link.close()
                link = None
            link = link or self._processes.fork()
        except BaseException:
            self._is_busy = False
            raise
        with self._lock:
            self._link = link
        return link

    def _release(self, link: Link, is_fit: bool) -> None:
        with self._lock:
            self._is_busy = False
            if not is_fit:
                self._link = None
                link.close()


class _Delivery:
    """Hands output on; after a first exception it only counts on the run's end."""

    def __init__(self, on_output: OnOutput) -> None:
        self._on_output = on_output
        self.error: Exception | None = None

    def give(self, chunk: Chunk) -> bool:
        """False when this one could not be delivered."""
        if self.error is None:
            try:
                self._on_output(chunk.stream, bytes(chunk.data), chunk.time, chunk.lost)
            except Exception as error:  # noqa: BLE001  # the family must end before the slot may fail
                self.error = error
                return False
        return True


def _follow(link: Link, order: Order, on_output: OnOutput, stop: Stop) -> Result:
    """Hear the run out. Raises OSError when its runner died, or was killed here because it was overdue."""
    delivery = _Delivery(on_output)
    seconds = order.limits.seconds
    overdue = float("inf") if seconds is None else time.monotonic() + seconds + order.grace + MARGIN
    is_stopped = False
    while True:
        got = link.hear(_LOOK)
        if got is None:
            if (stop.reason is not None or delivery.error is not None) and not is_stopped:
                is_stopped = True
                overdue = min(overdue, time.monotonic() + order.grace + MARGIN)
            if time.monotonic() > overdue:
                raise TimeoutError("the runner does not answer")
        elif got[0] is Kind.OUTPUT:
            if not delivery.give(Chunk.decode(got[1])):
                link.tell(Kind.STOP, b"Its output could not be kept")
        elif got[0] is Kind.RESULT:
            if delivery.error is not None:
                raise delivery.error
            return Result.decode(got[1])
