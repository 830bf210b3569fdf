"""The house's own tasks: what they delete, and what they leave."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from django.core.management import call_command
from django.utils import timezone
from django_celery_beat.models import PeriodicTask

from executions import housekeeping, tasks
from executions.engine.containers import house
from executions.models import LEASE, Execution, ExecutionFile, ExecutionResult, OutputChunk, Worker
from executions.states import Status
from jobs.models import Job, JobRecord, Payload
from tests.builders import a_job, a_worker, an_execution
from tests.executions.acts import loaded

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def now():
    return timezone.now()


def aged(job: Job, days: float, status: str = Status.COMPLETED, **fields) -> Execution:
    """An execution that ended so many days ago."""
    return an_execution(job, status=status, created=timezone.now() - days * DAY, **fields)


def left(job: Job) -> set[int]:
    return set(Execution.objects.filter(job=job).values_list("pk", flat=True))


# --- History by age ---------------------------------------------------------------------------------------------------
def test_history_is_kept_for_its_time_and_failures_for_twice_that():
    job = a_job()
    kept = [aged(job, 29), aged(job, 59, Status.FAILED), aged(job, 29, Status.CANCELED)]
    aged(job, 31), aged(job, 61, Status.FAILED), aged(job, 31, Status.CANCELED)

    assert housekeeping.purge_history.run()["executions"] == 3

    assert left(job) == {execution.pk for execution in kept}


@pytest.mark.parametrize("status", [Status.PENDING, Status.BLOCKED, Status.QUEUED, Status.RUNNING])
def test_what_lives_is_kept_however_old_it_is(status):
    job = a_job()
    execution = aged(job, 1000, status)

    housekeeping.purge_history.run()

    assert left(job) == {execution.pk}


def test_the_tries_of_a_run_go_together():
    job = a_job()
    first = aged(job, 40)
    aged(job, 40, of=first)
    Execution.objects.filter(pk=first.pk).update(is_last_try=False)

    assert housekeeping.purge_history.run()["executions"] == 2

    assert left(job) == set()


def test_the_earlier_tries_of_a_run_that_lives_are_kept():
    job = a_job()
    first = aged(job, 1000, Status.FAILED)
    again = aged(job, 0, Status.RUNNING, of=first)

    housekeeping.purge_history.run()

    assert left(job) == {first.pk, again.pk}


def test_output_and_results_go_with_their_execution():
    aged(a_job(), 40, output="hello\n", outputs={"json": {"n": 1}})

    assert housekeeping.purge_history.run()["executions"] == 1

    assert not OutputChunk.objects.exists()
    assert not ExecutionResult.objects.exists()


def test_what_a_job_has_counted_stays_when_its_history_goes():
    job = a_job()
    aged(job, 40)
    JobRecord.objects.filter(job=job).update(success_count=7)

    housekeeping.purge_history.run()

    assert JobRecord.objects.get(job=job).success_count == 7


# --- History by number ------------------------------------------------------------------------------------------------
def test_so_many_executions_of_a_job_are_kept_and_twice_as_many_failures():
    job, other = a_job(), a_job()
    old_failures = [aged(job, 5, Status.FAILED) for _ in range(4)]
    old = [aged(job, 4) for _ in range(4)]
    new = [aged(job, 3) for _ in range(3)]
    lone = aged(other, 5)

    housekeeping.purge_history.run(per_job=3)

    assert left(job) & {execution.pk for execution in old} == set()
    assert {execution.pk for execution in new} <= left(job)
    assert len(left(job) & {execution.pk for execution in old_failures}) < 4
    assert left(other) == {lone.pk}


def test_nothing_is_kept_when_nothing_is_to_be_kept():
    job = a_job()
    aged(job, 0), aged(job, 1)
    running = aged(job, 1, Status.RUNNING)

    housekeeping.purge_history.run(per_job=0)

    assert left(job) == {running.pk}


def test_many_are_purged_in_small_transactions(monkeypatch):
    monkeypatch.setattr(housekeeping, "_BATCH", 4)
    job = a_job()
    for _ in range(11):
        aged(job, 40)

    assert housekeeping.purge_history.run()["executions"] == 11


def test_runs_that_live_do_not_keep_others_from_being_purged(monkeypatch):
    monkeypatch.setattr(housekeeping, "_BATCH", 2)
    job = a_job()
    for _ in range(3):
        aged(job, 0, Status.RUNNING, of=aged(job, 100, Status.FAILED))
    aged(job, 90, Status.FAILED)

    assert housekeeping.purge_history.run()["executions"] == 1


# --- Payloads ---------------------------------------------------------------------------------------------------------
def test_payloads_that_nothing_points_at_go(now):
    job = a_job()
    execution = aged(job, 1, payload=Payload.objects.create(created=now - DAY))
    forgotten = Payload.objects.create(created=now - DAY)
    fresh = Payload.objects.create(created=now)

    assert housekeeping.purge_history.run()["payloads"] == 1

    kept = set(Payload.objects.values_list("pk", flat=True))
    assert forgotten.pk not in kept
    assert {job.payload_id, execution.payload_id, fresh.pk} <= kept


# --- Workers ----------------------------------------------------------------------------------------------------------
def test_silent_workers_are_given_up_with_what_they_ran(now):
    silent = a_worker(seen=now - 3 * LEASE)
    execution = an_execution(status=Status.RUNNING, worker=silent, lease_until=now - LEASE)

    assert housekeeping.reap_workers.run() == {"executions": 1, "workers": 1, "forgotten": 0}

    silent.refresh_from_db()
    assert silent.stopped is not None
    assert loaded(execution).status == Status.FAILED


def test_workers_that_have_been_gone_for_a_day_are_forgotten(now):
    a_worker(seen=now - 2 * DAY, stopped=now - 2 * DAY)
    alive, recent = a_worker(seen=now), a_worker(seen=now - DAY / 2, stopped=now - DAY / 2)
    known = aged(a_job(), 3).worker
    Worker.objects.filter(pk=known.pk).update(stopped=now - 3 * DAY)

    assert housekeeping.reap_workers.run()["forgotten"] == 1

    assert set(Worker.objects.values_list("pk", flat=True)) == {alive.pk, recent.pk, known.pk}


# --- The rest ---------------------------------------------------------------------------------------------------------
def test_the_database_is_analyzed():
    assert housekeeping.analyze_database.run() in {"sqlite", "postgresql"}


@pytest.mark.django_db(transaction=True)
def test_the_database_is_vacuumed():
    assert housekeeping.vacuum_database.run() in {"sqlite", "postgresql"}


def test_tasks_that_show_something_show_it(capsys):
    housekeeping.test_log.run()
    assert capsys.readouterr().out.startswith("DEBUG a debug message\nINFO")
    assert housekeeping.test_low_queue.run() == "low"
    with pytest.raises(RuntimeError, match="meant to be there"):
        housekeeping.test_error.run()
    with pytest.raises(RuntimeError, match="asked to fail"):
        housekeeping.test_high_queue.run(raises=True)


def test_housekeeping_is_kept_as_periodic_tasks():
    names = set(PeriodicTask.objects.values_list("task", flat=True))

    assert set(tasks.PERIODIC) <= names


def test_what_an_operator_changed_about_housekeeping_stays():
    task = PeriodicTask.objects.get(task="purge-history")
    PeriodicTask.objects.filter(pk=task.pk).update(enabled=False)

    tasks.keep_house()

    assert PeriodicTask.objects.filter(task="purge-history").count() == 1
    assert PeriodicTask.objects.get(pk=task.pk).enabled is False


def test_models_and_migrations_agree():
    call_command("makemigrations", "--check", "--dry-run", "executions", verbosity=0)


# --- Files that nobody knows of ---------------------------------------------------------------------------------------
def test_files_that_no_row_knows_of_are_removed_after_a_day(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    over, runs = an_execution(status=Status.FAILED), an_execution(status=Status.RUNNING)
    known = an_execution(status=Status.COMPLETED)
    workspace = tmp_path / "workspaces" / "workspace_1"
    day_old, fresh, another = time.time() - 2 * 86_400, time.time(), "0123456789ab"

    def left_behind(folder: str, name: str, modified: float) -> Path:
        path = workspace / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
        os.utime(path, (modified, modified))
        return path

    orphan = left_behind(f"{house()}/{over.pk}", "a", day_old)
    gone = left_behind(f"{house()}/99999", "b", day_old)
    kept = [
        left_behind(f"{house()}/{over.pk + 1000}", "c", fresh),
        left_behind(f"{house()}/{runs.pk}", "d", day_old),
        left_behind(f"{house()}/{known.pk}", "e", day_old),
        left_behind(f"{another}/{over.pk}", "f", day_old),
        left_behind("somebody", "g", day_old),
    ]
    ExecutionFile.objects.create(
        execution=known, name="O", path="e", workspace="workspace_1", key=f"{house()}/{known.pk}/e", bytes=1,
        media_type="text/plain",
    )  # fmt: skip

    assert housekeeping.purge_history.run()["files"] == 2

    assert not orphan.parent.exists()
    assert not gone.parent.exists()
    assert all(path.exists() for path in kept)
