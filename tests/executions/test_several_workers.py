"""Jobs whose tags choose workers, jobs that go after their success, and jobs that replace their own runs: asked for
through the API. Most are performed by workers that are rows and claim when told; three by two real workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from executions import clock
from executions.engine import run
from executions.engine.fire import fire_due
from executions.engine.worker import Identity, WorkerEngine
from executions.models import LEASE, Execution, Worker
from jobs.models import Job
from tests.builders import a_client, a_worker, job_fields
from tests.executions.acts import BAD, end, take
from tests.executions.test_worker import eventually

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return a_client("editor", "ada")


def make(client, name: str = "job", command: str = "true", **fields) -> None:
    fields = job_fields(name, configuration={"command": command, "shell": True}, **fields)
    answer = client.post("/v6/jobs/", fields)
    assert answer.status_code == 201, answer.content


def start(client, name: str = "job") -> int:
    """Run it by hand; the number of the run."""
    answer = client.post(f"/v6/jobs/{name}/run/", {})
    assert answer.status_code == 201, answer.content
    return answer.json()["group"]


def tries(client, group: int) -> list[dict]:
    """The tries of a run, by slot and number, as the API shows them."""
    found = client.get("/v6/executions/", {"group": group}).json()["results"]
    return sorted(found, key=lambda one: (one["slot"], one["attempt"]))


def states(client, group: int) -> list[tuple[int, int, str]]:
    return [(one["slot"], one["attempt"], one["status"]) for one in tries(client, group)]


# --- With workers that claim when they are told -----------------------------------------------------------------------
@pytest.fixture
def north() -> Worker:
    return a_worker("north", tags={"role": "web", "place": "north"}, seen=timezone.now())


@pytest.fixture
def south() -> Worker:
    return a_worker("south", tags={"role": "web", "place": "south"}, seen=timezone.now())


@pytest.fixture
def other() -> Worker:
    return a_worker("other", tags={"role": "batch"}, seen=timezone.now())


def work(*workers: Worker, error: str | None = None) -> list[str]:
    """Let each worker run what it is handed to its end; the names of those that were handed something."""
    busy = []
    for worker in workers:
        for execution in take(worker, clock.now(), 10):
            end(execution, clock.now(), error=error)
            busy.append(worker.name)
    return busy


def test_a_job_with_tags_runs_once_on_each_worker_that_has_them(client, north, south, other):
    make(client, tags={"role": "web"})
    group = start(client)

    assert work(other, south, north) == ["south", "north"]

    assert states(client, group) == [(0, 1, "COMPLETED"), (1, 1, "COMPLETED")]
    assert {one["worker"] for one in tries(client, group)} == {"north", "south"}
    assert client.get("/v6/jobs/job/").json()["counts"]["success"] == 2


@pytest.mark.parametrize(("count", "runs"), [("web:1", 1), ("web:2", 2), ("web:7", 2), ("web", 2)])
def test_a_count_says_on_how_many(client, north, south, other, count, runs):
    make(client, tags={"role": count})

    start(client)

    assert len(work(north, south, other)) == runs


def test_all_tags_must_fit_and_the_lowest_count_applies(client, north, south):
    make(client, tags={"role": "web:2", "place": "south:1"})

    start(client)

    assert work(north, south) == ["south"]


def test_without_tags_a_job_runs_once_on_any(client, north, south, other):
    make(client)
    group = start(client)

    assert len(work(north, south, other)) == 1
    assert states(client, group) == [(0, 1, "COMPLETED")]


def test_each_worker_tries_its_own_part_again(client, north, south):
    make(client, tags={"role": "web"}, retries=1, retry_delay=0)
    group = start(client)

    work(north, error=BAD)
    assert work(north, south) == ["north", "south"]

    (failed,) = [slot for slot, _, status in states(client, group) if status == "FAILED"]
    assert states(client, group) == sorted(
        [(failed, 1, "FAILED"), (failed, 2, "COMPLETED"), (1 - failed, 1, "COMPLETED")]
    )


def test_a_schedule_sends_its_runs_to_several_workers_too(client, north, south):
    make(client, tags={"role": "web:2"}, schedule="@every 1h")
    due = timezone.now().replace(microsecond=0)
    Job.objects.filter(name="job").update(next_run_at=due)

    fire_due(clock.now())
    assert sorted(work(north, south)) == ["north", "south"]

    run_ = tries(client, Execution.objects.earliest("pk").group)
    assert [(one["slot"], one["status"], one["trigger"]) for one in run_] == [
        (0, "COMPLETED", "schedule"),
        (1, "COMPLETED", "schedule"),
    ]
    assert len({one["scheduled_for"] for one in run_}) == 1


def test_a_run_that_nobody_may_take_says_so(client, north):
    make(client, tags={"role": "moon"})

    group = start(client)

    why = client.get(f"/v6/executions/{group}/").json()["why"]
    assert "role" in why
    assert "moon" in why
    assert work(north) == []


def test_an_ephemeral_job_goes_with_its_first_success_and_leaves_its_history_and_its_name(client, north):
    make(client, "once", is_ephemeral=True)
    start(client, "once")

    work(north)

    assert client.get("/v6/jobs/once/").status_code == 404
    assert client.get("/v6/executions/", {"job_name": "once"}).json()["count"] == 1
    make(client, "once")


def test_it_stays_after_a_failure(client, north):
    make(client, "once", is_ephemeral=True)
    group = start(client, "once")

    work(north, error=BAD)

    assert states(client, group) == [(0, 1, "FAILED")]
    assert client.get("/v6/jobs/once/").status_code == 200


def test_sent_to_several_it_goes_when_all_have_succeeded(client, north, south):
    make(client, "once", is_ephemeral=True, tags={"role": "web"})
    start(client, "once")

    work(north)
    assert client.get("/v6/jobs/once/").status_code == 200
    work(south)

    assert client.get("/v6/jobs/once/").status_code == 404


# --- With real workers ------------------------------------------------------------------------------------------------
@pytest.fixture
def workers(settings, tmp_path: Path) -> Iterator[dict[str, WorkerEngine]]:
    """Two workers, of which each also has a tag of its own."""
    run._payload.cache_clear()
    run._revision.cache_clear()
    made = {}
    for name in ("north", "south"):
        settings.DATA_DIR = tmp_path / name  # the address at which it hears hints
        settings.DATA_DIR.mkdir()
        made[name] = WorkerEngine(Identity(slots=2, tags={"role": "web", "place": name}, look_seconds=0.2))
        made[name].start()
    yield made
    for engine in made.values():
        engine.stop(grace=0)
    connection.close()


def ended(client, group: int) -> list[dict]:
    """The tries of a run, once all that there are have ended."""
    return eventually(lambda: (found := tries(client, group)) and all(one["ended"] for one in found) and found)


@pytest.mark.django_db(transaction=True)
def test_two_workers_perform_their_parts_of_one_run(client, workers):
    make(client, tags={"role": "web:2"})

    run_ = ended(client, start(client))

    assert [(one["slot"], one["status"]) for one in run_] == [(0, "COMPLETED"), (1, "COMPLETED")]
    assert {one["worker"] for one in run_} == {engine.worker.name for engine in workers.values()}


@pytest.mark.django_db(transaction=True)
def test_a_chosen_worker_that_dies_before_claiming_is_replaced(client, workers):
    Worker.objects.update(tags={"role": "other"})  # nobody else qualifies when the run is made
    dead = a_worker(tags={"role": "web"}, seen=timezone.now())
    make(client, tags={"role": "web"})
    group = start(client)
    assert Execution.objects.get(group=group).chosen_worker == dead
    Worker.objects.exclude(pk=dead.pk).update(tags={"role": "web"})

    Worker.objects.filter(pk=dead.pk).update(last_seen=timezone.now() - LEASE - timedelta(seconds=1))

    (only,) = ended(client, group)  # a living worker's sweep sees to it
    assert only["status"] == "COMPLETED"
    assert only["worker"] in {engine.worker.name for engine in workers.values()}


@pytest.mark.django_db(transaction=True)
def test_a_job_that_replaces_stops_what_runs_before_the_next_run_starts(client, workers):
    make(client, command="sleep 2", concurrency="replace")
    first = start(client)
    eventually(lambda: tries(client, first)[0]["status"] == "RUNNING")

    second = start(client)

    (stopped,), (went_on,) = ended(client, first), ended(client, second)
    assert (stopped["status"], stopped["reason"]) == ("CANCELED", "system")
    assert went_on["status"] == "COMPLETED"
    assert stopped["ended"] <= went_on["started"]
