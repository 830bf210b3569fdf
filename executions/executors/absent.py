"""The `absent` executor: stands for one that is not here.

A foreign door keeps a job whatever executor it names, as its original would. Such a job has this one: each run fails at
once, with a DATA error that says what is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from executions.executors.base import Context, Executor, Outcome, WorkOrder


class AbsentExecutor(Executor):
    """Fails every run, and names the executor that would be needed."""

    name: ClassVar[str] = "absent"
    title: ClassVar[str] = "An executor that is not here"
    description: ClassVar[str] = "Keeps jobs that came with an executor this house does not have. Runs fail and say so."
    configuration_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {"executor": {"title": "Executor", "type": "string", "maxLength": 250}},
    }

    def run(self, order: WorkOrder, context: Context) -> Outcome:
        wanted = order.configuration.get("executor")
        said = f"The specified executor {wanted!r} is not present" if wanted else "The job names no executor"
        return Outcome.failed("invalid-input", f"{said}: there is nothing to run.")
