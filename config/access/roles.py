"""The three roles: groups of users, the Django permissions that the admin asks of them, and who holds which.

    reader    sees                  executor   also runs, cancels, retries, pauses
    editor    also creates and changes types and jobs

Made after every migration (`make_roles`, told by post_migrate), so they stand wherever the tables do. Permissions that
somebody added to a group stay; those that a role needs come back.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import IntegerField, QuerySet
from django.db.models.expressions import RawSQL

from config.access.models import Token
from errors.api.rights import Role

GROUPS: dict[str, Role] = {"reader": Role.READER, "executor": Role.EXECUTOR, "editor": Role.EDITOR}

_RANK = f"""
    SELECT MAX(CASE held.name {" ".join(f"WHEN '{name}' THEN {int(role)}" for name, role in GROUPS.items())} END)
    FROM {User.groups.through._meta.db_table} AS membership
    JOIN {Group._meta.db_table} AS held ON held.id = membership.group_id
    WHERE membership.user_id = {Token._meta.db_table}.user_id
"""  # noqa: S608 -- our own words

SEEN = ("errors", "jobtypes", "jobs", "executions")
"""Apps whose models every role may see."""

OPERATIONS: dict[str, str] = {
    "jobs.run_job": "Can run job",
    "jobs.pause_job": "Can pause and resume job",
    "jobtypes.pause_jobtype": "Can pause and resume job type",
    "executions.cancel_execution": "Can cancel execution",
    "executions.retry_execution": "Can retry execution",
}
"""What an executor may do besides seeing: permissions of our own, beside Django's add, change, delete and view."""

EDITED = (
    *("jobtypes.jobtype", "jobs.job", "errors.error"),
    *("executions.notificationtarget", "executions.notificationrule"),
)
"""Models whose objects an editor creates, changes and deletes."""


def make_roles(using: str = "default", **_: Any) -> None:
    """Make the groups and give them their permissions; does nothing that is done. Told by post_migrate."""
    for name, role in GROUPS.items():
        group, _created = Group.objects.using(using).get_or_create(name=name)
        present = set(group.permissions.using(using).values_list("pk", flat=True))
        group.permissions.add(*(key for key in _permissions(role, using) if key not in present))


def _permissions(role: Role, using: str) -> list[int]:
    """The keys of the permissions that `role` needs."""
    wanted = [model._meta.label_lower for label in SEEN for model in apps.get_app_config(label).get_models()]
    keys = [key for model in wanted for key in _of_model(model, ("view",), using)]
    if role >= Role.EXECUTOR:
        keys += [_operation(name, title, using) for name, title in OPERATIONS.items()]
    if role >= Role.EDITOR:
        keys += [key for model in EDITED for key in _of_model(model, ("add", "change", "delete"), using)]
    return keys


def _of_model(label: str, verbs: tuple[str, ...], using: str) -> list[int]:
    app, _, model = label.partition(".")
    found = Permission.objects.using(using).filter(
        content_type__app_label=app, codename__in=[f"{verb}_{model}" for verb in verbs]
    )
    return list(found.values_list("pk", flat=True))


def _operation(permission: str, title: str, using: str) -> int:
    app, _, codename = permission.partition(".")
    model = apps.get_model(app, codename.partition("_")[2])
    content_type = ContentType.objects.db_manager(using).get_for_model(model)
    found, _created = Permission.objects.using(using).get_or_create(
        content_type=content_type, codename=codename, defaults={"name": title}
    )
    return found.pk


def with_rank(tokens: QuerySet[Token]) -> QuerySet[Token]:
    """`tokens`, each with the highest role of its user's groups as `rank` (None without one), in the same query.

    Every request asks this. It is written out, since the ORM takes longer to word it than most views take for all else.
    """
    return tokens.annotate(rank=RawSQL(_RANK, (), output_field=IntegerField()))  # noqa: S611 -- our own words


def role_of_token(token: Token) -> Role | None:
    """The role in which `token` (of `with_rank`) acts: its user's, but at most its own."""
    held = Role.SUPERUSER if token.user.is_superuser else _role(getattr(token, "rank", None))
    if held is None or not token.role:
        return held
    return min(held, GROUPS[token.role])


def role_of_user(user: AbstractBaseUser | AnonymousUser) -> Role | None:
    """The highest role that `user` holds; None for nobody, for an inactive user and for one in none of the groups."""
    if not user.is_active:
        return None
    if getattr(user, "is_superuser", False):
        return Role.SUPERUSER
    names = Group.objects.filter(user=user.pk, name__in=GROUPS).values_list("name", flat=True)
    return max((GROUPS[name] for name in names), default=None)


def _role(rank: int | None) -> Role | None:
    return Role(rank) if rank is not None else None
