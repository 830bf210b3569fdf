"""`/v6/audit/`: who sees which changes, and how they are found."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from errors import audit
from jobs import services
from tests.builders import NOON, a_client, a_job, a_user, an_execution, job_fields
from tests.config.callers import superuser

pytestmark = pytest.mark.django_db

PATH = "/v6/audit/"


def found(client, **asked):
    answer = client.get(PATH, asked)
    assert answer.status_code == 200, answer.content
    return answer.json()["results"]


def test_a_change_says_who_when_what_by_which_door_and_what_was_different():
    ada = a_client("editor", "ada")
    ada.post("/v6/jobs/", job_fields("nightly", schedule="@daily"))
    ada.patch("/v6/jobs/nightly/", {"schedule": "@hourly"})
    job = ada.get("/v6/jobs/nightly/").json()

    newest = found(a_client("reader"))[0]

    assert newest["time"].endswith("Z")
    assert newest["token"].startswith("jh_")
    del newest["time"], newest["token"], newest["id"]
    assert newest == {
        "user": "ada",
        "door": "native",
        "action": "update",
        "object": {"type": "job", "id": str(job["id"]), "name": "nightly"},
        "before": {"schedule": "@daily"},
        "after": {"schedule": "@hourly"},
    }


def test_changes_are_found_by_user_door_action_and_object():
    reader, ada, ben = a_client("reader"), a_client("editor", "ada"), a_client("executor", "ben")
    ada.post("/v6/jobs/", job_fields("one"))
    ada.post("/v6/jobs/", job_fields("two"))
    ben.post("/v6/jobs/one/pause/")
    key = ada.get("/v6/jobs/one/").json()["id"]
    call_command("cancel", str(an_execution(a_job("three")).pk))

    assert {entry["object"]["name"] for entry in found(reader, user="ben")} == {"one"}
    assert {entry["action"] for entry in found(reader, user=["ada"])} == {"create"}
    assert [entry["action"] for entry in found(reader, action=["pause", "cancel"])] == ["cancel", "pause"]
    assert [entry["action"] for entry in found(reader, door="shell", object_type="execution")] == ["cancel"]
    assert [entry["action"] for entry in found(reader, object_type="job", object_id=key)] == ["pause", "create"]
    assert [entry["action"] for entry in found(reader, object_name="two")] == ["create"]
    assert found(reader, door="dkron") == found(reader, door="nonsense") == found(reader, object_type="comet") == []
    assert found(reader, action='pause", "by') == []


def test_whoever_acted_at_a_shell_is_found_by_their_name():
    services.pause(a_job(), by="grace", now=NOON)

    assert [entry["user"] for entry in found(a_client(), user="grace")] == ["grace"]


def test_changes_are_found_by_time():
    a_job()
    old = LogEntry.objects.order_by("-pk")[0]
    LogEntry.objects.filter(pk=old.pk).update(action_time=timezone.now() - timedelta(days=2))
    services.pause(a_job("new"), by="ada", now=NOON)
    reader = a_client()

    assert old.pk not in [entry["id"] for entry in found(reader, started="P1D")]
    assert [entry["id"] for entry in found(reader, ended="P1D")] == [old.pk]


def test_what_django_wrote_itself_came_through_the_console():
    root, client = superuser(), Client()
    client.force_login(root)
    client.post(reverse("admin:auth_group_add"), {"name": "choir"})
    superusers = a_client("superuser")

    (entry,) = found(superusers, object_type="group")

    assert (entry["door"], entry["action"], entry["user"]) == ("console", "create", "root")
    assert found(superusers, door="console") == [entry]
    assert found(superusers, action="create", object_type="group") == [entry]


def test_changes_of_users_and_tokens_are_for_superusers_and_for_whoever_made_them():
    ada, reader, root = a_client("reader", "ada"), a_client("reader"), a_client("superuser")
    ada.post("/v6/tokens/", {"name": "laptop"})

    asked = {"object_type": "token", "user": "ada"}

    assert [entry["after"]["name"] for entry in found(ada, **asked)] == ["laptop"]
    assert found(reader, **asked) == []
    assert [entry["after"]["name"] for entry in found(root, **asked)] == ["laptop"]


def test_a_page_costs_the_same_for_few_and_for_many():
    client = a_client()
    found(client)  # from now on it is known when the token was last used
    counts = []

    for _ in range(2):
        for _ in range(10):
            a_job()
        with CaptureQueriesContext(connection) as queries:
            found(client)
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_range_that_ends_before_it_begins_is_refused():
    assert a_client().get(PATH, {"started": "PT1H", "ended": "PT2H"}).status_code == 400


def test_the_houses_own_deeds_have_no_user():
    job = a_job("broken")
    audit.record(job, "disable", door="scheduler")

    assert found(a_client(), action="disable")[0]["user"] is None


def test_nothing_is_written_through_it():
    a_user("reader")

    assert a_client("superuser").post(PATH, {}).status_code == 405
