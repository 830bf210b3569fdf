"""How a family begins: a program is spawned or a function's process forked, its output on pipes."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from executions.executors.base import Limits, Stream
from executions.executors.process import child
from executions.executors.process.protocol import Command, Function, Order


class NotLaunched(Exception):
    """The family could not begin; the message says why, in one line for people."""


@dataclass(slots=True)
class Leader:
    """The first process of a family, of a session and a process group of its own; `pid` is the number of all three."""

    pid: int
    pidfd: int
    streams: dict[int, Stream]
    """Read ends of the pipes for output, non-blocking."""
    answer: int | None = None
    """Read end of the pipe on which a function's process says how the call ended; non-blocking."""

    def close(self) -> None:
        for descriptor in (self.pidfd, *self.streams, *([] if self.answer is None else [self.answer])):
            os.close(descriptor)


@dataclass(slots=True)
class _Pipes:
    """Pipes of one launch: the write ends are closed here once the new process has them."""

    read: list[int] = field(default_factory=list)
    write: list[int] = field(default_factory=list)

    @classmethod
    def make(cls, count: int) -> _Pipes:
        pipes = cls()
        for _ in range(count):
            read, write = os.pipe()
            os.set_blocking(read, False)
            pipes.read.append(read)
            pipes.write.append(write)
        return pipes

    def close_write(self) -> None:
        while self.write:
            os.close(self.write.pop())

    def close(self) -> None:
        self.close_write()
        while self.read:
            os.close(self.read.pop())


def launch(order: Order, folder: str, private: Collection[int]) -> Leader:
    """Begin the family of `order`; `folder` is the run's private one, `private` are descriptors no family may have.

    Raises NotLaunched when there is no such program or folder, or no right to it.
    """
    env = {"HOME": folder, **order.env}
    if isinstance(order.action, Command):
        return _spawn(order.action, env, order.stdin, order.limits, folder)
    return _fork(order.action, env, order.limits, private)


def _spawn(command: Command, env: Mapping[str, str], stdin: bytes, limits: Limits, folder: str) -> Leader:
    """Start a program. Never with `preexec_fn`, `user` or `group`: they forbid vfork and make it 14 times slower."""
    pipes = _Pipes.make(2)
    source = _source(stdin)
    hard = _lower_soft_limit(limits.open_files)
    cwd = command.cwd or folder
    try:
        process = subprocess.Popen(
            command.argv,
            stdin=source,
            stdout=pipes.write[0],
            stderr=pipes.write[1],
            env=env,
            cwd=cwd,
            start_new_session=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        pipes.close()
        raise NotLaunched(_why(error, command.argv, cwd)) from error
    finally:
        os.close(source)
    process.returncode = 0  # reaped by the runner, not by this object
    pipes.close_write()
    if hard is not None:
        # The soft limit was inherited. Until here the program could lift it to our hard one; what it forked keeps that.
        with suppress(ProcessLookupError, PermissionError):
            resource.prlimit(process.pid, resource.RLIMIT_NOFILE, (hard, hard))
    return Leader(process.pid, os.pidfd_open(process.pid), dict(zip(pipes.read, ("stdout", "stderr"), strict=True)))


def _source(stdin: bytes) -> int:
    """A descriptor to read `stdin` from: a file in memory, so that nobody has to feed it."""
    if not stdin:
        return os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    descriptor = os.memfd_create("stdin")
    with open(descriptor, "wb", closefd=False) as file:
        file.write(stdin)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _lower_soft_limit(open_files: int | None) -> int | None:
    """Make the next child inherit `open_files` as its soft limit; return the hard limit it must get, None for ours."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if open_files is None else open_files if hard == resource.RLIM_INFINITY else min(open_files, hard)
    if soft != wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return None if wanted == hard else wanted


def _fork(function: Function, env: Mapping[str, str], limits: Limits, private: Collection[int]) -> Leader:
    """Call a function in a fork of this process."""
    pipes = _Pipes.make(3)
    try:
        pid = os.fork()
    except OSError as error:
        pipes.close()
        raise NotLaunched(f"No process could be forked: {error.strerror}") from error
    if pid == 0:
        child.main(function, env, limits.open_files, pipes.write, [*private, *pipes.read])
    pipes.close_write()
    stdout, stderr, answer = pipes.read
    return Leader(pid, os.pidfd_open(pid), {stdout: "stdout", stderr: "stderr"}, answer)


def _why(error: Exception, argv: list[str], cwd: str) -> str:
    """One line for people about a program that did not start."""
    program = argv[0] if argv else ""
    if not isinstance(error, OSError):
        text = str(error)
        return "The command or its environment contains a NUL character" if "null byte" in text else text
    place = getattr(error, "filename", None)
    if place == cwd and error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EACCES) and not _is_reachable(cwd):
        return f"No such working folder, or no right to it: {cwd}"
    match error.errno:
        case errno.ENOENT if "/" in program and os.path.lexists(os.path.join(cwd, program)):
            return f"The interpreter of this program is missing: {program}"
        case errno.ENOENT | errno.ENOTDIR:
            return f"No such program: {program}"
        case errno.EACCES | errno.EPERM:
            return f"No right to run this program: {program}"
        case errno.ENOEXEC:
            return f"Not a program that can be run: {program}"
        case errno.E2BIG:
            return "The command and its environment are too long together"
    return f"{program} could not be started: {error.strerror}"


def _is_reachable(folder: str) -> bool:
    return os.path.isdir(folder) and os.access(folder, os.X_OK)
