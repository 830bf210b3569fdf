"""The house's own Python tasks: they keep it clean, or show that it works. None of them needs input."""

from __future__ import annotations

import logging
import sys
import time
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q

from errors import audit
from executions import clock, files
from executions.engine.containers import house
from executions.engine.finish import fail_lost
from executions.engine.sweep import choose_again
from executions.models import LEASE, BulkAction, Execution, OutputChunk, Worker
from executions.notifications import outbox
from executions.states import FINAL, Status
from jobs.models import Job, Payload
from jobtypes.registry import schedulable

log = logging.getLogger(__name__)

_BATCH = 500
_KEPT_LONGER = 2
"""Failures are kept so many times as long as other ends."""


@schedulable
def purge_history(days: int | None = None, per_job: int | None = None) -> dict[str, int]:
    """Delete executions that have ended and are older than the retention time, or beyond the number kept per job.

    Failures are kept twice as long. Rows go run by run, oldest first, in small transactions. Files that runs left in
    workspaces, and that nobody knows of, go after a day.

    Args:
        days: how many days to keep; the setting RETENTION_DAYS when not given
        per_job: how many executions of each job to keep; the setting RETENTION_PER_JOB when not given
    """
    keep_days = settings.RETENTION_DAYS if days is None else days
    keep_each = settings.RETENTION_PER_JOB if per_job is None else per_job
    deleted = _purge_by_age(keep_days) + _purge_by_number(keep_each)
    BulkAction.objects.filter(ended__lt=clock.now() - timedelta(days=keep_days)).delete()
    return {
        "executions": deleted,
        "payloads": _purge_payloads(),
        "files": files.discard_orphans(house(), clock.now()),
        "notifications": outbox.purge(clock.now(), days),
        "audit": audit.purge(clock.now() - timedelta(days=settings.AUDIT_DAYS)) if settings.AUDIT_DAYS else 0,
    }


def _purge_by_age(days: int) -> int:
    now = clock.now()
    old = Q(ended__lt=now - timedelta(days=days)) & ~Q(status=Status.FAILED)
    old_failures = Q(ended__lt=now - timedelta(days=days * _KEPT_LONGER), status=Status.FAILED)
    return _delete(Execution.objects.filter(old | old_failures, status__in=FINAL).order_by("ended"))


def _purge_by_number(each: int) -> int:
    crowded = Job.objects.annotate(held=Count("executions")).filter(held__gt=each)
    deleted = 0
    for job in crowded.values_list("pk", flat=True):
        mine = Execution.objects.filter(job=job).order_by("-created", "-id")
        last_kept = mine.values_list("pk", flat=True)[each - 1 : each].first() if each else None
        last_failure = (
            mine.values_list("pk", flat=True)[each * _KEPT_LONGER - 1 : each * _KEPT_LONGER].first() if each else None
        )
        beyond = Execution.objects.filter(job=job, status__in=FINAL)
        deleted += _delete(beyond.filter(pk__lt=last_kept or sys.maxsize).exclude(status=Status.FAILED).order_by("pk"))
        if last_failure:
            deleted += _delete(beyond.filter(pk__lt=last_failure, status=Status.FAILED).order_by("pk"))
    return deleted


def delete_ended(job: Job) -> int:
    """Delete the runs of `job` that have ended, because somebody wants its history cleared; return how many rows."""
    return _delete(Execution.objects.filter(job=job, status__in=FINAL).order_by("pk"))


def _delete(rows: Any) -> int:
    """Delete `rows` in batches; whole runs only, since the tries of one explain each other, and none that lives."""
    deleted = 0
    over = rows.exclude(Exists(Execution.objects.live().filter(group=OuterRef("group"))))
    while groups := set(over.values_list("group", flat=True)[:_BATCH]):
        whole = Execution.objects.filter(group__in=groups, status__in=FINAL)
        OutputChunk.objects.filter(execution__in=whole)._raw_delete(OutputChunk.objects.db)
        files.discard(whole)
        _, by_table = whole.delete()
        deleted += by_table.get(Execution._meta.label, 0)
        time.sleep(0.01)  # let others write
    return deleted


def _purge_payloads() -> int:
    """Delete payloads that nothing points at any more."""
    stale = Payload.objects.filter(created__lt=clock.now() - timedelta(hours=1))
    used = Execution.objects.values("payload")
    unused = stale.exclude(pk__in=Job.objects.values("payload")).exclude(pk__in=used)
    deleted = 0
    while keys := list(unused.values_list("pk", flat=True)[:_BATCH]):
        deleted += Payload.objects.filter(pk__in=keys).delete()[0]
    return deleted


@schedulable
def analyze_database() -> str:
    """Let the database learn how its rows are distributed now, so that its plans stay good."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("ANALYZE")
        else:
            cursor.execute("PRAGMA optimize")
    return connection.vendor


@schedulable
def vacuum_database() -> str:
    """Give the space of deleted rows back."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET statement_timeout = 0")
            cursor.execute("VACUUM")
        else:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return connection.vendor


@schedulable
def reap_workers() -> dict[str, int]:
    """Give up what silent workers ran, and forget workers that have been gone for a day."""
    now = clock.now()
    lost = fail_lost(now)
    choose_again(now)
    gone = Worker.objects.filter(last_seen__lt=now - LEASE * 2, stopped=None).update(stopped=now)
    forgotten = Worker.objects.filter(stopped__lt=now - timedelta(days=1), executions=None).delete()[0]
    return {"executions": lost, "workers": gone, "forgotten": forgotten}


# --- Tasks that show whether a deployment works, as udata has them ----------------------------------------------------
@schedulable
def test_log(*args: Any, **kwargs: Any) -> None:
    """Write one line at each of the levels DEBUG, INFO, WARNING and ERROR."""
    print("DEBUG a debug message")
    print("INFO an info message")
    print("WARNING a warning message", file=sys.stderr)
    print("ERROR an error message", file=sys.stderr)


@schedulable
def test_error(*args: Any, **kwargs: Any) -> None:
    """Fail, always."""
    raise RuntimeError("There is an error, and it is meant to be there.")


@schedulable
def test_sleep(*args: Any, **kwargs: Any) -> str:
    """Sleep for five seconds, and say so each second."""
    for second in range(5):
        print(f"asleep for {second} s", flush=True)
        time.sleep(1)
    return "slept for 5 s"


def _in_queue(queue: str, raises: bool) -> str:
    print(f"This ran in the {queue} queue.")
    if raises:
        raise RuntimeError("It was asked to fail.")
    return queue


@schedulable
def test_low_queue(raises: bool = False) -> str:
    """Write one line, for the low queue.

    Args:
        raises: fail after that
    """
    return _in_queue("low", raises)


@schedulable
def test_default_queue(raises: bool = False) -> str:
    """Write one line, for the default queue.

    Args:
        raises: fail after that
    """
    return _in_queue("default", raises)


@schedulable
def test_high_queue(raises: bool = False) -> str:
    """Write one line, for the high queue.

    Args:
        raises: fail after that
    """
    return _in_queue("high", raises)
