"""The outbox: events become deliveries, and deliveries are sent, again and again for an hour where that fails.

    dispatch   of each new event: whom does it concern? A delivery per target; what concerns nobody goes
    claim      deliveries that are due become ours for three minutes, each with a try on record
    record     what came of a try: sent, again later, or given up

Any number of processes do this side by side: rows that one holds the others skip. A try that was claimed and never
recorded, since its process ended, shows as `unknown` and is made again: that is the one way in which a target may hear
the same twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db.models import F

from executions.engine.transactions import again_on_conflict
from executions.executors.outbound import Request
from executions.models import Execution
from executions.notifications import addresses, alerts, interest, sender, standing, words
from executions.notifications.interest import Interest, Rule
from executions.notifications.models import (
    NotificationDelivery,
    NotificationEvent,
    NotificationTarget,
    NotificationTry,
)
from executions.notifications.parcels import Answer, Call, Mail, Parcel, Push
from jobs.models import Job
from jobtypes.encryption import CannotDecrypt

log = structlog.get_logger(__name__)

OURS = timedelta(minutes=3)
"""How long a claimed delivery is its sender's: longer than any way of sending may take."""
GIVE_UP = timedelta(hours=1)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(minutes=10)
WEBHOOK_SECONDS = 10.0
_AT_ONCE = 200


# --- Events become deliveries -----------------------------------------------------------------------------------------
def dispatch(now: datetime) -> int:
    """Make the deliveries of events that are new; return how many events there were."""
    fresh = NotificationEvent.objects.filter(is_dispatched=False).order_by("pk")
    return _dispatch(now) if fresh.exists() else 0


@again_on_conflict
def _dispatch(now: datetime) -> int:
    fresh = NotificationEvent.objects.filter(is_dispatched=False).order_by("pk")
    events = list(fresh.select_for_update(skip_locked=True, no_key=True)[:_AT_ONCE])
    rules = interest.read()
    jobs = Job.objects.in_bulk({event.job_id for event in events if event.job_id})
    names = dict(NotificationTarget.objects.values_list("pk", "name"))
    deliveries, kept = [], []
    for event in events:
        to = [one for one in _whom(event, jobs.get(event.job_id or 0), rules) if one in names or isinstance(one, str)]
        kept += [event.pk] if to else []
        deliveries += [_delivery(event, target, names, now) for target in to]
    NotificationDelivery.objects.bulk_create(deliveries, ignore_conflicts=True)
    NotificationEvent.objects.filter(pk__in=kept).update(is_dispatched=True)
    unwanted = [event.pk for event in events if event.pk not in set(kept)]
    NotificationEvent.objects.filter(pk__in=unwanted)._raw_delete(NotificationEvent.objects.db)
    return len(events)


def _whom(event: NotificationEvent, job: Job | None, rules: Interest) -> list[int | str]:
    """The targets that hear of `event`, each once."""
    if job is None:
        return []
    concerned: Iterable[Rule] = (
        rule
        for rule in rules.of(event.kind)
        if event.rule in (None, rule.id) and rule.concerns(job) and _applies(rule.target, job)
    )
    return list(dict.fromkeys(rule.target for rule in concerned))


def _applies(target: int | str, job: Job) -> bool:
    return isinstance(target, int) or standing.applies(target, job)


def _delivery(
    event: NotificationEvent, target: int | str, names: dict[int, str], now: datetime
) -> NotificationDelivery:
    key, name = (None, target) if isinstance(target, str) else (target, names[target])
    return NotificationDelivery(event=event, target_id=key, target_name=name, next_try=now, created=now)


# --- Deliveries are sent ----------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Claimed:
    """A delivery that is ours to send now, and what to send: a parcel, or the answer that nothing can be."""

    delivery: int
    number: int
    parcel: Parcel | Answer


def claim(room: int, now: datetime) -> list[Claimed]:
    """Up to `room` deliveries that are due."""
    due = NotificationDelivery.objects.filter(next_try__lte=now)
    if room <= 0 or not due.exists():
        return []
    return [Claimed(row.pk, row.tries_made, _parcel(row)) for row in _take(room, now)]


@again_on_conflict
def _take(room: int, now: datetime) -> list[NotificationDelivery]:
    due = NotificationDelivery.objects.filter(next_try__lte=now).order_by("next_try", "pk")
    rows = list(due.select_for_update(skip_locked=True, no_key=True)[:room])
    keys = [row.pk for row in rows]
    sending = NotificationTry.objects.filter(delivery__in=keys, outcome=NotificationTry.Outcome.SENDING)
    sending.update(outcome=NotificationTry.Outcome.UNKNOWN, message="Its process ended before it noted the answer.")
    NotificationDelivery.objects.filter(pk__in=keys).update(tries_made=F("tries_made") + 1, next_try=now + OURS)
    for row in rows:
        row.tries_made += 1
    NotificationTry.objects.bulk_create(NotificationTry(delivery=row, number=row.tries_made, time=now) for row in rows)
    return rows


@again_on_conflict
def record(delivery: int, number: int, answer: Answer, now: datetime) -> bool:
    """Note what came of that try; False when it is not the delivery's newest any more."""
    Outcome = NotificationDelivery.Outcome
    row = NotificationDelivery.objects.filter(pk=delivery).select_for_update(no_key=True).first()
    if row is None:
        return False
    outcome = NotificationTry.Outcome.SENT if answer.ok else NotificationTry.Outcome.FAILED
    NotificationTry.objects.filter(delivery=delivery, number=number).update(
        outcome=outcome, message=answer.message[:500]
    )
    if row.tries_made != number or row.outcome != Outcome.WAITING:
        return False
    again = None if answer.ok else next_try(number, row.created, now)
    row.next_try = again
    row.outcome = Outcome.SENT if answer.ok else Outcome.WAITING if again else Outcome.FAILED
    row.save(update_fields=["next_try", "outcome"])
    if row.outcome == Outcome.FAILED:
        log.error("a notification was given up", delivery=delivery, target=row.target_name, answer=answer.message)
    return True


def next_try(number: int, created: datetime, now: datetime) -> datetime | None:
    """When to try again after try `number` failed; None when an hour is over. Pure."""
    pause = min(FIRST_PAUSE * 2 ** min(number - 1, 10), LONGEST_PAUSE)
    return now + pause if now + pause <= created + GIVE_UP else None


def send_due(now: datetime, room: int = 20) -> int:
    """Send what is due, one after another, in the calling thread; return how many tries were made."""
    claimed = claim(room, now)
    for one in claimed:
        answer = one.parcel if isinstance(one.parcel, Answer) else sender.send(one.parcel)
        record(one.delivery, one.number, answer, now)
    return len(claimed)


def test(target: NotificationTarget, now: datetime) -> NotificationTry:
    """Send a test to `target` now, in the calling thread, and return the try that was made. It is made once."""
    delivery, number = _test_event(target, now)
    parcel = _parcel(delivery)
    answer = parcel if isinstance(parcel, Answer) else sender.send(parcel)
    record(delivery.pk, number, answer, delivery.created + GIVE_UP)  # none follows
    return NotificationTry.objects.select_related("delivery__event").get(delivery=delivery, number=number)


@again_on_conflict
def _test_event(target: NotificationTarget, now: datetime) -> tuple[NotificationDelivery, int]:
    event = NotificationEvent.objects.create(kind=NotificationEvent.TEST, time=now, is_dispatched=True)
    delivery = NotificationDelivery.objects.create(
        event=event, target=target, target_name=target.name, created=now, next_try=now + OURS, tries_made=1
    )
    NotificationTry.objects.create(delivery=delivery, number=1, time=now)
    return delivery, 1


# --- What is sent -----------------------------------------------------------------------------------------------------
def _parcel(row: NotificationDelivery) -> Parcel | Answer:
    event = row.event
    job = Job.objects.filter(pk=event.job_id).first() if event.job_id else None
    execution = (
        Execution.objects.select_related("worker", "error").filter(pk=event.execution).first()
        if event.execution
        else None
    )
    if row.target_name.startswith(standing.PREFIX):
        if job is None or execution is None:
            return Answer(False, "The run that it is about is no longer there.")
        return standing.parcel(row.target_name, event.kind, job, execution) or Answer(
            False, "The settings have nothing sent there any more."
        )
    if row.target_id is None:
        return Answer(False, "The target was deleted.")
    try:
        url = NotificationTarget.objects.values_list("url", flat=True).get(pk=row.target_id)["url"]
    except CannotDecrypt:
        return Answer(False, "The target's address opens with none of the ENCRYPTION_KEYS.")
    return addressed(url, words.message(event, job, execution))


def addressed(url: str, message: words.Message) -> Parcel:
    """`message` on its way to `url`."""
    match addresses.kind(url):
        case addresses.Kind.MAIL:
            return Mail(tuple(addresses.recipients(url)), message.title, message.body)
        case addresses.Kind.WEBHOOK:
            body = json.dumps(message.data, ensure_ascii=False).encode("utf-8", "replace")
            headers = {"Content-Type": "application/json"}
            return Call(Request("POST", url, headers, body=body, timeout=WEBHOOK_SECONDS))
    return Push(url, message.title, message.body)


# --- The log ----------------------------------------------------------------------------------------------------------
def purge(now: datetime, days: int | None = None) -> int:
    """Forget what happened longer ago than `days` (setting RETENTION_DAYS), with its tries; return how many events."""
    kept = timedelta(days=settings.RETENTION_DAYS if days is None else days)
    old = NotificationEvent.objects.filter(time__lt=now - kept)
    over = old.exclude(deliveries__outcome=NotificationDelivery.Outcome.WAITING).order_by("time")
    gone = 0
    while keys := list(over.values_list("pk", flat=True)[:_AT_ONCE]):
        NotificationEvent.objects.filter(pk__in=keys).delete()
        gone += len(keys)
    alerts.tidy(now)
    return gone
