"""`python -m tests`, which is `make test`: all tests, on SQLite always, and with the servers that answer here.

Tests of whole houses run one at a time, because those are killed, restarted and measured. What was left out is said at
the end; a server that JOBHOUSE_REQUIRE names must answer, or the run fails.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path

from tests.services import POSTGRES, SERVICES, answers

ROOT = Path(__file__).resolve().parent.parent
TOGETHER = ["-m", "not faults", "-n", "auto", "--maxprocesses", "4", "--dist", "worksteal"]
ALONE = ["-m", "faults"]
ON_SQLITE: dict[str, str] = {}
ON_POSTGRES = {"DATABASE_URL": POSTGRES.url}
NOTHING_COLLECTED = 5


def run(title: str, database: dict[str, str], arguments: list[str], totals: Counter[str]) -> bool:
    """Run pytest, add up its counts in `totals`; whether it went well."""
    print(f"\n===== {title}", flush=True)
    environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "BROKER_URL")}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        command = [sys.executable, "-m", "pytest", "-q", f"--junitxml={report}", *arguments]
        code = subprocess.run(command, cwd=ROOT, env=environment | database, check=False).returncode
        if report.exists():
            suite = ElementTree.parse(report).getroot()[0]
            totals.update({name: int(suite.get(name, 0)) for name in ("tests", "failures", "errors", "skipped")})
    return code in (0, NOTHING_COLLECTED)


def main() -> int:
    totals: Counter[str] = Counter()
    passed = [run("SQLite", ON_SQLITE, TOGETHER, totals), run("Whole houses, SQLite", ON_SQLITE, ALONE, totals)]
    if answers(POSTGRES):
        passed += [
            run("PostgreSQL", ON_POSTGRES, [*TOGETHER, "--database-only"], totals),
            run("Whole houses, PostgreSQL", ON_POSTGRES, [*ALONE, "--database-only"], totals),
        ]

    print("\n===== All together", flush=True)
    for service in SERVICES:
        if answers(service):
            print(f"{service.label} answered on {service.place}.")
        elif service.is_required:
            print(f"{service.label} does not answer on {service.place}, and JOBHOUSE_REQUIRE asks for it.")
            passed.append(False)
        else:
            print(f"LEFT OUT: the tests with {service.label}, because none answers on {service.place}.")
    failed = totals["failures"] + totals["errors"]
    good = totals["tests"] - failed - totals["skipped"]
    print(f"{good} passed, {failed} failed, {totals['skipped']} skipped")
    return 0 if all(passed) and good else 1


if __name__ == "__main__":
    sys.exit(main())
