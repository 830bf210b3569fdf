"""A scheduler's tick when nothing is due: with 100,000 jobs beside one with 1,000, and after a change beside one
without.

Each figure is the median of a tick's time. A change is made through the service that API and console use; that it takes
effect with the next tick is tried with a job that is told to run every second from now on.
"""

from __future__ import annotations

from statistics import median

from tests.bench.options import Options
from tests.bench.report import Report, Row
from tests.bench.stage import House

FEW, MANY = 1_000, 100_000
TICKS = 60


def run(options: Options) -> Report:
    many, ticks = options.size(MANY), options.size(TICKS * 10)
    with House() as small, House() as large:
        small.call("tests.bench.house:make_sleeping", count=FEW)
        large.call("tests.bench.house:make_sleeping", count=many)
        found = [
            [stage.call("tests.bench.house:tick_milliseconds", ticks=ticks // 4) for stage in (small, large)]
            for _ in range(options.repeat)
        ]
        counts = large.call("tests.bench.house:change_and_tick")
    rows = []
    for kind, what in (("plain", "a tick"), ("sweeping", "a tick that also sweeps")):
        ratio = median(big[kind] / little[kind] for little, big in found)
        rows.append(
            Row(
                f"{what}: {many:,} jobs beside {FEW:,}",
                f"{median(big[kind] for _, big in found):.2f} ms",
                f"{median(little[kind] for little, _ in found):.2f} ms",
                f"{ratio:.2f} times",
                "at most 2 times",
                ratio <= 2,
            )
        )
    ratio = median(big["changed"] / big["plain"] for _, big in found)
    rows.append(
        Row(
            f"a tick after one of {many:,} was changed, beside one without",
            f"{median(big['changed'] for _, big in found):.2f} ms",
            f"{median(big['plain'] for _, big in found):.2f} ms",
            f"{ratio:.2f} times",
            "not noticed (at most 1.25)",
            ratio <= 1.25,
        )
    )
    rows.append(
        Row(
            "a changed job fires with the first tick after its new instant",
            "yes" if counts else "no",
            "",
            "",
            "yes",
            counts,
        )
    )
    return Report("tick", "A tick: what exists does not count", rows, [__doc__.partition("\n\n")[2]])
