"""Targets and rules are made and changed: API, console and shell come through here.

What is wrong is refused as Invalid, by field. An address that comes back masked stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction

from errors import audit
from errors.exceptions import Conflict, Invalid
from executions.notifications import addresses, alerts, interest, sender, standing
from executions.notifications.models import NotificationRule, NotificationTarget
from jobs.models import Job

TAKEN = "another target has this name"
_SHOWN = ("event", "scope", "late_after", "is_enabled")


class StillUsed(Conflict):
    """Rules send to this target; delete or change them first."""


# --- Targets ----------------------------------------------------------------------------------------------------------
def create_target(name: str, url: str, *, by: str) -> NotificationTarget:
    """A new target. Raises Invalid; an address of Apprise's is checked by Apprise, which takes a second or two."""
    made = NotificationTarget(created_by=by[:150])
    fill_target(made, {"name": name, "url": url})
    return save_target(made, by=by)


def change_target(target: NotificationTarget, changes: Mapping[str, Any], *, by: str) -> NotificationTarget:
    """Give `target` another `name` or `url`; a masked url keeps the one that it has. Raises Invalid."""
    fill_target(target, changes)
    return save_target(target, by=by)


def fill_target(target: NotificationTarget, fields: Mapping[str, Any]) -> None:
    """Give `target` these values, checked, without saving it. Raises Invalid."""
    if "name" in fields:
        target.name = _name(fields["name"])
    url = fields.get("url")
    if url is None or (target.pk and url == target.address):
        return
    checked = addresses.checked(url)
    if addresses.MASK in checked:
        raise Invalid.field("url", f"contains {addresses.MASK}: send the whole address, or leave it out to keep it")
    if addresses.kind(checked) == addresses.Kind.APPRISE:
        sender.check(checked)
    target.url, target.address = {"url": checked}, addresses.masked(checked)


def save_target(target: NotificationTarget, *, by: str) -> NotificationTarget:
    """Keep `target` as `fill_target` left it. Raises Invalid when its name is taken.

    One that is changed was read without its url: that may be replaced even where no key opens it any more.
    """
    stored = NotificationTarget.objects.filter(pk=target.pk).first() if target.pk else None
    before = {"name": stored.name, "url": stored.address} if stored else None
    after = {"name": target.name, "url": target.address}
    if stored and stored.address == target.address and "url" not in target.get_deferred_fields():
        after["secrets"] = "changed"
    try:
        with transaction.atomic():
            target.save()
            audit.record(target, "update" if stored else "create", by=by, before=before, after=after)
    except IntegrityError:
        raise Invalid.field("name", TAKEN) from None
    return target


@transaction.atomic
def delete_target(target: NotificationTarget, *, by: str) -> None:
    """Raises StillUsed."""
    if target.rules.exists():
        raise StillUsed
    audit.record(target, "delete", by=by, before={"name": target.name, "url": target.address})
    target.delete()


def _name(name: str) -> str:
    name = name.strip()
    if not name or not name.isprintable() or len(name) > 128:
        raise Invalid.field("name", "must be 1 to 128 characters, all of which can be seen")
    if name.startswith(standing.PREFIX):
        raise Invalid.field("name", f"must not begin with {standing.PREFIX}: so the house calls what its settings send")
    return name


# --- Rules ------------------------------------------------------------------------------------------------------------
def create_rule(fields: Mapping[str, Any], *, by: str) -> NotificationRule:
    """A new rule, of fields in the API's words: event, job, owner, label, target, late_after, is_enabled. Raises
    Invalid.
    """
    made = NotificationRule(created_by=by[:150])
    fill_rule(made, fields)
    return save_rule(made, by=by)


def change_rule(rule: NotificationRule, changes: Mapping[str, Any], *, by: str) -> NotificationRule:
    """Give `rule` other values; what is not said stays. Raises Invalid."""
    fill_rule(rule, changes)
    return save_rule(rule, by=by)


def fill_rule(rule: NotificationRule, fields: Mapping[str, Any]) -> None:
    """Give `rule` these values, checked, without saving it. Raises Invalid."""
    for name in ("event", "owner", "late_after", "is_enabled"):
        if name in fields:
            setattr(rule, name, fields[name])
    if "job" in fields:
        rule.job = _job(fields["job"])
    if "label" in fields:
        ((rule.label_key, rule.label_value),) = (fields["label"] or {"": ""}).items()
    if "target" in fields:
        rule.target = _target(fields["target"])
    _check(rule)


@transaction.atomic
def save_rule(rule: NotificationRule, *, by: str) -> NotificationRule:
    """Keep `rule` as `fill_rule` left it; it counts here at once, and everywhere within five seconds."""
    stored = NotificationRule.objects.filter(pk=rule.pk).first() if rule.pk else None
    rule.save()
    before, after = (_shown(stored) if stored else None), _shown(rule)
    audit.record(rule, "update" if stored else "create", by=by, before=before, after=after)
    alerts.forget_recovered()
    _count_from_now_on()
    return rule


@transaction.atomic
def delete_rule(rule: NotificationRule, *, by: str) -> None:
    audit.record(rule, "delete", by=by, before=_shown(rule))
    rule.delete()
    _count_from_now_on()


def _count_from_now_on() -> None:
    interest.forget()
    transaction.on_commit(interest.forget)


def _check(rule: NotificationRule) -> None:
    wrong = []
    if sum(map(bool, (rule.job, rule.owner, rule.label_key))) > 1:
        wrong.append(("job", "of job, owner and label one can be given; none means all jobs"))
    if len(rule.label_key) > 128 or len(rule.label_value) > 1000:
        wrong.append(("label", "a key has at most 128 characters, its value at most 1,000"))
    if rule.event == NotificationRule.Event.LATE:
        if not rule.late_after:
            wrong.append(("late_after", "is required for late: seconds after the instant"))
    elif rule.late_after is not None:
        wrong.append(("late_after", "is for the event late only"))
    if wrong:
        raise Invalid.listing(wrong)


def _job(name: str | None) -> Job | None:
    if not name:
        return None
    job = Job.objects.living().filter(name=name).first()
    if job is None:
        raise Invalid.field("job", "there is no such job")
    return job


def _target(name: str) -> NotificationTarget:
    target = NotificationTarget.objects.filter(name=name).first()
    if target is None:
        raise Invalid.field("target", "there is no such target")
    return target


def _shown(rule: NotificationRule) -> dict[str, Any]:
    return {**audit.fields(rule, _SHOWN), "target": rule.target.name}
