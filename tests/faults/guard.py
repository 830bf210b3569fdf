"""Ends what fault tests have started when they themselves were ended without a chance to: the last line of defence.

It reads marks, a line each, until the tests' end of the pipe closes, however they ended; then whatever bears one of
those marks is killed. As a rule there is nothing left to do.
"""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.faults.processes import end_all


@cache
def _guard() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.faults.guard"]
    root = Path(__file__).resolve().parents[2]
    return subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, text=True, start_new_session=True)


def watch_over(mark: str) -> None:
    """Have everything that bears `mark` killed once this process has ended."""
    stdin = _guard().stdin
    assert stdin is not None
    stdin.write(f"{mark}\n")
    stdin.flush()


def main() -> None:
    for mark in [line.strip() for line in sys.stdin]:
        end_all(mark)


if __name__ == "__main__":
    main()
