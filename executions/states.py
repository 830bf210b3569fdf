"""The life of an execution: its states, why it is in one, and the one table of allowed changes."""

from __future__ import annotations

from django.db.models import TextChoices


class Status(TextChoices):
    PENDING = "PENDING"
    """Accepted; waits for a delay to pass: a retry's, a start time's."""
    BLOCKED = "BLOCKED"
    """May not run yet: a predecessor is not done, or concurrency forbids it."""
    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELED = "CANCELED"


class Reason(TextChoices):
    """What the status alone does not say."""

    USER = "user"
    UPSTREAM = "upstream"
    EXPIRED = "expired"
    SYSTEM = "system"
    CONCURRENCY = "concurrency"
    MISSED = "missed"
    TIMEOUT = "timeout"
    WORKER_LOST = "worker-lost"
    SKIPPED = "skipped"


class Trigger(TextChoices):
    SCHEDULE = "schedule"
    MANUAL = "manual"
    PARENT = "parent"
    RETRY = "retry"
    BACKFILL = "backfill"


class Door(TextChoices):
    NATIVE = "native"
    CONSOLE = "console"
    SHELL = "shell"
    DKRON = "dkron"
    UDATA = "udata"
    ADVERITY = "adverity"
    TAIPY = "taipy"
    SCHEDULER = "scheduler"


TRANSITIONS: dict[Status, set[Status]] = {
    Status.PENDING: {Status.BLOCKED, Status.QUEUED, Status.CANCELED},
    Status.BLOCKED: {Status.PENDING, Status.QUEUED, Status.CANCELED},
    Status.QUEUED: {Status.RUNNING, Status.CANCELED},
    Status.RUNNING: {Status.COMPLETED, Status.FAILED, Status.CANCELED},
    Status.COMPLETED: set(),
    Status.FAILED: set(),
    Status.CANCELED: set(),
}

FINAL = frozenset(status for status, following in TRANSITIONS.items() if not following)
WAITING = frozenset({Status.PENDING, Status.BLOCKED, Status.QUEUED})
LIVE = WAITING | {Status.RUNNING}


def sources(to: Status) -> list[Status]:
    """The states from which `to` may be entered."""
    return [status for status, following in TRANSITIONS.items() if to in following]
