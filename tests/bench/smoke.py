"""What Dkron's users report as too much for it, on this machine: PostgreSQL, RabbitMQ, one worker, one scheduler.

800 shell jobs every 10 s, spread over their period, for five minutes (a three-node cluster of Dkron's stopped answering);
5,000 shell jobs at one instant (none fired); 6,137 shell jobs every minute, spread, for three minutes, while jobs are
written through the API ten times a second (a write took seconds): made and replaced at Dkron's door, changed at the
native one. Every due instant must have been fired, once, and have run to its end. A write is timed by its caller, over a
connection that stays open, to one process of gunicorn.
"""

from __future__ import annotations

import http.client
import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle
from statistics import quantiles

from tests.bench.options import Options
from tests.bench.report import Report, Row
from tests.bench.stage import House

SPREAD, PERIOD, SPREAD_SECONDS = 800, 10, 300
BURST, BURST_SECONDS = 5_000, 60
MINUTELY, MINUTE, MINUTELY_SECONDS = 6_137, 60, 180
WRITES_PER_SECOND = 10
SLOTS = 16
PORT = 8979
_FIRED = """
    SELECT count(*), count(DISTINCT (job_id, scheduled_for)), count(DISTINCT job_id),
           coalesce(sum(CASE WHEN status = 'COMPLETED' THEN 1 ELSE 0 END), 0)
    FROM executions_execution WHERE scheduled_for IS NOT NULL
"""
_MISSED = "SELECT coalesce(sum(missed_count), 0)::int FROM jobs_jobrecord"
# Between a job's first and last instant there is one every so many seconds; the last ones of two jobs are less apart.
_LEFT_OUT = """
    SELECT coalesce(sum(extract(epoch FROM newest - oldest)::int / {period} + 1 - fired
                        + extract(epoch FROM max_newest - newest)::int / {period}), 0)::int FROM (
        SELECT min(scheduled_for) AS oldest, max(scheduled_for) AS newest, count(*) AS fired,
               max(max(scheduled_for)) OVER () AS max_newest
        FROM executions_execution WHERE scheduled_for IS NOT NULL GROUP BY job_id) AS jobs
"""
_LAGS = """
    SELECT extract(epoch FROM started - scheduled_for)::float8 FROM executions_execution WHERE started IS NOT NULL
"""
_TOOK = "SELECT extract(epoch FROM max(ended) - min(scheduled_for))::float8 FROM executions_execution"


def run(options: Options) -> Report:
    with House() as house:
        house.worker(SLOTS, warm="shell")
        house.scheduler()
        rows = [*_spread(house, options), *_burst(house, options), *_minutely(house, options)]
    return Report("dkron", "What is too much for Dkron", rows, [__doc__.partition("\n\n")[2]])


def _spread(house: House, options: Options) -> Iterator[Row]:
    jobs, seconds = options.size(SPREAD), options.size(SPREAD_SECONDS)
    house.call("tests.bench.house:make_spread", count=jobs, seconds=PERIOD, executor="shell")
    time.sleep(seconds)
    yield _accounted(house, f"{jobs:,} jobs every {PERIOD} s, {seconds} s", jobs, PERIOD)
    p99, said = _lags(house)
    yield Row("lag from the due instant to the start", said, "", "", "p99 under 2 s", p99 < 2)


def _burst(house: House, options: Options) -> Iterator[Row]:
    jobs = options.size(BURST)
    house.call("tests.bench.house:make_at_once", count=jobs, executor="shell")
    house.wait("all have fired and ended", lambda: house.final() >= jobs, BURST_SECONDS * 5, every=0.2)
    yield _accounted(house, f"{jobs:,} jobs at one instant", jobs, 86_400)
    took = house.ask(_TOOK)
    yield Row("from the instant to the last end", f"{took:.1f} s", "", "", f"{BURST_SECONDS} s", took <= BURST_SECONDS)


def _minutely(house: House, options: Options) -> Iterator[Row]:
    jobs, seconds = options.size(MINUTELY), max(options.size(MINUTELY_SECONDS), MINUTE)
    key = house.call("tests.bench.house:make_token")
    house.call("tests.bench.house:make_spread", count=jobs, seconds=MINUTE, executor="shell")
    with _web(house):
        taken = _write(key, seconds)
    yield _accounted(house, f"{jobs:,} jobs every minute, {seconds} s", jobs, MINUTE)
    for what, times in taken.items():
        p95 = quantiles(times, n=20)[18]
        said = f"p50 {quantiles(times, n=2)[0]:.1f} ms, p95 {p95:.1f} ms, worst {max(times):.0f} ms"
        yield Row(f"{what}, {len(times):,} times meanwhile", said, "", "", "p95 under 50 ms", p95 < 50)
    yield Row("lag from the due instant to the start meanwhile", _lags(house)[1], "", "", "", None)


def _accounted(house: House, what: str, jobs: int, period: int) -> Row:
    """Silence the schedules, let what was fired end, and compare it with what was due."""
    house.call("tests.bench.house:silence")
    house.wait("the last runs end", lambda: not house.unfinished(), 300, every=0.2)
    fired, once, seen, completed = house.rows(_FIRED)[0]
    left_out, missed = house.ask(_LEFT_OUT.format(period=period)), house.ask(_MISSED)
    said = f"{fired:,} fired, {fired - once} twice, {left_out} left out, {missed} missed; {completed:,} completed"
    is_whole = fired == once == completed and left_out == missed == 0 and seen == jobs
    return Row(
        f"due instants of {what}", said, "", f"{fired / max(fired + left_out, 1):.4f}", "every one, once", is_whole
    )


def _lags(house: House) -> tuple[float, str]:
    lags = sorted(lag for (lag,) in house.rows(_LAGS))
    cuts = quantiles(lags, n=100)
    return cuts[98], f"p50 {cuts[49]:.3f} s, p99 {cuts[98]:.3f} s, worst {lags[-1]:.3f} s"


@contextmanager
def _web(house: House) -> Iterator[None]:
    words = ["--bind", f"127.0.0.1:{PORT}", "--worker-class", "gthread", "--threads", "8", "--no-control-socket"]
    web = house.start("web", [sys.executable, "-m", "gunicorn", "config.wsgi", *words])
    house.wait("the web process answers", _answers)
    yield
    house.stop(web)


def _answers() -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _write(key: str, seconds: int) -> dict[str, list[float]]:
    """Milliseconds of each write, by what was written, for so many seconds; jobs that do not run by themselves."""
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    headers = {"Authorization": f"Token {key}", "Content-Type": "application/json"}
    taken: dict[str, list[float]] = {}
    begun = time.monotonic()
    for number, kind in enumerate(cycle(("a job made", "a job replaced", "a job changed"))):
        time.sleep(max(0.0, begun + number / WRITES_PER_SECOND - time.monotonic()))
        if time.monotonic() - begun > seconds:
            break
        method, path, body = _request(kind, f"written-{number // 3}")
        sent = time.perf_counter()
        connection.request(method, path, json.dumps(body), headers)
        answer = connection.getresponse()
        text = answer.read()
        if number >= 2 * WRITES_PER_SECOND:  # the first ones find nothing imported and no connection
            taken.setdefault(kind, []).append((time.perf_counter() - sent) * 1000)
        if answer.status >= 300:
            raise RuntimeError(f"{kind}: {answer.status} {text[:500]!r}")
    connection.close()
    return taken


def _request(kind: str, name: str) -> tuple[str, str, dict[str, object]]:
    if kind == "a job changed":
        return "PATCH", f"/v6/jobs/{name}/", {"title": "Changed", "schedule": "@every 3h"}
    hours = 1 if kind == "a job made" else 2
    config = {"shell": "true", "command": "true"}
    body = {"name": name, "schedule": f"@every {hours}h", "executor": "shell", "executor_config": config}
    return "POST", "/v1/jobs", body
