"""A family of processes: who belongs to it, what it uses, how it is ended.

All of this is about the calling process's own descendants. Being a subreaper, a runner or fork server becomes the
parent of whatever in its family loses its own, so no process can leave: it is a descendant until it is dead and reaped.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_PR_SET_DUMPABLE = 4
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0005, 0.02  # seconds between two looks at a family that is dying
_libc = ctypes.CDLL(None, use_errno=True)


def become_subreaper() -> None:
    """Make the calling process the parent of all descendants that lose theirs."""
    if _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def keep_private() -> None:
    """Let no other process of this user read the calling one's environment and memory, which hold the house's keys.

    Forked processes are kept private, too; programs that they start are not.
    """
    _libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def call_itself(name: str) -> None:
    """Show the calling process as `name` (15 characters) in `ps` and `top`."""
    _libc.prctl(_PR_SET_NAME, name.encode(), 0, 0, 0)


def _children_by_task(pid: int) -> list[int]:
    """Direct children of `pid`; none when it is gone. May miss some while processes die: look again."""
    found: list[int] = []
    with suppress(OSError):  # the process or one of its threads ended while it was looked at
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, _read(f"/proc/{pid}/task/{thread}/children").split())
    return found


def _children_by_scan(pid: int) -> list[int]:
    """As `_children_by_task`, for kernels that keep no lists of children: a look at every process there is."""
    found = []
    for name in os.listdir("/proc"):
        with suppress(OSError):
            if name.isdigit() and int(_read(f"/proc/{name}/stat").rpartition(b")")[2].split()[1]) == pid:
                found.append(int(name))
    return found


def _read(path: str) -> bytes:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        data = part = os.read(descriptor, 65536)
        while part and len(data) > 2048:  # a short answer is the whole of it
            part = os.read(descriptor, 65536)
            data += part
        return data
    finally:
        os.close(descriptor)


_is_listed = Path(f"/proc/self/task/{os.getpid()}/children").exists()
children: Callable[[int], list[int]] = _children_by_task if _is_listed else _children_by_scan


def descendants(pid: int, keep: Collection[int] = ()) -> list[int]:
    """Everything below `pid` but the children in `keep` and what is below those."""
    found = [child for child in children(pid) if child not in keep]
    for member in found:  # grows as it goes
        found += children(member)
    return found


@dataclass(slots=True)
class Use:
    """What a family uses at one moment."""

    memory: int
    """Bytes in RAM, pages that several members share counted for each."""
    processes: int
    threads: int


def use(pids: Collection[int]) -> Use:
    """What `pids` use now, together; those that ended meanwhile count for nothing."""
    memory = processes = threads = 0
    for pid in pids:
        with suppress(OSError):
            fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
            memory += int(fields[21]) * _PAGE
            threads += int(fields[17])
            processes += 1
    return Use(memory, processes, threads)


def fair_memory(pids: Iterable[int]) -> int:
    """Bytes in RAM of `pids` together, a page that n processes share counted for 1/n; dearer than `use`."""
    total = 0
    for pid in pids:
        with suppress(OSError):
            try:
                lines = _read(f"/proc/{pid}/smaps_rollup").splitlines()
                total += next(int(line.split()[1]) * 1024 for line in lines if line.startswith(b"Pss:"))
            except (PermissionError, StopIteration):  # kept private like us, hence forked of us; or it just ended
                total += max(0, use([pid]).memory - use([os.getpid()]).memory)
    return total


def tell(pids: Iterable[int], number: signal.Signals) -> None:
    """Send a signal to each of `pids` that still lives."""
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def tell_group(leader: int, number: signal.Signals) -> None:
    """Send a signal to the process group of `leader`, an unreaped child: else its number could be another's."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, number)


def ask_to_end(leader: int) -> None:
    """SIGTERM, once, to all descendants: to `leader`'s group at a stroke, then to those of other groups."""
    for number in (signal.SIGTERM, signal.SIGCONT):  # a stopped process hears of its end only when it goes on
        tell_group(leader, number)
        tell((pid for pid in descendants(os.getpid()) if _group(pid) != leader), number)


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def kill(pids: Iterable[int]) -> None:
    """SIGKILL each of `pids` and its process group; a group dies at one stroke, even in the middle of forking.

    No group of ours is hit: a run begins with a session of its own, and no process can join a group of another session.
    """
    ours = os.getpgrp()
    groups = set()
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            group = os.getpgid(pid)
            if group not in groups and group > 1 and group != ours:
                groups.add(group)
                os.killpg(group, signal.SIGKILL)
            os.kill(pid, signal.SIGKILL)


@dataclass(slots=True)
class Bill:
    """What reaped processes used, their own reaped children included."""

    leader: int = 0
    """The child whose wait status is kept."""
    status: int | None = None
    cpu: float = 0.0
    biggest: int = 0
    """Bytes in RAM of the biggest one at its biggest."""

    def add(self, pid: int) -> int:
        """Reap child `pid` (-1: any) if it has ended; return its number, 0 when it has not.

        Raises ChildProcessError when there is no such child; for -1 that proves that no descendant lives, for whoever
        loses its parent becomes a child of the calling process before that parent can be reaped.
        """
        reaped, status, resources = os.wait4(pid, os.WNOHANG)
        if reaped:
            if reaped == self.leader:
                self.status = status
            self.cpu += resources.ru_utime + resources.ru_stime
            self.biggest = max(self.biggest, resources.ru_maxrss * 1024)
        return reaped


def end(bill: Bill, within: float) -> bool:
    """KILL and reap all descendants; False when some outlived `within` seconds (stuck in the kernel)."""
    give_up = time.monotonic() + within
    pause = _FIRST_PAUSE
    while True:
        try:
            while bill.add(-1):
                pass
        except ChildProcessError:
            return True
        if time.monotonic() > give_up:
            return False
        kill(descendants(os.getpid()))
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
