"""Runs, for doors that know no tries: a group under its first id, with the state of its latest try.

A run that was sent to several workers has a latest try in each of its slots. It shows the one that decides how it
stands: one that runs, else one that waits, else one that failed, else one that was canceled.

Lists ask for groups first (`live`, `between`), by an index and for one page, and then for those runs (`load`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from executions.engine import cancel
from executions.models import Execution
from executions.states import LIVE, Reason, Status

EXACT = 10_000
"""So many runs of a range are looked up and sorted; of more the newest are found by going through all in order."""

_DECIDES = (
    Status.RUNNING,
    Status.QUEUED,
    Status.PENDING,
    Status.BLOCKED,
    Status.FAILED,
    Status.CANCELED,
    Status.COMPLETED,
)
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_DIGITS = 18
"""Any number of so many digits fits into a column."""
_GIVE_OR_TAKE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Run:
    first: Execution
    latest: Execution
    """The latest try of the slot that decides."""
    tries: tuple[Execution, ...]
    """The latest try of each slot."""

    @property
    def id(self) -> int:
        return self.first.pk

    @property
    def is_over(self) -> bool:
        return all(execution.is_final for execution in self.tries)


def load(groups: Iterable[int], rows: QuerySet[Execution] | None = None) -> list[Run]:
    """The runs of these groups, in their order; those that are gone are left out. One query, through `rows`."""
    groups = list(groups)
    found: dict[int, list[Execution]] = defaultdict(list)
    wide = Execution.objects.with_names() if rows is None else rows
    for execution in wide.filter(Q(is_last_try=True) | Q(pk=F("group")), group__in=groups).order_by("group", "pk"):
        found[execution.group].append(execution)
    return [_run(found[group]) for group in groups if group in found]


def _run(rows: Sequence[Execution]) -> Run:
    tries = tuple(execution for execution in rows if execution.is_last_try)
    return Run(rows[0], min(tries, key=lambda execution: _DECIDES.index(Status(execution.status))), tries)


def one(group: int, rows: QuerySet[Execution] | None = None) -> Run | None:
    """The run of that group, if there is one."""
    return next(iter(load([group], rows)), None)


def number(text: str) -> int:
    """The id that `text` writes: plain digits, as we give them out; of anything else 0, which is nobody's."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _DIGITS else 0


def live(job: int | None = None) -> QuerySet[Execution]:
    """One row for each run, of that job or of all, that has not ended; its `group` is the run."""
    rows = Execution.objects.filter(ended=None)
    if job is not None:
        rows = rows.filter(job=job, status__in=sorted(LIVE))  # worded as the index on a job's live executions is
    before = Execution.objects.filter(ended=None, group=OuterRef("group"), slot__lt=OuterRef("slot"))
    return rows.filter(Q(slot=0) | ~Exists(before))


def between(since: datetime | None, until: datetime | None, job: int | None = None) -> QuerySet[Execution]:
    """One row for each run, of that job or of all, that started not before `since` and before `until`; of one that has
    never started counts when it was due, or else made. Its `group` is the run.
    """
    counted = Coalesce("started", "scheduled_for", "created")  # no index has it: rows are gone through in their order
    return _in_slot_zero(job).alias(counted=counted).filter(_within("counted", since, until))


def sorted_between(
    since: datetime | None, until: datetime | None, job: int | None, order: str
) -> list[int] | QuerySet[Execution]:
    """The groups of `between`, sorted by `order`: `group` or `started`, with `-` newest first.

    Up to EXACT of them are looked up by the index on when they started and sorted here: then the cost is that of the
    range. A range with more is left to the database, which finds its first page soon on the way through all runs.
    """
    rows = _in_slot_zero(job).order_by()
    others = [*rows.filter(_within("due", since, until), started=None).values_list("group", "started")[: EXACT + 1]]
    started = rows.filter(_within("started", since, until), started__isnull=False).values_list("group", "started")
    found = [*others, *started[: max(0, EXACT + 1 - len(others))]]
    name = order.removeprefix("-")
    if len(found) > EXACT:
        many = between(since, until, job)
        if until is not None and len(others) <= EXACT:
            many = many.filter(group__lte=max([_newest_made_by(until), *(group for group, _ in others)]))
        return many.order_by(order, "pk" if order == name else "-pk")
    found.sort(key=lambda row: row if name == "group" else (row[1] or _LONG_AGO, row[0]), reverse=order != name)
    return [group for group, _ in found]


def _newest_made_by(moment: datetime) -> int:
    """No run that has started before `moment` has a greater id than this. Ids grow with time, give or take a moment."""
    made = Execution.objects.order_by("-created", "-id").values_list("pk", flat=True)
    with suppress(OverflowError):
        made = made.filter(created__lt=moment + _GIVE_OR_TAKE)
    return made.first() or 0


def _in_slot_zero(job: int | None) -> QuerySet[Execution]:
    rows = Execution.objects.runs().filter(slot=0).alias(due=Coalesce("scheduled_for", "created"))
    return rows if job is None else rows.filter(job=job)


def _within(field: str, since: datetime | None, until: datetime | None) -> Q:
    within = Q()
    if since is not None:
        within &= Q(**{f"{field}__gte": since})
    if until is not None:
        within &= Q(**{f"{field}__lt": until})
    return within


def stop(run: Run, *, by: str, now: datetime) -> int:
    """Cancel what lives of `run`, for its user; return how many executions were canceled or asked to stop."""
    count = 0
    for execution in run.tries:
        try:
            cancel.cancel(execution, by=by, now=now, reason=Reason.USER)
        except cancel.AlreadyOver:
            continue
        count += 1
    return count
