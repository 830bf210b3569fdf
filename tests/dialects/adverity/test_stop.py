"""Adverity's stop and imported."""

from __future__ import annotations

import pytest

from executions.models import ExecutionFile, OutputChunk
from executions.states import Reason, Status
from tests.builders import NOON, a_client, a_job, a_worker, an_execution
from tests.dialects.adverity.fetching import completed, listed, running, shown
from tests.executions import acts

pytestmark = pytest.mark.django_db

OVER = sorted(set(Status) - {Status.PENDING, Status.BLOCKED, Status.QUEUED, Status.RUNNING})


def test_stopping_a_scheduled_job_discards_it_at_once():
    run = acts.ask(a_job())
    client = a_client("executor", "eve")

    answer = client.post(f"/api/jobs/{run.group}/stop/")

    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["state_label"]) == (run.group, "Discarded")
    assert answer.json()["job_end"]
    assert (acts.loaded(run).reason, acts.loaded(run).stop_by) == (Reason.USER, "eve")


@pytest.mark.parametrize("status", [Status.PENDING, Status.BLOCKED])
def test_whatever_waits_can_be_stopped(status):
    run = an_execution(status=status)

    answer = a_client("executor").post(f"/api/jobs/{run.group}/stop/")

    assert (answer.status_code, answer.json()["state_label"]) == (200, "Discarded")


def test_a_running_job_runs_until_its_worker_has_stopped_it_and_is_then_discarded():
    run = running(a_job())
    client = a_client("executor")

    first = client.post(f"/api/jobs/{run.group}/stop/")
    again = client.post(f"/api/jobs/{run.group}/stop/")
    acts.end(run, stopped=True, reason=Reason.USER)

    assert (first.status_code, first.json()["state_label"]) == (200, "Running")
    assert again.status_code == 200
    assert shown(client, run)["state_label"] == "Discarded"
    assert shown(client, run)["job_end"]
    assert listed(client) == []


@pytest.mark.parametrize("status", OVER)
def test_what_is_over_cannot_be_stopped_and_stays_as_it_is(status):
    run = an_execution(status=status)
    client = a_client("executor")
    before = shown(client, run)

    answer = client.post(f"/api/jobs/{run.group}/stop/")

    assert answer.status_code == 400
    assert answer.json().keys() == {"detail"}
    assert shown(client, run) == before


def test_stopping_reaches_the_present_try_of_a_run():
    job = a_job(retries=2, retry_delay=0)
    first = completed(job, error=acts.BAD)

    answer = a_client("executor").post(f"/api/jobs/{first.group}/stop/")

    assert (answer.status_code, answer.json()["state_label"]) == (200, "Discarded")
    assert acts.statuses(job) == ["FAILED", "CANCELED user"]


def test_stopping_reaches_all_workers_of_a_run():
    for _ in range(2):
        a_worker(tags={"role": "web"})
    job = a_job(tags={"role": "web:2"})
    run = acts.ask(job)

    a_client("executor").post(f"/api/jobs/{run.group}/stop/")

    assert acts.statuses(job) == ["CANCELED user", "CANCELED user"]


def test_jobs_that_were_to_follow_are_discarded():
    parent = a_job()
    child = a_job(parents=[parent.name])
    run = acts.ask(parent)
    client = a_client("executor")

    client.post(f"/api/jobs/{run.group}/stop")

    assert shown(client, acts.newest(child))["state_label"] == "Discarded"


@pytest.mark.parametrize("pk", ["999999", "nothing", "9" * 30])
@pytest.mark.parametrize("path", ["/api/jobs/{}/stop/", "/api/jobs/{}/stop"])
def test_stopping_an_unknown_job_is_404(pk, path):
    answer = a_client("executor").post(path.format(pk))

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_stop_is_post_only(method):
    run = acts.ask(a_job())

    answer = getattr(a_client("executor"), method)(f"/api/jobs/{run.group}/stop/")

    assert answer.status_code == 405
    assert answer.json().keys() == {"detail"}
    assert answer.headers["Allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"", "application/x-www-form-urlencoded"), (b"{not json", "application/json"), (b"\xff", "text/plain")],
)
def test_the_body_of_a_stop_is_not_looked_at(body, kind):
    run = acts.ask(a_job())

    answer = a_client("executor").generic("POST", f"/api/jobs/{run.group}/stop/", body, content_type=kind)

    assert answer.status_code == 200


# --- Imported ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", Status)
def test_imported_answers_in_every_state_with_the_whole_job(status):
    run = an_execution(status=status)
    client = a_client()

    answer = client.get(f"/api/jobs/{run.group}/imported/")

    assert answer.status_code == 200
    body = answer.json()
    assert body.pop("imported") == {}
    body.pop("duration")
    assert body.items() <= shown(client, run).items()


def test_imported_shows_the_end_of_what_a_running_job_has_printed():
    run = running(a_job())
    text = "".join(f"{n} rows\n" for n in range(30))
    OutputChunk.objects.create(execution=run, seq=30, lines=30, time=NOON, stream="stdout", text=text)
    OutputChunk.objects.create(execution=run, seq=31, lines=1, time=NOON, stream="stderr", text="slow")

    imported = a_client().get(f"/api/jobs/{run.group}/imported").json()["imported"]

    assert imported == {"log": [*(f"{n} rows" for n in range(11, 30)), "slow"]}


def test_imported_shows_what_a_job_returned_and_put_out():
    run = an_execution(status=Status.COMPLETED, outputs={"json": {"rows": 7}, "files": {"table": [1]}})
    file = ExecutionFile.objects.create(
        execution=run, name="table", path="out/a.csv", workspace="w", key="k", bytes=12, media_type="text/csv"
    )

    imported = a_client().get(f"/api/jobs/{run.group}/imported/").json()["imported"]

    assert imported["values"] == {"rows": 7}
    assert imported["files"] == [
        {
            "name": "a.csv",
            "size": 12,
            "media_type": "text/csv",
            "url": f"http://testserver/v6/executions/{run.pk}/files/{file.pk}/",
        }
    ]


def test_imported_is_that_of_the_latest_try():
    first = an_execution(status=Status.FAILED, output="first\n")
    an_execution(status=Status.COMPLETED, of=first, output="second\n")

    assert a_client().get(f"/api/jobs/{first.pk}/imported/").json()["imported"] == {"log": ["second"]}


def test_imported_of_an_unknown_job_is_404():
    assert a_client().get("/api/jobs/999999/imported/").json() == {"detail": "Not found."}


def test_a_line_without_an_end_is_cut():
    run = an_execution(status=Status.COMPLETED, output="x" * 30_000)

    (line,) = a_client().get(f"/api/jobs/{run.group}/imported/").json()["imported"]["log"]

    assert line == "x" * 1000
