"""`python -m tests.bench [NAMES] [--quick] [--write] [--repeat N] [--seconds S]`; the package's docstring says what it
does.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
import traceback
from collections.abc import Callable

from tests.bench import fire, idle, latency, lists, memory, shell, smoke, steady, throughput, tick
from tests.bench.options import Options
from tests.bench.report import Report, write
from tests.services import POSTGRES, RABBITMQ, answers

BENCHES: dict[str, Callable[[Options], Report]] = {
    "fire": fire.run,
    "tick": tick.run,
    "throughput": throughput.run,
    "latency": latency.run,
    "shell": shell.run,
    "steady": steady.run,
    "dkron": smoke.run,
    "memory": memory.run,
    "idle": idle.run,
    "lists": lists.lists,
    "statistics": lists.statistics,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Jobhouse beside its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; none: all")
    parser.add_argument("--quick", action="store_true", help="smaller and shorter: a look, not a figure")
    parser.add_argument("--repeat", type=int, help="repetitions whose median counts")
    parser.add_argument("--seconds", type=int, help="how long `steady` goes on")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/benchmarks.md")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # not without taking houses and databases down
    if unknown := set(given.names) - BENCHES.keys():
        parser.error(f"there is no bench {', '.join(sorted(unknown))}")
    for service in (POSTGRES, RABBITMQ):
        if not answers(service):
            print(f"The benchmarks need {service.label}, and none answers on {service.place}.", file=sys.stderr)
            return 2
    options = Options(quick=given.quick, repeat=given.repeat or (1 if given.quick else 3), seconds=given.seconds)
    reports, broken = [], []
    for name in given.names or BENCHES:
        begun = time.monotonic()
        try:
            report = BENCHES[name](options)
        except Exception:  # noqa: BLE001 -- one bench that breaks is reported, and the others go on
            traceback.print_exc()
            broken.append(name)
            continue
        words = [f"--{word}" for word in ("quick",) if getattr(given, word)]
        words += [f"--{word} {value}" for word in ("repeat", "seconds") if (value := getattr(given, word))]
        report.command = " ".join(["python -m tests.bench", name, *words])
        report.took = time.monotonic() - begun
        print(f"\n{report.text()}", flush=True)
        reports.append(report)
    if given.write:
        write(reports)
    missed = [f"{report.name}: {row.what}" for report in reports for row in report.rows if row.met is False]
    print("\n" + ("Every goal was reached." if not missed else f"Not reached: {'; '.join(missed)}"))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
