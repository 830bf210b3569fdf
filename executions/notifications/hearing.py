"""What notifications hear of lower apps. Connected once, when the apps are ready."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from executions import clock
from executions.notifications import interest, record
from jobs.signals import instants_dropped


@receiver(instants_dropped)
def note_dropped(job: int, count: int, reason: str, **_: Any) -> None:
    """They count as missed, whoever changed the job; a web process has no loop that keeps the rules in its mind."""
    interest.reload()
    record.missed([(job, count, reason)], clock.now())
