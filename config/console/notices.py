"""Notifications on one page: where messages go, who hears of what, and what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import QueryDict
from django.urls import reverse

from config.console import links
from errors.console import MOST_COUNTED
from executions.notifications import standing
from executions.notifications.models import (
    NotificationDelivery,
    NotificationRule,
    NotificationTarget,
    NotificationTry,
)

SHOWN, LISTED = 50, 100
"""Tries on a page; targets and rules."""
STATES = {"sent": "ok", "failed": "bad", "sending": "run", "unknown": "late"}


@dataclass(frozen=True, slots=True)
class Sent:
    """One try to send something."""

    time: datetime
    event: str
    job: str
    job_url: str
    execution: int | None
    execution_url: str
    target: str
    number: int
    outcome: str
    message: str
    again: datetime | None
    url: str


@dataclass(frozen=True, slots=True)
class Notices:
    targets: Sequence[NotificationTarget]
    rules: Sequence[NotificationRule]
    are_more: bool
    """Whether there are more targets or rules than are listed."""
    by_settings: list[tuple[str, str]]
    waiting: int
    """Deliveries that will be tried, again or for the first time; counted to MOST_COUNTED."""
    sent: list[Sent]
    outcome: str
    outcomes: list[tuple[str, str]]
    older: str
    is_first: bool


def read(query: QueryDict) -> Notices:
    """The page that `query` asks for: `outcome` of tries, `before` the number of one. Five queries."""
    outcome = query.get("outcome", "") if query.get("outcome", "") in NotificationTry.Outcome.values else ""
    before = query.get("before", "")
    tries = NotificationTry.objects.select_related("delivery__event__job").order_by("-id")
    tries = tries.defer("delivery__event__details", "delivery__event__job__description")
    if outcome:
        tries = tries.filter(outcome=outcome)
    is_first = not (before.isascii() and before.isdigit() and len(before) < 19)
    rows = list((tries if is_first else tries.filter(pk__lt=int(before)))[: SHOWN + 1])
    targets = list(NotificationTarget.objects.order_by("name")[: LISTED + 1])
    rules = list(NotificationRule.objects.select_related("job", "target").defer("target__url")[: LISTED + 1])
    further = {"outcome": outcome, "before": rows[SHOWN - 1].pk} if len(rows) > SHOWN else {}
    return Notices(
        targets=targets[:LISTED],
        rules=rules[:LISTED],
        are_more=max(len(targets), len(rules)) > LISTED,
        by_settings=[(event, name.removeprefix(standing.PREFIX).strip()) for event, name in standing.orders()],
        waiting=NotificationDelivery.objects.filter(next_try__isnull=False).order_by()[:MOST_COUNTED].count(),
        sent=[_sent(row) for row in rows[:SHOWN]],
        outcome=outcome,
        outcomes=[(value, STATES[value]) for value in NotificationTry.Outcome.values],
        older=f"?{urlencode(further)}" if further else "",
        is_first=is_first,
    )


def _sent(row: NotificationTry) -> Sent:
    delivery, event = row.delivery, row.delivery.event
    return Sent(
        time=row.time,
        event=event.kind,
        job=event.job.name if event.job else "",
        job_url=links.job(event.job.pk) if event.job else "",
        execution=event.execution,
        execution_url=links.execution(event.execution) if event.execution else "",
        target=delivery.target_name,
        number=row.number,
        outcome=row.outcome,
        message=row.message,
        again=delivery.next_try if row.number == delivery.tries_made else None,
        url=reverse("admin:executions_notificationtry_change", args=[row.pk]),
    )
