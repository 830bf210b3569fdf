"""What workers, schedulers and people do, in a word each, for the tests of the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Barrier
from typing import Any

from django.db import connection

from errors.exceptions import Refused
from executions.engine import claim, finish, submit
from executions.engine.finish import Finished
from executions.executors.base import Outcome
from executions.models import Execution, Worker
from executions.states import Door
from jobs.models import Job
from tests.builders import NOON, SECOND

LATER = NOON + 10 * SECOND
BAD = "algorithm-unknown"
"""An error of which a retry is no help."""
RETRIED = "filesystem-io"
"""An error of which it is."""


def ask(job: Job, now: datetime = NOON, **how: Any) -> Execution:
    """A run of `job`, asked for by hand."""
    return submit.submit(
        Job.objects.select_related("job_type", "payload").get(pk=job.pk), by="ada", door=Door.NATIVE, now=now, **how
    )


def take(worker: Worker, now: datetime = NOON, room: int = 1) -> list[Execution]:
    """What `worker` is handed when it has room for so many."""
    return [loaded(key) for key in claim.claim(worker, room, now)]


def take_one(worker: Worker, now: datetime = NOON) -> Execution:
    (execution,) = take(worker, now)
    return execution


def loaded(execution: Execution | int) -> Execution:
    """The row as it stands now, with what its worker reads along."""
    key = execution if isinstance(execution, int) else execution.pk
    return Execution.objects.select_related("job", "job_type", "error", "worker").get(pk=key)


def ended(execution: Execution, now: datetime = LATER, *, error: str | None = None, **how: Any) -> Finished:
    """What its worker records of `execution`: a success, or a failure by `error`."""
    outcome = Outcome.failed(error, "It failed.", exit_code=1) if error else Outcome(ok=True, exit_code=0)
    for name in ("stopped", "reason", "outputs", "exception", "traceback"):
        if name in how:
            setattr(outcome, name, how.pop(name))
    if outcome.stopped:
        outcome.ok = False
    return Finished(execution, outcome, now, **how)


def end(execution: Execution, now: datetime = LATER, *, error: str | None = None, **how: Any) -> bool:
    """Let its worker record how `execution` ended; whether that took effect."""
    return finish.finish([ended(execution, now, error=error, **how)], now) == [execution.pk]


def run(execution: Execution, worker: Worker, now: datetime = NOON, *, error: str | None = None) -> Execution:
    """Let `worker` run `execution`, which must be what it is handed, to its end."""
    taken = take_one(worker, now)
    assert taken.pk == execution.pk
    assert end(taken, now + SECOND, error=error)
    return loaded(taken)


def of(job: Job) -> list[Execution]:
    """All tries of `job`, oldest first."""
    return list(Execution.objects.filter(job=job).select_related("job", "job_type", "error").order_by("pk"))


def newest(job: Job) -> Execution:
    return of(job)[-1]


def statuses(job: Job) -> list[str]:
    """How the tries of `job` stand, oldest first: ``COMPLETED``, ``CANCELED upstream``."""
    return [f"{e.status} {e.reason}" if e.reason else str(e.status) for e in of(job)]


def counts(job: Job) -> tuple[int, int, int]:
    """What the record of `job` says: successes, errors, missed."""
    record = Job.objects.select_related("record").get(pk=job.pk).record
    return record.success_count, record.error_count, record.missed_count


def at_once(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Make all `calls` at the same moment, each in a thread of its own; what each returned, or how it was refused."""
    start = Barrier(len(calls))

    def one(call: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            return call()
        except Refused as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls, timeout=60))
