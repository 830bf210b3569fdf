"""`manage.py create_token USERNAME`: a key for a program; prints the key, and nothing else, on standard output."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from config.access import tokens
from config.access.lifetime import lifetime
from config.access.models import Token
from config.access.roles import role_of_user
from config.migrate import ensure_migrated
from errors import acting
from errors.api.rights import Role
from executions.management.base import who

DATABASE_WAIT_SECONDS = 30
NEWCOMER = Token.Role.EDITOR
"""The role of a user who is made here without one being named."""


class Command(BaseCommand):
    help = (
        "Makes a token and prints its key, which is shown this once only. A user that does not exist is made, without "
        "a password. Without --role the token may do all that its user may; a new user is an editor then."
    )
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--role", choices=Token.Role.values, help="What the token may do at most.")
        parser.add_argument("--expires", type=_lifetime, metavar="30d", help="How long it lives: 45m, 12h, 30d, 8w.")
        parser.add_argument("--name", default="", help="What it is for.")

    def handle(self, *, username: str, role: str | None, expires: timedelta | None, name: str, **_: Any) -> None:
        ensure_migrated(self.stderr.write, wait_for_database=DATABASE_WAIT_SECONDS)
        with acting.bound(acting.at_the_shell(who())), transaction.atomic():
            user, is_new = self._user(username)
            if is_new or role:
                _add_to_group(user, role or NEWCOMER)
            until = timezone.now() + expires if expires else None
            _token, key = tokens.create(user, role=role or "", name=name[:100], expires=until)
        if role_of_user(user) is None:
            self.stderr.write(
                f"{username} is in none of the roles' groups: the token may do nothing until that changes."
            )
        self.stdout.write(key)

    def _user(self, username: str) -> tuple[User, bool]:
        try:
            User._meta.get_field("username").clean(username, None)
        except ValidationError as error:
            raise CommandError(f"{username!r} cannot be a user's name: {' '.join(error.messages)}") from None
        user = User.objects.filter(username=username).first()
        if user is not None:
            if not user.is_active:
                raise CommandError(f"The user {username!r} is not active.")
            return user, False
        user = User(username=username)
        user.set_unusable_password()
        user.save()
        return user, True


def _add_to_group(user: User, role: str) -> None:
    """See that `user` holds `role`; one who holds a higher one keeps it and needs no other."""
    held = role_of_user(user)
    if held is None or held < Role[role.upper()]:
        user.groups.add(Group.objects.get(name=role))


def _lifetime(text: str) -> timedelta:
    try:
        return lifetime(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
