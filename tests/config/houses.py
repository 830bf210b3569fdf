"""Houses for tests, as processes: started, watched, and never left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from executions.executors.process import family

ROOT = Path(__file__).resolve().parent.parent.parent


def wait_until(condition: Callable[[], object], seconds: float, what: str) -> None:
    """Wait until `condition` holds; fail after `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)


def lives(pid: int) -> bool:
    """Whether a process of that number runs; one that is dead and not yet reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class HouseProcess:
    """A running `up`, with all that it has printed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        self._seen: set[int] = set()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def says(self, pattern: str, seconds: float = 30) -> re.Match[str]:
        """What matches `pattern` in its output; waits for it."""
        wait_until(
            lambda: re.search(pattern, self.text) or self.process.poll() is not None,
            seconds,
            f"{pattern!r} in\n{self.text}",
        )
        found = re.search(pattern, self.text)
        assert found, f"{pattern!r} is not in\n{self.text}"
        return found

    def pids(self) -> list[int]:
        """Every process below it, and all that were ever found there."""
        self._seen.update(family.descendants(self.process.pid))
        return [pid for pid in self._seen if lives(pid)]

    def part(self, name: str) -> int | None:
        """The first process of the part that has `name` in its command line."""
        for pid in family.children(self.process.pid):
            with suppress(OSError):
                if name in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0"):
                    return pid
        return None

    def send(self, number: signal.Signals) -> None:
        self.pids()
        self.process.send_signal(number)

    def ends(self, seconds: float) -> int:
        """Its exit code; waits for its end."""
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still there after {seconds} s:\n{self.text}") from None
        self._reader.join(5)
        return code


@contextmanager
def started(
    command: Sequence[str], environment: Mapping[str, str], pass_fds: Sequence[int] = ()
) -> Iterator[HouseProcess]:
    """A house that runs inside; whatever of it is left afterwards is killed."""
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        pass_fds=pass_fds,
        start_new_session=True,
    )
    house = HouseProcess(process)
    try:
        yield house
    finally:
        left = house.pids()
        process.kill()
        process.wait(10)
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
