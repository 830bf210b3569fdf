"""No-op executions, end to end and drained, beside Celery with django-celery-results: PostgreSQL, RabbitMQ, 8 slots
each.

"One by one": 5,000 runs, each submitted in a transaction of its own while the worker works, until the last one is
final; for Celery until the last result row stands. "Queued beforehand": the worker is started when all are queued, and
timed from the first final row that is seen to the last. Celery runs with a pool of 8 threads and with 2 prefork
processes; the better one counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from tests.bench.options import Options
from tests.bench.process import Process
from tests.bench.report import Report, Row
from tests.bench.stage import House, Peer

RUNS = 5_000
SLOTS = 8
POOLS = (("threads", 8), ("prefork", 2))
OURS, THEIRS = "tests.bench.house", "tests.bench.peer.actions"
Stage = House | Peer


def run(options: Options) -> Report:
    runs = options.size(RUNS)
    single: list[tuple[float, float]] = []
    drained: list[tuple[float, float]] = []
    submitting: list[tuple[float, float]] = []
    better: list[str] = []
    with House() as house, Peer() as peer:
        for _ in range(options.repeat):
            our_rate, our_submitting = _one_by_one(house, OURS, lambda: house.worker(SLOTS), runs)
            theirs = {
                pool: _one_by_one(peer, THEIRS, lambda p=pool, n=slots: _warm(peer, p, n), runs)
                for pool, slots in POOLS
            }
            better.append(max(theirs, key=lambda pool: theirs[pool][0]))
            single.append((our_rate, theirs[better[-1]][0]))
            submitting.append((our_submitting, theirs[better[-1]][1]))
            mine = _drained(house, OURS, lambda: house.worker(SLOTS, warm=""), runs)
            peers = [_drained(peer, THEIRS, lambda p=pool, n=slots: peer.worker(p, n), runs) for pool, slots in POOLS]
            drained.append((mine, max(peers)))
    rows = [
        _row(f"{runs:,} runs submitted one by one, end to end", single, 1.5),
        _row(f"{runs:,} runs queued beforehand, drained", drained, 4.0),
        _row("submitting alone, while the worker works", submitting, None),
    ]
    notes = [__doc__.partition("\n\n")[2], f"Celery's better pool: {', '.join(better)}."]
    return Report("throughput", "Throughput: executions that do nothing, beside Celery", rows, notes)


def _row(what: str, pairs: list[tuple[float, float]], goal: float | None) -> Row:
    ratios = [ours / theirs for ours, theirs in pairs]
    return Row(
        what,
        f"{median(ours for ours, _ in pairs):,.0f} a second",
        f"{median(theirs for _, theirs in pairs):,.0f} a second",
        f"{median(ratios):.2f} times ({min(ratios):.2f} to {max(ratios):.2f})",
        f"at least {goal:g} times" if goal else "",
        median(ratios) >= goal if goal else None,
    )


def _warm(peer: Peer, pool: str, slots: int) -> Process:
    process = peer.worker(pool, slots)
    peer.call("tests.bench.peer.actions:submit_each", count=SLOTS * 2)
    peer.wait("Celery's worker is warm", lambda: peer.final() == SLOTS * 2)
    peer.clear()
    return process


def _one_by_one(stage: Stage, actions: str, worker: Callable[[], Process], runs: int) -> tuple[float, float]:
    """Runs a second from the first submission to the last end; and those that were submitted a second."""
    process = worker()
    took = stage.call(f"{actions}:submit_each", count=runs, wait=True)
    stage.stop(process)
    stage.clear()
    return runs / took["ended"], runs / took["submitted"]


def _drained(stage: Stage, actions: str, worker: Callable[[], Process], runs: int) -> float:
    """Runs a second, from the first end that is seen to the last."""
    stage.call(f"{actions}:submit_each", count=runs)
    process = worker()
    stage.wait("the first runs end", lambda: stage.final() > 0)
    first, begun = stage.final(), time.monotonic()
    stage.wait(f"{runs} runs end", lambda: stage.final() == runs, 180)
    rate = (runs - first) / (time.monotonic() - begun)
    stage.stop(process)
    stage.clear()
    return rate
