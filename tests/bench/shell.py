"""1,000 jobs `echo x` by `sh -c`, their output recorded, in 8 slots, beside a bare loop that starts as many and reads
them.

All are queued in one transaction, and timed from its commit until the last is final and its output stored. The bare
loop is 8 threads with `subprocess.run(["sh", "-c", "echo x"], capture_output=True)`, which keeps nothing, limits
nothing and cleans up nothing.
"""

from __future__ import annotations

import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from tests.bench.options import Options
from tests.bench.report import Report, Row
from tests.bench.stage import House

RUNS = 1_000
SLOTS = 8


def run(options: Options) -> Report:
    runs = options.size(RUNS)
    ours, theirs = [], []
    with House() as house:
        house.worker(SLOTS, warm="shell")
        for _ in range(options.repeat):
            ours.append(house.call("tests.bench.house:queue", executor="shell", jobs=runs, each=1, wait=True))
            kept = house.ask(
                "SELECT count(DISTINCT execution_id) FROM executions_outputchunk WHERE text = 'x' || chr(10)"
            )
            if kept != runs:
                raise AssertionError(f"{kept} of {runs} outputs were kept")
            house.clear()
            theirs.append(_bare_loop(runs))
    ratios = [mine / bare for mine, bare in zip(ours, theirs, strict=True)]
    row = Row(
        f"{runs:,} shell jobs with their output",
        f"{median(ours):.2f} s ({runs / median(ours):,.0f} a second)",
        f"{median(theirs):.2f} s ({runs / median(theirs):,.0f} a second)",
        f"{median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})",
        "at most 4 times",
        median(ratios) <= 4,
    )
    return Report("shell", "Shell jobs, beside a bare loop", [row], [__doc__.partition("\n\n")[2]])


def _bare_loop(runs: int) -> float:
    def one(_: int) -> str:
        return subprocess.run(["sh", "-c", "echo x"], capture_output=True, text=True, check=True).stdout

    begun = time.monotonic()
    with ThreadPoolExecutor(SLOTS) as pool:
        if set(pool.map(one, range(runs))) != {"x\n"}:
            raise AssertionError("the bare loop lost output")
    return time.monotonic() - begun
