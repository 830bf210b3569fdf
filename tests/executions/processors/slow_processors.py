"""Processors that misbehave, and one that behaves; tests make them findable as installed packages are."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from typing import ClassVar

from executions.processors.base import Ended, Processor

DISTRIBUTION = {
    "METADATA": "Metadata-Version: 2.1\nName: jobhouse-slow-processors\nVersion: 0\n",
    "entry_points.txt": "[jobhouse.processors]\n"
    + "".join(
        f"{name} = tests.executions.processors.slow_processors:{name.title()}\n"
        for name in ("shout", "break", "stop", "die")
    ),
}


class Shout(Processor):
    name: ClassVar[str] = "shout"

    def process(self, ended: Ended, options: Mapping[str, str]) -> str:
        print(f"shouting for {ended.job}")
        return ended.output.upper() + options.get("more", "")


class Break(Processor):
    name: ClassVar[str] = "break"

    def process(self, ended: Ended, options: Mapping[str, str]) -> str:
        raise ValueError("it broke")


class Stop(Processor):
    name: ClassVar[str] = "stop"

    def process(self, ended: Ended, options: Mapping[str, str]) -> str:
        time.sleep(60)
        return "never"


class Die(Processor):
    name: ClassVar[str] = "die"

    def process(self, ended: Ended, options: Mapping[str, str]) -> str:
        os.kill(os.getpid(), signal.SIGKILL)
        return "never"
