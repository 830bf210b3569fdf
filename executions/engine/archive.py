"""Archiving: a deleted job's name is free at once, its history stays readable."""

from __future__ import annotations

from datetime import datetime

from errors import audit
from errors.exceptions import Conflict
from executions.engine import cancel
from executions.engine.transactions import again_on_conflict
from executions.models import Execution
from executions.states import Reason, Status
from jobs.models import Job


class StillRunning(Conflict):
    """The job is running; cancel its executions first, or ask for that with the deletion."""


class HasChildren(Conflict):
    """Other jobs run after this one; delete them first, or take it out of their parents."""


def archive(job: Job, *, by: str, now: datetime, cancel_running: bool, spare_running: bool = False) -> None:
    """Archive `job`, and cancel what waits of it; what runs too, with `cancel_running`.

    With `spare_running` what runs goes on to its end, as Dkron has it, and is not tried again. Raises StillRunning when
    something runs and neither was said, and HasChildren; nothing is changed then.
    """
    _archive(job, by, now, cancel_running or spare_running)
    live = Execution.objects.filter(job=job).live()
    keys = list((live.exclude(status=Status.RUNNING) if spare_running else live).values_list("pk", flat=True))
    cancel.cancel_all(keys, by=by, now=now, reason=Reason.SYSTEM, message="Its job was deleted.")


@again_on_conflict
def _archive(job: Job, by: str, now: datetime, may_run: bool) -> None:
    list(Job.objects.filter(pk=job.pk).select_for_update(no_key=True).values_list("pk"))
    if not may_run and Execution.objects.filter(job=job).running().exists():
        raise StillRunning
    if job.children.living().exists():
        raise HasChildren
    living = Job.objects.living().filter(pk=job.pk)
    if living.update(archived=now, next_run_at=None, is_enabled=False):
        audit.record(job, "delete", by=by)
