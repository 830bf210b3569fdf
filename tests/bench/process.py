"""Processes that a bench starts, watches and ends, with all that comes of them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_TICKS = os.sysconf("SC_CLK_TCK")


class Process:
    """A process of its own session whose output goes to `log`. `stop` ends it gently, and what is left of it by force."""

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                argv, cwd=ROOT, env=dict(environment), stdout=output, stderr=output, start_new_session=True
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def stop(self, patience: float = 20.0) -> None:
        everyone = list(family(self.pid))
        if self.is_alive:
            self._process.terminate()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pid in everyone[1:]:  # a fork server and its runners end by themselves; this is for the day they do not
            try:
                if os.getsid(pid) in everyone:
                    os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue

    def pss_mib(self) -> float:
        """Memory of the process and all below it; a page that several share counts once (proportional set size)."""
        return sum(_pss_kib(pid) for pid in family(self.pid)) / 1024

    def cpu_seconds(self) -> float:
        """Processor time that the process and all below it have used, those that ended included."""
        return sum(_cpu_seconds(pid) for pid in family(self.pid))


def family(pid: int) -> Iterator[int]:
    """A process and all below it."""
    yield pid
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return
    for child in children:
        yield from family(child)


def _pss_kib(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS
