"""Backfill: runs for instants of a schedule that passed without one, so many at a time.

An instant for which a run stands in the history, made by the schedule or by a backfill, is not run again; nor is one
that a backfill which is under way will still run, or about which the scheduler has still to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction

from errors import audit
from errors.exceptions import Invalid, Refused
from executions.engine import dependants, submit
from executions.engine.transactions import again_on_conflict
from executions.models import BulkAction, BulkItem, Execution
from executions.states import Door, Status, Trigger
from jobs.models import Job
from jobs.schedule import ScheduleError

MOST = 1_000
"""Instants of one backfill."""
MOST_AT_ONCE = 1_000
_LOOKED_AT = 20_000
"""Instants of the schedule that are looked at for such that were not run."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a backfill would run, in its order, and how many instants it leaves out since they are dealt with."""

    instants: Sequence[datetime]
    left_out: int


def plan(job: Job, since: datetime, until: datetime, *, newest_first: bool, now: datetime) -> Plan:
    """What is to be made up for in [since, until]. Raises Invalid: where the job has no schedule, the range is none or
    reaches into the future, or holds more than MOST such instants.
    """
    if since > until:
        raise Invalid.field("from", "must not be later than to")
    if until > now:
        raise Invalid.field("to", "must not be in the future")
    due = _due(job, since, until)
    dealt = _dealt_with(job, due)
    if job.is_enabled and job.next_run_at:  # what has come since then is the scheduler's
        dealt |= {instant for instant in due if instant >= job.next_run_at}
    wanted = [instant for instant in due if instant not in dealt]
    if len(wanted) > MOST:
        raise Invalid.field(
            "from", f"the range holds {len(wanted):,} instants to run; at most {MOST:,} are made up for"
        )
    return Plan(wanted[::-1] if newest_first else wanted, len(due) - len(wanted))


def _due(job: Job, since: datetime, until: datetime) -> list[datetime]:
    """The instants of the schedule in the range, within the job's own window."""
    since = max(since, job.starts_at) if job.starts_at else since
    until = min(until, job.expires_at) if job.expires_at else until
    try:
        schedule = job.parsed_schedule
        if schedule.kind == "manual":
            raise Invalid("The job has no schedule: no instant of it has passed.")
        after = max(since, _EARLIEST) - _SECOND
        coming = schedule.instants(after, until, job.schedule_anchor)
        found = [instant + job.instant_mark for instant in islice(coming, _LOOKED_AT + 1)]
    except ScheduleError as error:
        raise Invalid(f"The job's schedule cannot be computed: {error}") from error
    if len(found) > _LOOKED_AT:
        raise Invalid.field("from", f"the range holds more than {_LOOKED_AT:,} instants of the schedule")
    return [instant for instant in found if since <= instant <= until]


_EARLIEST = datetime.fromisoformat("1970-01-01T00:00:01+00:00")


def _dealt_with(job: Job, due: Sequence[datetime]) -> set[datetime]:
    if not due:
        return set()
    within = {"scheduled_for__gte": due[0], "scheduled_for__lte": due[-1]}
    runs = Execution.objects.filter(job=job, trigger__in=[Trigger.SCHEDULE, Trigger.BACKFILL], attempt=1, **within)
    planned = BulkItem.objects.filter(
        bulk__job=job, bulk__state=BulkAction.State.RUNNING, instant__gte=due[0], instant__lte=due[-1]
    )
    return {*runs.values_list("scheduled_for", flat=True), *planned.values_list("instant", flat=True)}  # type: ignore[arg-type]


def start(
    job: Job,
    since: datetime,
    until: datetime,
    *,
    concurrency: int = 1,
    newest_first: bool = False,
    by: str,
    door: Door,
    now: datetime,
) -> BulkAction:
    """Run what is to be made up for in [since, until], so many at once; the receipt says how far that got.

    Raises as `plan` does, and Archived. Of two backfills that are asked for at once the second leaves out what the
    first one has.
    """
    if job.archived:
        raise submit.Archived
    if not 1 <= concurrency <= MOST_AT_ONCE:
        raise Invalid.field("concurrency", f"must be between 1 and {MOST_AT_ONCE:,}")
    return _start(job, since, until, concurrency, newest_first, by, door, now)


@again_on_conflict
def _start(
    job: Job,
    since: datetime,
    until: datetime,
    concurrency: int,
    newest_first: bool,
    by: str,
    door: Door,
    now: datetime,
) -> BulkAction:
    list(Job.objects.filter(pk=job.pk).select_for_update(no_key=True).values_list("pk"))
    instants = plan(job, since, until, newest_first=newest_first, now=now).instants
    asked = {"from": since, "to": until, "order": "newest" if newest_first else "oldest"}
    made = BulkAction.objects.create(
        action=BulkAction.Action.BACKFILL,
        filter={"job_name": job.name, **asked},
        job=job,
        concurrency=concurrency,
        count=len(instants),
        by=by[:150],
        door=door,
        created=now,
        state=BulkAction.State.RUNNING if instants else BulkAction.State.COMPLETED,
        ended=None if instants else now,
    )
    BulkItem.objects.bulk_create(BulkItem(bulk=made, instant=instant) for instant in instants)
    after = {**asked, "concurrency": concurrency, "count": len(instants), "receipt": made.pk}
    audit.record(job, "backfill", by=by, door=door, after=after)
    if instants:
        step(made, now)
    return made


def step(row: BulkAction, now: datetime) -> tuple[int, int]:
    """Strike off the runs of a backfill that have ended, and make as many as may follow. Call it with `row` locked, in
    a transaction. Returns how many completed, and how many did not.
    """
    assert row.job is not None
    done, failed = _strike_off(row)
    job = Job.objects.select_related("job_type", "payload").get(pk=row.job.pk)
    room = row.concurrency - row.items.filter(group__isnull=False).count()
    if job.concurrency != Job.Concurrency.ALLOW:  # one behind the other, and behind whatever else of it runs
        room = 0 if dependants.is_occupied(job.pk) else min(room, 1)
    if room > 0:
        failed += sum(not _make(row, job, item, now) for item in row.items.filter(group=None).order_by("pk")[:room])
    return done, failed


def _strike_off(row: BulkAction) -> tuple[int, int]:
    rows = row.items.filter(group__isnull=False).values_list("group", "pk")
    begun = {group: item for group, item in rows if group is not None}
    if not begun:
        return 0, 0
    tries = Execution.objects.runs().filter(group__in=list(begun)).values_list("group", "status", "ended")
    ends: dict[int, bool] = {}
    live = set()
    for group, status, ended in tries:
        if ended is None:
            live.add(group)
        ends[group] = ends.get(group, True) and status == Status.COMPLETED
    over = [group for group in begun if group not in live]
    BulkItem.objects.filter(pk__in=[begun[group] for group in over]).delete()
    done = sum(ends.get(group, False) for group in over)
    return done, len(over) - done


def _make(row: BulkAction, job: Job, item: BulkItem, now: datetime) -> bool:
    """Make the run for `item`; False, and it is struck off, where the job cannot run any more."""
    try:
        with transaction.atomic():
            made = submit.submit(
                job, by=row.by, door=Door(row.door), now=now, at=item.instant, trigger=Trigger.BACKFILL
            )
    except Refused:
        item.delete()
        return False
    item.group = made.group
    item.save(update_fields=["group"])
    return True
