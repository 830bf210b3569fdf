"""Tokens: where a client may show one, what it opens, and what becomes of bad ones."""

from __future__ import annotations

from base64 import b64encode
from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessFailureLog
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from config.access import failures, roles, tokens
from config.access.models import Token
from errors.api.rights import Role
from tests.config.callers import caller, key_of, superuser, user, with_key

pytestmark = pytest.mark.django_db

PATH = "/v6/errors/"
MINUTE = timedelta(minutes=1)


def status(path: str = PATH, **headers: Any) -> int:
    return APIClient().get(path, **headers).status_code


def basic(name: str, key: str) -> str:
    return "Basic " + b64encode(f"{name}:{key}".encode()).decode()


def test_a_token_opens_the_api_in_every_header_that_clients_use():
    key = key_of(user())

    assert status(HTTP_AUTHORIZATION=f"Token {key}") == 200
    assert status(HTTP_AUTHORIZATION=f"bearer {key}") == 200
    assert status(HTTP_AUTHORIZATION=basic("anyone", key)) == 200
    assert status(HTTP_X_API_KEY=key) == 200
    assert status(HTTP_X_DKRON_TOKEN=key) == 200


def test_without_a_token_the_answer_is_401_and_says_how_to_show_one():
    answer = APIClient().get(PATH)

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Token")
    assert answer.json()["detail"]


@pytest.mark.parametrize(
    "value",
    [
        "Token",
        "Token ",
        "Token a b",
        "Token jh_nonsense",
        "Basic ???",
        "Basic " + b64encode(b"\xff").decode(),
        "Token \xe9",
    ],
)
def test_a_bad_token_is_401_whatever_it_looks_like(value: str):
    assert status(HTTP_AUTHORIZATION=value) == 401


def test_the_database_holds_no_key():
    token, key = tokens.create(user())

    stored = [str(value) for value in Token.objects.values().get(pk=token.pk).values()]
    assert key.startswith("jh_")
    assert len(key) == 46
    assert not any(key in value for value in stored)
    assert token.prefix == key[:12]


def test_a_token_opens_nothing_after_it_expired():
    owner = user()
    assert status(HTTP_AUTHORIZATION=f"Token {key_of(owner, expires=timezone.now() - MINUTE)}") == 401
    assert status(HTTP_AUTHORIZATION=f"Token {key_of(owner, expires=timezone.now() + MINUTE)}") == 200


def test_a_token_of_a_user_who_was_deactivated_opens_nothing():
    assert status(HTTP_AUTHORIZATION=f"Token {key_of(user(is_active=False))}") == 401


def test_a_token_in_the_address_is_refused_even_beside_a_good_header():
    key = key_of(user())

    assert status(f"{PATH}?token={key}") == 401
    assert status(f"{PATH}?name=x&name={key}", HTTP_AUTHORIZATION=f"Token {key}") == 401


def test_a_request_with_a_token_asks_who_it_is_in_one_query(django_assert_num_queries):
    client = caller("editor")
    client.get(PATH)  # notes when the token was used

    with django_assert_num_queries(2):  # who, the page
        assert client.get(PATH).status_code == 200


def test_when_a_token_was_last_used_is_kept_once_a_minute():
    token, key = tokens.create(user())
    client = with_key(key)

    client.get(PATH)
    first = Token.objects.get(pk=token.pk).last_used
    client.get(PATH)
    assert Token.objects.get(pk=token.pk).last_used == first

    Token.objects.filter(pk=token.pk).update(last_used=first - 2 * MINUTE)
    client.get(PATH)
    assert Token.objects.get(pk=token.pk).last_used > first


def test_failures_beyond_twenty_a_minute_are_429_and_a_good_token_still_works():
    key = key_of(user())
    seen = [status(HTTP_AUTHORIZATION="Token wrong") for _ in range(22)]

    assert seen == [401] * 20 + [429] * 2
    assert APIClient().get(PATH, HTTP_AUTHORIZATION="Token wrong").headers["Retry-After"] == "60"
    assert status(HTTP_AUTHORIZATION=f"Token {key}") == 200


def test_failures_are_counted_by_address_and_for_a_minute():
    for _ in range(20):
        status(HTTP_AUTHORIZATION="Token wrong")

    assert status(HTTP_AUTHORIZATION="Token wrong", REMOTE_ADDR="192.0.2.7") == 401
    AccessFailureLog.objects.update(attempt_time=timezone.now() - MINUTE)
    assert status(HTTP_AUTHORIZATION="Token wrong") == 401


def test_one_network_of_ipv6_is_one_address():
    for last in range(20):
        status(HTTP_AUTHORIZATION="Token wrong", REMOTE_ADDR=f"2001:db8::{last:x}")

    assert status(HTTP_AUTHORIZATION="Token wrong", REMOTE_ADDR="2001:db8::ffff") == 429
    assert status(HTTP_AUTHORIZATION="Token wrong", REMOTE_ADDR="2001:db8:0:1::1") == 401


def test_an_old_failure_is_forgotten():
    status(HTTP_AUTHORIZATION="Token wrong")
    AccessFailureLog.objects.update(attempt_time=timezone.now() - failures.KEPT - MINUTE)

    status(HTTP_AUTHORIZATION="Token wrong")

    assert AccessFailureLog.objects.count() == 1


def test_a_session_opens_the_api_too_and_needs_the_csrf_token_to_change_anything():
    editor = user(role="editor")
    client = Client(enforce_csrf_checks=True)
    client.force_login(editor)

    assert client.get(PATH).status_code == 200
    refused = client.post(PATH, {}, content_type="application/json")
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["detail"]


def test_after_sign_in_nobody_is_sent_to_another_host():
    superuser()
    sign_in = {"username": "root", "password": "correct horse battery"}

    answer = Client().post("/admin/login/?next=https://evil.example/", {**sign_in, "next": "https://evil.example/"})

    assert answer.status_code == 302
    assert "evil.example" not in answer.headers["Location"]


@pytest.mark.parametrize(
    ("held", "capped_at", "acts_as"),
    [
        ("editor", "", Role.EDITOR),
        ("editor", "reader", Role.READER),
        ("reader", "editor", Role.READER),
        ("executor", "executor", Role.EXECUTOR),
        (None, "editor", None),
    ],
)
def test_a_token_may_what_its_user_may_but_at_most_its_own_role(held, capped_at, acts_as):
    token, _key = tokens.create(user(role=held), role=capped_at)

    found = roles.with_rank(Token.objects.select_related("user")).get(pk=token.pk)

    assert roles.role_of_token(found) == acts_as


def test_a_token_of_a_superuser_without_a_role_may_everything():
    token, _key = tokens.create(superuser())
    capped, _key = tokens.create(token.user, role="executor")
    found = roles.with_rank(Token.objects.select_related("user"))

    assert roles.role_of_token(found.get(pk=token.pk)) == Role.SUPERUSER
    assert roles.role_of_token(found.get(pk=capped.pk)) == Role.EXECUTOR


def test_of_several_groups_the_highest_role_counts():
    several = user(role="reader")
    several.groups.add(Group.objects.get(name="editor"), Group.objects.create(name="choir"))
    token, _key = tokens.create(several)

    assert roles.role_of_user(several) == Role.EDITOR
    assert roles.role_of_token(roles.with_rank(Token.objects.select_related("user")).get(pk=token.pk)) == Role.EDITOR


def test_the_roles_stand_after_the_migration_with_the_permissions_that_the_admin_asks_for():
    reader, executor, editor = (user(name, name) for name in roles.GROUPS)

    assert reader.has_perm("executions.view_execution")
    assert not reader.has_perm("jobs.run_job")
    assert executor.has_perm("jobs.run_job")
    assert not executor.has_perm("jobs.change_job")
    assert editor.has_perms(
        ["jobs.run_job", "jobs.add_job", "jobs.change_job", "jobs.delete_job", "jobtypes.change_jobtype"]
    )
    assert not editor.has_perm("auth.change_user")


def test_making_the_roles_again_restores_what_they_need_and_keeps_what_was_added():
    group = Group.objects.get(name="reader")
    extra = Group.objects.get(name="editor").permissions.get(codename="add_job")
    group.permissions.set([extra])

    roles.make_roles()

    codenames = set(group.permissions.values_list("codename", flat=True))
    assert {"add_job", "view_job", "view_execution"} <= codenames
