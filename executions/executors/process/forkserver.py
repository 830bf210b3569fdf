"""The fork server: a small process that has everything imported and forks runners from itself.

    python -m executions.executors.process.forkserver DESCRIPTOR OPTIONS

It is a program of its own, and single-threaded, because forking a worker full of threads would copy locks that nobody
ever opens again. DESCRIPTOR is its end of a socket to the worker, OPTIONS a JSON object: `django` (set Django up?) and
`preload` (modules to import). It ends when that socket closes, and takes along all that came of it. The families of
runners that died become its children (it is a subreaper), and it ends those, too.
"""

from __future__ import annotations

import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any

from executions.executors.process import family, runner

SOON = 6.0  # seconds that runners have to end by themselves, and to clean up after their runs, when the worker is gone
SETTLED = 5.0  # seconds that the worker waits at most for a dead runner's family to be gone
STUCK = 60.0  # seconds after which what SIGKILL does not end is left behind
_PAUSE, _LONGEST_PAUSE = 0.01, 1.0  # seconds between two looks while something is to be ended
_OOM_SCORE = b"300"  # the kernel, out of memory, rather ends a job than the worker


def main() -> None:
    control = socket.socket(fileno=int(sys.argv[1]))
    options = json.loads(sys.argv[2])
    _settle()
    gc.disable()
    try:
        _preload(options["preload"], options["django"])
    except Exception as error:  # noqa: BLE001  # code we did not write is imported; the worker is told what it raised
        traceback.print_exc()
        control.send(json.dumps({"error": f"{type(error).__name__}: {error}"[:2000]}).encode())
        sys.exit(1)
    gc.collect()
    gc.freeze()  # what was imported stays in pages that all forks share
    gc.enable()
    ForkServer(control, options["folder"]).serve()


def _settle() -> None:
    """Become what all that is forked here should be, whatever thread of the worker started this."""
    family.become_subreaper()
    family.call_itself("jobhouse-forks")
    family.keep_private()
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_bytes(_OOM_SCORE)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in signal.valid_signals() - {signal.SIGPIPE}:  # which Python ignores, and gives back to commands
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)


def _preload(modules: list[str], django: bool) -> None:
    if django and os.environ.get("DJANGO_SETTINGS_MODULE"):
        import_module("django").setup()
    for name in modules:
        import_module(name)
    database = sys.modules.get("django.db")
    if database is not None:
        database.connections.close_all()


class ForkServer:
    """Forks runners on request and ends what they leave behind."""

    def __init__(self, control: socket.socket, folder: str | None) -> None:
        self._control = control
        self._runners: set[int] = set()
        self._dead: set[int] = set()  # runners whose private folders may have been left behind
        self._liveness, self._alive = os.pipe()  # nobody writes: its end says that this process is gone
        self._base = tempfile.mkdtemp(prefix="jobhouse-", dir=folder)
        self._bill = family.Bill()
        self._awaited: tuple[int, float] | None = None  # the runner whose family the worker waits for, and until when
        self._wakeup = os.pipe()
        for descriptor in self._wakeup:
            os.set_blocking(descriptor, False)

    def serve(self) -> None:
        signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _wake)
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._wakeup[0], select.POLLIN)
        with suppress(ConnectionError):
            self._say({"ready": os.getpid()})
            pause = 0.0
            while True:
                events = dict(poll.poll(pause * 1000 or None))
                if self._wakeup[0] in events:
                    _empty(self._wakeup[0])
                if self._control.fileno() in events and not self._heed():
                    break
                pause = 0.0 if self._end_orphans() else min(2 * pause or _PAUSE, _LONGEST_PAUSE)
                self._tell_settled()
        self._leave()

    def _heed(self) -> bool:
        """Do what the worker asks; False when it is gone."""
        request = self._control.recv(65536)
        if not request:
            return False
        words = json.loads(request)
        if "settle" in words:
            self._awaited = words["settle"], time.monotonic() + SETTLED
        else:
            self._fork()
        return True

    def _say(self, words: dict[str, Any], descriptors: tuple[int, ...] = ()) -> None:
        socket.send_fds(self._control, [json.dumps(words).encode()], descriptors)

    def _fork(self) -> None:
        """Fork a runner; give the worker its number, its socket and a descriptor of the process."""
        ours, theirs = socket.socketpair()
        try:
            pid = os.fork()
        except OSError as error:
            ours.close()
            theirs.close()
            return self._say({"error": f"No runner could be forked: {error.strerror}"})
        if pid == 0:
            self._become_runner(ours, theirs)
        self._runners.add(pid)
        pidfd = os.pidfd_open(pid)
        try:
            self._say({"runner": pid, "server": os.getpid()}, (theirs.fileno(), pidfd))
        finally:
            os.close(pidfd)
            ours.close()
            theirs.close()

    def _become_runner(self, ours: socket.socket, theirs: socket.socket) -> None:
        """In the forked process: keep nothing of the fork server's and serve. Never returns."""
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.close()
            theirs.close()
            for descriptor in (self._alive, *self._wakeup):
                os.close(descriptor)
            runner.serve(ours, self._liveness, self._base)
        finally:
            os._exit(1)

    def _end_orphans(self) -> bool:
        """Reap whoever has ended and KILL what runners left behind; True when only runners are left."""
        with suppress(ChildProcessError):
            while pid := self._bill.add(-1):
                if pid in self._runners:
                    self._runners.remove(pid)
                    self._dead.add(pid)
        orphans = family.descendants(os.getpid(), keep=self._runners)
        family.kill(orphans)
        while self._dead and not orphans:
            shutil.rmtree(os.path.join(self._base, str(self._dead.pop())), ignore_errors=True)
        return not orphans

    def _tell_settled(self) -> None:
        """Answer the worker that waits for the family of a dead runner to be gone."""
        if self._awaited is None:
            return
        pid, until = self._awaited
        is_gone = pid not in self._runners and not family.descendants(os.getpid(), self._runners)
        if is_gone or time.monotonic() >= until:
            self._awaited = None
            self._say({"settled": pid})

    def _leave(self) -> None:
        """The worker is gone: let the runners end their families, then end whatever is left."""
        os.close(self._alive)
        give_up = time.monotonic() + SOON
        while self._runners and time.monotonic() < give_up:
            self._end_orphans()
            time.sleep(_PAUSE)
        family.end(self._bill, STUCK)
        shutil.rmtree(self._base, ignore_errors=True)


def _wake(_number: int, _frame: object) -> None:
    """The wake-up descriptor does the rest. Signals to a whole group are for the worker to heed."""


def _empty(descriptor: int) -> None:
    with suppress(BlockingIOError):
        while os.read(descriptor, 512):
            pass


if __name__ == "__main__":
    main()
