"""`/v6/queue/`, `/v6/workers/`, `/v6/status/` and the house's pause."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executions.models import House
from executions.states import Status
from jobtypes.models import JobType
from tests.builders import HOUR, NOON, SECOND, a_client, a_job, a_job_type, a_worker, an_execution

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader():
    return a_client("reader")


# --- Queue ------------------------------------------------------------------------------------------------------------
def test_the_queue_is_told_by_job_type(reader):
    report = a_job(job_type=a_job_type("report").pk, configuration={})
    an_execution(report, priority=50, created=NOON + HOUR)
    an_execution(report, priority=10, created=NOON + 2 * HOUR)
    an_execution(report, status=Status.RUNNING)

    answer = reader.get("/v6/queue/").json()
    assert reader.get("/v6/queue/status/").json() == answer  # where Scale has it

    assert answer["count"] == 1
    (row,) = answer["results"]
    assert list(row) == ["job_type", "count", "longest_queued", "highest_priority", "is_paused"]
    assert row["job_type"]["name"] == "report"
    assert (row["count"], row["highest_priority"], row["is_paused"]) == (2, 10, False)
    assert row["longest_queued"] == "2026-11-21T13:00:00Z"


def test_paused_types_come_last_then_the_most_urgent_first_then_who_waits_longest(reader):
    def queued(name: str, priority: int, *, after: int = 0, **fields: object) -> None:
        job = a_job(job_type=a_job_type(name, **fields).pk, configuration={})
        an_execution(job, priority=priority, created=NOON + after * SECOND)

    queued("late", 50, after=1)
    queued("early", 50)
    queued("urgent", 10, after=2)
    queued("paused", 1, is_paused=True)

    rows = reader.get("/v6/queue/").json()["results"]

    assert [row["job_type"]["name"] for row in rows] == ["urgent", "early", "late", "paused"]
    assert [row["is_paused"] for row in rows] == [False, False, False, True]


def test_the_queue_is_paged_and_an_empty_one_is_a_page(reader):
    assert reader.get("/v6/queue/").json() == {"count": 0, "next": None, "previous": None, "results": []}
    for _ in range(3):
        an_execution(a_job(job_type=a_job_type().pk, configuration={}))
    assert len(reader.get("/v6/queue/?page_size=2").json()["results"]) == 2


# --- Workers ----------------------------------------------------------------------------------------------------------
def test_a_worker_tells_what_it_is_what_it_has_and_what_it_runs(reader):
    resources = {"cpus": 4, "mem": 1024}
    worker = a_worker("one", seen=timezone.now(), slots=8, tags={"role": "web"}, resources=resources, version="0.1.0")
    running = an_execution(a_job("nightly"), status=Status.RUNNING, worker=worker, resources={"cpus": 1, "mem": 256})

    (shown,) = reader.get("/v6/workers/").json()["results"]

    assert list(shown) == [
        *("name", "host", "pid", "tags", "slots", "busy", "resources", "resources_free", "version"),
        *("started", "last_seen", "status", "running"),
    ]
    assert (shown["name"], shown["slots"], shown["busy"], shown["tags"]) == ("one", 8, 1, {"role": "web"})
    assert (shown["resources"], shown["resources_free"]) == (resources, {"cpus": 3, "mem": 768})
    assert [(one["id"], one["job"]) for one in shown["running"]] == [(running.pk, "nightly")]


def test_the_status_of_a_worker_says_whether_it_lives(reader):
    now = timezone.now()
    a_worker("alive", seen=now)
    a_worker("stopping", seen=now, is_stopping=True)
    a_worker("lost", seen=now - HOUR)
    a_worker("stopped", seen=now, stopped=now)

    shown = {worker["name"]: worker["status"] for worker in reader.get("/v6/workers/").json()["results"]}

    assert shown == {"alive": "alive", "stopping": "stopping", "lost": "lost"}


def test_fifty_workers_take_as_many_queries_as_one(reader):
    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            reader.get("/v6/workers/")
        return len(queries)

    an_execution(status=Status.RUNNING)
    reader.get("/v6/workers/")
    one = asked()
    job = a_job()
    for _ in range(49):
        an_execution(job, status=Status.RUNNING)

    assert asked() == one


# --- Status -----------------------------------------------------------------------------------------------------------
def test_the_status_of_the_house_is_told_in_these_words(reader):
    house = House.row()
    house.last_tick = timezone.now()
    house.save()
    an_execution()

    shown = reader.get("/v6/status/").json()

    assert list(shown) == [
        *("version", "started", "database", "broker", "paused", "scheduler", "workers", "slots", "queued"),
        *("oldest_queued", "running", "fired_last_minute", "finished_last_minute"),
    ]
    assert (shown["queued"], shown["oldest_queued"]) == (1, "2026-11-21T12:00:00Z")
    assert list(shown["scheduler"]) == ["leader", "last_tick", "lag"]
    assert 0 <= shown["scheduler"]["lag"] < 60
    assert shown["paused"] is None


# --- The house's pause ------------------------------------------------------------------------------------------------
def test_a_superuser_pauses_and_resumes_the_house():
    root = a_client("superuser", "root")

    paused = root.post("/v6/house/pause/", {"note": "moving"})

    assert paused.status_code == 200
    assert (paused.json()["paused"]["by"], paused.json()["paused"]["note"]) == ("root", "moving")
    assert root.get("/v6/status/").json()["paused"] == paused.json()["paused"]
    assert root.post("/v6/house/resume/").json() == {"paused": None}


def test_jobs_keep_their_own_pauses_through_the_houses():
    root = a_client("superuser")
    a_job("mine")
    root.post("/v6/jobs/mine/pause/", {"note": "own"})

    root.post("/v6/house/pause/")
    root.post("/v6/house/resume/")

    assert root.get("/v6/jobs/mine/").json()["pause"]["note"] == "own"


@pytest.mark.parametrize("role", ["reader", "executor", "editor"])
def test_nobody_else_does(role):
    assert a_client(role).post("/v6/house/pause/", {}).status_code == 403


def test_a_note_has_its_limit():
    assert a_client("superuser").post("/v6/house/pause/", {"note": "x" * 251}).status_code == 400


def test_a_queue_of_inactive_types_is_still_told(reader):
    job_type = a_job_type("old")
    an_execution(a_job(job_type=job_type.pk, configuration={}))
    JobType.objects.filter(pk=job_type.pk).update(is_active=False)

    (row,) = reader.get("/v6/queue/").json()["results"]

    assert row["job_type"]["is_active"] is False
