"""The container executor: runs a Seed image through the Docker API, on Docker or on Podman.

Everything that could hang happens in the slot's runner, where it can be killed; see executions.executors.seed.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from django.conf import settings

from executions.executors import endings, environment
from executions.executors.base import Context, Executor, Limits, Outcome, ProcessResult, WorkOrder
from executions.executors.seed import plan
from executions.executors.seed.engine import PULLS_WITHIN
from executions.executors.seed.perform import clean_up
from jobtypes.seed.schema import CONFIGURATION

BEFORE, AFTER = 3600.0, 3600.0  # seconds for fetching input and for keeping output, besides the container's own
MEMORY = 512 * 2**20  # bytes for our own process beside a container
_HERE = "executions.executors.seed.perform"


class ContainerExecutor(Executor):
    """Runs the image of a Seed job type; exit status 0, and every required output, is success."""

    name: ClassVar[str] = "container"
    title: ClassVar[str] = "Seed image"
    description: ClassVar[str] = "Runs a Seed image in a container, with its input files, and keeps its outputs."
    configuration_schema: ClassVar[Mapping[str, Any]] = CONFIGURATION

    def run(self, order: WorkOrder, context: Context) -> Outcome:
        """Run the image to its end. No container of it is left when this returns."""
        asked = plan.plan(order, settings.SEED_PROGRAMS)
        ours = {name: value for name, value in asked.labels.items() if name.startswith(plan.LABEL)}
        result = context.call(
            f"{_HERE}:perform",
            {"plan": asked.encode()},
            env=environment.standing() | {"DOCKER_CONFIG": _credentials()},
            limits=_limits(order.limits, asked),
            cleanup=(f"{_HERE}:clean_up", {"labels": ours}),
        )
        if result.ended_by == "lost":  # the runner itself may have died, and its cleaning up with it
            clean_up(ours)
        return judged(order, result)


def _credentials() -> str:
    """Where the engine's clients keep the credentials of registries."""
    return os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")


def _limits(limits: Limits, asked: plan.Plan) -> Limits:
    """What our own process may use: a container has its limits from the engine, a local process is part of ours."""
    seconds = None if limits.seconds is None else limits.seconds + PULLS_WITHIN + BEFORE + AFTER
    memory = MEMORY + (int(asked.resources.get("mem", 0) * 2**20) if asked.program else 0)
    return replace(limits, seconds=seconds, memory=memory)


def judged(order: WorkOrder, result: ProcessResult) -> Outcome:
    """The outcome of a run that `perform` told about; how its process ended comes first."""
    outcome = endings.outcome(result)
    told = result.value if isinstance(result.value, dict) else {}
    if not outcome.ok or not told:
        return outcome
    facts: dict[str, Any] = {name: told.get(name) for name in ("exit_code", "max_rss_bytes", "cpu_seconds")}
    if error := told.get("error"):
        reason = "timeout" if error == "timeout" else None
        return replace(outcome, ok=False, error=error, message=told["message"], reason=reason, **facts)
    if told["ended_by"] == "stop":
        return replace(outcome, ok=False, stopped=True, message="Stopped", **facts)
    return replace(outcome, outputs=told["outputs"], **facts)
