"""The audit: who changed what, when, through which door, and how it was before and after.

Services call `record` in the transaction of their change, so that both are true or neither. Entries are Django's own
log entries: every object's History page in the admin shows them beside what the admin wrote itself. Secrets are not in
them: services tell values as every reader may see them, with `********` in the place of each secret.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connections, router
from django.db.models import Model, Q
from django.utils import timezone

from errors import acting

HOUSE = "(house)"
"""The user in whose name stands what was done without an account: by the scheduler, at a shell. No sign-up and no
token can have that name, and the account is inactive and without a password."""
LONGEST_VALUE = 1_000
"""Characters of one value, as JSON; of a longer one its length is kept."""
FLAGS = {"create": ADDITION, "delete": DELETION}
"""How Django counts an action; whatever is not here is a change."""

_OURS = '[{"door": "'
# Every run by hand writes one: worded once, it costs a fifth of what the ORM takes.
_INSERT = """
    INSERT INTO django_admin_log
        (action_time, user_id, content_type_id, object_id, object_repr, action_flag, change_message)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
"""


def record(
    target: Model,
    action: str,
    *,
    by: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    door: str = "",
) -> None:
    """Note that somebody did `action` to `target`. One INSERT, in the transaction that the caller is in.

    `by` is the name that a service was told, empty for whoever acts now; `door` is where they came from, unless it is
    said. What `before` and `after` have in common is left out.
    """
    actor = acting.Actor(door) if door == acting.SCHEDULER else acting.present()
    if door:
        actor = replace(actor, door=door)
    told = _difference(before or {}, after or {})
    _insert(type(target), target.pk, str(target), action, actor, by or actor.name, *told)


def record_deleted(model: type[Model], key: object, name: str) -> None:
    """As `record`, of an object that is gone: the `model` of that `key` which was called `name`."""
    actor = acting.present()
    _insert(model, key, name, "delete", actor, actor.name, {}, {})


def is_recorded(model: type[Model], key: object) -> bool:
    """Whether anything was recorded about that object within the present request."""
    return (model._meta.label, str(key)) in acting.noted()


def changed(
    target: Model, action: str, before: Mapping[str, Any], after: Mapping[str, Any], *, by: str = "", door: str = ""
) -> None:
    """As `record`, where `before` and `after` differ; nothing where they do not: what changes nothing is no event."""
    if before != after:
        record(target, action, by=by, before=before, after=after, door=door)


def fields(target: Model, names: Iterable[str]) -> dict[str, Any]:
    """The values of these attributes of `target`, for `record`."""
    return {name: getattr(target, name) for name in names}


def house_user() -> int:
    """The key of the house's own account, which is made where it is missing."""
    found = User.objects.filter(username=HOUSE).values_list("pk", flat=True).first()
    if found is not None:
        return found
    nobody = {"is_active": False, "password": make_password(None), "first_name": "The house", "last_name": "itself"}
    return User.objects.get_or_create(username=HOUSE, defaults=nobody)[0].pk


# --- Reading ----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Told:
    """What an entry says besides its object and its time."""

    door: str
    action: str
    by: str
    token: str
    before: dict[str, Any]
    after: dict[str, Any]

    @property
    def changes(self) -> list[tuple[str, str, str]]:
        """What was changed, field by field, in words: its name, how it was, how it is; empty for what was not said."""
        return [
            (
                name,
                _word(self.before[name]) if name in self.before else "",
                _word(self.after.get(name)) if name in self.after or name in self.before else "",
            )
            for name in {**self.before, **self.after}
        ]

    @property
    def difference(self) -> str:
        """In one line: ``is_paused no → yes; note nothing → "for the move"``."""
        return "; ".join(
            f"{name} {before} → {after}" if name in self.before else f"{name} {after}"
            for name, before, after in self.changes
        )


def told(entry: LogEntry) -> Told:
    """What `entry` (with its user) says. One that the admin wrote by itself came through the console."""
    if entry.change_message.startswith(_OURS):
        said = json.loads(entry.change_message)[0]
        return Told(said["door"], said["action"], said["by"], said["token"], said["before"], said["after"])
    action = next((word for word, flag in FLAGS.items() if flag == entry.action_flag), "change")
    message = str(entry.get_change_message())
    return Told(acting.CONSOLE, action, entry.user.get_username(), "", {}, {"message": message} if message else {})


def through(doors: Iterable[str]) -> Q:
    """Entries of what came through one of `doors`."""
    wanted = Q(pk=None)
    for door in doors:
        wanted |= Q(change_message__startswith=f'{_OURS}{door}"')
        if door == acting.CONSOLE:
            wanted |= ~Q(change_message__startswith=_OURS)
    return wanted


def of_actions(actions: Iterable[str], doors: Iterable[str]) -> Q:
    """Entries of these actions; `doors` are all that there are."""
    wanted, doors = Q(pk=None), list(doors)
    for action in actions:
        for door in doors:
            wanted |= Q(change_message__startswith=_opening(door, action))
        if action == "change" or action in FLAGS:
            wanted |= ~Q(change_message__startswith=_OURS) & Q(action_flag=FLAGS.get(action, CHANGE))
    return wanted


def by_names(names: Iterable[str]) -> Q:
    """Entries of what users of these names did, or people so called at a shell."""
    names = list(names)
    wanted = Q(user__username__in=names)
    for name in names:
        wanted |= Q(user__username=HOUSE, change_message__contains=f'"by": {json.dumps(name)}, "token": "", "before": ')
    return wanted


# --- Writing ----------------------------------------------------------------------------------------------------------
def _opening(door: str, action: str) -> str:
    """How an entry of ours begins; it is looked for by that."""
    return f'{_OURS}{door}", "action": {json.dumps(action)}, '


def _insert(
    model: type[Model],
    key: object,
    name: str,
    action: str,
    actor: acting.Actor,
    by: str,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    user = actor.user if actor.user and by == actor.name else house_user()
    connection = connections[router.db_for_write(LogEntry)]
    time = connection.ops.adapt_datetimefield_value(timezone.now())
    kind, flag = ContentType.objects.get_for_model(model).pk, FLAGS.get(action, CHANGE)
    with connection.cursor() as cursor:
        cursor.execute(
            _INSERT, [time, user, kind, str(key), name[:200], flag, _written(actor, action, by, before, after)]
        )
    acting.noted().add((model._meta.label, str(key)))


def _written(actor: acting.Actor, action: str, by: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    said = {"door": actor.door, "action": action, "by": by, "token": actor.token, "before": before, "after": after}
    # What Django itself understands of an entry, for the places where it words one.
    said["changed"] = {"fields": sorted({*before, *after}) or [action]}
    return json.dumps([said])


def _difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both without what they have in common, each value as JSON has it and not longer than LONGEST_VALUE."""
    same = {name for name in before if name in after and before[name] == after[name]}
    return _storable(before, same), _storable(after, same)


def _storable(values: Mapping[str, Any], same: set[str]) -> dict[str, Any]:
    kept = {}
    for name, value in values.items():
        if name in same:
            continue
        text = json.dumps(value, cls=DjangoJSONEncoder)
        kept[name] = json.loads(text) if len(text) <= LONGEST_VALUE else f"… {len(text):,} characters"
    return kept


def _word(value: Any) -> str:
    if value is None or value == "":
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


# --- What goes --------------------------------------------------------------------------------------------------------
def purge(before: datetime, batch: int = 500) -> int:
    """Delete the entries older than `before`, the oldest first, in small transactions; return how many there were."""
    deleted, old = 0, LogEntry.objects.filter(action_time__lt=before).order_by("action_time", "id")
    while keys := list(old.values_list("pk", flat=True)[:batch]):
        deleted += LogEntry.objects.filter(pk__in=keys).delete()[0]
    return deleted


def keep_entries(instance: User, **_: Any) -> None:
    """Before a user is deleted: what they did stays on record, in the house's name; each entry says theirs itself."""
    mine = LogEntry.objects.filter(user=instance)
    if mine.exists():
        mine.update(user_id=house_user())
