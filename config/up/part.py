"""Runs inside each part of the house: ``python -m config.up.part MODULE ARGUMENT…``.

Runs MODULE as ``python -m MODULE`` would, and ends it when `up` is gone. `up` holds the writing end of a pipe whose
reading end every part inherits (its number is in JOBHOUSE_PARENT_PIPE): however `up` ends, the pipe closes.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time
import warnings

PIPE = "JOBHOUSE_PARENT_PIPE"
HURRY_SECONDS = 2.0
"""How long a part has for an orderly end when `up` is gone. What runs below it notices by itself that it ended."""


def main() -> None:
    pipe = os.environ.pop(PIPE, "")
    if pipe:
        threading.Thread(target=_end_with_parent, args=(int(pipe),), name="parent", daemon=True).start()
    # Celery says so in nine lines; `up` has said it in one.
    warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_parent(pipe: int) -> None:
    while os.read(pipe, 1):
        pass  # nothing is ever written to it; its end is the message
    os.kill(os.getpid(), signal.SIGQUIT)
    time.sleep(HURRY_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    main()
