"""Finishing: outcomes become facts, many in one transaction.

    1. move RUNNING -> COMPLETED | FAILED | CANCELED, where the row is still this worker's
    2. keep what the try left behind: results, the rest of its output
    3. make the next try where one is due (executions.retry decides)
    4. count for the job; archive an ephemeral one after its success
    5. let follow what waited: dependants, and the next run of a job that forbids overlap
    6. commit; then hint

Guarantee: a finish takes effect once. A worker that lost its lease finds its row no longer RUNNING and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db.models import Max

from errors import services as errors
from executions import bulk, files, tally
from executions.engine import dependants, hints
from executions.engine.transactions import again_on_conflict
from executions.executors.base import Outcome
from executions.failpoints import reached
from executions.models import Execution, ExecutionResult, OutputChunk
from executions.notifications import record as notify
from executions.retry import History, Policy, delay_after_failure, follows_loss
from executions.states import Door, Reason, Status, Trigger
from jobs.models import Job, JobRecord

log = structlog.get_logger(__name__)

FIELDS = (
    "status",
    "reason",
    "ended",
    "exit_code",
    "signal",
    "error",
    "message",
    "output_bytes",
    "output_lost_bytes",
    "max_rss_bytes",
    "cpu_seconds",
)


@dataclass(slots=True)
class Finished:
    """An outcome together with the last of its output, ready to be recorded."""

    execution: Execution
    outcome: Outcome
    ended: datetime
    output_bytes: int = 0
    output_lost_bytes: int = 0
    chunks: Sequence[OutputChunk] = ()
    stale: tuple[int, int] | None = None
    """Chunks with a `seq` above the first and up to the second number have been pushed out by newer output."""
    handed_back: bool = False
    """The worker stops: the run goes back to the queue as its next try."""


@dataclass(slots=True)
class _Fact:
    """What is written of one finished try."""

    finished: Finished
    status: Status
    reason: Reason | None
    error: int | None = None
    retry_at: datetime | None = None
    """When the next try is due; None when there is none."""


@again_on_conflict
def finish(batch: Sequence[Finished], now: datetime) -> list[int]:
    """Record `batch`; return the ids that were recorded. The others were no longer their worker's to record."""
    batch = list({item.execution.pk: item for item in batch}.values())
    _lock_jobs(item.execution for item in batch)
    facts = [_fact(item, now) for item in batch]
    worker = batch[0].execution.worker_id
    moved = _record(facts, "t.status = 'RUNNING' AND t.worker_id = %s", [worker], now)
    for key in {item.execution.pk for item in batch} - set(moved):
        log.warning("finish came too late: the execution was no longer this worker's", execution=key)
    return moved


@again_on_conflict
def fail_lost(now: datetime, limit: int = 200) -> int:
    """Fail executions whose lease has passed, and make their next tries; return how many."""
    silent = Execution.objects.lost(now).select_related("job", "job_type").order_by("pk")
    rows = list(silent.select_for_update(skip_locked=True, no_key=True, of=("self",))[:limit])
    if not rows:
        return 0
    facts = []
    for execution in rows:
        outcome = Outcome.failed("worker-lost", "Its worker fell silent.", reason=Reason.WORKER_LOST)
        item = Finished(execution, outcome, now, execution.output_bytes, execution.output_lost_bytes)
        if execution.stop_requested:
            outcome.stopped, outcome.reason, outcome.message = True, execution.stop_reason, execution.message
        facts.append(_fact(item, now))
    moved = _record(facts, "t.status = 'RUNNING'", [], now)
    log.warning("leases passed", executions=moved)
    return len(moved)


def _record(facts: Sequence[_Fact], where: str, parameters: Sequence[object], now: datetime) -> list[int]:
    moved = bulk.update_each(
        Execution,
        FIELDS,
        [(fact.finished.execution.pk, *_values(fact)) for fact in facts],
        where=where,
        parameters=parameters,
        expressions={"message": "CASE WHEN v.message = '' AND v.status = 'CANCELED' THEN t.message ELSE v.message END"},
        always={"lease_until": "NULL"},
    )
    changed = set(moved)
    recorded = [fact for fact in facts if fact.finished.execution.pk in changed]
    _heed_stops(recorded)
    _keep(recorded)
    follow(recorded, now)
    reached("before_finish_commit")
    return moved


def _heed_stops(recorded: Iterable[_Fact]) -> None:
    """A try that somebody asked to stop, and that ended by itself before it could be stopped, is not tried again."""
    again = {fact.finished.execution.pk: fact for fact in recorded if fact.retry_at is not None}
    if again:
        for key in Execution.objects.filter(pk__in=again, stop_requested__isnull=False).values_list("pk", flat=True):
            again[key].retry_at = None


def _lock_jobs(executions: Iterable[Execution]) -> None:
    """Runs of a job that forbids overlap, or goes after its success, end one at a time: the last sees the others."""
    jobs = {e.job_id for e in executions if e.job.concurrency != Job.Concurrency.ALLOW or e.job.is_ephemeral}
    if jobs:
        list(Job.objects.filter(pk__in=jobs).order_by("pk").select_for_update(no_key=True).values_list("pk"))


def _fact(item: Finished, now: datetime) -> _Fact:
    execution, outcome = item.execution, item.outcome
    if item.handed_back:
        item.outcome.message = "The worker was stopped; the run was handed back."
        again = now if not execution.job.at_most_once else None
        return _Fact(item, Status.CANCELED, Reason.SYSTEM, retry_at=again)
    if outcome.stopped:
        return _Fact(item, Status.CANCELED, Reason(outcome.reason or Reason.USER))
    if outcome.ok:
        return _Fact(item, Status.COMPLETED, Reason(outcome.reason) if outcome.reason else None)
    if outcome.reason == Reason.WORKER_LOST:
        return _lost(item, now)
    error = errors.named(outcome.error or "unknown", execution.job_type.name)
    return _Fact(
        item,
        Status.FAILED,
        Reason(outcome.reason) if outcome.reason else None,
        error.pk,
        _retry_at(execution, error.should_be_retried, now),
    )


def _lost(item: Finished, now: datetime) -> _Fact:
    """The try was cut short with its worker: tried again at once, without using up a retry; the third in a row is
    poison.
    """
    execution = item.execution
    history = _history(execution, lost=True)
    again = follows_loss(history, _policy(execution))
    name = "worker-lost" if again or execution.job.at_most_once else "poison"
    if name == "poison":
        item.outcome.message = "Three workers in a row were lost to this run."
    error = errors.named(name, execution.job_type.name)
    return _Fact(item, Status.FAILED, Reason.WORKER_LOST, error.pk, now if again else None)


def _policy(execution: Execution) -> Policy:
    job = execution.job
    return Policy(job.retries, execution.job_type.max_tries, job.retry_delay, job.at_most_once)


def _history(execution: Execution, *, lost: bool) -> History:
    if execution.attempt == 1:
        return History(failures=0 if lost else 1, losses=1 if lost else 0)
    earlier = list(
        Execution.objects.filter(group=execution.group, slot=execution.slot, attempt__lt=execution.attempt)
        .order_by("-attempt")
        .values_list("status", "reason")
    )
    failures = sum(status == Status.FAILED and reason != Reason.WORKER_LOST for status, reason in earlier)
    losses = 0
    for _, reason in earlier:
        if reason != Reason.WORKER_LOST:
            break
        losses += 1
    return History(failures + (not lost), losses + 1 if lost else 0)


def _retry_at(execution: Execution, should_be_retried: bool, now: datetime) -> datetime | None:
    if execution.job.archived:
        return None
    delay = delay_after_failure(_history(execution, lost=False), _policy(execution), should_be_retried)
    return None if delay is None else now + delay


def _values(fact: _Fact) -> tuple[object, ...]:
    item, outcome = fact.finished, fact.finished.outcome
    return (
        fact.status,
        fact.reason,
        item.ended,
        outcome.exit_code,
        outcome.signal,
        fact.error,
        outcome.message[:500],
        item.output_bytes,
        item.output_lost_bytes,
        outcome.max_rss_bytes,
        outcome.cpu_seconds,
    )


def _keep(recorded: Iterable[_Fact]) -> None:
    results: list[ExecutionResult] = []
    chunks: list[OutputChunk] = []
    recorded = list(recorded)
    filed = {
        fact.finished.execution.pk: kept
        for fact in recorded
        if (kept := fact.finished.outcome.outputs.get("files")) and isinstance(kept, dict)
    }
    ids = files.record(filed) if filed else {}
    for fact in recorded:
        item, outcome = fact.finished, fact.finished.outcome
        chunks += item.chunks
        if item.stale:
            drop_stale(item.execution.pk, *item.stale)
        if outcome.outputs or outcome.exception or outcome.traceback:
            results.append(
                ExecutionResult(
                    execution=item.execution,
                    outputs=_with_ids(outcome.outputs, ids.get(item.execution.pk)),
                    exception=(outcome.exception or "")[:250],
                    traceback=outcome.traceback or "",
                )
            )
    if results:
        ExecutionResult.objects.bulk_create(results)
    if chunks:
        keep_output(chunks)


def _with_ids(outputs: dict[str, Any], ids: dict[str, list[int]] | None) -> dict[str, Any]:
    """The outputs as they are stored: with the ids of files."""
    return outputs if ids is None else {**outputs, "files": ids}


def keep_output(chunks: Sequence[OutputChunk]) -> None:
    """Store pieces of output; those that are stored already, by a commit of which nobody heard, are left alone."""
    rows = [(chunk.execution_id, chunk.seq, chunk.lines, chunk.time, chunk.stream, chunk.text) for chunk in chunks]
    bulk.insert_each(OutputChunk, ("execution", "seq", "lines", "time", "stream", "text"), rows, again=True)


def drop_stale(execution: int, above: int, until: int) -> None:
    """Delete the chunks in the middle of an output whose head and tail are kept."""
    OutputChunk.objects.filter(execution=execution, seq__gt=above, seq__lte=until).delete()


def follow(recorded: Sequence[_Fact], now: datetime) -> None:
    """Everything that an end brings about, in the same transaction."""
    ends = []
    for fact in recorded:
        execution = fact.finished.execution
        if fact.retry_at is not None:
            retries = Trigger(execution.trigger)
            next_try(
                execution,
                now=now,
                ready_at=fact.retry_at,
                trigger=retries,
                door=Door(execution.door),
                by=execution.requested_by,
            )
        else:
            ends.append(fact)
    _count(recorded)
    notify.ended((notify.End(f.finished.execution, f.status, f.retry_at is None) for f in recorded), now)
    if not ends:
        return
    over = [fact.finished.execution for fact in ends]
    if dependants.settle({execution.origin for execution in over}, now):
        hints.after_commit()
    limited = {e.job_id for e in over if e.job.concurrency == Job.Concurrency.FORBID}
    if limited and dependants.unblock(limited, now):
        hints.after_commit()
    _archive_ephemeral([fact.finished.execution for fact in ends if fact.status == Status.COMPLETED], now)


def next_try(
    execution: Execution,
    *,
    now: datetime,
    ready_at: datetime | None,
    trigger: Trigger,
    door: Door,
    by: str,
    is_blocked: bool = False,
) -> int:
    """Make the next try of `execution`'s run and slot; return its id.

    It waits until `ready_at`, if that is to come, or, `is_blocked`, until no other run of its job lives. Where a worker
    was chosen, it is for the one that ran the last try, as in Dkron; the sweep replaces it if that one has gone.
    """
    waits = ready_at is not None and ready_at > now
    status = Status.PENDING if waits else Status.BLOCKED if is_blocked else Status.QUEUED
    top = Execution.objects.filter(group=execution.group, slot=execution.slot).aggregate(top=Max("attempt"))["top"]
    Execution.objects.filter(pk=execution.pk).update(is_last_try=False)
    tally.withdraw(execution.pk)
    if status == Status.QUEUED:
        hints.after_commit()
    made = Execution(
        pk=bulk.allocate_ids(Execution, 1)[0],
        group=execution.group,
        slot=execution.slot,
        attempt=top + 1,
        origin=execution.origin,
        job_id=execution.job_id,
        job_type_id=execution.job_type_id,
        revision_id=execution.revision_id,
        payload_id=execution.payload_id,
        status=status,
        reason=Reason.CONCURRENCY if status == Status.BLOCKED else None,
        trigger=trigger,
        door=door,
        requested_by=by,
        priority=execution.priority,
        scheduled_for=execution.scheduled_for,
        created=now,
        ready_at=ready_at if waits else None,
        start_by=None,
        queued=now if status == Status.QUEUED else None,
        needs_worker=execution.needs_worker,
        chosen_worker_id=execution.worker_id if execution.needs_worker else None,
    )
    made.save(force_insert=True)
    return made.pk


def _count(recorded: Iterable[_Fact]) -> None:
    """Count ends for their jobs. A cancellation counts neither as a success nor as an error."""
    totals: dict[int, list[object]] = {}
    for fact in recorded:
        item = fact.finished
        row = totals.setdefault(item.execution.job_id, [0, 0, None, None, "", 0])
        if fact.status == Status.COMPLETED:
            row[0] += 1  # type: ignore[operator]  # the first two are counts
            row[2] = item.ended
        elif fact.status == Status.FAILED:
            row[1] += 1  # type: ignore[operator]  # the first two are counts
            row[3] = item.ended
        row[4], row[5] = fact.status, item.execution.pk
    bulk.update_each(
        JobRecord,
        ("success_count", "error_count", "last_success", "last_error", "last_status", "last_execution"),
        [(job, *totals[job]) for job in sorted(totals)],
        expressions={
            "success_count": "t.success_count + v.success_count",
            "error_count": "t.error_count + v.error_count",
            "last_success": "COALESCE(v.last_success, t.last_success)",
            "last_error": "COALESCE(v.last_error, t.last_error)",
        },
    )


def _archive_ephemeral(completed: Sequence[Execution], now: datetime) -> None:
    for execution in completed:
        if not execution.job.is_ephemeral:
            continue
        group = Execution.objects.filter(group=execution.group, is_last_try=True)
        if not group.exclude(status=Status.COMPLETED).exists():
            Job.objects.filter(pk=execution.job_id, archived=None).update(archived=now, next_run_at=None)
