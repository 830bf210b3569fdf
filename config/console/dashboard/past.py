"""What ended within the last day: outcomes by the hour, durations, the most frequent errors, the jobs that fail."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from config.console import links
from errors.console.charts import Bar, Column
from errors.console.words import span
from errors.models import Error
from executions import tally
from executions.models import Execution
from executions.recent import Run, recent
from executions.states import Status
from jobs.models import Job

HOURS = 24
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
SAMPLE = 1_000
"""The newest starts, from which durations and waits are told."""
FAILURES_READ, FAILING_SHOWN, ERRORS_SHOWN = 300, 8, 6
OUTCOMES = (Status.COMPLETED, Status.FAILED, Status.CANCELED)


@dataclass(frozen=True, slots=True)
class Start:
    """A try that has started: seconds that it waited in the queue and that it took; None: it runs still."""

    status: str
    started: datetime
    ended: datetime | None
    waited: float | None
    took: float | None


@dataclass(frozen=True, slots=True)
class TopError:
    name: str
    title: str
    category: str
    helps: bool
    """Whether a retry can help."""
    count: int
    trend: list[int]
    url: str


@dataclass(frozen=True, slots=True)
class FailingJob:
    name: str
    url: str
    failures: int
    last: datetime
    last_url: str
    message: str
    strip: list[Bar]


@dataclass(frozen=True, slots=True)
class Past:
    columns: list[Column]
    """By the hour, oldest first: the last is the hour that goes on."""
    totals: dict[str, int]
    by_state: dict[str, list[int]]
    starts: list[Start]
    errors: list[TopError]
    failing: list[FailingJob]

    @property
    def is_any(self) -> bool:
        return bool(self.starts or sum(self.totals.values()))

    @property
    def success_rate(self) -> float | None:
        """Of what succeeded or failed within the day; None: nothing did."""
        done = self.totals["COMPLETED"] + self.totals["FAILED"]
        return self.totals["COMPLETED"] / done if done else None

    @property
    def durations(self) -> list[tuple[str, float]]:
        return percentiles([one.took for one in self.starts if one.took is not None and one.status == Status.COMPLETED])

    @property
    def waits(self) -> list[tuple[str, float]]:
        return percentiles([one.waited for one in self.starts if one.waited is not None])


def percentiles(seconds: Sequence[float]) -> list[tuple[str, float]]:
    """The median, and what nine of ten, nineteen of twenty and ninety-nine of a hundred stay within."""
    if not seconds:
        return []
    ranked = sorted(seconds)
    return [(f"p{share}", ranked[min(len(ranked) * share // 100, len(ranked) - 1)]) for share in (50, 90, 95, 99)]


def read(now: datetime) -> Past:
    """Six queries, each bounded."""
    first = (now - (HOURS - 1) * HOUR).replace(minute=0, second=0, microsecond=0)
    hours = [first + place * HOUR for place in range(HOURS)]
    ends = tally.hourly(first, now)
    counts: dict[tuple[datetime, str], int] = defaultdict(int)
    for end in ends:
        counts[end.hour, end.status] += end.count
    by_state = {state.value: [counts[hour, state.value] for hour in hours] for state in OUTCOMES}
    return Past(
        columns=[_column(hour, {state.value: counts[hour, state.value] for state in OUTCOMES}) for hour in hours],
        totals={state: sum(values) for state, values in by_state.items()},
        by_state=by_state,
        starts=_starts(now),
        errors=_errors(ends, hours),
        failing=_failing(now),
    )


def _column(hour: datetime, parts: dict[str, int]) -> Column:
    local = timezone.localtime(hour)
    url = links.executions(started=hour.isoformat(), ended=(hour + HOUR).isoformat())
    return Column(f"{local:%H:%M} to {timezone.localtime(hour + HOUR):%H:%M}", parts, url)


def _starts(now: datetime) -> list[Start]:
    rows = Execution.objects.filter(started__isnull=False, started__gte=now - DAY).order_by("-started", "-id")
    found = []
    for status, queued, started, ended in rows.values_list("status", "queued", "started", "ended")[:SAMPLE]:
        if started is None:  # which the filter has made sure of
            continue
        waited = (started - queued).total_seconds() if queued else None
        took = (ended - started).total_seconds() if ended else None
        found.append(Start(status, started, ended, waited, took))
    return found


def _errors(ends: Sequence[tally.Ended], hours: Sequence[datetime]) -> list[TopError]:
    found: dict[int, Counter[datetime]] = defaultdict(Counter)
    for end in ends:
        if end.status == Status.FAILED and end.error:
            found[end.error][end.hour] += end.count
    top = sorted(found, key=lambda key: -found[key].total())[:ERRORS_SHOWN]
    rows = Error.objects.in_bulk(top)
    return [
        TopError(
            name=rows[key].name,
            title=rows[key].title or "",
            category=rows[key].category,
            helps=rows[key].should_be_retried,
            count=found[key].total(),
            trend=[found[key][hour] for hour in hours],
            url=links.executions(error_id=key, status="FAILED", started="P1D"),
        )
        for key in top
        if key in rows
    ]


def _failing(now: datetime) -> list[FailingJob]:
    """The jobs of the newest failures of the day: one line each, however often it failed."""
    newest = Execution.objects.filter(status=Status.FAILED, is_last_try=True, created__gte=now - DAY)
    by_job: dict[int, list[tuple[int, datetime, str]]] = {}
    rows = newest.order_by("-created", "-id").values_list("job", "pk", "ended", "message")
    for job, key, ended, message in rows[:FAILURES_READ]:
        by_job.setdefault(job, []).append((key, ended or now, message))
    shown = list(by_job)[:FAILING_SHOWN]
    names = dict(Job.objects.filter(pk__in=shown).values_list("pk", "name"))
    strips = recent(shown)
    made = []
    for job in shown:
        key, ended, message = by_job[job][0]
        url = links.executions(job_name=names[job], status="FAILED", started="P1D")
        strip = [bar(run) for run in strips.get(job, ())]
        made.append(FailingJob(names[job], url, len(by_job[job]), ended, links.execution(key), message, strip))
    return made


def bar(run: Run) -> Bar:
    """A run in a strip, with a link to its page."""
    took = f", {span(run.seconds)}" if run.seconds is not None else ""
    local = timezone.localtime(run.created)
    return Bar(run.status, run.seconds, f"{run.status.lower()}{took}, {local:%m-%d %H:%M:%S}", links.execution(run.id))
