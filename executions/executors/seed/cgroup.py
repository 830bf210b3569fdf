"""What a container used, read from its control group while it lives: not every engine tells afterwards."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")


@dataclass(slots=True)
class Use:
    """As far as it is known."""

    peak: int | None = None
    """Bytes of memory at the most."""
    cpu: float | None = None
    """Seconds of processor time."""
    oom_kills: int = 0
    """Processes that the kernel killed because the memory limit was reached."""


class Watch:
    """Looks at the control group of the process `pid`, of version 1 or 2; sees nothing where that cannot be read."""

    def __init__(self, pid: int) -> None:
        self.use = Use()
        memory, cpu, unified = (_folder(pid, name) for name in ("memory", "cpuacct", ""))
        self._memory, self._cpu, self._unified = memory, cpu, unified

    def look(self) -> None:
        """Take down what is used now. Keeps what was seen before when the group is gone."""
        if self._memory is not None:
            self._note(_number(self._memory / "memory.max_usage_in_bytes"), None)
            self._note_kills(self._memory / "memory.oom_control")
        elif self._unified is not None:
            peak = _number(self._unified / "memory.peak") or _number(self._unified / "memory.current")
            self._note(peak, None)
            self._note_kills(self._unified / "memory.events")
        if self._cpu is not None:
            used = _number(self._cpu / "cpuacct.usage")
            self._note(None, used / 1e9 if used is not None else None)
        elif self._unified is not None:
            used = _field(self._unified / "cpu.stat", "usage_usec")
            self._note(None, used / 1e6 if used is not None else None)

    def _note(self, peak: int | None, cpu: float | None) -> None:
        if peak is not None:
            self.use.peak = max(self.use.peak or 0, peak)
        if cpu is not None:
            self.use.cpu = max(self.use.cpu or 0.0, cpu)

    def _note_kills(self, path: Path) -> None:
        self.use.oom_kills = max(self.use.oom_kills, _field(path, "oom_kill") or 0)


def _folder(pid: int, controller: str) -> Path | None:
    """Where the group of `pid` for `controller` is; "" is the unified hierarchy of version 2."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if controller in controllers.split(",") and path != "/":
                found = (ROOT / controller if controller else ROOT) / path.lstrip("/")
                return found if found.is_dir() else None
    return None


def _number(path: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int(path.read_text())
    return None


def _field(path: Path, name: str) -> int | None:
    with suppress(OSError, ValueError):
        for line in path.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return None
