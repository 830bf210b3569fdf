"""What tests of processes share: waiting with a bound, and finding all processes of one family."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from executions.executors.base import Limits
from executions.executors.process.client import Result, Runner, Stop

PATH = "/usr/local/bin:/usr/bin:/bin"


def until(condition: Callable[[], object], seconds: float = 5.0) -> bool:
    """Whether `condition` came true in time."""
    give_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.01)
    return True


def lives(pid: int) -> bool:
    """Whether the process is there and no zombie."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


@dataclass
class Watched:
    """Runs things whose environment holds a mark, by which their descendants are found wherever they went."""

    runner: Runner
    mark: str = field(default_factory=lambda: uuid4().hex)
    chunks: list[tuple[str, bytes, float, int]] = field(default_factory=list)

    @property
    def env(self) -> dict[str, str]:
        return {"PATH": PATH, "MARK": self.mark}

    def spawn(self, *argv: str, limits: Limits = Limits(), stop: Stop | None = None, **options) -> Result:  # noqa: B008
        options.setdefault("env", self.env)
        return self.runner.spawn(list(argv), limits=limits, on_output=self.keep, stop=stop, **options)

    def sh(self, text: str, **options) -> Result:
        return self.spawn("/bin/sh", "-c", text, **options)

    def call(self, name: str, limits: Limits = Limits(), stop: Stop | None = None, **arguments) -> Result:  # noqa: B008
        target = f"tests.executions.executors.jobs_to_call:{name}"
        return self.runner.call(target, arguments, env=self.env, limits=limits, on_output=self.keep, stop=stop)

    def keep(self, stream: str, data: bytes, moment: float, lost: int) -> None:
        self.chunks.append((stream, data, moment, lost))

    def said(self, stream: str = "stdout") -> bytes:
        return b"".join(data for name, data, _, _ in self.chunks if name == stream)

    def family(self) -> list[int]:
        return marked(self.mark)


def marked(mark: str) -> list[int]:
    """All living processes whose environment holds `mark`."""
    found = []
    for name in os.listdir("/proc"):
        with suppress(OSError):
            if name.isdigit() and mark.encode() in Path(f"/proc/{name}/environ").read_bytes() and lives(int(name)):
                found.append(int(name))
    return found
