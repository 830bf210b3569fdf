"""The Celery tasks of the house; Celery finds them here. All are housekeeping: jobs themselves run in the engine's
slots.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django_celery_beat.models import IntervalSchedule, PeriodicTask

from executions import housekeeping

__all__ = ["housekeeping", "keep_house"]

PERIODIC = {
    "purge-history": timedelta(hours=1),
    "reap-workers": timedelta(minutes=10),
    "analyze-database": timedelta(days=1),
}
"""How often each housekeeping task runs until an operator changes its PeriodicTask."""


def keep_house(**_: Any) -> None:
    """Make the housekeeping PeriodicTasks that are missing; those that are there stay as an operator left them."""
    for task, period in PERIODIC.items():
        name = f"housekeeping: {task}"
        if not PeriodicTask.objects.filter(name=name).exists():
            seconds = int(period.total_seconds())
            schedule, _made = IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
            PeriodicTask.objects.create(name=name, task=task, interval=schedule)
