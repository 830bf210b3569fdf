"""A Celery task of a test: `celery -A config worker --include tests.faults.tasks`."""

from __future__ import annotations

import os
import time

from celery import Task, shared_task


@shared_task(name="faults.note", ignore_result=True, bind=True)
def note(task: Task) -> None:
    """Write down when it was called, and which process sent it."""
    with open(os.environ["FAULTS_NOTES"], "a") as notes:
        notes.write(f"{time.time()} {task.request.origin}\n")
