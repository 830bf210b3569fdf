"""How a try came to where it is: its states with their times, and the reason of each wait; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from executions.models import Execution
from executions.states import Reason, Status, Trigger


@dataclass(frozen=True, slots=True)
class Step:
    """A state that a try was in, from `since` until `until`; None: still. `reason` says why, where that is known."""

    status: str
    since: datetime
    until: datetime | None
    reason: str | None


def timeline(execution: Execution) -> list[Step]:
    """The steps of `execution`, oldest first. What it waited for before it was queued is told from what made it."""
    steps: list[Step] = []
    if execution.queued is None or execution.queued > execution.created:
        steps.append(_wait(execution, execution.queued or execution.ended))
    if execution.queued:
        steps.append(
            Step(Status.QUEUED, execution.queued, execution.started or execution.ended, "Waited for a free slot.")
        )
    if execution.started:
        steps.append(Step(Status.RUNNING, execution.started, execution.ended, None))
    if execution.ended:
        steps.append(Step(execution.status, execution.ended, None, execution.message or execution.reason))
    return steps


def _wait(execution: Execution, until: datetime | None) -> Step:
    if execution.ready_at:
        reason = "Waited before trying again." if execution.attempt > 1 else "Was to start later."
        return Step(Status.PENDING, execution.created, until, reason)
    if execution.trigger == Trigger.PARENT:
        return Step(Status.BLOCKED, execution.created, until, "Waited for the jobs that it runs after.")
    is_told = execution.reason in (None, Reason.CONCURRENCY)
    said = "Waited for another run of the same job." if is_told else None
    return Step(Status.BLOCKED, execution.created, until, said)
