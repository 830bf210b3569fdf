"""Who gets through Adverity's door, and what the others are told."""

from __future__ import annotations

from base64 import b64encode

import pytest
from rest_framework.test import APIClient

from tests.builders import a_client, a_job, a_user
from tests.config.callers import key_of
from tests.executions import acts

pytestmark = pytest.mark.django_db

READS = ["/api/jobs/", "/api/jobs/{run}/", "/api/jobs/{run}/imported/", "/api/datastreams/", "/api/datastreams/{job}/",
         "/api/datastreams/{job}/jobs/", "/api/errors/"]  # fmt: skip
WRITES = ["/api/jobs/{run}/stop/", "/api/datastreams/{job}/fetch_fixed/"]


def places(paths):
    job = a_job()
    run = acts.ask(job)
    return [path.format(job=job.pk, run=run.group) for path in paths]


@pytest.mark.parametrize(
    "headers",
    [
        {"HTTP_AUTHORIZATION": "Token {}"},
        {"HTTP_AUTHORIZATION": "Bearer {}"},
        {"HTTP_AUTHORIZATION": "token {}"},
        {"HTTP_AUTHORIZATION": "Basic {basic}"},
        {"HTTP_X_API_KEY": "{}"},
    ],
)
def test_a_token_is_accepted_in_every_form(headers):
    key = key_of(a_user())
    basic = b64encode(f"anyone:{key}".encode()).decode()
    client = APIClient(**{name: value.format(key, basic=basic) for name, value in headers.items()})

    assert client.get("/api/jobs/").status_code == 200


@pytest.mark.parametrize("path", READS)
def test_without_a_token_nothing_is_read(path):
    (place,) = places([path])
    answer = APIClient().get(place)

    assert answer.status_code == 401
    assert answer.json() == {"detail": "Authentication credentials were not provided."}
    assert answer.headers["WWW-Authenticate"].startswith("Token")


@pytest.mark.parametrize("path", WRITES)
def test_without_a_token_nothing_is_done(path):
    (place,) = places([path])

    assert APIClient().post(place).status_code == 401


@pytest.mark.parametrize("word", ["Token", "Bearer"])
def test_a_wrong_token_is_told_so(word):
    answer = APIClient(HTTP_AUTHORIZATION=f"{word} wrong").get("/api/jobs/")

    assert (answer.status_code, answer.json()) == (401, {"detail": "Invalid token."})


@pytest.mark.parametrize("role", ["reader", "executor", "editor"])
def test_every_role_reads(role):
    client = a_client(role)

    assert {client.get(place).status_code for place in places(READS)} == {200}


@pytest.mark.parametrize("path", WRITES)
def test_a_reader_is_told_that_it_may_not(path):
    (place,) = places([path])

    answer = a_client("reader").post(place, {"start": "2022-01-01", "end": "2022-01-01"}, format="json")

    assert answer.status_code == 403
    assert answer.json() == {"detail": "You do not have permission to perform this action."}


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("role", ["executor", "editor"])
def test_executors_and_editors_fetch_and_stop(path, role):
    (place,) = places([path])

    answer = a_client(role).post(place, {"start": "2022-01-01", "end": "2022-01-01"}, format="json")

    assert answer.status_code == 200
