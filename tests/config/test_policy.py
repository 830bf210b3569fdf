"""The policy table: every route has its entry, and every role gets as far as its entry says."""

from __future__ import annotations

import pytest
from django.urls import get_resolver, path, reverse
from django.urls.converters import IntConverter
from rest_framework.test import APIClient
from rest_framework.views import APIView

from config.access import coverage, policy
from errors.api.rights import Role
from tests.config.callers import caller, key_of, superuser, user, with_key

ROLES = [None, "reader", "executor", "editor"]


def test_every_route_of_the_api_has_an_entry_for_every_method_it_answers():
    assert coverage.missing(get_resolver().url_patterns) == []


def test_a_route_without_an_entry_is_found():
    class Forgotten(APIView):
        def get(self, request):
            raise NotImplementedError

    assert coverage.missing([path("forgotten/", Forgotten.as_view(), name="forgotten")]) == [
        "GET forgotten (Forgotten)"
    ]
    assert policy.needed_role("forgotten", "GET") is None


def test_a_method_without_an_entry_is_refused():
    assert policy.needed_role("errors", "POST") is None
    assert policy.needed_role("errors", "GET") == Role.READER


def test_the_table_names_no_route_that_is_gone():
    named = {route.name for route in coverage.routes(get_resolver().url_patterns)}

    assert set(policy.POLICY) - named == set()


@pytest.mark.django_db
@pytest.mark.parametrize("role", ROLES)
def test_every_role_gets_as_far_as_the_table_says(role):
    client = caller(role)
    held = Role[role.upper()] if role else 0
    wrong = []

    for url, route, method in endpoints():
        needed = policy.POLICY[route][method]
        answered = client.generic(method, url, data="{}", content_type="application/json").status_code
        if (answered == 403) != (held < needed) or answered >= 500:
            wrong.append((method, url, answered))

    assert wrong == []


@pytest.mark.django_db
def test_nobody_gets_anywhere_without_a_token():
    client = APIClient()

    answers = {(method, url): client.generic(method, url).status_code for url, _route, method in endpoints()}

    assert set(answers.values()) == {401}


@pytest.mark.django_db
def test_a_superuser_gets_everywhere_unless_the_token_is_capped():
    everything = with_key(key_of(superuser()))
    capped = with_key(key_of(superuser("other"), role="reader"))

    for url, route, method in endpoints():
        assert everything.generic(method, url, data="{}", content_type="application/json").status_code != 403
        if policy.POLICY[route][method] > Role.READER:
            assert capped.generic(method, url, data="{}", content_type="application/json").status_code == 403


@pytest.mark.django_db
def test_a_method_that_a_view_does_not_have_is_405_and_not_403():
    client = caller("reader")

    answer = client.delete("/v6/errors/")

    assert answer.status_code == 405
    assert answer.json() == {"detail": 'Method "DELETE" not allowed.'}
    assert client.get("/v6/house/pause/").status_code == 405


@pytest.mark.django_db
def test_options_and_head_need_no_more_than_the_least_method():
    client = caller("reader")

    assert client.options("/v6/errors/").status_code == client.head("/v6/errors/").status_code == 200
    assert client.options("/v6/house/pause/").status_code == 403


@pytest.mark.django_db
def test_a_session_acts_in_its_users_role():
    client = APIClient()
    client.force_login(user(role="reader"))
    nobody = APIClient()
    nobody.force_login(user("nobody", role=None))

    assert client.get("/v6/errors/").status_code == 200
    assert nobody.get("/v6/errors/").status_code == 403


def endpoints() -> list[tuple[str, str, str]]:
    """Address, route and method of every endpoint, about things that do not exist."""
    return [
        (
            reverse(route.name, kwargs={name: sample(kind) for name, kind in route.parameters.items()}),
            route.name,
            method,
        )
        for route in coverage.routes(get_resolver().url_patterns)
        if route.name not in policy.OPEN
        for method in route.methods
    ]


def sample(converter: object) -> object:
    return 999_999 if isinstance(converter, IntConverter) else "nothing"
