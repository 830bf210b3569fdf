"""The environment of a run: small and clean, never the server's.

PATH LANG TZ            the same for all runs; HOME is the run's private folder
JOB_*                   which run this is
INPUT_<NAME>            its input: text as it is, other values as JSON
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from executions.executors.base import WorkOrder

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
NAME_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"
_UNFIT = re.compile(r"[^A-Z0-9_]")


def standing() -> dict[str, str]:
    """What every run finds. TZ is the house's (Django sets it to TIME_ZONE)."""
    return {"PATH": PATH, "LANG": "C.UTF-8", "TZ": os.environ.get("TZ") or "UTC"}


def identity(order: WorkOrder) -> dict[str, str]:
    """Which run this is. JOB_RUN_ID is the same for all tries of a run."""
    words = {
        "JOB_NAME": order.job,
        "JOB_EXECUTION_ID": str(order.execution),
        "JOB_RUN_ID": str(order.group),
        "JOB_ATTEMPT": str(order.attempt),
        "JOB_TYPE": order.job_type,
    }
    if order.scheduled_for is not None:
        words["JOB_SCHEDULED_FOR"] = order.scheduled_for.isoformat()
    return words


def inputs(order: WorkOrder) -> dict[str, str]:
    """The run's input by name: ``two-words`` is INPUT_TWO_WORDS."""
    values: Mapping[str, Any] = order.input.get("json") or {}
    return {f"INPUT_{_UNFIT.sub('_', name.upper())}": as_text(value) for name, value in values.items()}


def as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
