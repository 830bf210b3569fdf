"""Removing a run from one door: what a client of another system means when it deletes a job that has ended."""

from __future__ import annotations

from datetime import datetime

from errors import audit
from errors.exceptions import Conflict
from executions.engine.transactions import again_on_conflict
from executions.models import Execution
from executions.removals import Removal
from executions.states import Door


class NotOver(Conflict):
    """The run has not ended."""


@again_on_conflict
def remove(run: int, *, door: Door, by: str, now: datetime) -> None:
    """Let `door` show the run `run`, a group, no more. Its executions stay: they are history, and others may wait for
    them. Raises NotOver; nothing changes then. Does nothing where it is done.
    """
    if Execution.objects.filter(group=run, ended=None).exists():
        raise NotOver
    _, is_new = Removal.objects.get_or_create(run_id=run, door=door, defaults={"by": by[:150], "at": now})
    if is_new:
        audit.record(Execution.objects.get(pk=run), "remove", by=by, door=door, after={"removed_from": door.value})
