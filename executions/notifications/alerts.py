"""Once, then at most once an hour: what of something that goes on is told.

The rows of a job are changed by one transaction at a time, which holds the job or its record.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from executions.notifications.models import AlertState
from executions.states import Status

AGAIN = timedelta(hours=1)
"""What goes on is told again after this time at the earliest."""
FAILURE, MISSED = "failure", "missed"


def late(rule: int) -> str:
    """The topic of what a rule about late starts tells."""
    return f"late/{rule}"


def due(topic: str, jobs: Collection[int], now: datetime) -> set[int]:
    """Those of `jobs` of which `topic` is told now; it counts as told."""
    if not jobs:
        return set()
    rows = AlertState.objects.filter(topic=topic, job__in=jobs)
    known = dict(rows.values_list("job_id", "alerted"))
    fresh = [job for job in sorted(jobs) if job not in known]
    AlertState.objects.bulk_create(
        [AlertState(job_id=job, topic=topic, since=now, alerted=now) for job in fresh], ignore_conflicts=True
    )
    again = [job for job, alerted in known.items() if alerted <= now - AGAIN]
    if again:
        rows.filter(job__in=again).update(alerted=now)
    return {*fresh, *again}


def going_on(topic: str, jobs: Collection[int]) -> dict[int, datetime]:
    """Those of `jobs` with which that goes on, and since when."""
    found = AlertState.objects.filter(topic=topic, job__in=jobs)
    return dict(found.values_list("job_id", "since"))


def over(topic: str, jobs: Sequence[int]) -> None:
    """It no longer goes on with these."""
    AlertState.objects.filter(topic=topic, job__in=jobs).delete()


def forget_recovered() -> None:
    """Forget failures that are over though no rule watched when they ended: nobody wants to hear of it now."""
    AlertState.objects.filter(topic=FAILURE, job__record__last_status=Status.COMPLETED).delete()


def tidy(now: datetime) -> None:
    """Forget what goes on no more, and what was told so long ago that it may be told again."""
    forget_recovered()
    AlertState.objects.filter(job__archived__isnull=False).delete()
    AlertState.objects.exclude(topic=FAILURE).filter(alerted__lt=now - AGAIN).delete()
