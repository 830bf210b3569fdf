"""What a called function's process does, from the fork to its end.

The function runs in a session of its own, with its own environment, output pipes and limits, and without the database
connections and sockets of the process it was forked from. How the call ended goes back as JSON on a pipe of its own.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from types import TracebackType
from typing import Any, NoReturn

from executions.executors.process.protocol import MAX_RESULT, Function

HOUSE = "executions.executors."
"""Modules whose frames are left out where a traceback begins: a job's owner did not write them."""
_MAX_TRACEBACK = 64 * 1024  # characters
_MAX_MESSAGE = 2000  # characters
_DEFAULT_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class ResultTooLarge(Exception):
    """A function returned more than fits into a result."""


def main(
    function: Function, env: Mapping[str, str], open_files: int | None, ends: Sequence[int], private: Collection[int]
) -> NoReturn:
    """Call `function` and leave; `ends` are the pipes for stdout, stderr and the answer, `private` is to be closed."""
    code = 1
    try:
        answer = _settle(env, open_files, ends, private)
        pid = os.getpid()
        code, words = _call(function)
        _flush()
        if os.getpid() != pid:  # the function forked, and this is not the process that was asked
            os._exit(code)
        _close_connections()
        with open(answer, "wb") as file:
            file.write(json.dumps(words).encode())
    except BaseException:  # noqa: BLE001  # nothing may return into the runner that this process is a copy of
        traceback.print_exc()
        code = 1
    finally:
        os._exit(code)


def _settle(env: Mapping[str, str], open_files: int | None, ends: Sequence[int], private: Collection[int]) -> int:
    """Take leave of the runner; return the descriptor for the answer."""
    os.setsid()
    for number in _DEFAULT_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    for descriptor in private:
        os.close(descriptor)
    nothing = os.open(os.devnull, os.O_RDONLY)
    stdout, stderr, answer = ends
    for descriptor, place in ((nothing, 0), (stdout, 1), (stderr, 2)):
        os.dup2(descriptor, place)
        os.close(descriptor)
    if open_files is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        allowed = open_files if hard == resource.RLIM_INFINITY else min(open_files, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, allowed))
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    # New streams, since the old ones remember what kind of file they were opened on. Lines show as they are printed.
    sys.stdout = sys.__stdout__ = open(1, "w", 1, "utf-8", "backslashreplace", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    sys.stderr = sys.__stderr__ = open(2, "w", 1, "utf-8", "backslashreplace", closefd=False)  # type: ignore[misc]  # noqa: SIM115
    _close_connections()
    gc.enable()
    return answer


def _call(function: Function) -> tuple[int, dict[str, Any]]:
    """Call `function`; return an exit status and the words for `Result`."""
    try:
        value = _find(function.target)(**function.arguments)
        text = json.dumps(value, allow_nan=False)
        if len(text) > MAX_RESULT:
            raise ResultTooLarge(f"the result is larger than {MAX_RESULT // 1024} KiB")
        return 0, {"value": value}
    except SystemExit as leave:
        return _left(leave)
    except BaseException as error:  # noqa: BLE001  # whatever the job's own code raises is what is reported
        return 1, describe(error)


def _find(target: str) -> Any:
    module, _, path = target.partition(":")
    found = import_module(module)
    for name in path.split("."):
        found = getattr(found, name)
    return found


def _left(leave: SystemExit) -> tuple[int, dict[str, Any]]:
    """`sys.exit` means in a function what it means in a program."""
    if leave.code is None or leave.code == 0:
        return 0, {"value": None}
    code = leave.code if isinstance(leave.code, int) else 1
    if not isinstance(leave.code, int):
        print(leave.code, file=sys.stderr)
    return code & 0xFF or 1, describe(leave)


def describe(error: BaseException) -> dict[str, str]:
    """`exception`, `message` and `traceback` of a Result. The traceback begins with the first frame outside HOUSE."""
    kind = type(error)
    dotted = f"{kind.__module__}.{kind.__qualname__}"
    try:
        said = " ".join(str(error).split())
        message = f"{kind.__name__}: {said}" if said else kind.__name__
        trace = "".join(traceback.format_exception(kind, error, _own_frames(error.__traceback__)))
    except Exception as second:  # noqa: BLE001  # the job's exception class may fail to describe itself
        message, trace = f"{kind.__name__} (its text could not be made: {type(second).__name__})", ""
    if len(trace) > _MAX_TRACEBACK:
        trace = trace[: _MAX_TRACEBACK // 2] + "\n  […]\n" + trace[-_MAX_TRACEBACK // 2 :]
    return {"exception": dotted, "message": _clean(message[:_MAX_MESSAGE]), "traceback": _clean(trace)}


def _own_frames(trace: TracebackType | None) -> TracebackType | None:
    first = trace
    while first is not None and str(first.tb_frame.f_globals.get("__name__", "")).startswith(HOUSE):
        first = first.tb_next
    return first if first is not None else trace


def _clean(text: str) -> str:
    """`text` without what a database or UTF-8 refuses: NUL and lone surrogates."""
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):  # the function may have closed or replaced it
            stream.flush()


def _close_connections() -> None:
    """Drop database connections, if the preloaded code has any: no two processes may speak on one."""
    database = sys.modules.get("django.db")
    if database is not None:
        database.connections.close_all()
