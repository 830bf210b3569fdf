"""Who gets in at udata's door, and what browsers are told."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from config.access import tokens
from tests.builders import a_client, a_user
from tests.dialects.udata.asking import BASE, JOBS, NO_ID, an_admin, at, fields, made

EVERYTHING = [
    ("GET", JOBS),
    ("POST", JOBS),
    ("GET", f"{JOBS}schedulables"),
    ("GET", f"{JOBS}{NO_ID}"),
    ("PUT", f"{JOBS}{NO_ID}"),
    ("DELETE", f"{JOBS}{NO_ID}"),
    ("GET", f"{BASE}/tasks/1"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("verb", "path"), EVERYTHING)
def test_without_a_key_everything_is_401_before_the_body_or_the_job_is_looked_at(verb, path):
    answer = APIClient().generic(verb, path, "no json", content_type="text/plain")

    assert answer.status_code == 401
    assert answer.json().keys() == {"message"}
    assert answer["WWW-Authenticate"] == 'Bearer realm="uData"'


@pytest.mark.django_db
@pytest.mark.parametrize("role", ["reader", "executor"])
@pytest.mark.parametrize(("verb", "path"), EVERYTHING)
def test_who_is_no_administrator_is_403_everywhere(role, verb, path):
    answer = a_client(role).generic(verb, path, "no json", content_type="text/plain")

    assert answer.status_code == 403
    assert answer.json() == {"message": "You do not have the permission to modify that object."}


@pytest.mark.django_db
def test_a_key_comes_in_any_of_the_headers():
    key = tokens.create(a_user("editor"))[1]

    for headers in ({"X-API-KEY": key}, {"Authorization": f"Bearer {key}"}, {"Authorization": f"Token {key}"}):
        assert APIClient().get(JOBS, headers=headers).status_code == 200


@pytest.mark.django_db
def test_a_superuser_is_an_administrator():
    assert a_client("superuser").get(JOBS).status_code == 200


@pytest.mark.django_db
def test_a_key_that_is_not_known_is_told_so():
    answer = APIClient().get(JOBS, headers={"X-API-KEY": "nonsense"})

    assert (answer.status_code, answer.json()) == (401, {"message": "Invalid API token"})
    assert answer["WWW-Authenticate"] == 'Bearer realm="uData"'


@pytest.mark.django_db
def test_a_key_that_has_expired_is_told_so():
    key = tokens.create(a_user("editor"), expires=timezone.now() - timedelta(days=1))[1]

    answer = APIClient().get(JOBS, headers={"X-API-KEY": key})

    assert (answer.status_code, answer.json()) == (401, {"message": "Expired API token"})


@pytest.mark.django_db
def test_a_session_that_changes_something_needs_its_csrf_token():
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(a_user("editor"))

    answer = client.post(JOBS, fields(), format="json")

    assert answer.status_code == 403
    assert answer.json()["message"].startswith("CSRF")


@pytest.mark.parametrize(("said", "role"), [("true", "READER"), ("false", "EDITOR")])
def test_a_setting_opens_reading_for_readers(said, role):
    look = (
        "import django; django.setup()\n"
        "from config.access.policy import POLICY\n"
        "udata = {name: {verb: role.name for verb, role in verbs.items()} "
        "for name, verbs in POLICY.items() if name.startswith('udata')}\n"
        "print({verbs['GET'] for verbs in udata.values()}, {udata['udata-job'][verb] for verb in ('PUT', 'DELETE')})"
    )
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings", "UDATA_OPEN_READS": said}

    done = subprocess.run([sys.executable, "-c", look], env=env, capture_output=True, text=True, timeout=60, check=True)

    assert done.stdout.split() == [f"{{'{role}'}}", "{'EDITOR'}"]


# --- Both forms of every path -----------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_every_path_is_served_with_and_without_its_last_slash():
    client = an_admin()
    job = made(client)

    for path in (JOBS, f"{JOBS}schedulables/", f"{at(job)}/", f"{BASE}/tasks/1/"):
        assert client.get(path).status_code == client.get(path.rstrip("/")).status_code == 200
    assert client.post(JOBS.rstrip("/"), fields()).status_code == 201
    assert client.put(at(job), {}).status_code == client.put(f"{at(job)}/", {}).status_code == 200
    assert client.delete(f"{at(job)}/").status_code == 204


# --- Browsers ---------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("path", [JOBS, f"{JOBS}{NO_ID}", f"{JOBS}schedulables", f"{BASE}/tasks/1"])
def test_a_preflight_needs_no_key(path):
    answer = APIClient().options(
        path,
        headers={
            "Origin": "https://portal.example",
            "Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "x-api-key",
        },
    )

    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "GET" in answer["Access-Control-Allow-Methods"]
    assert answer["Access-Control-Allow-Headers"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.django_db
def test_answers_and_refusals_may_be_read_by_any_page():
    origin = {"Origin": "https://portal.example"}

    assert an_admin().get(JOBS, headers=origin)["Access-Control-Allow-Origin"] == "*"
    assert APIClient().get(JOBS, headers=origin)["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Origin" not in an_admin().get(JOBS)


@pytest.mark.django_db
@pytest.mark.parametrize("origin", ["http://[", "null", "nonsense", "http://" + "a" * 500])
def test_any_origin_will_do(origin):
    assert an_admin().get(JOBS, headers={"Origin": origin})["Access-Control-Allow-Origin"] == "*"


@pytest.mark.django_db
def test_options_says_which_verbs_there_are():
    answer = an_admin().options(f"{JOBS}{NO_ID}")

    assert answer.status_code == 200
    assert {verb.strip() for verb in answer["Allow"].split(",")} == {"GET", "PUT", "DELETE", "HEAD", "OPTIONS"}
    assert APIClient().options(JOBS).status_code == 401


# --- The schema -------------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_operations_have_the_names_by_which_udatas_own_pages_call_them():
    schema = APIClient().get("/api/schema/", {"format": "json"}, headers={"Accept": "application/json"}).json()

    told = {
        operation["operationId"]: tuple(operation["tags"])
        for path, operations in schema["paths"].items()
        if path.startswith(BASE)
        for operation in operations.values()
        if isinstance(operation, dict)
    }
    assert told == dict.fromkeys(
        (
            *("list_jobs", "post_jobs_api", "get_job_api", "put_job_api", "delete_job_api"),
            *("get_jobs_reference_api", "get_task_api"),
        ),
        ("udata",),
    )
