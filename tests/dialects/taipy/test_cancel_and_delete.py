"""Taipy's cancel and delete."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry

from errors.audit import told
from executions.models import Execution
from executions.removals import Removal
from executions.states import FINAL, LIVE, Door, Reason, Status
from tests.builders import NOON, a_client, a_job, a_worker, an_execution
from tests.dialects.taipy.test_jobs import job_id, shown
from tests.executions import acts

pytestmark = pytest.mark.django_db


def cancel(client, run):
    return client.post(f"/api/v1/jobs/cancel/{job_id(run)}/")


def delete(client, run):
    return client.delete(f"/api/v1/jobs/{job_id(run)}/")


# --- Cancel -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(LIVE - {Status.RUNNING}))
def test_what_waits_is_canceled_at_once_and_answered_with_nothing(status):
    run = an_execution(status=status)
    client = a_client("executor", "eve")

    answer = cancel(client, run)

    assert (answer.status_code, answer.content) == (204, b"")
    assert shown(client, run)["status"] == "Status.CANCELED"
    assert (acts.loaded(run).reason, acts.loaded(run).stop_by) == (Reason.USER, "eve")


def test_the_path_answers_without_its_slash():
    run = acts.ask(a_job())

    assert a_client("executor").post(f"/api/v1/jobs/cancel/{job_id(run)}").status_code == 204
    assert acts.loaded(run).status == Status.CANCELED


def test_what_runs_is_stopped_by_its_worker_and_then_canceled():
    acts.ask(a_job())
    run = acts.take_one(a_worker())
    client = a_client("executor")

    codes = [cancel(client, run).status_code for _ in range(2)]
    while_stopping = shown(client, run)["status"]
    acts.end(run, stopped=True, reason=Reason.USER)

    assert codes == [204, 204]
    assert (while_stopping, shown(client, run)["status"]) == ("Status.RUNNING", "Status.CANCELED")


@pytest.mark.parametrize("status", sorted(FINAL))
@pytest.mark.parametrize("reason", [None, Reason.SKIPPED, Reason.UPSTREAM])
def test_what_is_finished_is_never_turned_into_canceled(status, reason):
    run = an_execution(status=status, reason=reason)
    client = a_client("executor")
    before = shown(client, run)

    answer = cancel(client, run)

    assert (answer.status_code, answer.content) == (204, b"")
    assert shown(client, run) == before


def test_followers_are_abandoned():
    parent = a_job()
    child = a_job(parents=[parent.name])
    run = acts.ask(parent)
    client = a_client("executor")

    cancel(client, run)

    assert shown(client, acts.newest(child))["status"] == "Status.ABANDONED"


def test_a_run_that_waits_for_its_next_try_is_canceled():
    job = a_job(retries=1, retry_delay=0)
    run = acts.run(acts.ask(job), a_worker(), error=acts.BAD)
    client = a_client("executor")

    cancel(client, run)

    assert shown(client, run)["status"] == "Status.CANCELED"


@pytest.mark.parametrize("unknown", ["nothing", "JOB_my_task_config_75750ed8-4e09-4e00-958d-e352ee426cc9"])
def test_cancel_of_an_unknown_job_is_404_and_names_it(unknown):
    answer = a_client("executor").post(f"/api/v1/jobs/cancel/{unknown}")

    assert (answer.status_code, answer.json()) == (404, {"message": f"Job: {unknown} does not exist."})


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_cancel_is_post_only(method):
    run = acts.ask(a_job())

    answer = getattr(a_client("editor"), method)(f"/api/v1/jobs/cancel/{job_id(run)}/")

    assert answer.status_code == 405
    assert answer.json() == {"message": "The method is not allowed for the requested URL."}
    assert answer.headers["Allow"] == "POST, OPTIONS"
    assert acts.loaded(run).status == Status.QUEUED


@pytest.mark.parametrize(
    ("method", "path"), [("put", "/api/v1/jobs/"), ("delete", "/api/v1/jobs/"), ("post", "/api/v1/jobs/x/")]
)
def test_other_verbs_are_405_with_allow(method, path):
    answer = getattr(a_client("editor"), method)(path)

    assert (answer.status_code, answer.json()) == (
        405,
        {"message": "The method is not allowed for the requested URL."},
    )
    assert "GET" in answer.headers["Allow"]


def test_a_lookup_of_a_job_named_cancel_finds_none():
    answer = a_client().get("/api/v1/jobs/cancel/")

    assert (answer.status_code, answer.json()) == (404, {"message": "Job: cancel does not exist."})


# --- Delete -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(FINAL))
def test_a_finished_job_is_deleted_and_gone(status):
    run = an_execution(status=status)
    other = an_execution(status=status)
    client = a_client("editor")

    answer = delete(client, run)

    assert (answer.status_code, answer.json()) == (200, {"message": f"Job {job_id(run)} was deleted."})
    missing = {"message": f"Job: {job_id(run)} does not exist."}
    assert [job["id"] for job in client.get("/api/v1/jobs/").json()] == [job_id(other)]
    for again in (client.get(f"/api/v1/jobs/{job_id(run)}"), delete(client, run), cancel(client, run)):
        assert (again.status_code, again.json()) == (404, missing)


def test_a_deleted_job_stays_in_the_history_of_the_house():
    run = an_execution(status=Status.COMPLETED)
    client = a_client("editor", "edith")

    delete(client, run)

    assert client.get(f"/v6/executions/{run.pk}/").status_code == 200
    assert client.get(f"/api/jobs/{run.pk}/").status_code == 200
    removal = Removal.objects.get()
    assert (removal.run_id, removal.door, removal.by) == (run.pk, Door.TAIPY, "edith")


def test_a_delete_stands_in_the_audit():
    run = an_execution(status=Status.COMPLETED)

    delete(a_client("editor", "edith"), run)

    entry = told(LogEntry.objects.get(content_type__model="execution", object_id=str(run.pk)))
    assert (entry.action, entry.door, entry.by) == ("remove", "taipy", "edith")


@pytest.mark.parametrize("status", sorted(LIVE))
def test_an_unfinished_job_is_kept_and_goes_on(status):
    run = an_execution(status=status)
    client = a_client("editor")

    answer = delete(client, run)

    assert answer.status_code == 409
    assert answer.json() == {"message": f"Job: {job_id(run)} is not finished; cancel it first."}
    assert acts.loaded(run).status == status
    assert len(client.get("/api/v1/jobs/").json()) == 1


def test_cancel_first_then_delete():
    run = acts.ask(a_job())
    client = a_client("editor")

    cancel(client, run)

    assert delete(client, run).status_code == 200


def test_a_run_that_will_be_tried_again_is_not_finished():
    job = a_job(retries=1, retry_delay=0)
    run = acts.run(acts.ask(job), a_worker(), error=acts.BAD)

    assert delete(a_client("editor"), run).status_code == 409


def test_what_followers_wait_for_is_not_lost_with_a_deleted_job():
    first, second = a_job(), a_job()
    child = a_job(parents=[first.name, second.name])
    run = acts.run(acts.ask(first), a_worker(), error=acts.BAD)

    delete(a_client("editor"), run)

    assert acts.statuses(child) == ["CANCELED upstream"]


def test_a_removal_goes_with_the_history():
    run = an_execution(status=Status.COMPLETED)
    delete(a_client("editor"), run)

    Execution.objects.filter(group=run.group).delete()

    assert not Removal.objects.exists()


def test_a_purged_job_is_404():
    run = an_execution(status=Status.COMPLETED, created=NOON)
    client = a_client()
    name = job_id(run)
    Execution.objects.all().delete()

    assert client.get(f"/api/v1/jobs/{name}").status_code == 404
