"""Failures: what failed, by the error that names it and by what the message says once its numbers are left out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.http import urlencode

from config.console import links
from errors.models import Error
from executions import tally
from executions.models import Execution
from executions.states import Status
from executions.tally import Window
from jobs.models import Job

SPANS = {"P1D": ("last day", 24, 24), "P7D": ("last 7 days", 168, 28), "P30D": ("last 30 days", 720, 30)}
"""By the word in the address: its name, its hours, and in how many points its trend is drawn."""
USUAL = "P1D"
SAMPLE = 2_000
"""The newest failures, whose messages are read."""
ERRORS_SHOWN, MESSAGES_SHOWN, JOBS_SHOWN = 25, 8, 5
RETRIED_BY_NUMBER = 100
"""Runs that one link can name; the filters of the list cannot ask for a message."""
LONGEST = 300
_HOUR = timedelta(hours=1)

_VARIABLE = (
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", re.IGNORECASE), "[id]"),
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"), "[time]"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "[time]"),
    (re.compile(r"\b0x[0-9a-f]+\b", re.IGNORECASE), "[hex]"),
    (re.compile(r"\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{7,64}\b", re.IGNORECASE), "[hex]"),
    (re.compile(r"\d+"), "[n]"),
)


def normalised(message: str) -> str:
    """`message` with [n] for a number, [id], [hex] and [time] for what else differs each time; pure."""
    text = " ".join(message[:LONGEST].split())
    for pattern, word in _VARIABLE:
        text = pattern.sub(word, text)
    return text


@dataclass(frozen=True, slots=True)
class Affected:
    name: str
    url: str
    count: int


@dataclass(frozen=True, slots=True)
class Messages:
    """Failures of one error whose messages say the same."""

    words: str
    count: int
    first: datetime
    last: datetime
    last_url: str
    jobs: list[Affected]
    further_jobs: int
    trend: list[int]
    retry_url: str
    retried: int
    """How many runs the link names: the newest, RETRIED_BY_NUMBER at most."""


@dataclass(frozen=True, slots=True)
class Group:
    """All failures of one error. `error` is None for those that no error names."""

    error: Error | None
    url: str
    count: int
    first: datetime
    """The first ever."""
    last: datetime
    trend: list[int]
    list_url: str
    retry_url: str
    messages: list[Messages]
    further_messages: int

    @property
    def helps(self) -> bool:
        """Whether a retry can help."""
        return bool(self.error and self.error.should_be_retried)


@dataclass(frozen=True, slots=True)
class Failures:
    span: str
    words: str
    groups: list[Group]
    further: int
    total: int
    is_sampled: bool
    """Whether there are more failures than messages were read of."""
    trend: list[int]
    only: Error | None = None


@dataclass(slots=True)
class _Gathered:
    """What the sample says of one error and message."""

    keys: list[int] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    jobs: Counter[int] = field(default_factory=Counter)


def read(now: datetime, span: str = USUAL, only: int | None = None) -> Failures:
    """The failures within `span` (a key of SPANS), or those `only` of that error; the most frequent error first.

    Six queries. Counts and trends of errors come from the tally and are exact; what is said by message is read from the
    newest SAMPLE failures.
    """
    span = span if span in SPANS else USUAL
    words, hours, points = SPANS[span]
    since = (now - hours * _HOUR).replace(minute=0, second=0, microsecond=0) + _HOUR
    counts, trends = _counted(since, now, hours, points, only)
    ever: dict[int, tuple[datetime, datetime]] = {}
    for end in tally.ended(Window(), now, status=Status.FAILED):
        first, last = ever.get(end.error, (end.oldest, end.newest))
        ever[end.error] = (min(first, end.oldest), max(last, end.newest))
    sample = list(_failed(since, only).values_list("pk", "job_id", "error_id", "ended", "message")[: SAMPLE + 1])
    gathered: dict[int, dict[str, _Gathered]] = defaultdict(lambda: defaultdict(_Gathered))
    for key, job, error, ended, message in sample[:SAMPLE]:
        one = gathered[error or 0][normalised(message)]
        one.keys.append(key)
        one.times.append(ended or now)
        one.jobs[job] += 1
    shown = [key for key, count in counts.most_common(ERRORS_SHOWN) if count > 0]
    errors = Error.objects.in_bulk({*shown, *([only] if only else [])})
    names = _names(gathered[key] for key in shown)
    scale = (since, hours, points)
    return Failures(
        span=span,
        words=words,
        groups=[
            _group(
                errors.get(key), key, counts[key], ever.get(key, (now, now)), trends[key], gathered[key], names, scale
            )
            for key in shown
        ],
        further=max(0, sum(count > 0 for count in counts.values()) - len(shown)),
        total=sum(counts.values()),
        is_sampled=len(sample) > SAMPLE,
        trend=[sum(values) for values in zip(*trends.values(), strict=True)] if trends else [],
        only=errors.get(only) if only else None,
    )


def trends(errors: Iterable[int], now: datetime) -> dict[int, tuple[int, list[int]]]:
    """How often each of `errors` struck within the last 7 days, and its trend; one query."""
    _, hours, points = SPANS["P7D"]
    since = (now - hours * _HOUR).replace(minute=0, second=0, microsecond=0) + _HOUR
    counts, found = _counted(since, now, hours, points, None)
    return {key: (counts[key], found.get(key, [0] * points)) for key in errors}


def _failed(since: datetime, only: int | None) -> QuerySet[Execution]:
    found = Execution.objects.filter(status=Status.FAILED, is_last_try=True, created__gte=since)
    return (found.filter(error=only) if only else found).order_by("-created", "-id")


def _counted(
    since: datetime, now: datetime, hours: int, points: int, only: int | None
) -> tuple[Counter[int], dict[int, list[int]]]:
    """By error: how many failed since then, and when, in that many points."""
    counts: Counter[int] = Counter()
    trends: dict[int, list[int]] = defaultdict(lambda: [0] * points)
    for one in tally.hourly(since, now):
        if one.status == Status.FAILED and only in (None, one.error):
            counts[one.error] += one.count
            trends[one.error][_point(one.hour, since, hours, points)] += one.count
    return counts, trends


def _point(moment: datetime, since: datetime, hours: int, points: int) -> int:
    return max(0, min(int((moment - since) / _HOUR * points / hours), points - 1))


def _names(gathered: Iterable[dict[str, _Gathered]]) -> dict[int, str]:
    keys = {
        job
        for messages in gathered
        for one in _largest(messages)
        for job, _ in messages[one].jobs.most_common(JOBS_SHOWN)
    }
    return dict(Job.objects.filter(pk__in=keys).values_list("pk", "name"))


def _largest(messages: dict[str, _Gathered]) -> list[str]:
    return sorted(messages, key=lambda words: -len(messages[words].keys))[:MESSAGES_SHOWN]


def _group(
    error: Error | None,
    key: int,
    count: int,
    ever: tuple[datetime, datetime],
    trend: list[int],
    messages: dict[str, _Gathered],
    names: dict[int, str],
    scale: tuple[datetime, int, int],
) -> Group:
    asked: dict[str, str | int | list[int]] = {"error_id": key, "status": "FAILED", "started": scale[0].isoformat()}
    return Group(
        error=error,
        url=links.error(error.pk) if error else "",
        count=count,
        first=ever[0],
        last=ever[1],
        trend=trend,
        list_url=links.executions(**asked) if error else links.executions(status="FAILED", started=asked["started"]),
        retry_url=_retry(**asked) if error else "",
        messages=[_messages(words, messages[words], names, scale) for words in _largest(messages)],
        further_messages=max(0, len(messages) - MESSAGES_SHOWN),
    )


def _messages(words: str, one: _Gathered, names: dict[int, str], scale: tuple[datetime, int, int]) -> Messages:
    trend = [0] * scale[2]
    for moment in one.times:
        trend[_point(moment, *scale)] += 1
    top = one.jobs.most_common(JOBS_SHOWN)
    named = one.keys[:RETRIED_BY_NUMBER]
    return Messages(
        words=words,
        count=len(one.keys),
        first=min(one.times),
        last=max(one.times),
        last_url=links.execution(one.keys[0]),
        jobs=[Affected(names.get(job, f"job {job}"), links.job(job), count) for job, count in top],
        further_jobs=len(one.jobs) - len(top),
        trend=trend,
        retry_url=_retry(id=named, status="FAILED"),
        retried=len(named),
    )


def _retry(**asked: str | int | list[int]) -> str:
    """The page that asks whether all that these filters find shall be tried again."""
    return f"{reverse('admin:executions_execution_bulk', args=['retry'])}?{urlencode(asked, doseq=True)}"
