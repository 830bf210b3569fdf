"""What the engine tells: an event is recorded in the transaction of the change that it is about, or not at all.

Where no rule wants to know, telling costs nothing: rules are kept in mind (executions.notifications.interest).
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from executions.models import Execution
from executions.notifications import alerts, interest
from executions.notifications.interest import Interest, Kind, Rule
from executions.notifications.models import NotificationEvent
from executions.states import Status, Trigger
from jobs.models import Job

news = threading.Event()
"""Set when this process has committed events; its loop (executions.notifications.loop) waits for that."""


@dataclass(frozen=True, slots=True)
class End:
    """The end of a try. Its execution may show an older state; `is_last` says that no other try follows."""

    execution: Execution
    status: Status
    is_last: bool


def ended(ends: Iterable[End], now: datetime) -> None:
    """Tries have ended. Called after their jobs' records were counted up, which one transaction at a time can do."""
    rules = interest.in_mind()
    if not rules.rules:
        return
    ends = list(ends)
    last = [end for end in ends if end.is_last]
    _keep([*_late_starts(ends, rules, now), *_alerts(last, rules, now), *_plain(last, rules, now)])


def started(keys: Collection[int], now: datetime) -> None:
    """Executions have been claimed. Only the first try of a run is a start that is told of."""
    rules = interest.in_mind_of_worker()
    if not rules.of(Kind.START):
        return
    first = Execution.objects.filter(pk__in=keys, attempt=1).order_by("pk").values_list("pk", "job_id")
    _keep([_event(Kind.START, job, now, key) for key, job in first if rules.may_want(job, Kind.START)])


def missed(counts: Iterable[tuple[int, int, str]], now: datetime) -> None:
    """Due instants of jobs have passed: the ids of the jobs, how many, and why."""
    told = list(counts)
    rules = interest.in_mind() if told else Interest()
    wanted = {job: (count, why) for job, count, why in told if rules.may_want(job, Kind.MISSED)}
    due = alerts.due(alerts.MISSED, wanted, now)
    _keep([_event(Kind.MISSED, job, now, count=wanted[job][0], why=wanted[job][1]) for job in sorted(due)])


def late(rule: Rule, starts: Sequence[tuple[int, int, float]], now: datetime) -> None:
    """These start late, or have not started though it is late: ids of executions and of their jobs, and seconds."""
    _keep(_late(rule, starts, now))


def long(runs: Sequence[tuple[int, int, str, dict[str, Any]]], now: datetime) -> None:
    """These run for long: ids of executions and of their jobs, what tells the run from all others, and details."""
    _keep([_event(Kind.LONG, job, now, key, once=once_long(run), **details) for key, job, run, details in runs])


def once_long(run: str) -> str:
    """What makes the event unique that a run takes long."""
    return f"long/{run}"


# --- What becomes of ends ---------------------------------------------------------------------------------------------
def _plain(last: Iterable[End], rules: Interest, now: datetime) -> list[NotificationEvent]:
    """Events that are told of every run: its success, its end."""
    events = []
    for end in last:
        execution, job = end.execution, end.execution.job_id
        if end.status == Status.COMPLETED and rules.may_want(job, Kind.SUCCESS):
            events.append(_event(Kind.SUCCESS, job, now, execution.pk))
        if execution.started and rules.may_want(job, Kind.END):
            events.append(_event(Kind.END, job, now, execution.pk))
    return events


def _alerts(last: Iterable[End], rules: Interest, now: datetime) -> list[NotificationEvent]:
    """Failures, at most one an hour of a job, and recoveries: a run that succeeded on all its workers."""
    newest: dict[int, End] = {}
    failed: dict[int, Execution] = {}
    for end in last:
        job = end.execution.job_id
        if end.status != Status.CANCELED and rules.may_want(job, Kind.FAILURE, Kind.RECOVERY):
            newest[job] = end
            if end.status == Status.FAILED:
                failed[job] = end.execution
    if not newest:
        return []
    due = alerts.due(alerts.FAILURE, failed, now)
    failing = alerts.going_on(alerts.FAILURE, newest)
    events = [
        _event(Kind.FAILURE, job, now, failed[job].pk, since=failing[job].isoformat())
        for job in sorted(due)
        if rules.may_want(job, Kind.FAILURE)
    ]
    successes = {job: end.execution for job, end in newest.items() if job in failing and end.status == Status.COMPLETED}
    recovered = _whole(successes) if successes else {}
    if recovered:
        alerts.over(alerts.FAILURE, sorted(recovered))
    events += [
        _event(Kind.RECOVERY, job, now, execution.pk, since=failing[job].isoformat())
        for job, execution in sorted(recovered.items())
        if rules.may_want(job, Kind.RECOVERY)
    ]
    return events


def _whole(successes: dict[int, Execution]) -> dict[int, Execution]:
    """Those that belong to a run of which nothing failed and nothing goes on."""
    groups = [execution.group for execution in successes.values()]
    others = Execution.objects.runs().filter(group__in=groups).exclude(status=Status.COMPLETED)
    unfinished = set(others.order_by().values_list("group", flat=True))
    return {job: execution for job, execution in successes.items() if execution.group not in unfinished}


def _late_starts(ends: Iterable[End], rules: Interest, now: datetime) -> list[NotificationEvent]:
    """Of short runs it is only seen here, at their end, that they began late."""
    wanted = rules.of(Kind.LATE)
    if not wanted:
        return []
    first = [end.execution for end in ends if end.execution.trigger == Trigger.SCHEDULE and end.execution.attempt == 1]
    starts = [
        (execution.pk, execution.job_id, (execution.started - execution.scheduled_for).total_seconds())
        for execution in first
        if execution.started and execution.scheduled_for
    ]
    starts = [start for start in starts if start[2] > min(rule.late_after or 0 for rule in wanted)]
    if not starts:
        return []
    jobs = Job.objects.only("owner", "metadata").in_bulk({job for _, job, _ in starts})
    events = []
    for rule in wanted:
        limit = rule.late_after or 0
        events += _late(rule, [start for start in starts if start[2] > limit and rule.concerns(jobs[start[1]])], now)
    return events


def _late(rule: Rule, starts: Sequence[tuple[int, int, float]], now: datetime) -> list[NotificationEvent]:
    """One event a job and hour, and one an execution."""
    topic = alerts.late(rule.id)
    told = NotificationEvent.objects.filter(once__in=[f"{topic}/{key}" for key, _, _ in starts])
    known = set(told.values_list("once", flat=True)) if starts else set()
    fresh = {job: (key, seconds) for key, job, seconds in reversed(starts) if f"{topic}/{key}" not in known}
    due = alerts.due(topic, fresh, now)
    return [
        _event(Kind.LATE, job, now, fresh[job][0], rule=rule.id, once=f"{topic}/{fresh[job][0]}", late_by=fresh[job][1])
        for job in sorted(due)
    ]


def _event(
    kind: Kind,
    job: int,
    now: datetime,
    execution: int | None = None,
    *,
    rule: int | None = None,
    once: str | None = None,
    **details: Any,
) -> NotificationEvent:
    return NotificationEvent(
        kind=kind, job_id=job, execution=execution, rule=rule, once=once, time=now, details=details
    )


def _keep(events: Sequence[NotificationEvent]) -> None:
    if events:
        NotificationEvent.objects.bulk_create(events, ignore_conflicts=True)
        transaction.on_commit(news.set)
