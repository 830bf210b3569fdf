"""Targets, rules, and what was told, in a word each."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from executions.notifications import interest, outbox, services
from executions.notifications.models import (
    NotificationDelivery,
    NotificationEvent,
    NotificationRule,
    NotificationTarget,
    NotificationTry,
)
from tests.builders import NOON, a_name


def a_target(name: str = "", url: str = "ops@example.org") -> NotificationTarget:
    return services.create_target(name or a_name("target"), url, by="ada")


def a_rule(event: str, target: NotificationTarget | None = None, **fields: Any) -> NotificationRule:
    """A rule that is in force at once, as it is in a worker within five seconds."""
    rule = services.create_rule({"event": event, "target": (target or a_target()).name, **fields}, by="ada")
    interest.reload()
    return rule


def events(kind: str = "") -> list[NotificationEvent]:
    """What was recorded, oldest first."""
    found = NotificationEvent.objects.order_by("pk")
    return list(found.filter(kind=kind) if kind else found)


def kinds() -> list[str]:
    return [event.kind for event in events()]


def deliveries(now: datetime = NOON) -> list[NotificationDelivery]:
    """What is on its way, oldest first, once everything was dispatched."""
    while outbox.dispatch(now):
        pass
    return list(NotificationDelivery.objects.select_related("event").order_by("pk"))


def tries() -> list[tuple[str, str]]:
    """Outcome and answer of each try, oldest first."""
    return [(row.outcome, row.message) for row in NotificationTry.objects.order_by("pk")]
