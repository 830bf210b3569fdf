"""Places where a test may break the house: at every commit and process boundary.

They do nothing unless the environment names them, as in
``JOBHOUSE_FAILPOINTS="after_claim=kill,before_finish_commit=sleep:3"``. Actions: ``kill`` (SIGKILL to this process),
``raise`` (FailpointReached), ``sleep:SECONDS``; a trailing ``@N`` acts only from the N-th time on, and ``!`` only once
in a process: ``after_start=kill@3!``.
"""

from __future__ import annotations

import os
import signal
import time

NAMES = frozenset(
    {
        "between_insert_and_move",
        "after_fire_commit",
        "after_submit_commit",
        "before_claim_commit",
        "after_claim",
        "after_start",
        "after_perform",
        "before_finish_commit",
        "after_finish_commit",
        "before_renew",
        "before_sweep",
    }
)


class FailpointReached(RuntimeError):
    """A failpoint was told to raise."""


def _read(text: str) -> dict[str, str]:
    points = dict(item.split("=", 1) for item in text.split(",") if item)
    if unknown := set(points) - NAMES:
        raise ValueError(f"JOBHOUSE_FAILPOINTS names unknown points: {', '.join(sorted(unknown))}")
    return points


_points = _read(os.environ.get("JOBHOUSE_FAILPOINTS", ""))
_passed: dict[str, int] = {}


def reached(name: str) -> None:
    """Do what the environment says should happen at `name`; nothing, as a rule."""
    if not _points:
        return
    action = _points.get(name)
    if action is None:
        return
    once, action = action.endswith("!"), action.removesuffix("!")
    action, _, first = action.partition("@")
    _passed[name] = _passed.get(name, 0) + 1
    start = int(first or 1)
    if _passed[name] < start or (once and _passed[name] > start):
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "raise":
        raise FailpointReached(name)
    elif action.startswith("sleep:"):
        time.sleep(float(action.removeprefix("sleep:")))
