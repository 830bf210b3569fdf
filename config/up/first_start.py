"""What a house gets at its first start: an administrator, whose password only the owner of DATA_DIR can read."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from django.contrib.auth.models import User

NAME = "admin"
FILE = "admin_password"


@dataclass(frozen=True)
class Administrator:
    """An account that may do everything, and its password."""

    name: str
    password: str


def first_administrator(folder: Path) -> Administrator | None:
    """Make the first administrator where there is none; return the account whose password is known here.

    None when that password has been changed, or when somebody else's account came first.
    """
    if not User.objects.filter(is_superuser=True).exists():
        _make(folder)
    password = _kept(folder)
    user = User.objects.filter(username=NAME, is_active=True, is_superuser=True).first()
    if not password or user is None or not user.check_password(password):
        return None
    return Administrator(NAME, password)


def _make(folder: Path) -> None:
    """Make `admin`, or lift the one that a token brought into being; an account with a password is left alone."""
    # The file comes first: a crash between the two leaves a password without an account, and the next start mends that.
    password = _kept(folder) or _keep(folder)
    user = User.objects.filter(username=NAME).first() or User(username=NAME)
    if user.pk and user.has_usable_password():
        return
    user.is_staff = user.is_superuser = user.is_active = True
    user.set_password(password)
    user.save()


def _kept(folder: Path) -> str:
    path = folder / FILE
    return path.read_text().strip() if path.exists() else ""


def _keep(folder: Path) -> str:
    password = secrets.token_urlsafe(15)
    folder.mkdir(parents=True, exist_ok=True)
    with open(os.open(folder / FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(password + "\n")
    return password
