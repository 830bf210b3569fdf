"""How long a committed run waits until it is claimed, at 50 a second: its `started` less the moment of its commit.

With the broker: PostgreSQL and RabbitMQ, and beside it Celery's own way from sending a task to its first line.
Embedded: SQLite and no broker; a process that submits, as the web process does, and the worker's process, which also
carries the scheduler.
"""

from __future__ import annotations

from statistics import median, quantiles

from tests.bench.options import Options
from tests.bench.report import Report, Row
from tests.bench.stage import House, Peer

PER_SECOND = 50
SECONDS = 20
SLOTS = 8


def run(options: Options) -> Report:
    load = {"count": options.size(PER_SECOND * SECONDS), "per_second": PER_SECOND}
    with_broker, celery, embedded = [], [], []
    with House() as house, Peer() as peer, House(embedded=True) as small:
        for _ in range(options.repeat):
            worker = house.worker(SLOTS)
            with_broker.append(house.call("tests.bench.house:light_load", **load))
            house.stop(worker)
            house.clear()

            worker = peer.worker("threads", SLOTS)
            peer.call("tests.bench.peer.actions:light_load", count=SLOTS * 2, per_second=PER_SECOND)
            celery.append(peer.call("tests.bench.peer.actions:light_load", **load))
            peer.stop(worker)
            peer.clear()

            worker = small.worker(SLOTS, JOBHOUSE_EMBEDDED_SCHEDULER="1")
            embedded.append(small.call("tests.bench.house:light_load", **load))
            small.stop(worker)
            small.clear()
    rows = [
        _row("with a broker, beside Celery", with_broker, celery, 5.0),
        _row("embedded, beside with a broker", embedded, with_broker, 60.0),
    ]
    return Report("latency", "Latency: from commit to claim, 50 a second", rows, [__doc__.partition("\n\n")[2]])


def _row(what: str, ours: list[list[float]], theirs: list[list[float]], bound: float) -> Row:
    half = median(median(times) for times in ours)
    return Row(
        what,
        _said(ours),
        _said(theirs),
        f"{median(median(mine) / median(other) for mine, other in zip(ours, theirs, strict=True)):.2f} times (p50)",
        f"p50 at most {bound:g} ms",
        half <= bound,
    )


def _said(runs: list[list[float]]) -> str:
    p50, p99 = median(median(times) for times in runs), median(quantiles(times, n=100)[98] for times in runs)
    return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"
