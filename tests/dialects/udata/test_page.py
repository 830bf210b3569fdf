"""The examples of udata's own page, request by request, and the same jobs really run."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from django.db import connection

from executions.engine import run
from executions.engine.fire import fire_due
from executions.engine.worker import Identity, WorkerEngine
from tests.dialects.udata.asking import BASE, JOBS, an_admin, made, ours, shown
from tests.executions.test_worker import eventually

FIELDS = {
    "args": list,
    "crontab": dict | None,
    "description": str | None,
    "enabled": bool,
    "id": str,
    "interval": dict | None,
    "kwargs": dict,
    "last_run_at": str | None,
    "last_run_id": str | None,
    "name": str,
    "schedule": str,
    "task": str,
}
"""The body of an answer, as the page has it; what it has no value for is null."""


def is_of_the_page(job: dict) -> bool:
    return job.keys() == FIELDS.keys() and all(isinstance(job[name], kind) for name, kind in FIELDS.items())


@pytest.mark.django_db
def test_the_pages_requests_one_after_the_other():
    """Its bodies and paths as they are printed; a schedule is added to the new job, which udata itself asks for."""
    page = an_admin()
    new = page.post("/api/1/workers/jobs/", {"name": "text", "task": "test-high-queue", "crontab": {"minute": "0"}})
    job = new.json()

    assert new.status_code == 201
    assert is_of_the_page(job)
    assert page.get("/api/1/workers/jobs/").json() == [job]
    assert "test-high-queue" in page.get("/api/1/workers/jobs/schedulables").json()
    assert page.get(f"/api/1/workers/jobs/{job['id']}").json() == job
    assert page.put(f"/api/1/workers/jobs/{job['id']}").json() == job
    assert page.get("/api/1/workers/tasks/text").json().keys() == {"id", "status", "result", "exc", "traceback"}
    assert page.delete(f"/api/1/workers/jobs/{job['id']}").status_code == 204


@pytest.mark.django_db
@pytest.mark.parametrize("said", [{}, {"enabled": True}, {"crontab": None}, {"crontab": None, "interval": None}])
def test_a_new_job_without_a_schedule_is_refused(said):
    answer = an_admin().post(JOBS, {"name": "text", "task": "test-high-queue", **said})

    assert answer.status_code == 400
    assert answer.json()["errors"] == {"__all__": ["Either a crontab or an interval is required"]}


@pytest.mark.django_db
def test_the_pages_whole_answer_can_be_sent():
    """The object that the page shows for a job, with one of the two schedules that it shows beside each other."""
    said = {
        "args": [],
        "crontab": dict.fromkeys(("day_of_month", "day_of_week", "hour", "minute", "month_of_year"), "*"),
        "description": "text",
        "enabled": False,
        "id": "text",
        "last_run_at": "2024-09-15T09:33:18.284Z",
        "last_run_id": "text",
        "name": "text",
        "schedule": "text",
        "task": "test-high-queue",
    }

    answer = an_admin().post(JOBS, said)

    assert answer.status_code == 201
    assert answer.json()["schedule"] == "* * * * *"
    assert answer.json()["id"] != "text"


@pytest.mark.django_db
def test_the_test_tasks_of_the_page_are_there():
    names = an_admin().get(f"{JOBS}schedulables").json()

    assert {"test-log", "test-low-queue", "test-default-queue", "test-high-queue", "test-error"} <= set(names)


@pytest.fixture
def worker(settings, tmp_path: Path) -> Iterator[WorkerEngine]:
    settings.DATA_DIR = tmp_path  # the address at which this house hears hints
    run._payload.cache_clear()
    run._revision.cache_clear()
    engine = WorkerEngine(Identity(slots=2, tags={}, look_seconds=0.2))
    engine.start()
    yield engine
    engine.stop(grace=0)
    connection.close()


@pytest.mark.django_db(transaction=True)
def test_scheduled_jobs_run_and_their_last_run_tells_how_it_went(worker):
    client = an_admin()
    told = {}
    every_second = {"interval": {"every": 1, "period": "seconds"}, "enabled": True}
    jobs = [
        made(client, **every_second, **said)
        for said in (
            {"task": "test-high-queue"},
            {"task": "test-error"},
            {"task": "test-low-queue", "kwargs": {"raises": "perhaps"}},
            {"task": "test-low-queue", "kwargs": {"raises": True}},
            {"task": "test-log", "args": ["a", 1], "kwargs": {"b": None}},
        )
    ]
    fire_due(max(ours(job).next_run_at for job in jobs))
    for job in jobs:
        client.put(f"{JOBS}{job['id']}", {"enabled": False})
        sent = shown(client, job)
        assert datetime.fromisoformat(sent["last_run_at"]) >= ours(job).created.replace(microsecond=0)
        address = f"{BASE}/tasks/{sent['last_run_id']}"
        told[job["id"]] = eventually(
            lambda address=address: (task := client.get(address).json())["status"] in ("SUCCESS", "FAILURE") and task
        )

    high, error, refused, asked, log = told.values()
    assert (high["status"], high["result"], high["exc"]) == ("SUCCESS", "high", None)
    assert (error["status"], error["exc"]) == ("FAILURE", "builtins.RuntimeError")
    assert error["result"] == "RuntimeError('There is an error, and it is meant to be there.')"
    assert error["traceback"].startswith("Traceback (most recent call last):")
    assert (refused["status"], refused["exc"]) == ("FAILURE", "django.core.exceptions.ValidationError")
    assert "raises" in refused["result"]
    assert asked["result"] == "RuntimeError('It was asked to fail.')"
    assert (log["status"], log["result"]) == ("SUCCESS", None)
