"""What must hold of the rows at any moment, each asked of the database in one query (docs/reliability.md).

The database's own constraints see to what they can: states and their transitions, an instant that fires once, a try
that is made once. Here stands what lies between rows. Queries go over live rows, over retries, or once along an index,
so that they may run in production; none locks anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.db.models import Count, Exists, F, Max, OuterRef, Q, QuerySet, Sum

from executions.engine import capacity
from executions.models import LEASE, Execution, House, Worker
from executions.states import Reason, Status, Trigger
from jobs import upcoming
from jobs.models import Job
from jobs.schedule import ScheduleError

SHOWN = 20
"""So many violations of one rule are told at most."""
SAMPLE = 200
"""So many jobs have their next instant computed anew."""
_SECOND = timedelta(seconds=1)
_LATE = 10 * _SECOND
"""How long a sweep may take to notice what a crash left behind."""
_QUEUED_LONG = 35 * _SECOND
_LOOKS = 15 * _SECOND
"""A worker that has not looked for work for so long is not counted on."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Something that must hold; `number` is that of reliability.md's list of invariants."""

    number: int
    says: str
    broken: Callable[[datetime], Iterable[str]]
    """A sentence for each violation there is at that moment."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of looking at one rule."""

    rule: Rule
    violations: list[str]


def check(now: datetime, *, is_pruned: bool = True) -> list[Finding]:
    """Look at every rule as of `now`. Where no history was pruned (`is_pruned` false) counts must be exact."""
    rules = RULES if is_pruned else (*RULES, EXACT_COUNTS)
    return [Finding(rule, list(islice(rule.broken(now), SHOWN))) for rule in rules]


# --- Firing -----------------------------------------------------------------------------------------------------------
def _fired_ahead(now: datetime) -> Iterator[str]:
    fired = Execution.objects.filter(trigger=Trigger.SCHEDULE, attempt=1, scheduled_for__isnull=False)
    ahead = fired.filter(Q(job__last_scheduled_for=None) | Q(scheduled_for__gt=F("job__last_scheduled_for")))
    rows = ahead.values_list("pk", "job__name", "scheduled_for", "job__last_scheduled_for", "job__schedule_anchor")
    for key, job, instant, last, anchor in rows.iterator():
        if not anchor.microsecond:  # else the clock was set back, and the job has begun anew
            yield f"Execution {key} of {job} is for {_at(instant)}, but the job was last fired for {_at(last)}."


def _next_instant_wrong(now: datetime) -> Iterator[str]:
    for job in Job.objects.living().filter(is_enabled=True).order_by("?")[:SAMPLE]:
        try:
            wanted = _wanted(job, now)
        except ScheduleError as error:
            yield f"{job}'s schedule {job.schedule} cannot be computed: {error}"
            continue
        if wanted != job.next_run_at:
            yield f"{job} ({job.schedule}) is to run next at {_at(job.next_run_at)}; its schedule says {_at(wanted)}."


def _wanted(job: Job, now: datetime) -> datetime | None:
    if job.next_run_at is None or job.next_run_at > now:
        return upcoming.next_run(job, now)
    return job.next_instant(job.next_run_at - _SECOND)  # it has come: one of its instants it must be


# --- Tries ------------------------------------------------------------------------------------------------------------
def _times_disordered(now: datetime) -> Iterator[str]:
    wrong = (
        Q(queued__lt=F("created"))
        | Q(started__lt=F("queued"))
        | Q(ended__lt=F("started"))
        | Q(status=Status.QUEUED, queued=None)
        | Q(status__in=[Status.RUNNING, Status.COMPLETED, Status.FAILED], started=None)
    )
    rows = Execution.objects.filter(wrong).values_list("pk", "status", "created", "queued", "started", "ended")
    for key, status, *times in rows[:SHOWN]:
        created, queued, started, ended = map(_at, times)
        yield f"Execution {key} ({status}): created {created}, queued {queued}, started {started}, ended {ended}."


def _before(**more: object) -> QuerySet[Execution]:
    """The try before the one at hand."""
    return Execution.objects.filter(
        group=OuterRef("group"), slot=OuterRef("slot"), attempt=OuterRef("attempt") - 1, **more
    )


def _tries_with_gaps(now: datetime) -> Iterator[str]:
    later = Execution.objects.filter(attempt__gt=1).exclude(Exists(_before(is_last_try=False, ended__isnull=False)))
    for key, group, attempt in later.values_list("pk", "group", "attempt")[:SHOWN]:
        yield f"Execution {key} is try {attempt} of run {group}, which has no try {attempt - 1} that ended before it."
    following = Execution.objects.filter(
        group=OuterRef("group"), slot=OuterRef("slot"), attempt=OuterRef("attempt") + 1
    )
    for key, group in (
        Execution.objects.filter(is_last_try=False).exclude(Exists(following)).values_list("pk", "group")[:SHOWN]
    ):
        yield f"Execution {key} is said not to be the last try of run {group}, but no other follows it."


def _tries_overlap(now: datetime) -> Iterator[str]:
    later = Execution.objects.filter(attempt__gt=1).filter(Exists(_before(ended__gt=OuterRef("started"))))
    for key, group, attempt, started in later.values_list("pk", "group", "attempt", "started")[:SHOWN]:
        yield f"Execution {key}, try {attempt} of run {group}, began at {_at(started)}, before try {attempt - 1} ended."


def _revision_of_another_type(now: datetime) -> Iterator[str]:
    strange = Execution.objects.exclude(revision__job_type=F("job_type"))
    for key, revision in strange.values_list("pk", "revision_id")[:SHOWN]:
        yield f"Execution {key} is pinned to revision {revision}, which is not one of its job type."


# --- Nothing is stuck -------------------------------------------------------------------------------------------------
def _leases_passed(now: datetime) -> Iterator[str]:
    passed = Execution.objects.filter(status=Status.RUNNING, lease_until__lt=now - _LATE)
    for key, worker, until in passed.values_list("pk", "worker__name", "lease_until")[:SHOWN]:
        yield f"Execution {key} is RUNNING on {worker}, whose lease passed at {_at(until)}."


def _queued_with_room(now: datetime) -> Iterator[str]:
    able = Worker.objects.alive(now, LEASE).filter(last_looked__gte=now - _LOOKS)
    slots = able.aggregate(slots=Sum("slots"))["slots"] or 0
    if Execution.objects.running().count() >= slots or House.objects.filter(paused_at__isnull=False).exists():
        return
    waiting = Execution.objects.ready_for(worker=0).filter(queued__lt=now - _QUEUED_LONG)
    startable = waiting.filter(Q(start_by=None) | Q(start_by__gt=now)).with_room()
    plain = startable.exclude(job_type__executor=capacity.CONTAINER)
    images = startable.filter(job_type__executor=capacity.CONTAINER).select_related("job_type")[:SHOWN]
    stuck = [*plain[:SHOWN], *(execution for execution in images if capacity.why(execution, now) is None)]
    for execution in stuck[:SHOWN]:
        job, queued = execution.job, execution.queued
        yield f"Execution {execution.pk} of {job} is QUEUED since {_at(queued)}, although a worker has a free slot."


def _blocked_by_nothing(now: datetime) -> Iterator[str]:
    of_job = Execution.objects.filter(job=OuterRef("job"))
    waiting = Execution.objects.filter(status=Status.BLOCKED, reason=Reason.CONCURRENCY, created__lt=now - _LATE)
    free = waiting.exclude(Exists(of_job.occupying())).exclude(Exists(of_job.filter(ended__gte=now - _LATE)))
    for key, job in free.values_list("pk", "job__name")[:SHOWN]:
        yield f"Execution {key} waits for another run of {job} to end, and there is none."


# --- Limits and counters ----------------------------------------------------------------------------------------------
def _types_over_their_limit(now: datetime) -> Iterator[str]:
    """More than the limit may run on after it was lowered; none may have started since then."""
    of_type = Execution.objects.running().filter(job_type__max_scheduled__gt=0).values("job_type")
    over = of_type.annotate(count=Count("pk"), newest=Max("started")).filter(
        count__gt=F("job_type__max_scheduled"), newest__gt=F("job_type__last_modified")
    )
    names = ("job_type__name", "job_type__version", "job_type__max_scheduled", "count")
    for name, version, limit, count in over.values_list(*names)[:SHOWN]:
        yield f"{count} executions of {name} {version} run at once, of which {limit} may."


def _jobs_beside_themselves(now: datetime) -> Iterator[str]:
    single = Execution.objects.running().exclude(job__concurrency=Job.Concurrency.ALLOW).values("job")
    over = single.annotate(runs=Count("group", distinct=True), newest=Max("started")).filter(
        runs__gt=1, newest__gt=F("job__last_modified")
    )
    for name, policy, runs in over.values_list("job__name", "job__concurrency", "runs")[:SHOWN]:
        yield f"{runs} runs of {name} go on at once, and its concurrency is {policy}."


_COMPLETED = Count("pk", filter=Q(status=Status.COMPLETED))
_FAILED = Count("pk", filter=Q(status=Status.FAILED))
_TOLD = ("job__name", "completed", "failed", "job__record__success_count", "job__record__error_count")


def _counted_too_few(now: datetime) -> Iterator[str]:
    """A record keeps counting what was pruned: it may count more than there are rows, never fewer."""
    ends = Execution.objects.values("job").annotate(completed=_COMPLETED, failed=_FAILED)
    few = ends.filter(Q(completed__gt=F("job__record__success_count")) | Q(failed__gt=F("job__record__error_count")))
    yield from map(_miscount, few.values_list(*_TOLD)[:SHOWN])


def _counted_wrong(now: datetime) -> Iterator[str]:
    ends = Execution.objects.values("job").annotate(completed=_COMPLETED, failed=_FAILED)
    wrong = ends.exclude(completed=F("job__record__success_count"), failed=F("job__record__error_count"))
    yield from map(_miscount, wrong.values_list(*_TOLD)[:SHOWN])


def _miscount(row: tuple[Any, ...]) -> str:
    job, completed, failed, successes, errors = row
    return (
        f"{job} has {completed} executions that completed and {failed} that failed; its record counts "
        f"{successes} and {errors}."
    )


# --- Dependants -------------------------------------------------------------------------------------------------------
def _parents(**more: object) -> QuerySet[Execution]:
    """Executions of the job that a link of the child at hand points to, within the child's origin."""
    origin = OuterRef(OuterRef("origin"))
    within = Q(group=origin) | Q(~Q(origin=F("group")), origin=origin)
    return Execution.objects.filter(within, job=OuterRef("to_job"), **more)


def _links() -> QuerySet[Any]:
    """From the job of the execution at hand to its parents, where they have not been edited since it was made."""
    return Job.parents.through.objects.filter(
        from_job=OuterRef("job"), from_job__last_modified__lte=OuterRef("created")
    )


def _children_ahead_of_parents(now: datetime) -> Iterator[str]:
    made_with = _parents(created__lte=OuterRef(OuterRef("created")))
    done = _parents(status=Status.COMPLETED, ended__lte=OuterRef(OuterRef("started")))
    unfinished = _links().filter(Exists(made_with)).exclude(Exists(done))
    started = Execution.objects.filter(trigger=Trigger.PARENT, attempt=1, started__isnull=False)
    for key, job, moment in started.filter(Exists(unfinished)).values_list("pk", "job__name", "started")[:SHOWN]:
        yield f"Execution {key} of {job} started at {_at(moment)}, before all of its parents had completed."


def _children_of_the_dead(now: datetime) -> Iterator[str]:
    newer = Execution.objects.filter(job=OuterRef("job"), origin=OuterRef("origin"), group__gt=OuterRef("group"))
    ended = _parents(is_last_try=True, ended__lt=now - _LATE)
    dead = ended.filter(status__in=[Status.FAILED, Status.CANCELED]).exclude(Exists(newer))
    waiting = Execution.objects.filter(status=Status.BLOCKED).exclude(reason=Reason.CONCURRENCY)
    for key, job in waiting.filter(Exists(_links().filter(Exists(dead)))).values_list("pk", "job__name")[:SHOWN]:
        yield f"Execution {key} of {job} still waits for a parent that failed or was canceled."


def _at(moment: datetime | None) -> str:
    return moment.isoformat(timespec="milliseconds") if moment else "never"


RULES: tuple[Rule, ...] = (
    Rule(1, "No instant has fired that its job does not know of.", _fired_ahead),
    Rule(3, "An execution is created, queued, started and ended in this order.", _times_disordered),
    Rule(4, "The tries of a run are numbered without gaps, each after the end of the one before.", _tries_with_gaps),
    Rule(4, "The tries of a run do not overlap.", _tries_overlap),
    Rule(6, "Nothing runs on under a lease that has passed.", _leases_passed),
    Rule(6, "Nothing stays queued while a worker has room for it.", _queued_with_room),
    Rule(6, "What waits for another run of its job has one to wait for.", _blocked_by_nothing),
    Rule(7, "No more executions of a type run than its limit allows.", _types_over_their_limit),
    Rule(7, "A job that forbids or replaces has one run at a time.", _jobs_beside_themselves),
    Rule(8, "A job's record counts at least the ends that are kept.", _counted_too_few),
    Rule(10, "A child starts after all of its parents have completed.", _children_ahead_of_parents),
    Rule(10, "No child waits for a parent that failed or was canceled.", _children_of_the_dead),
    Rule(11, f"A job's next instant is what its schedule says (a sample of {SAMPLE}).", _next_instant_wrong),
    Rule(12, "An execution is pinned to a revision of its own job type.", _revision_of_another_type),
)
EXACT_COUNTS = Rule(8, "A job's record counts exactly the ends that there are.", _counted_wrong)
