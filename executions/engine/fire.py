"""Firing: a due job becomes an execution, once per due instant, whatever number of schedulers run.

    1. lock a batch of due jobs, skipping those that another scheduler holds
    2. decide what is due of each, and what of that runs (misfire policy, `forbid`, inactive types)
    3. insert the executions, and those of the jobs below them
    4. move `next_run_at` and `last_scheduled_for`, and count what was missed
    5. commit; then hint

Guarantee: the unique key (job, scheduled_for, slot) and `last_scheduled_for`, which only grows, make an instant fire
once. A batch that fails is split until the job that spoils it stands alone; that one is disabled with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Prefetch

from errors import audit
from executions import bulk
from executions.engine import cancel, dependants, hints, placement
from executions.engine.draft import CannotRun, Draft, Pinned, insert, living_workers, pin
from executions.engine.misfire import due
from executions.engine.transactions import again_on_conflict
from executions.failpoints import reached
from executions.models import Execution, House
from executions.notifications import record as notify
from executions.states import Door, Trigger
from jobs.models import Job, JobRecord
from jobs.schedule import ScheduleError
from jobtypes.models import JobType

log = structlog.get_logger(__name__)

BATCH = 1000
"""Due jobs in one transaction."""
_NEEDED = (
    "job_type",
    "follows_newest",
    "job_type_revision",
    "payload",
    "schedule",
    "timezone",
    "expires_at",
    "misfire_policy",
    "misfire_grace",
    "schedule_anchor",
    "next_run_at",
    "priority",
    "deadline",
    "concurrency",
    "tags",
)
"""What firing looks at: of a job, its times are most of what reading it costs."""


@dataclass(slots=True)
class Fired:
    """What one batch came to."""

    jobs: int = 0
    executions: int = 0
    missed: int = 0


def fire_due(now: datetime, *, batch: int = BATCH) -> Fired:
    """Fire everything that is due at `now`, batch by batch; nothing while the house is paused."""
    total = Fired()
    while True:
        fired = fire_batch(now, batch)
        total.jobs += fired.jobs
        total.executions += fired.executions
        total.missed += fired.missed
        if fired.jobs < batch:
            return total


def fire_batch(now: datetime, batch: int = BATCH) -> Fired:
    """Fire up to `batch` due jobs in one transaction."""
    try:
        fired = _fire(now, batch, None)
    except (OperationalError, InterfaceError):
        raise  # the database is away, no job is to blame
    except Exception:
        log.exception("a batch of due jobs failed; looking for the one that spoils it")
        keys = list(Job.objects.due(now).values_list("pk", flat=True)[:batch])
        fired = _fire_in_halves(now, keys)
    reached("after_fire_commit")
    return fired


def _fire_in_halves(now: datetime, keys: Sequence[int]) -> Fired:
    if not keys:
        return Fired()
    try:
        return _fire(now, len(keys), keys)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001 -- whatever spoils one job must not keep the others from firing
        if len(keys) == 1:
            disable(keys[0], f"It could not be fired: {type(error).__name__}: {error}", now)
            return Fired(jobs=1)
        middle = len(keys) // 2
        first, second = _fire_in_halves(now, keys[:middle]), _fire_in_halves(now, keys[middle:])
        return Fired(first.jobs + second.jobs, first.executions + second.executions, first.missed + second.missed)


@again_on_conflict
def disable(key: int, reason: str, now: datetime) -> None:
    """Take a job whose schedule cannot be computed out of service, and say why where its operator looks."""
    job = Job.objects.filter(pk=key).only("name").first()
    if job is None:
        return
    Job.objects.filter(pk=key).update(is_enabled=False, next_run_at=None)
    after = {"is_enabled": False, "reason": reason[:250]}
    audit.record(job, "disable", before={"is_enabled": True}, after=after, door=Door.SCHEDULER)
    JobRecord.objects.filter(job=key).update(missed_reason=f"Disabled at {now:%Y-%m-%d %H:%M:%S}Z. {reason}"[:250])
    log.error("job disabled", job=key, reason=reason)


@dataclass(slots=True)
class _Plan:
    drafts: list[Draft] = field(default_factory=list)
    moves: list[tuple[int, datetime | None, datetime]] = field(default_factory=list)
    missed: list[tuple[int, int, str]] = field(default_factory=list)


@again_on_conflict
def _fire(now: datetime, batch: int, keys: Sequence[int] | None) -> Fired:
    if House.objects.filter(paused_at__isnull=False).exists():
        return Fired()
    found = Job.objects.due(now).only(*_NEEDED).select_for_update(skip_locked=True, no_key=True)
    found = found.prefetch_related(Prefetch("job_type", JobType.objects.defer("manifest")))  # each type once
    jobs = list(found.filter(pk__in=keys) if keys is not None else found[:batch])
    if not jobs:
        return Fired()
    plan = _plan(jobs, now)
    groups = insert(plan.drafts)
    reached("between_insert_and_move")
    if any(draft.pinned.has_dependants for draft in plan.drafts):
        fired = [(draft.job.pk, group) for draft, group in zip(plan.drafts, groups, strict=True)]
        dependants.make(fired, door=Door.SCHEDULER, by="", now=now)
    bulk.update_each(Job, ("next_run_at", "last_scheduled_for"), plan.moves)
    bulk.update_each(
        JobRecord,
        ("missed_count", "missed_reason"),
        plan.missed,
        expressions={"missed_count": "t.missed_count + v.missed_count"},
    )
    notify.missed(plan.missed, now)
    if groups:
        hints.after_commit()
    return Fired(len(jobs), len(groups), sum(count for _, count, _ in plan.missed))


def _plan(jobs: Sequence[Job], now: datetime) -> _Plan:
    plan = _Plan()
    pinned = pin(jobs)
    workers = living_workers(now) if any(job.tags for job in jobs) else []
    forbidding = [job.pk for job in jobs if job.concurrency == Job.Concurrency.FORBID]
    occupied = (
        dict(Execution.objects.filter(job__in=forbidding).occupying().order_by("-pk").values_list("job_id", "group"))
        if forbidding
        else {}
    )
    for job in jobs:
        try:
            decided = due(job, job.parsed_schedule, now)
        except ScheduleError as error:
            disable(job.pk, f"Its schedule cannot be computed: {error}", now)
            continue
        pins = pinned[job.pk]
        missed, why = decided.missed, decided.why_missed
        fire = decided.fire
        if isinstance(pins, CannotRun):
            missed, why, fire = missed + len(fire), pins.message, ()
        elif job.concurrency == Job.Concurrency.FORBID and fire:
            if job.pk in occupied:
                missed, fire = missed + len(fire), ()
                why = f"Run {occupied[job.pk]} was still going on, and the job forbids a second one."
            elif len(fire) > 1:
                missed, fire = missed + len(fire) - 1, fire[-1:]
                why = "Several instants were due at once, and the job forbids a second run beside the first."
        elif job.concurrency == Job.Concurrency.REPLACE and fire:
            if len(fire) > 1:
                missed, fire = missed + len(fire) - 1, fire[-1:]
                why = "Several instants were due at once, and the newest takes the place of the others."
            cancel.replace(job.pk, now)
        plan.moves.append((job.pk, decided.next, decided.last))
        if missed:
            plan.missed.append((job.pk, missed, why[:250]))
        for instant in fire:
            assert isinstance(pins, Pinned)
            plan.drafts.append(
                Draft(
                    job=job,
                    pinned=pins,
                    trigger=Trigger.SCHEDULE,
                    door=Door.SCHEDULER,
                    created=now,
                    scheduled_for=instant,
                    slots=placement.slots_for(job.tags, workers),
                )
            )
    return plan


def reanchor(now: datetime) -> int:
    """After the clock was set back: let intervals whose next instant lies more than a period ahead count from now.

    Returns how many jobs were anchored anew. Their instants get a microsecond more, since the old clock has fired the
    same seconds before. Wall-clock schedules wait for their time to come again.
    """
    count = 0
    ahead = Job.objects.living().filter(is_enabled=True, schedule__startswith="@every", next_run_at__gt=now)
    for job in ahead.order_by("pk").iterator():
        period = job.parsed_schedule.period
        assert job.next_run_at is not None
        if period and job.next_run_at > now + period:
            with transaction.atomic():
                count += _anchor(job, now)
    return count


def _anchor(job: Job, now: datetime) -> int:
    was, anchor = job.next_run_at, now.replace(microsecond=min(job.schedule_anchor.microsecond + 1, 999_999))
    job.schedule_anchor = anchor
    following = job.next_instant(now)
    log.warning("clock was set back: interval anchored anew", job=job.name, was=was, next=following)
    moved = Job.objects.filter(pk=job.pk, next_run_at=was).update(
        schedule_anchor=anchor, next_run_at=following, last_scheduled_for=None
    )
    if moved:
        before, after = {"next_run_at": was}, {"next_run_at": following}
        audit.record(job, "reanchor", before=before, after=after, door=Door.SCHEDULER)
    return moved
