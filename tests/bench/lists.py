"""Pages of 100 executions by state and job type, and the statistics, at 100,000 and at 1,000,000 executions.

Both houses hold 30 days of history of 20 job types. A page is asked for through all middleware, with a token, in one
process; beside it stands the bare SQL statement of the same question, its rows fetched in the same process. Figures are
medians; the two houses take turns, so that what else the machine does falls on both.
"""

from __future__ import annotations

from statistics import median

from tests.bench.options import Options
from tests.bench.report import Report, Row
from tests.bench.stage import House

FEW, MANY = 100_000, 1_000_000
PAGES = {
    "COMPLETED": "/v6/executions/?status=COMPLETED&job_type_id={type}",
    "FAILED": "/v6/executions/?status=FAILED&job_type_id={type}",
}
STATISTICS = {
    "status": "/v6/job-types/status/",
    "status of 30 days": "/v6/job-types/status/?started=P30D",
    "running": "/v6/job-types/running/",
    "system-failures": "/v6/job-types/system-failures/",
}
FLAT, PAGE, STATUS = 1.2, 10, 3
_ASKED = 50


def lists(options: Options) -> Report:
    """Pages of executions."""
    return _compared("lists", "A page of 100 executions does not know how many there are", PAGES, options)


def statistics(options: Options) -> Report:
    """The statistics of job types."""
    return _compared("statistics", "Statistics do not know how many executions there are", STATISTICS, options)


def _compared(name: str, title: str, paths: dict[str, str], options: Options) -> Report:
    few, many = options.size(FEW), options.size(MANY)
    with House() as small, House() as large:
        small.call("tests.bench.history:fill", count=few)
        large.call("tests.bench.history:fill", count=many)
        found = [
            [stage.call("tests.bench.history:pages", paths=paths, repeat=_ASKED) for stage in (small, large)]
            for _ in range(options.repeat)
        ]
        bare = [large.call("tests.bench.history:bare", repeat=_ASKED) for _ in range(options.repeat)]
    rows = []
    for page in paths:
        little, big = median(one[page] for one, _ in found), median(one[page] for _, one in found)
        ratio = median(large_[page] / small_[page] for small_, large_ in found)
        rows.append(
            Row(
                f"{page}: {many:,} beside {few:,}",
                f"{big:.1f} ms",
                f"{little:.1f} ms",
                f"{ratio:.2f} times",
                f"at most {FLAT:g} times",
                ratio <= FLAT,
            )
        )
        question, goal = ("roll-up", STATUS) if page == "status" else (page, PAGE)
        if question in bare[0]:
            asked = median(one[question] for one in bare)
            rows.append(
                Row(
                    f"{page}: page beside its bare SQL",
                    f"{big:.1f} ms",
                    f"{asked:.2f} ms",
                    f"{big / asked:.1f} times",
                    f"at most {goal} times",
                    big / asked <= goal,
                )
            )
    return Report(name, title, rows, [(__doc__ or "").partition("\n\n")[2]])
