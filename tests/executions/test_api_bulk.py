"""Deeds for many, through the API: filters as a body, receipts, and what is refused."""

from __future__ import annotations

import pytest

from executions.engine import bulk_actions
from executions.models import BulkAction, Execution
from executions.states import Status
from jobs.models import Job
from tests.builders import a_client, a_job, an_execution
from tests.executions.acts import statuses

pytestmark = pytest.mark.django_db

CANCEL, RETRY = "/v6/executions/cancel/", "/v6/executions/retry/"


def begun(answer):
    assert answer.status_code == 202, answer.content
    return answer.json()


def test_all_that_a_filter_finds_is_canceled_and_the_receipt_tells():
    client, one, two = a_client("executor", "ada"), a_job("one"), a_job("two")
    for job in (one, one, two):
        an_execution(job)

    answer = client.post(CANCEL, {"job_name": "one", "status": ["QUEUED", "RUNNING"]})
    receipt = client.get(answer.headers["Location"]).json()

    assert begun(answer) == {"count": 2, "receipt": receipt["id"]}
    assert statuses(one) == ["CANCELED user"] * 2
    assert statuses(two) == ["QUEUED"]
    assert receipt["created"] <= receipt["ended"]
    del receipt["id"], receipt["created"], receipt["ended"]
    assert receipt == {
        "action": "cancel",
        "filter": {"job_name": ["one"], "status": ["QUEUED", "RUNNING"]},
        "count": 2,
        "done": 2,
        "failed": 0,
        "state": "completed",
        "requested_by": "ada",
        "door": "native",
        "aborted_by": None,
    }


def test_failed_runs_are_tried_again():
    job = a_job()
    for _ in range(2):
        an_execution(job, status=Status.FAILED)

    answer = a_client("executor").post(RETRY, {"job_id": job.pk})

    assert begun(answer)["count"] == 2
    assert statuses(job) == ["FAILED", "FAILED", "QUEUED", "QUEUED"]


def test_what_completed_is_run_again_only_where_the_filter_says_so():
    job, client = a_job(), a_client("executor")
    an_execution(job, status=Status.COMPLETED)

    assert begun(client.post(RETRY, {"job_id": job.pk}))["count"] == 0
    assert begun(client.post(RETRY, {"job_id": job.pk, "status": "COMPLETED"}))["count"] == 1


def test_a_dry_run_only_counts():
    job, client = a_job(), a_client("executor")
    an_execution(job)

    answer = client.post(f"{CANCEL}?dry_run=true", {"job_name": job.name})

    assert (answer.status_code, answer.json()) == (200, {"count": 1, "receipt": None})
    assert statuses(job) == ["QUEUED"]
    assert BulkAction.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": []},
        {"status": ""},
        {"job_name": None},
        {"comet": "x"},
        {"status": "QUEUED", "page": 1},
        {"job_id": "one"},
        {"job_id": 1.5},
        {"is_last_try": "maybe"},
        {"status": {"not": "QUEUED"}},
        {"status": [["QUEUED"]]},
        {"started": "yesterday"},
        {"started": "PT1H", "ended": "PT2H"},
        {"id": list(range(501))},
        [],
        "all",
        None,
    ],
)
@pytest.mark.parametrize("path", [CANCEL, RETRY, f"{CANCEL}?dry_run=true"])
def test_an_empty_filter_and_what_makes_no_sense_are_refused(path, body):
    job = a_job()
    an_execution(job)

    answer = a_client("executor").post(path, body)

    assert answer.status_code == 400
    assert answer.json()["detail"]
    assert statuses(job) == ["QUEUED"]


def test_a_filter_that_can_find_nothing_is_done_at_once():
    client = a_client("executor")

    receipt = begun(client.post(CANCEL, {"job_name": "comet", "id": [1, 2]}))

    assert receipt["count"] == 0
    assert client.get(f"/v6/bulk/{receipt['receipt']}/").json()["state"] == "completed"


def test_a_dry_run_that_is_neither_yes_nor_no_is_refused():
    assert a_client("executor").post(f"{CANCEL}?dry_run=perhaps", {"id": 1}).status_code == 400


def test_a_duration_becomes_a_moment_in_the_receipt():
    client = a_client("executor")

    receipt = begun(client.post(CANCEL, {"started": "PT1H", "is_last_try": True}))["receipt"]

    kept = client.get(f"/v6/bulk/{receipt}/").json()["filter"]
    assert kept["started"].endswith("Z")
    assert kept["is_last_try"] is True


def test_receipts_are_listed_newest_first_and_found_by_what_they_are():
    client, other = a_client("executor", "ada"), a_client("executor", "ben")
    first = begun(client.post(CANCEL, {"id": 1}))["receipt"]
    second = begun(other.post(RETRY, {"id": 1}))["receipt"]

    def listed(**asked):
        return [row["id"] for row in client.get("/v6/bulk/", asked).json()["results"]]

    assert listed() == [second, first]
    assert listed(action="cancel") == listed(requested_by="ada") == [first]
    assert listed(state="running") == listed(is_over="false") == []
    assert listed(is_over="true") == [second, first]


def test_a_running_one_can_be_aborted_once(monkeypatch):
    monkeypatch.setattr(bulk_actions, "AT_ONCE", 0)
    client, job = a_client("executor"), a_job()
    an_execution(job)
    path = f"/v6/bulk/{begun(client.post(CANCEL, {'job_name': job.name}))['receipt']}/"

    aborted = client.post(f"{path}abort/")

    assert (aborted.status_code, aborted.json()["state"]) == (200, "aborted")
    assert client.post(f"{path}abort/").status_code == 409
    assert client.get(path).json()["done"] == 0
    assert client.get("/v6/bulk/999999/").status_code == client.post("/v6/bulk/999999/abort/").status_code == 404


def test_readers_may_look_and_no_more():
    reader = a_client("reader")

    assert reader.get("/v6/bulk/").status_code == 200
    assert reader.post(CANCEL, {"id": 1}).status_code == 403
    assert reader.post(f"{CANCEL}?dry_run=true", {"id": 1}).status_code == 403
    assert reader.post("/v6/jobs/x/backfill/", {}).status_code == 403


# --- Backfill ---------------------------------------------------------------------------------------------------------
def yearly() -> Job:
    return a_job("yearly", schedule="0 0 1 1 *")


RANGE = {"from": "2020-01-01T00:00:00Z", "to": "2024-12-31T00:00:00Z"}


def test_a_backfill_is_begun_and_has_a_receipt():
    job, client = yearly(), a_client("executor", "ada")

    answer = client.post("/v6/jobs/yearly/backfill/", {**RANGE, "concurrency": 2, "order": "newest"})
    receipt = client.get(answer.headers["Location"]).json()

    assert begun(answer) == {"count": 5, "receipt": receipt["id"]}
    made = Execution.objects.filter(job=job).order_by("pk")
    assert [each.scheduled_for.year for each in made] == [2024, 2023]
    assert {each.trigger for each in made} == {"backfill"}
    assert (receipt["action"], receipt["state"], receipt["done"]) == ("backfill", "running", 0)
    assert receipt["filter"] == {"job_name": "yearly", **RANGE, "order": "newest"}


def test_a_dry_backfill_lists_what_would_run():
    job = yearly()
    an_execution(job, trigger="schedule", scheduled_for="2022-01-01T00:00:00Z")

    answer = a_client("executor").post("/v6/jobs/yearly/backfill/?dry_run=1", RANGE)

    assert answer.status_code == 200
    assert answer.json() == {
        "count": 4,
        "receipt": None,
        "instants": [f"{year}-01-01T00:00:00Z" for year in (2020, 2021, 2023, 2024)],
        "left_out": 1,
    }
    assert Execution.objects.filter(job=job, trigger="backfill").count() == 0


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"to": RANGE["to"]},
        {"from": "2020-01-01"},
        {"from": RANGE["to"], "to": RANGE["from"]},
        {"from": RANGE["from"], "to": "2999-01-01T00:00:00Z"},
        {**RANGE, "concurrency": 0},
        {**RANGE, "concurrency": 1001},
        {**RANGE, "concurrency": "2"},
        {**RANGE, "order": "random"},
        {**RANGE, "comet": 1},
        {"from": 5},
        [],
    ],
)
@pytest.mark.parametrize("query", ["", "?dry_run=true"])
def test_a_backfill_that_makes_no_sense_is_refused(query, body):
    yearly()

    answer = a_client("executor").post(f"/v6/jobs/yearly/backfill/{query}", body)

    assert answer.status_code == 400
    assert answer.json()["detail"]


def test_there_is_no_backfill_of_a_job_that_is_not_there():
    assert a_client("executor").post("/v6/jobs/comet/backfill/", RANGE).status_code == 404


def test_a_job_without_a_schedule_has_nothing_to_make_up_for():
    a_job("by-hand")

    answer = a_client("executor").post("/v6/jobs/by-hand/backfill/", RANGE)

    assert answer.status_code == 400
    assert "no schedule" in answer.json()["detail"]
