"""Users, tokens and clients of the API, as tests need them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from config.access import tokens


def user(name: str = "ada", role: str | None = "reader", **fields: Any) -> User:
    """A user in the role's group; in none without a role."""
    made = User.objects.create_user(name, password="correct horse battery", **fields)
    if role:
        made.groups.add(Group.objects.get(name=role))
    return made


def superuser(name: str = "root") -> User:
    return User.objects.create_superuser(name, password="correct horse battery")


def key_of(owner: User, *, role: str = "", expires: datetime | None = None) -> str:
    return tokens.create(owner, role=role, expires=expires)[1]


def with_key(key: str) -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.credentials(HTTP_AUTHORIZATION=f"Token {key}")
    return client


def caller(role: str | None = "reader") -> APIClient:
    """A client with a token of a new user who has this role."""
    return with_key(key_of(user(f"{role or 'nobody'}-user", role)))
