"""Dkron's words for how things stand."""

from __future__ import annotations

from executions.states import Status

DOOR = "dkron"

SUCCESS, FAILED, PARTLY, UNTRIGGERED = "success", "failed", "partially_failed", ""
"""How the newest run of a job ended, all its tries on all its nodes together."""
UNTRIGGERED_FILTER = "untriggered"
"""What the filter calls the last of them."""

OF_A_TRY = {
    Status.PENDING: UNTRIGGERED,
    Status.BLOCKED: UNTRIGGERED,
    Status.QUEUED: UNTRIGGERED,
    Status.RUNNING: FAILED,
    Status.COMPLETED: SUCCESS,
    Status.FAILED: FAILED,
    Status.CANCELED: FAILED,
}
"""What one try adds to the status of its run. Dkron knows no cancellation and counts what still runs as a failure."""

ENDINGS = {SUCCESS: Status.COMPLETED, FAILED: Status.FAILED, PARTLY: Status.FAILED}
"""What a status that came in a file says about how the last try ended."""


FIELDS = {
    "title": "displayname",
    "is_enabled": "disabled",
    "is_ephemeral": "ephemeral",
    "job_type": "executor",
    "configuration": "executor_config",
    "parents": "parent_job",
}
"""What Dkron calls a field of a job, where the house calls it something else."""


def of_field(place: str) -> str:
    """Dkron's word for a place such as ``configuration.command``."""
    field, dot, below = place.partition(".")
    return FIELDS.get(field, field) + dot + below


def of_run(tries: set[str]) -> str:
    """The status of a run from those of its tries."""
    told = {OF_A_TRY[Status(status)] for status in tries} - {UNTRIGGERED}
    return PARTLY if len(told) > 1 else next(iter(told), UNTRIGGERED)
