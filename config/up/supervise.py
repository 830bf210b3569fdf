"""The program that `manage.py up` becomes when everything is prepared: the supervisor alone, without Django.

Under the same process number, at a quarter of the memory. What it is to run comes as JSON through an open file, whose
number stands in the environment: the greeting holds the first password, and a process's environment can be read later.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import IO, NoReturn

from config.up.alive import when_it_answers
from config.up.stream import Stream
from config.up.supervisor import Part, Supervisor

VARIABLE = "JOBHOUSE_UP"


@dataclass(frozen=True)
class Order:
    """What to supervise."""

    parts: list[Part]
    url: str
    """Where the house answers."""
    greeting: str
    """What to show when it does."""
    lock: int
    """The open file that keeps others out of the data folder; emptied at the end."""


def become_supervisor(order: Order, environment: Mapping[str, str]) -> NoReturn:
    """Replace this program by the supervisor of `order`; its parts get `environment`."""
    for descriptor in {order.lock, *(descriptor for part in order.parts for descriptor in part.descriptors)}:
        os.set_inheritable(descriptor, True)
    sys.stdout.flush()
    # The words of our own command line stay in that of the process, so that people find it by them.
    command = [sys.executable, "-m", "config.up.supervise", *sys.argv]
    with written(order) as file:
        os.execve(sys.executable, command, {**environment, VARIABLE: str(file.fileno())})  # noqa: S606 -- no shell is meant


def written(order: Order) -> IO[str]:
    """A file without a name that holds `order`, to be inherited."""
    file = tempfile.TemporaryFile("w+")  # noqa: SIM115 -- the caller closes it, or becomes another program
    json.dump(asdict(order), file)
    file.flush()
    file.seek(0)
    os.set_inheritable(file.fileno(), True)
    return file


def main() -> int:
    with open(int(os.environ.pop(VARIABLE))) as file:
        given = json.load(file)
    order = Order(**{**given, "parts": [Part(**part) for part in given["parts"]]})
    os.set_inheritable(order.lock, False)
    names = [part.name for part in order.parts]
    stream = Stream([*names, "house"])
    stream.line("house", f"starting {', '.join(names)} (process {os.getpid()})")
    if os.geteuid() == 0:
        stream.line("house", "running as root, and so do its jobs: an account of its own is safer")
    waiting = when_it_answers(order.url, lambda: stream.text(order.greeting))
    try:
        return Supervisor(order.parts, stream, python=[sys.executable], environment=os.environ).run()
    finally:
        waiting.set()
        os.ftruncate(order.lock, 0)
        stream.line("house", "stopped")
        stream.close()


if __name__ == "__main__":
    sys.exit(main())
