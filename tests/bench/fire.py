"""10,000 jobs that fall due at one instant, half intervals and half crontabs, beside django-celery-beat's
DatabaseScheduler.

Ours is timed until all executions are stored and the hints are out; beat until it has sent them, cut at 20 s and
scaled. Loading the schedule, which beat must do and Jobhouse need not, is not counted; nor are beat's three-minute
syncs.
"""

from __future__ import annotations

from statistics import median

from tests.bench.options import Options
from tests.bench.report import Report, Row
from tests.bench.stage import House, Peer

JOBS = 10_000
CRONTABS = ["0 * * * *", "*/5 * * * *", "*/15 * * * *", "*/30 * * * *", "0,20,40 * * * *"]
CUT_SECONDS = 20.0


def run(options: Options) -> Report:
    jobs = options.size(JOBS)
    ours, theirs, ratios = [], [], []
    with House() as house, Peer() as peer:
        for _ in range(options.repeat):
            mine = house.call("tests.bench.house:fire_burst", count=jobs, crontabs=CRONTABS)
            beat = peer.call("tests.bench.peer.actions:fire", count=jobs, crontabs=CRONTABS, seconds=CUT_SECONDS)
            ours.append(mine["fired"] / mine["seconds"])
            theirs.append(beat["fired"] / beat["seconds"])
            ratios.append(ours[-1] / theirs[-1])
    ratio = median(ratios)
    row = Row(
        f"{jobs:,} jobs due at one instant",
        f"{median(ours):,.0f} a second",
        f"{median(theirs):,.1f} a second",
        f"{ratio:,.0f} times ({min(ratios):,.0f} to {max(ratios):,.0f})",
        "at least 150 times, aim 300",
        ratio >= 150,
    )
    return Report(
        "fire", "Firing: many jobs due at once, beside django-celery-beat", [row], [__doc__.partition("\n\n")[2]]
    )
