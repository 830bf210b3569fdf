"""What the embedded house costs when it has nothing to do: `manage.py up` with SQLite, no broker, no jobs, 16 slots.

Measured over a minute after it has been up for a while, beside a bare Celery worker with 16 threads and its beat, which
need a broker besides. Memory is the proportional set size (PSS) of all processes.
"""

from __future__ import annotations

import sys
import time

from tests.bench.options import Options
from tests.bench.process import Process
from tests.bench.report import Report, Row
from tests.bench.stage import House, Peer

SLOTS = 16
SETTLE_SECONDS = 15


def run(options: Options) -> Report:
    seconds = options.size(60)
    with House(embedded=True) as house, Peer() as peer:
        up = house.start("up", [sys.executable, "manage.py", "up", "--port", "0"])
        tick = "SELECT count(*) FROM executions_house WHERE last_tick IS NOT NULL"
        house.wait("the house is up", lambda: house.ask(tick) and house.ask("SELECT count(*) FROM executions_worker"))
        ours = _cost([up], seconds)
        house.stop(up)
        bare = peer.worker("threads", SLOTS)
        words = ["--pidfile=", "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler"]
        beat = peer.start("beat", peer.celery("tests.bench.peer", "beat", *words))
        theirs = _cost([bare, beat], seconds)
    rows = [
        Row(
            "processor time",
            f"{ours[0]:.2%} of a core",
            f"{theirs[0]:.2%} of a core",
            f"{ours[0] / max(theirs[0], 0.0001):.2f} times",
        ),
        Row("memory", f"{ours[1]:.0f} MiB", f"{theirs[1]:.0f} MiB", f"{ours[1] / theirs[1]:.2f} times"),
    ]
    return Report(
        "idle", "Idling: the embedded house, beside a bare Celery worker and beat", rows, [__doc__.partition("\n\n")[2]]
    )


def _cost(processes: list[Process], seconds: int) -> tuple[float, float]:
    """Share of a core, and MiB."""
    time.sleep(SETTLE_SECONDS)
    begun, before = time.monotonic(), sum(process.cpu_seconds() for process in processes)
    time.sleep(seconds)
    used = sum(process.cpu_seconds() for process in processes) - before
    return used / (time.monotonic() - begun), sum(process.pss_mib() for process in processes)
