"""Adverity's datastreams, which are our jobs; and fetch_fixed, which starts one."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.engine.archive import archive
from executions.models import Execution
from executions.states import Door, Status, Trigger
from jobs.services import pause
from tests.builders import NOON, a_client, a_job, a_worker, an_execution
from tests.dialects.adverity.fetching import completed, listed, shown
from tests.executions import acts

pytestmark = pytest.mark.django_db

RANGE = {"start": "2022-01-01", "end": "2022-01-31"}


def fetch(client, job, body=None, **how):
    return client.post(f"/api/datastreams/{job.pk}/fetch_fixed/", RANGE if body is None else body, **how)


def test_a_datastream_is_a_job_under_its_stable_number():
    job = a_job("sales", description="Sales of the day.")

    answer = a_client().get(f"/api/datastreams/{job.pk}/")

    assert answer.status_code == 200
    body = answer.json()
    assert (body["id"], body["name"], body["slug"], body["enabled"]) == (job.pk, "sales", "sales", True)
    assert body["description"] == "Sales of the day."
    assert body["stack_id"] == body["stack"]["id"]
    assert body["url"] == f"http://testserver/api/datastreams/{job.pk}/"
    assert body["last_fetch"] is None


def test_a_datastream_says_when_it_was_fetched_last():
    job = a_job()
    completed(job)

    assert a_client().get(f"/api/datastreams/{job.pk}").json()["last_fetch"] == "2026-11-21T12:00:00Z"


def test_a_disabled_job_is_a_datastream_that_is_not_enabled():
    job = a_job(is_enabled=False)

    assert a_client().get(f"/api/datastreams/{job.pk}/").json()["enabled"] is False


@pytest.mark.parametrize("pk", ["0", "999999", "sales", "9" * 30, "-1"])
@pytest.mark.parametrize("path", ["/api/datastreams/{}/", "/api/datastreams/{}", "/api/datastreams/{}/jobs/"])
def test_an_unknown_datastream_is_404(pk, path):
    a_job("sales")

    answer = a_client().get(path.format(pk))

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


def test_datastreams_are_listed_in_pages():
    jobs = [a_job() for _ in range(3)]
    an_execution(jobs[0])
    client = a_client()

    first = client.get("/api/datastreams/?page_size=2").json()
    second = client.get(first["next"]).json()

    assert [one["id"] for one in first["results"] + second["results"]] == [job.pk for job in jobs]
    assert (first["count"], second["next"]) == (3, None)
    assert first["results"][0] == client.get(f"/api/datastreams/{jobs[0].pk}/").json()


def test_deleted_jobs_and_single_runs_are_no_datastreams_in_the_list():
    gone = a_job()
    archive(gone, by="ada", now=NOON, cancel_running=False)
    client = a_client("editor")
    client.post("/v6/executions/", {"job_type": {"name": "shell"}, "configuration": {"command": "true"}}, format="json")

    assert client.get("/api/datastreams/").json()["results"] == []
    assert client.get(f"/api/datastreams/{gone.pk}/").status_code == 404


def test_a_page_of_datastreams_takes_a_fixed_number_of_queries():
    client = a_client()

    def queries(made: int) -> int:
        for _ in range(made):
            completed(a_job())
        with CaptureQueriesContext(connection) as captured:
            client.get("/api/datastreams/")
        return len(captured)

    client.get("/api/datastreams/")

    assert queries(1) == queries(5) <= 5


# --- fetch_fixed ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["json", "multipart", "urlencoded"])
def test_a_fetch_starts_a_job_from_json_as_from_a_form(form):
    job = a_job()
    client = a_client("executor", "eve")
    urlencoded = {
        "data": "start=2022-01-01&end=2022-01-31&force=false",
        "content_type": "application/x-www-form-urlencoded",
    }
    path = f"/api/datastreams/{job.pk}/fetch_fixed/"

    answer = client.post(path, **urlencoded) if form == "urlencoded" else client.post(path, RANGE, format=form)

    assert answer.status_code == 200
    run = acts.newest(job)
    assert (run.door, run.trigger, run.requested_by) == (Door.ADVERITY, Trigger.MANUAL, "eve")
    assert answer.json() == {
        "status": "ok",
        "message": "The fetch has been scheduled.",
        **RANGE,
        "jobs": [{"id": run.group, "url": f"http://testserver/api/jobs/{run.group}/"}],
    }


def test_the_new_job_is_readable_at_once_and_manual():
    client = a_client("executor")
    (started,) = fetch(client, a_job(), format="json").json()["jobs"]

    job = client.get(started["url"]).json()

    assert (job["id"], job["state_label"], job["manual"], job["job_end"]) == (started["id"], "Scheduled", True, None)
    assert (job["range_start"], job["range_end"]) == ("2022-01-01T00:00:00Z", "2022-01-31T23:59:59Z")
    assert started["id"] in listed(client)


def test_a_client_that_polls_sees_the_end():
    job = a_job()
    client = a_client("executor")
    (started,) = fetch(client, job, format="json").json()["jobs"]

    acts.run(acts.newest(job), a_worker(), acts.newest(job).created)

    done = client.get(started["url"]).json()
    assert (done["state_label"], bool(done["job_end"])) == ("Success", True)


def test_the_run_is_told_the_range_beside_its_own_input():
    job = a_job(input={"json": {"region": "north"}})

    fetch(a_client("executor"), job, {"start": "2022-01-01T05:00:00Z", "end": "2022-01-01T06:00:00Z"}, format="json")

    assert acts.newest(job).payload.input["json"] == {
        "region": "north",
        "start": "2022-01-01T05:00:00Z",
        "end": "2022-01-01T06:00:00Z",
    }


def test_a_run_with_arguments_is_told_the_range_among_them():
    job = a_job(executor="test-log", input={"args": [1], "kwargs": {"region": "north"}})

    fetch(a_client("executor"), job, format="json")

    assert acts.newest(job).payload.input == {"args": [1], "kwargs": {"region": "north", **RANGE}}


def test_a_datastream_whose_type_takes_no_range_runs_as_always():
    job = a_job(executor="vacuum-database")

    answer = fetch(a_client("executor"), job, format="json")

    assert answer.status_code == 200
    assert "takes no start and end" in answer.json()["message"]
    assert acts.newest(job).payload_id == job.payload_id


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, {"start", "end"}),
        ({"start": "2022-01-01"}, {"end"}),
        ({"start": "", "end": "2022-01-01"}, {"start"}),
        ({"start": None, "end": "2022-01-01"}, {"start"}),
        ({"start": "x", "end": "2022-01-01"}, {"start"}),
        ({"start": 20220101, "end": ["2022-01-01"]}, {"start", "end"}),
        ({"start": {"a": 1}, "end": True}, {"start", "end"}),
        ({"start": "2022-01-02", "end": "2022-01-01"}, {"end"}),
        ({"start": "2022-01-01", "end": "x" * 100_000}, {"end"}),
    ],
)
def test_a_range_that_is_missing_or_wrong_is_refused_by_name(body, wrong):
    job = a_job()

    answer = fetch(a_client("executor"), job, body, format="json")

    assert answer.status_code == 400
    told = answer.json()
    assert isinstance(told["detail"], str)
    assert told["errors"].keys() == wrong
    assert {name: told[name] for name in wrong} == told["errors"]
    assert acts.of(job) == []


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        ("[]", "application/json", 400),
        ('"x"', "application/json", 400),
        ("{", "application/json", 400),
        ('{"start": "\\ud800", "end": "2022-01-01"}', "application/json", 400),
        ('{"start": "a\\u0000", "end": "2022-01-01"}', "application/json", 400),
        ("[" * 100_000, "application/json", 400),
        ("start=%00&end=%ff", "application/x-www-form-urlencoded", 400),
        ("&".join(f"a{n}=1" for n in range(2_000)), "application/x-www-form-urlencoded", 400),
        ("x", "multipart/form-data; boundary=y", 400),
        ("<a/>", "text/xml", 415),
        ('{"start": "' + "x" * 1_100_000, "application/json", 413),
    ],
)
def test_a_body_that_makes_no_sense_is_a_4xx(body, kind, code):
    job = a_job()

    answer = a_client("executor").generic(
        "POST", f"/api/datastreams/{job.pk}/fetch_fixed/", body.encode(), content_type=kind
    )

    assert answer.status_code == code
    assert isinstance(answer.json()["detail"], str)
    assert acts.of(job) == []


def test_a_fetch_of_an_unknown_datastream_is_404():
    answer = a_client("executor").post("/api/datastreams/999999/fetch_fixed/", RANGE, format="json")

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


def test_a_fetch_by_get_is_405():
    answer = a_client("executor").get(f"/api/datastreams/{a_job().pk}/fetch_fixed/")

    assert (answer.status_code, answer.json()["detail"]) == (405, 'Method "GET" not allowed.')


@pytest.mark.parametrize("state", ["disabled", "paused"])
def test_a_datastream_that_rests_can_be_fetched_by_hand(state):
    job = a_job(is_enabled=state != "disabled")
    if state == "paused":
        pause(job, by="ada", now=NOON)

    answer = fetch(a_client("executor"), job, format="json")

    assert answer.status_code == 200
    assert acts.newest(job).status == Status.QUEUED


def test_the_same_call_twice_makes_two_jobs():
    job, client = a_job(), a_client("executor")

    ids = {fetch(client, job, format="json").json()["jobs"][0]["id"] for _ in range(2)}

    assert ids == set(Execution.objects.values_list("group", flat=True))
    assert len(ids) == 2


def test_a_fetch_runs_what_follows_too():
    parent = a_job()
    child = a_job(parents=[parent.name])
    client = a_client("executor")

    fetch(client, parent, format="json")

    assert shown(client, acts.newest(child))["state_label"] == "Scheduled"
