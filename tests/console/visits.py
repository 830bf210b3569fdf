"""Visiting the console, for tests: somebody's browser, and how many queries a page takes."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.builders import a_user


def browser(role: str = "superuser", username: str = "") -> Client:
    """The browser of somebody in `role` who may enter the console."""
    user = a_user(role, username)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client


def page(client: Client, address: str, **query: Any) -> str:
    """What the page at `address` (a path, or a route of the console) shows, once it is there."""
    answer = client.get(address if address.startswith("/") else reverse(f"admin:{address}"), query)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def queries(client: Client, address: str) -> int:
    """How many queries the page at `address` takes when nothing of it is kept from before."""
    client.get(address)
    cache.clear()
    with CaptureQueriesContext(connection) as asked:
        assert client.get(address).status_code == 200
    return len(asked)
