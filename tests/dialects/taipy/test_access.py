"""Taipy's roles: TAIPY_READER is our reader, TAIPY_EXECUTOR our executor, TAIPY_EDITOR our editor."""

from __future__ import annotations

from base64 import b64encode

import pytest
from rest_framework.test import APIClient

from executions.states import Status
from tests.builders import a_client, a_user, an_execution
from tests.config.callers import key_of
from tests.dialects.taipy.test_jobs import job_id

pytestmark = pytest.mark.django_db

CALLS = {
    "list": ("get", "/api/v1/jobs/"),
    "show": ("get", "/api/v1/jobs/{}/"),
    "create": ("post", "/api/v1/jobs/?task_id=test-log"),
    "delete": ("delete", "/api/v1/jobs/{}/"),
    "cancel": ("post", "/api/v1/jobs/cancel/{}/"),
}
MAY = {
    "reader": {"list", "show"},
    "executor": {"list", "show", "cancel"},
    "editor": {"list", "show", "create", "delete", "cancel"},
    "superuser": {"list", "show", "create", "delete", "cancel"},
}


def call(client: APIClient, name: str):
    method, path = CALLS[name]
    return getattr(client, method)(path.format(job_id(an_execution(status=Status.COMPLETED))))


@pytest.mark.parametrize("role", MAY)
@pytest.mark.parametrize("name", CALLS)
def test_every_role_gets_as_far_as_taipys_documentation_says(role, name):
    answer = call(a_client(role), name)

    if name in MAY[role]:
        assert answer.status_code in (200, 201, 204)
    else:
        assert answer.status_code == 403
        assert answer.json() == {"message": "You do not have permission to perform this action."}


@pytest.mark.parametrize("name", CALLS)
def test_without_a_token_it_is_401_with_a_message(name):
    answer = call(APIClient(), name)

    assert answer.status_code == 401
    assert answer.json() == {"message": "Authentication credentials were not provided."}
    assert "WWW-Authenticate" in answer.headers


def test_a_wrong_token_is_told_so():
    answer = APIClient(HTTP_AUTHORIZATION="Bearer wrong").get("/api/v1/jobs/")

    assert (answer.status_code, answer.json()) == (401, {"message": "Invalid token."})


def test_a_user_without_a_role_may_nothing():
    user = a_user()
    user.groups.clear()
    client = APIClient(HTTP_AUTHORIZATION=f"Token {key_of(user)}")

    assert call(client, "list").status_code == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_AUTHORIZATION": "Token {}"},
        {"HTTP_AUTHORIZATION": "Bearer {}"},
        {"HTTP_AUTHORIZATION": "Basic {basic}"},
        {"HTTP_X_API_KEY": "{}"},
    ],
)
def test_a_token_is_accepted_in_every_form(headers):
    key = key_of(a_user())
    basic = b64encode(f"anyone:{key}".encode()).decode()
    client = APIClient(**{name: value.format(key, basic=basic) for name, value in headers.items()})

    assert client.get("/api/v1/jobs").status_code == 200
