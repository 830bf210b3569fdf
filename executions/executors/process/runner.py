"""A runner: the process of one slot, which performs one order after the other and never lets a family outlive its run.

    order --launch--> family --output--> worker        while it runs: time, memory, processes, renewals, stop requests
                         '--end: TERM, grace, KILL until nobody is left--> result

How a family ends: past its time limit or stopped on request it gets SIGTERM and `grace` seconds, then SIGKILL. Past its
memory or number of processes, or without a worker, it gets SIGKILL at once. What is left when the command itself has
ended gets SIGKILL at once, too: it has outlived its job.
"""

from __future__ import annotations

import json
import math
import os
import resource
import select
import shutil
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, NoReturn

from executions.executors.process import family
from executions.executors.process.launch import Leader, NotLaunched, launch
from executions.executors.process.line import Closed, Line
from executions.executors.process.output import Funnel
from executions.executors.process.protocol import (
    CLEANS_UP_WITHIN,
    MAX_RESULT,
    Command,
    EndedBy,
    Kind,
    Order,
    Result,
    alive_clock,
    moment,
)

STUCK = 20.0  # seconds after SIGKILL that are waited for a process that the kernel does not let go
THREADS = 16  # threads that a family may have for each process that it may have
_FIRST_LOOK, _OFTEN, _SELDOM = 0.05, 0.25, 0.5  # seconds between looks at what a family uses
_GONE_LOOK = 0.03  # seconds between looks at whether a family that was asked to end has ended
_DRAIN = 64  # reads of what is left in a pipe at the end; more would be somebody else's still writing
_buffer = memoryview(bytearray(65536))  # of this process, which reads one pipe at a time
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def serve(control: socket.socket, liveness: int, base: str) -> NoReturn:
    """Perform the orders that come on `control` until it, or the pipe `liveness` of the fork server, closes."""
    family.become_subreaper()
    family.call_itself("jobhouse-runner")
    for number in _IGNORED:  # handlers, since what is ignored would stay ignored in commands
        signal.signal(number, _ignore)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    line = Line(control)
    folder = os.path.join(base, str(os.getpid()))
    try:
        while (order := _next_order(line, liveness)) is not None:
            run = Run(order, line, liveness, folder)
            line.put(Kind.RESULT, run.perform().encode())
            line.send_all()
            if run.is_stuck:
                break  # the fork server inherits what could not be ended and goes on trying
    except Closed:
        pass
    except BaseException:  # noqa: BLE001  # nothing may return into the fork server that this process is a copy of
        traceback.print_exc(file=sys.stderr)
    finally:
        family.end(family.Bill(), STUCK)
        if _is_closed(liveness):
            with suppress(OSError):  # only the last runner can remove it
                os.rmdir(base)
        os._exit(0)


def _ignore(_number: int, _frame: object) -> None:
    """Signals to a whole group of processes are for the worker to heed: runners end when it does."""


def _is_closed(liveness: int) -> bool:
    poll = select.poll()
    poll.register(liveness, 0)
    return bool(poll.poll(0))


def _next_order(line: Line, liveness: int) -> Order | None:
    """The next order; None when the fork server is gone. Raises Closed."""
    poll = select.poll()
    poll.register(line.control, select.POLLIN)
    poll.register(liveness, 0)
    while True:
        while (got := line.next()) is not None:
            if got[0] is Kind.ORDER:
                return Order.decode(got[1])
            # A renewal, or a request to stop that crossed the result of the run it was meant for.
        for descriptor, _ in poll.poll():
            if descriptor == liveness:
                return None
            line.read()


class Run:
    """One order, from its launch until its family is gone."""

    def __init__(self, order: Order, line: Line, liveness: int, folder: str) -> None:
        self._order = order
        self._line = line
        self._liveness = liveness
        self._folder = folder
        self._ended_by: EndedBy = "exit"
        self._message = ""
        self._is_over = False  # nothing more to wait for: end the family now
        self._has_exited = (
            False  # the leader has; it is reaped after its group is dead, so that its number stays its own
        )
        self._kill_at = math.inf  # after a request to end; moments are monotonic seconds
        self._leader: Leader
        self._bill = family.Bill()
        self._funnel = Funnel()
        self._answer = bytearray()
        self._peak = 0
        self._renewed = alive_clock() if order.renewed is None else order.renewed
        self._began = time.monotonic()
        self._look_at = self._began + _FIRST_LOOK
        self._poll = select.poll()
        self._heed: dict[int, Callable[[int], object]] = {}
        self.is_stuck = False
        """Something outlived SIGKILL; this runner must not be used again."""

    def perform(self) -> Result:
        """Run the family and return how it ended; its output is on the line by then. Raises Closed."""
        if self._is_unheard_of:  # the worker was paused with this order in hand: it may be somebody else's by now
            return Result(ended_by="lost", message=self._unheard_of)
        try:
            _make(self._folder)
            leader = launch(self._order, self._folder, [self._line.control.fileno(), self._liveness])
        except (NotLaunched, OSError) as error:
            _remove(self._folder)
            return Result(ended_by="launch", message=str(error))
        self._leader = leader
        self._bill.leader = leader.pid
        try:
            self._watch(leader)
        finally:
            family.tell_group(leader.pid, signal.SIGKILL)
            self.is_stuck = not family.end(self._bill, STUCK)
            self._clean_up()
            _remove(self._folder)
        self._drain(leader)
        leader.close()
        self._heed.clear()  # these refer to this object: let it go now, not when the garbage is collected
        return self._result(leader)

    @property
    def _is_unheard_of(self) -> bool:
        return alive_clock() - self._renewed >= self._order.renewal

    @property
    def _unheard_of(self) -> str:
        return f"The worker was not heard of for {self._order.renewal:g} s"

    # --- while it runs ------------------------------------------------------------------------------------------------

    def _watch(self, leader: Leader) -> None:
        """Return when the family is to be ended, by SIGKILL, as far as it has not ended by itself."""
        self._listen(leader.pidfd, self._on_exit)
        for descriptor in leader.streams:
            self._listen(descriptor, partial(self._read, leader))
        if leader.answer is not None:
            self._listen(leader.answer, self._on_answer)
        self._listen(self._line.control.fileno(), self._on_control)
        self._listen(self._liveness, self._on_orphaned, 0)
        self._heed_worker()  # a request to stop may have come together with the order
        while not self._is_over:
            self._poll.modify(self._line.control, select.POLLIN | (0 if self._line.is_clear else select.POLLOUT))
            for descriptor, _ in self._poll.poll(self._patience()):
                if descriptor in self._heed:
                    self._heed[descriptor](descriptor)
            now = time.monotonic()
            self._pass_on(now)
            if not self._is_over:
                self._check(now)

    def _listen(self, descriptor: int, heed: Callable[[int], object], events: int = select.POLLIN) -> None:
        self._poll.register(descriptor, events)
        self._heed[descriptor] = heed

    def _stop_listening(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        del self._heed[descriptor]

    def _patience(self) -> int:
        """Milliseconds until something is to be done even if nothing happens."""
        now = time.monotonic()
        wake = [self._look_at, self._kill_at, now + self._order.renewal - (alive_clock() - self._renewed)]
        if self._ended_by == "exit" and self._order.limits.seconds is not None:
            wake.append(self._began + self._order.limits.seconds)
        due = self._funnel.due()
        if due is not None and self._line.is_clear:
            wake.append(due)
        return max(0, math.ceil((min(wake) - now) * 1000))

    def _on_exit(self, pidfd: int) -> None:
        self._has_exited = True
        self._is_over = self._kill_at == math.inf  # else what is left of the family may use its grace
        self._stop_listening(pidfd)

    def _on_answer(self, descriptor: int) -> None:
        data = os.read(descriptor, 65536)
        self._answer += data
        if not data or len(self._answer) > 2 * MAX_RESULT:
            self._stop_listening(descriptor)

    def _on_control(self, _: int) -> None:
        self._line.read()
        self._line.send()
        self._heed_worker()

    def _heed_worker(self) -> None:
        while (got := self._line.next()) is not None:
            if got[0] is Kind.RENEWED:
                self._renewed = max(self._renewed, moment(got[1]))
            elif got[0] is Kind.STOP:
                self._ask_to_end("stop", got[1].decode() or "Stopped on request")

    def _on_orphaned(self, _: int) -> None:
        self._kill("lost", "A process of the worker, the fork server, has died")

    def _read(self, leader: Leader, descriptor: int) -> bool:
        """Take what is in a pipe; False when there was nothing."""
        try:
            size = os.readv(descriptor, [_buffer])
        except BlockingIOError:
            return False
        if size:
            self._funnel.add(leader.streams[descriptor], _buffer[:size], time.time(), time.monotonic())
        elif descriptor in self._heed:
            self._stop_listening(descriptor)
        return size > 0

    def _pass_on(self, now: float) -> None:
        if self._line.is_clear:
            for chunk in self._funnel.take(now):
                self._line.put(Kind.OUTPUT, chunk.encode())
            self._line.send()

    # --- limits -------------------------------------------------------------------------------------------------------

    def _check(self, now: float) -> None:
        """Hold the family to its limits."""
        limit = self._order.limits.seconds
        if limit is not None and now >= self._began + limit:
            self._ask_to_end("timeout", f"Ran longer than its time limit of {limit:g} s")
        if self._is_unheard_of:
            self._kill("lost", self._unheard_of)
        if now >= self._kill_at:
            self._is_over = True
        elif now >= self._look_at:
            self._look(now)

    def _look(self, now: float) -> None:
        """See what the family uses; reap those of it that became ours and ended."""
        for child in family.children(os.getpid()):
            if child != self._leader.pid:
                self._bill.add(child)
        members = family.descendants(os.getpid())
        if self._has_exited and members == [self._leader.pid]:
            self._is_over = True
            return
        use = family.use(members)
        self._peak = max(self._peak, use.memory)
        limits = self._order.limits
        crowd = max(use.processes, use.threads / THREADS) / (limits.processes or math.inf)
        weight = use.memory / (limits.memory or math.inf)
        if crowd > 1:
            self._kill("exit", f"Killed: more than its limit of {limits.processes} processes ({THREADS} threads each)")
        elif weight > 1 and (fair := family.fair_memory(members)) > (limits.memory or math.inf):
            limit = (limits.memory or 0) >> 20
            self._kill("memory", f"Used {fair >> 20} MiB of memory, more than its limit of {limit} MiB")
        if self._kill_at < math.inf:
            self._look_at = now + _GONE_LOOK
        else:
            self._look_at = now + (_OFTEN if max(crowd, weight) > 0.25 or now - self._began < 2 else _SELDOM)

    def _ask_to_end(self, by: EndedBy, message: str) -> None:
        """Give the family its grace; of several reasons the first counts."""
        if self._ended_by != "exit" or self._is_over:
            return
        self._ended_by, self._message = by, message
        self._look_at = time.monotonic() + _GONE_LOOK
        self._kill_at = time.monotonic() + self._order.grace
        family.ask_to_end(self._leader.pid)

    def _kill(self, by: EndedBy, message: str) -> None:
        if self._ended_by == "exit":
            self._ended_by, self._message = by, message
        self._is_over = True

    # --- afterwards ---------------------------------------------------------------------------------------------------

    def _clean_up(self) -> None:
        """Call what removes the traces that a family which was cut short may have left outside of itself."""
        if self._order.cleanup is None or (self._bill.status == 0 and self._ended_by == "exit"):
            return
        order = replace(self._order, action=self._order.cleanup)
        with suppress(NotLaunched, OSError):
            cleaner = launch(order, self._folder, [self._line.control.fileno(), self._liveness])
            ended = select.poll()
            ended.register(cleaner.pidfd, select.POLLIN)
            ended.poll(CLEANS_UP_WITHIN * 1000)
            family.end(family.Bill(), STUCK)
            cleaner.close()

    def _drain(self, leader: Leader) -> None:
        """Take what the dead have left in the pipes; not until EOF, which a descriptor handed elsewhere could delay."""
        for descriptor in leader.streams:
            for _ in range(_DRAIN):
                if not self._read(leader, descriptor):
                    break
        if leader.answer is not None:
            with suppress(BlockingIOError):
                while len(self._answer) <= 2 * MAX_RESULT and (data := os.read(leader.answer, 65536)):
                    self._answer += data
        for chunk in self._funnel.rest():
            self._line.put(Kind.OUTPUT, chunk.encode())

    def _result(self, leader: Leader) -> Result:
        result = Result(
            ended_by=self._ended_by,
            message=self._message,
            max_rss_bytes=self._memory(),
            cpu_seconds=round(self._bill.cpu, 6),
        )
        if self._bill.status is not None:
            code = os.waitstatus_to_exitcode(self._bill.status)
            result.exit_code, result.signal = (code, None) if code >= 0 else (None, -code)
        if self.is_stuck:
            result.message = f"{result.message}; a process of it could not be ended".lstrip("; ")
        if leader.answer is not None and result.ended_by == "exit" and not result.message:
            for name, word in self._words(result).items():
                setattr(result, name, word)
        return result

    def _words(self, result: Result) -> dict[str, Any]:
        """What a called function answered: `value`, or `exception`, `message` and `traceback`."""
        try:
            words: dict[str, Any] = json.loads(bytes(self._answer))
        except ValueError:
            words = {"message": "Ended without a result"} if result.exit_code == 0 else {}
        return words

    def _memory(self) -> int | None:
        """The most memory used, if that is known.

        A vforked child's account begins with the size of the runner itself, so up to that size it says nothing.
        """
        is_command = isinstance(self._order.action, Command)
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 if is_command else 0
        return max(self._peak, self._bill.biggest if self._bill.biggest > own else 0) or None


def _make(folder: str) -> None:
    """Make a run's private folder; what keeps temporary folders tidy may have removed the one that it belongs in."""
    try:
        os.mkdir(folder, 0o700)
    except FileNotFoundError:
        os.mkdir(os.path.dirname(folder), 0o700)
        os.mkdir(folder, 0o700)


def _remove(folder: str) -> None:
    """Remove a run's private folder with whatever it holds, as far as that is possible."""
    with suppress(OSError):
        return os.rmdir(folder)  # most runs leave nothing in it
    shutil.rmtree(folder, ignore_errors=True)
    if not os.path.exists(folder):
        return
    for place, inner, _ in os.walk(folder):  # a job may have taken rights away, from itself
        for path in (os.path.join(place, name) for name in inner):
            with suppress(OSError):
                if not os.path.islink(path):
                    os.chmod(path, 0o700)
    shutil.rmtree(folder, ignore_errors=True)
