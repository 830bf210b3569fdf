"""Adverity's job object: every key, in every state, of runs that the engine made."""

from __future__ import annotations

from datetime import timedelta

import pytest

from executions.engine import cancel, fire, sweep
from executions.engine.archive import archive
from executions.models import Execution
from executions.states import Door, Reason, Status, Trigger
from tests.builders import HOUR, NOON, SECOND, a_client, a_job, a_worker, an_execution
from tests.dialects.adverity.fetching import completed, failed, running, shown
from tests.executions import acts

pytestmark = pytest.mark.django_db

KEYS = {
    *("id", "url", "job_start", "job_end", "range_start", "range_end", "scheduled", "progress", "duration"),
    *("state", "state_label", "state_color", "datastream", "issues", "manual"),
}


def test_a_job_has_the_documented_keys_and_the_list_has_the_same():
    client = a_client()
    run = running(a_job())

    assert shown(client, run).keys() == KEYS
    assert client.get("/api/jobs/").json()["results"] == [shown(client, run)]


def test_a_scheduled_job_has_neither_start_nor_end():
    run = acts.ask(a_job())

    job = shown(a_client(), run)

    assert (job["state"], job["state_label"], job["progress"], job["duration"]) == (0, "Scheduled", 0, "0s")
    assert (job["job_start"], job["job_end"]) == (None, None)
    assert job["scheduled"] == "2026-11-21T12:00:00Z"


def test_a_run_that_is_to_start_later_is_scheduled_for_then():
    run = acts.ask(a_job(), at=NOON + HOUR)

    assert shown(a_client(), run)["scheduled"] == "2026-11-21T13:00:00Z"


def test_a_running_job_has_a_start_and_no_end():
    job = shown(a_client(), running(a_job()))

    assert (job["state"], job["state_label"], job["state_color"]) == (1, "Running", "orange")
    assert job["job_start"] == "2026-11-21T12:00:00Z"
    assert job["job_end"] is None


def test_a_successful_job_is_complete():
    job = shown(a_client(), completed(a_job()))

    assert (job["state"], job["state_label"], job["progress"]) == (2, "Success", 100)
    assert (job["job_start"], job["job_end"]) == ("2026-11-21T12:00:00Z", "2026-11-21T12:00:01Z")
    assert (job["duration"], job["issues"]) == ("1s", [])


def test_progress_is_an_integer_for_clients_that_refuse_a_decimal_point():
    client = a_client()
    answer = client.get(f"/api/jobs/{completed(a_job()).group}/")

    assert b'"progress":100,' in answer.content


def test_a_failed_job_says_why():
    run = failed(a_job())

    job = shown(a_client(), run)

    assert (job["state"], job["state_label"]) == (4, "Failed")
    (issue,) = job["issues"]
    assert issue["message"] == "It failed."
    assert (issue["type_label"], issue["extraction_state_label"]) == ("ALGORITHM", "Fetch")
    assert issue["url"] == f"http://testserver/api/errors/{run.pk}/"


def test_a_failed_job_has_all_of_its_five_dates():
    job = shown(a_client(), failed(a_job()))

    assert all(job[name] for name in ("job_start", "job_end", "range_start", "range_end", "scheduled"))


def test_a_lost_worker_makes_a_failed_job_and_not_a_stale_one():
    an = an_execution(status=Status.FAILED, reason=Reason.WORKER_LOST)

    assert shown(a_client(), an)["state_label"] == "Failed"


def test_a_job_stopped_by_hand_is_discarded():
    run = acts.ask(a_job())
    cancel.cancel(run, by="ada", now=NOON + SECOND)

    job = shown(a_client(), run)

    assert (job["state"], job["state_label"]) == (5, "Discarded")
    assert (job["job_start"], job["job_end"]) == (None, "2026-11-21T12:00:01Z")


@pytest.mark.parametrize("ending", ["failed", "canceled"])
def test_jobs_after_one_that_did_not_succeed_are_discarded_to_the_last(ending):
    first = a_job()
    second = a_job(parents=[first.name])
    third = a_job(parents=[second.name])
    if ending == "failed":
        failed(first)
    else:
        cancel.cancel(acts.ask(first), by="ada", now=NOON)

    client = a_client()
    for follower in (second, third):
        job = shown(client, acts.newest(follower))
        assert (job["state_label"], job["job_start"]) == ("Discarded", None)
        assert job["job_end"]


def test_a_job_that_did_not_start_within_two_days_is_discarded():
    run = acts.ask(a_job())
    client = a_client()

    sweep.expire(NOON + timedelta(days=2))
    early = shown(client, run)["state_label"]
    sweep.expire(NOON + timedelta(days=2) + SECOND)

    assert (early, shown(client, run)["state_label"]) == ("Scheduled", "Discarded")


def test_a_job_that_the_house_canceled_is_cancelled():
    job = a_job()
    run = acts.ask(job)
    archive(job, by="ada", now=NOON, cancel_running=True)

    shown_job = shown(a_client(), run)

    assert (shown_job["state"], shown_job["state_label"]) == (3, "Cancelled")
    assert shown_job["job_end"]


def test_a_replaced_run_is_cancelled():
    job = a_job(concurrency="replace")
    run = acts.ask(job)
    acts.ask(job, NOON + SECOND)

    assert shown(a_client(), run)["state_label"] == "Cancelled"


def test_a_job_that_waits_for_another_is_scheduled():
    parent = a_job()
    child = a_job(parents=[parent.name])
    acts.ask(parent)

    assert shown(a_client(), acts.newest(child))["state_label"] == "Scheduled"


def test_the_tries_of_a_run_are_one_job_under_the_first_ones_id():
    job = a_job(retries=1, retry_delay=0)
    first = failed(job)
    client = a_client()

    waiting = shown(client, first)
    second = acts.run(acts.newest(job), a_worker(), acts.LATER)
    done = shown(client, first)

    assert second.pk != first.pk
    assert (waiting["id"], waiting["state_label"], waiting["job_end"]) == (first.pk, "Scheduled", None)
    assert (done["id"], done["state_label"]) == (first.pk, "Success")
    assert client.get(f"/api/jobs/{second.pk}/").status_code == 404


def test_a_run_on_several_workers_is_one_job_which_runs_as_long_as_one_of_them():
    job = a_job(tags={"role": "web:2"})
    workers = [a_worker(tags={"role": "web"}) for _ in range(2)]
    run = acts.ask(job)
    client = a_client()
    for worker in workers:
        (taken,) = acts.take(worker)
        if worker is workers[0]:
            acts.end(taken, error=acts.BAD)

    between = [(one["id"], one["state_label"]) for one in client.get("/api/jobs/").json()["results"]]
    acts.end(next(one for one in acts.of(job) if one.status == Status.RUNNING))

    assert between == [(run.group, "Running")]
    assert shown(client, run)["state_label"] == "Failed"


def test_a_job_names_its_datastream():
    job = a_job("sales")

    told = shown(a_client(), acts.ask(job))["datastream"]

    assert told == {
        "id": job.pk,
        "name": "sales",
        "slug": "sales",
        "url": f"http://testserver/api/datastreams/{job.pk}/",
        "stack_id": 1,
        "stack": {"id": 1, "name": "Jobhouse", "slug": "jobhouse", "url": "http://testserver/api/datastreams/"},
        "enabled": True,
        "app_label": "shell",
        "version": "1.0.0",
    }


def test_ids_are_integers_and_the_address_is_absolute():
    run = acts.ask(a_job())
    job = shown(a_client(), run)

    assert (job["id"], job["url"]) == (run.pk, f"http://testserver/api/jobs/{run.pk}/")
    assert isinstance(job["id"], int)


def test_a_run_by_hand_is_manual_and_one_by_schedule_is_not():
    job = a_job(schedule="0 0 13 * * *")
    by_hand = acts.ask(job)
    fire.fire_due(NOON + HOUR)
    by_schedule = acts.newest(job)
    client = a_client()

    assert by_schedule.trigger == Trigger.SCHEDULE
    assert (shown(client, by_hand)["manual"], shown(client, by_schedule)["manual"]) == (True, False)
    assert shown(client, by_schedule)["scheduled"] == "2026-11-21T13:00:00Z"


def test_what_follows_a_run_by_schedule_is_not_manual_either():
    run = an_execution(trigger=Trigger.PARENT, door=Door.SCHEDULER)

    assert shown(a_client(), run)["manual"] is False


@pytest.mark.parametrize(
    ("input", "bounds"),
    [
        ({"json": {"start": "2022-01-01", "end": "2022-01-31"}}, ("2022-01-01T00:00:00Z", "2022-01-31T23:59:59Z")),
        ({"json": {"start": "2022-01-01T05:00:00Z"}}, ("2022-01-01T05:00:00Z", None)),
        ({"kwargs": {"start": "2022-01-01", "end": "2022-01-01"}}, ("2022-01-01T00:00:00Z", "2022-01-01T23:59:59Z")),
        ({"json": {"start": 7, "end": {"a": [1]}}}, (None, None)),
        ({"json": {"start": "x" * 10_000, "end": ""}}, (None, None)),
        ({}, (None, None)),
    ],
)
def test_the_data_range_is_that_of_the_runs_input(input, bounds):
    run = acts.ask(a_job(input=input))

    job = shown(a_client(), run)

    assert (job["range_start"], job["range_end"]) == bounds


@pytest.mark.parametrize("pk", ["0", "999999", "nothing", "-1", "1.5", "9" * 40, "%20", "²"])
def test_an_unknown_job_is_404(pk):
    answer = a_client().get(f"/api/jobs/{pk}/")

    assert answer.status_code == 404
    assert answer.json() == {"detail": "Not found."}


def test_a_run_of_a_deleted_datastream_stays_readable():
    job = a_job()
    run = completed(job)
    archive(job, by="ada", now=NOON, cancel_running=False)

    assert shown(a_client(), run)["datastream"]["id"] == job.pk


def test_single_runs_of_a_job_type_are_jobs_too():
    executor = a_client("executor")
    made = executor.post("/v6/executions/", {"job_type": {"name": "shell"}}, format="json")
    editor = a_client("editor")
    told = {"job_type": {"name": "shell"}, "configuration": {"command": "true"}}
    single = editor.post("/v6/executions/", told, format="json").json()

    assert made.status_code == 400
    assert shown(editor, Execution.objects.get(pk=single["id"]))["datastream"]["name"] == "shell@1.0.0"
