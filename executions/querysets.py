"""The questions and conditional changes that the engine asks of its tables.

Guarantee: every change of an execution's state is one UPDATE that repeats the condition it was decided on, so of
callers racing for a row exactly one is told that it moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Count, F, Q, QuerySet

from executions.states import LIVE, Status, sources
from jobs.models import Job

if TYPE_CHECKING:
    from executions.models import Execution, OutputChunk, Worker


class ExecutionQuerySet(QuerySet["Execution"]):
    def move(self, to: Status, **changes: Any) -> int:
        """Set `status` to `to` where the present status permits it; return how many rows moved."""
        return self.filter(status__in=sources(to)).update(status=to, **changes)

    def live(self) -> ExecutionQuerySet:
        """Not yet final."""
        return self.filter(status__in=LIVE)

    def running(self) -> ExecutionQuerySet:
        return self.filter(status=Status.RUNNING)

    def occupying(self) -> ExecutionQuerySet:
        """What a job that forbids overlap has to wait for: queued, running, or about to be tried again.

        A run that itself waits for its parents, for its turn or for its time keeps no other from starting.
        """
        return self.live().exclude(status=Status.BLOCKED).exclude(status=Status.PENDING, attempt=1)

    def running_on(self, worker: int) -> ExecutionQuerySet:
        return self.filter(status=Status.RUNNING, worker=worker)

    def ready_for(self, worker: int) -> ExecutionQuerySet:
        """Queued, for any worker or for this one, and nobody has paused its type or its job; most urgent first."""
        return (
            self.filter(status=Status.QUEUED, job_type__is_paused=False, job__paused_at=None)
            .filter(Q(needs_worker=False) | Q(chosen_worker=worker))
            .order_by("priority", "id")
        )

    def with_room(self) -> ExecutionQuerySet:
        """Without the types that are full and the jobs that allow one run and have one: there may be many waiting."""
        running = self.model.objects.running()
        counted = running.filter(job_type__max_scheduled__gt=0).values("job_type").annotate(count=Count("pk"))
        full = list(counted.filter(count__gte=F("job_type__max_scheduled")).values_list("job_type", flat=True))
        single = dict(running.exclude(job__concurrency=Job.Concurrency.ALLOW).values_list("job_id", "group"))
        # The slots of one run may run beside each other.
        return self.exclude(job_type__in=full).exclude(~Q(group__in=single.values()), job__in=single)

    def set_off_by(self, origins: Iterable[int]) -> ExecutionQuerySet:
        """The dependants' executions that the runs `origins` set off, worded as the index on them is."""
        return self.filter(~Q(origin=F("group")), origin__in=set(origins))

    def lost(self, now: datetime) -> ExecutionQuerySet:
        """Running under a lease that has passed."""
        return self.filter(status=Status.RUNNING, lease_until__lt=now)

    def runs(self) -> ExecutionQuerySet:
        """One row a run and slot: its latest try. What statistics count."""
        return self.filter(is_last_try=True)

    def with_names(self) -> ExecutionQuerySet:
        """With all that a list shows of related rows, in the same query, and without the columns that are large."""
        return self.select_related("job", "job_type", "revision", "worker", "error").defer(
            "job_type__manifest",
            "job_type__configuration",
            "job__description",
            "revision__manifest",
            "revision__input_schema",
            "revision__configuration_schema",
        )


class WorkerQuerySet(QuerySet["Worker"]):
    def alive(self, now: datetime, lease: timedelta) -> WorkerQuerySet:
        """Seen within `lease`, not stopped, not stopping."""
        return self.filter(stopped=None, is_stopping=False, last_seen__gte=now - lease)


class OutputQuerySet(QuerySet["OutputChunk"]):
    def after(self, execution: int, line: int) -> OutputQuerySet:
        """The chunks that hold lines above `line`, in order."""
        return self.filter(execution=execution, seq__gt=line).order_by("seq")

    def text_of(self, executions: Iterable[int]) -> models.QuerySet[OutputChunk]:
        return self.filter(execution__in=executions).order_by("execution", "seq")
