"""1,000 shell jobs every 10 s, spread evenly over their period: 100 a second, for five minutes, in 8 slots.

Every due instant must have fired, each once; the lag is from the due instant to the start of its run. Beside it stands
what one schedule-keeper with a single worker could not beat: a start at the instant itself.
"""

from __future__ import annotations

import time
from statistics import quantiles

from tests.bench.options import Options
from tests.bench.report import Report, Row
from tests.bench.stage import House

JOBS = 1_000
PERIOD = 10
SECONDS = 300
SLOTS = 8
_LAGS = """
    SELECT extract(epoch FROM started - scheduled_for)::float8 FROM executions_execution
    WHERE started IS NOT NULL AND scheduled_for > (SELECT min(scheduled_for) FROM executions_execution) + interval '10 seconds'
"""
_FIRED = """
    SELECT count(*), count(DISTINCT (job_id, scheduled_for)), count(DISTINCT job_id),
           sum(CASE WHEN status = 'COMPLETED' THEN 1 ELSE 0 END) FROM executions_execution
"""
# Between a job's first and last instant there is one every PERIOD seconds: so many are missing.
_MISSING = f"""
    SELECT coalesce(sum(extract(epoch FROM newest - oldest)::int / {PERIOD} + 1 - fired), 0)::int FROM (
        SELECT min(scheduled_for) AS oldest, max(scheduled_for) AS newest, count(*) AS fired
        FROM executions_execution GROUP BY job_id) AS jobs
"""


def run(options: Options) -> Report:
    seconds = options.seconds or options.size(SECONDS)
    with House() as house:
        worker = house.worker(SLOTS, warm="shell")
        house.call("tests.bench.house:make_spread", count=JOBS, seconds=PERIOD, executor="shell")
        scheduler = house.scheduler()
        cpu, begun = _cpu(worker, scheduler), time.monotonic()
        house.wait("the time is over", lambda: time.monotonic() - begun > seconds, seconds + 60, every=0.5)
        cores = (_cpu(worker, scheduler) - cpu) / (time.monotonic() - begun)
        house.call("tests.bench.house:silence")
        house.wait("the last runs end", lambda: not house.unfinished())
        (fired, once, jobs, completed), missing = house.rows(_FIRED)[0], house.ask(_MISSING)
        lags = sorted(lag for (lag,) in house.rows(_LAGS))
    cuts = quantiles(lags, n=100)
    rows = [
        Row(
            f"due instants of {JOBS:,} jobs, {seconds} s",
            f"{fired:,} fired, {fired - once} twice, {missing} left out; {completed:,} completed",
            f"{jobs:,} jobs",
            f"{(fired / (fired + missing)):.4f}",
            "every one, once",
            fired == once == completed and missing == 0 and jobs == JOBS,
        ),
        Row(
            "lag from the due instant to the start",
            f"p50 {cuts[49]:.3f} s, p99 {cuts[98]:.3f} s, worst {lags[-1]:.3f} s",
            f"period {PERIOD} s",
            f"{cuts[98] / PERIOD:.3f} periods (p99)",
            "p99 under 1 s",
            cuts[98] < 1,
        ),
        Row("processor time of worker and scheduler, their jobs included", f"{cores:.2f} cores", "", "", ""),
    ]
    return Report("steady", "Steady load: 100 shell jobs a second by schedule", rows, [__doc__.partition("\n\n")[2]])


def _cpu(*processes) -> float:
    return sum(process.cpu_seconds() for process in processes)
