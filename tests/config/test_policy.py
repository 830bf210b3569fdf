"""The policy table: every route has its entry, and every role gets as far as its entry says."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

import pytest
from django.urls import URLPattern, get_resolver, path, reverse
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


# --- All doors --------------------------------------------------------------------------------------------------------

WORDS = {"/v6/": "detail", "/api/1/": "message", "/api/v1/": "message", "/api/": "detail", "/v1/": "message"}
"""Under which key clients of each door look for why they were refused; the first that a path begins with counts."""
OTHERWISE = {"dkron-debug-vars": "message", "metrics": None}
"""Routes that stand beside the doors; None: a text."""
FORMS = ["Token {key}", "Bearer {key}", "Basic {basic}", "X-API-KEY", "X-Dkron-Token"]
OF_EACH_DOOR = ["jobs", "dkron-jobs", "udata-jobs", "adverity-jobs", "taipy-jobs"]


def word_of(url: str, route: str) -> str | None:
    return (
        OTHERWISE[route] if route in OTHERWISE else next(word for path, word in WORDS.items() if url.startswith(path))
    )


@pytest.mark.django_db
@pytest.mark.parametrize(("role", "status"), [("anonymous", 401), (None, 403)])
def test_every_door_words_its_refusals_as_its_clients_expect(role, status):
    client = APIClient() if role == "anonymous" else caller(role)
    wrong = []

    for url, route, method in endpoints():
        answer = client.generic(method, url, data="{}", content_type="application/json")
        word = word_of(url, route)
        said = answer.json() if word else {None: answer.content.decode()}
        is_challenged = (status == 401) == ("WWW-Authenticate" in answer.headers)
        if answer.status_code != status or said.keys() != {word} or not said[word] or not is_challenged:
            wrong.append((method, url, answer.status_code, said))

    assert wrong == []


@pytest.mark.django_db
@pytest.mark.parametrize("route", OF_EACH_DOOR)
@pytest.mark.parametrize("form", FORMS)
def test_every_door_takes_a_token_in_every_form(route, form):
    key = key_of(user(role="editor"))
    basic = b64encode(f"anyone:{key}".encode()).decode()
    headers = {form: key} if form.startswith("X-") else {"Authorization": form.format(key=key, basic=basic)}

    assert APIClient(headers=headers).get(reverse(route)).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize("route", OF_EACH_DOOR)
def test_every_door_refuses_a_wrong_token_and_one_in_the_address(route):
    key = key_of(user(role="editor"))
    url = reverse(route)

    for answer in (APIClient(headers={"Authorization": "Bearer wrong"}).get(url), APIClient().get(url, {"token": key})):
        assert answer.status_code == 401
        assert answer.json().keys() == {word_of(url, route)}


def test_no_view_outside_the_table_stands_below_a_doors_paths():
    plain = {
        pattern.name
        for pattern in flat(get_resolver().url_patterns)
        if not hasattr(pattern.callback, "cls") and pattern.lookup_str.startswith("config.")
    }

    assert {name for name in plain if name} <= policy.OPEN | {"dkron-ui"}  # which leads to the console


def flat(patterns: list) -> Iterator[URLPattern]:
    """Every endpoint, those of the admin left out."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern
        elif pattern.app_name != "admin":
            yield from flat(pattern.url_patterns)
