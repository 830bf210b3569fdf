"""Memory of scheduler, worker and web process after 100,000 executions, beside what they had after 5,000.

400 jobs fall due every second and do nothing; meanwhile the list of executions is asked for over HTTP twice a second.
Figures are proportional set sizes (PSS) of each process with all below it, the lowest of a few seconds' looks.
"""

from __future__ import annotations

import sys
import time
import urllib.error
import urllib.request

from tests.bench.options import Options
from tests.bench.process import Process
from tests.bench.report import Report, Row
from tests.bench.stage import House

FIRST, LAST = 5_000, 100_000
JOBS = 400
PORT = 18_431
MOST_SECONDS = 1_200
GROWTH = 1.05
WARM_REQUESTS = 800
"""After some 500 pages the web process's allocator holds what its eight threads need: 112 MiB, and no more after that."""


def run(options: Options) -> Report:
    last = options.size(LAST)
    with House() as house:
        key = house.call("tests.bench.house:make_token")
        parts = {"worker": house.worker(8), "web": _web(house)}
        house.call("tests.bench.house:make_spread", count=JOBS, seconds=1, executor="noop")
        parts["scheduler"] = house.scheduler()
        found = {}
        for count in (FIRST // 5 if options.quick else FIRST, last):
            house.wait(f"{count:,} executions", lambda most=count: _look(house, key) >= most, MOST_SECONDS, every=0.5)
            for _ in range(0 if found else WARM_REQUESTS):
                _look(house, key)
            found[house.final()] = {name: _mib(process) for name, process in parts.items()}
    (early, before), (late, after) = found.items()
    rows = [
        Row(
            f"{name} after {late:,} executions, beside after {early:,}",
            f"{after[name]:.1f} MiB",
            f"{before[name]:.1f} MiB",
            f"{after[name] / before[name]:.3f} times",
            f"no growth (at most {GROWTH:g})",
            after[name] / before[name] <= GROWTH,
        )
        for name in ("scheduler", "worker", "web")
    ]
    return Report("memory", "Memory: no growth", rows, [__doc__.partition("\n\n")[2]])


def _web(house: House) -> Process:
    words = ["--bind", f"127.0.0.1:{PORT}", "--worker-class", "gthread", "--threads", "8", "--log-level", "warning"]
    web = house.start("web", [sys.executable, "-m", "gunicorn", "config.wsgi", *words, "--no-control-socket"])
    house.wait("the web process answers", _answers)
    return web


def _answers() -> bool:
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{PORT}/health/live", timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False


def _look(house: House, key: str) -> int:
    """Ask for a page, as a console does; how many executions are final."""
    page = urllib.request.Request(f"http://127.0.0.1:{PORT}/v6/executions/", headers={"Authorization": f"Token {key}"})
    with urllib.request.urlopen(page, timeout=30) as answer:
        answer.read()
    return house.final()


def _mib(process: Process) -> float:
    looks = []
    for _ in range(10):
        looks.append(process.pss_mib())
        time.sleep(0.3)
    return min(looks)
