"""A worker in this process, with its threads, its fork server and its runners: from a queued row to a recorded end."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from executions import clock, house
from executions.engine import finish, run
from executions.engine.cancel import cancel
from executions.engine.submit import retry
from executions.engine.worker import Identity, WorkerEngine
from executions.models import Execution, OutputChunk, Worker
from executions.states import Door, Reason, Status
from jobs.models import Payload
from tests.builders import a_job
from tests.executions.acts import ask, counts, loaded, of, statuses

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 20.0
"""Seconds that something may take on a busy machine before a test fails."""


def eventually(condition: Callable[[], Any], within: float = PATIENCE) -> Any:
    """The first true answer of `condition`; fails when there is none in time."""
    end = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)
    return found


@pytest.fixture
def engine(settings, tmp_path: Path) -> Iterator[WorkerEngine]:
    settings.DATA_DIR = tmp_path  # the address at which this house hears hints
    run._payload.cache_clear()
    run._revision.cache_clear()
    made = WorkerEngine(Identity(slots=2, tags={}, look_seconds=0.2))
    made.start()
    yield made
    made.stop(grace=0)
    connection.close()


def over(execution: Execution) -> Execution:
    """`execution`, once it has ended."""
    return eventually(lambda: (row := loaded(execution)).is_final and row)


def shell(command: str, **fields: Any):
    """A job that runs `command` through a shell."""
    secret = fields.pop("secret_env", None)
    configuration = {"command": command, "shell": True, **({"secret_env": secret} if secret else {})}
    return a_job(configuration=configuration, now=clock.now(), **fields)


def start(job) -> Execution:
    return ask(job, clock.now())


def said(execution: Execution) -> str:
    return "".join(OutputChunk.objects.after(execution.pk, 0).values_list("text", flat=True))


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_queued_run_is_claimed_performed_and_recorded(engine):
    job = shell("echo hello; echo oh >&2")

    execution = over(start(job))

    assert (execution.status, execution.exit_code, execution.message) == (Status.COMPLETED, 0, "")
    assert execution.worker_id == engine.worker.pk
    assert execution.created <= execution.queued <= execution.started <= execution.ended
    assert sorted(said(execution).split()) == ["hello", "oh"]
    assert execution.output_bytes == 9
    assert execution.cpu_seconds > 0
    assert counts(job) == (1, 0, 0)


def test_a_failed_run_is_tried_again_by_itself(engine):
    job = shell('echo "try $JOB_ATTEMPT"; [ "$JOB_ATTEMPT" = 2 ]', retries=3, retry_delay=0)
    start(job)

    eventually(lambda: statuses(job) == ["FAILED", "COMPLETED"])

    assert [said(execution) for execution in of(job)] == ["try 1\n", "try 2\n"]
    assert of(job)[0].exit_code == 1


def test_several_runs_share_the_slots(engine):
    job = shell("true")
    executions = [start(job) for _ in range(12)]

    for execution in executions:
        assert over(execution).status == Status.COMPLETED

    assert counts(job) == (12, 0, 0)


def test_output_is_stored_while_the_job_runs(engine):
    execution = start(shell("echo first; sleep 60"))

    eventually(lambda: said(execution) == "first\n")

    assert loaded(execution).status == Status.RUNNING


def test_secrets_do_not_show(engine):
    job = shell('printf %s "$KEY"; sleep 0.3; echo "$KEY"', secret_env={"KEY": "hush-hush-h"})

    execution = over(start(job))

    assert execution.status == Status.COMPLETED
    assert said(execution) == "****************\n"


def test_a_cancel_stops_what_runs_with_all_that_it_started(engine, tmp_path):
    pids = tmp_path / "pids"
    execution = start(shell(f"sleep 60 & echo $$ $! > {pids}; wait"))
    running = [int(pid) for pid in eventually(lambda: pids.exists() and pids.read_text().split())]

    cancel(execution, by="ada", now=clock.now())

    ended = over(execution)
    assert (ended.status, ended.reason, ended.stop_by) == (Status.CANCELED, Reason.USER, "ada")
    eventually(lambda: not any(map(is_alive, running)))


def test_a_canceled_run_is_not_tried_again(engine):
    job = shell("sleep 60", retries=3, retry_delay=0)
    execution = start(job)
    eventually(lambda: loaded(execution).status == Status.RUNNING)

    cancel(execution, by="ada", now=clock.now())
    over(execution)

    assert statuses(job) == ["CANCELED user"]


def test_a_worker_that_stops_hands_back_what_runs(engine):
    job = shell("sleep 60")
    execution = start(job)
    eventually(lambda: loaded(execution).status == Status.RUNNING)

    engine.stop(grace=0.1)

    assert statuses(job) == ["CANCELED system", "QUEUED"]
    worker = Worker.objects.get(pk=engine.worker.pk)
    assert worker.stopped is not None
    assert counts(job) == (0, 0, 0)


def test_a_worker_that_stops_lets_short_work_end(engine):
    execution = start(shell("sleep 0.5"))
    eventually(lambda: loaded(execution).status == Status.RUNNING)

    engine.stop(grace=20)

    assert loaded(execution).status == Status.COMPLETED


def test_a_worker_that_stops_takes_no_new_work(engine):
    engine.stop(grace=0)

    assert start(shell("true")).status == Status.QUEUED
    time.sleep(0.5)
    assert Execution.objects.get().status == Status.QUEUED


def test_a_run_whose_lease_passed_is_stopped_and_its_end_is_not_recorded(engine, tmp_path):
    pids = tmp_path / "pids"
    job = shell(f"echo $$ >> {pids}; sleep 60", at_most_once=True)
    execution = start(job)
    (pid,) = (int(pid) for pid in eventually(lambda: pids.exists() and pids.read_text().split()))

    finish.fail_lost(clock.now() + timedelta(minutes=1))

    assert (loaded(execution).status, loaded(execution).reason) == (Status.FAILED, Reason.WORKER_LOST)
    eventually(lambda: not is_alive(pid))
    assert statuses(job) == ["FAILED worker-lost"]


def test_a_run_whose_secrets_do_not_open_fails_alone(engine):
    broken, good = shell("true", secret_env={"KEY": "hush-hush"}), shell("true")
    house.pause("ada", "", clock.now())
    asked = [start(broken), start(good)]
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {Payload._meta.db_table} SET secrets = 'nonsense' WHERE id = %s", [broken.payload_id])
    house.resume("ada", clock.now())

    failed, done = map(over, asked)

    assert (failed.status, failed.error.name) == (Status.FAILED, "unknown")
    assert failed.message.startswith("It could not be prepared")
    assert done.status == Status.COMPLETED


def test_a_retry_by_hand_runs_too(engine):
    job = shell('[ "$JOB_ATTEMPT" = 2 ]')
    failed = over(start(job))

    again = over(retry(failed, by="eve", door=Door.CONSOLE, now=clock.now()))

    assert (again.status, again.attempt) == (Status.COMPLETED, 2)


def test_children_follow_their_parents(engine):
    shell("true", name="parent")
    child = shell("echo child", name="child", parents=["parent"])

    start(child.parents.get())

    eventually(lambda: statuses(child) == ["COMPLETED"])


def test_a_worker_says_that_it_is_there(engine):
    worker = eventually(lambda: Worker.objects.filter(pk=engine.worker.pk, last_looked__isnull=False).first())

    assert (worker.slots, worker.pid, worker.stopped) == (2, os.getpid(), None)
    assert worker.status(clock.now()) == "alive"
