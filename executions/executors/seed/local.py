"""The image-free variant: a Seed type's command as a local process, for machines without a container engine.

Only for job types that SEED_PROGRAMS names, each with the program that stands for its image. It gets the same words and
variables as the container would; isolation is that of a shell job. Mounts are not imitated.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from executions.executors.seed.engine import GRACE, Ending
from executions.executors.seed.failure import Failure

_LOOK = 0.1  # seconds between two looks at whether it is to end


def run(
    program: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    folder: str,
    *,
    seconds: float | None,
    stop: threading.Event,
    watch: Callable[[], str | None],
) -> Ending:
    """Run `program` in `folder` to its end; its output is ours. Raises Failure: docker-task-launch."""
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            [program, *arguments], env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL, start_new_session=True
        )
    except (OSError, ValueError) as error:
        raise Failure("docker-task-launch", f"{program} could not be started: {error}") from error
    ending, kill_at = Ending("exit"), float("inf")
    while (code := process.poll()) is None:
        now = time.monotonic()
        if kill_at == float("inf"):
            if stop.is_set():
                ending = Ending("stop")
            elif seconds is not None and now - began >= seconds:
                ending = Ending("timeout", message=f"Ran longer than its time limit of {seconds:g} s")
            elif objection := watch():
                ending = Ending("watch", message=objection)
            if ending.by != "exit":
                kill_at = now + (0 if ending.by == "watch" else GRACE)
                _tell(process, signal.SIGTERM)
        elif now >= kill_at:
            _tell(process, signal.SIGKILL)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK)
    ending.exit_code = code if code >= 0 else 128 - code
    return ending


def _tell(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)
