"""Whoever of ours is killed or stopped, nothing stays behind, and the next run works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from executions.executors.base import Limits
from executions.executors.process.client import Processes, ProcessesError, Stop
from executions.executors.process.protocol import alive_clock
from tests.executions.executors.family_watch import Watched, lives, marked, until

STUBBORN = (
    "trap '' TERM; setsid sleep 300 & ( setsid sh -c 'sleep 300 & exec sleep 300' & ) & while :; do sleep 1; done"
)
MEMBERS = 4  # at least, of that family


@pytest.fixture
def processes():
    with Processes(["tests.executions.executors.jobs_to_call"], django=False, grace=0.5) as running:
        yield running


@pytest.fixture
def job(processes):
    return Watched(processes.runner())


class SmallWorker:
    """A worker in a process of its own, in the middle of a run of STUBBORN."""

    def __init__(self, renewal: float) -> None:
        self.mark = uuid4().hex
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.executions.executors.small_worker", str(renewal), STUBBORN, self.mark],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        assert self.process.stdout
        self.fork_server, self.runner = map(int, self.process.stdout.readline().split())
        assert until(lambda: len(marked(self.mark)) >= MEMBERS)

    @property
    def is_gone(self) -> bool:
        return not marked(self.mark) and not lives(self.fork_server) and not lives(self.runner)


@pytest.fixture
def start_worker():
    workers: list[SmallWorker] = []

    def start(renewal: float) -> SmallWorker:
        workers.append(SmallWorker(renewal))
        return workers[-1]

    yield start
    for worker in workers:
        for pid in (worker.process.pid, worker.fork_server, worker.runner, *marked(worker.mark)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        worker.process.wait()
        worker.process.stdout.close()


def in_thread(job: Watched, **options) -> tuple[threading.Thread, list]:
    """Run the stubborn family; its result will be in the list."""
    results: list = []
    thread = threading.Thread(target=lambda: results.append(job.sh(STUBBORN, **options)))
    thread.start()
    assert until(lambda: len(job.family()) >= MEMBERS)
    return thread, results


def test_a_killed_worker_leaves_nothing(start_worker):
    worker = start_worker(renewal=20)
    folders = set(Path(tempfile.gettempdir()).glob("jobhouse-????????"))

    worker.process.kill()

    assert until(lambda: worker.is_gone, 5)
    assert until(lambda: set(Path(tempfile.gettempdir()).glob("jobhouse-????????")) < folders, 5)


def test_a_worker_killed_with_its_fork_server_leaves_nothing(start_worker):
    worker = start_worker(renewal=20)

    os.kill(worker.fork_server, signal.SIGKILL)
    worker.process.kill()

    assert until(lambda: worker.is_gone, 5)


def test_a_worker_killed_with_a_runner_leaves_nothing(start_worker):
    worker = start_worker(renewal=20)

    worker.process.kill()
    os.kill(worker.runner, signal.SIGKILL)

    assert until(lambda: worker.is_gone, 5)


def test_a_worker_that_is_stopped_loses_its_runs_and_hears_of_it(start_worker):
    worker = start_worker(renewal=1.0)

    time.sleep(1.5)  # longer than a renewal holds
    assert len(marked(worker.mark)) >= MEMBERS
    worker.process.send_signal(signal.SIGSTOP)

    assert until(lambda: not marked(worker.mark), 5)
    worker.process.send_signal(signal.SIGCONT)
    assert worker.process.stdout.readline() == "lost\n"
    assert worker.process.wait(10) == 0
    assert until(lambda: worker.is_gone, 5)


def test_a_worker_asked_to_end_takes_its_runs_along(start_worker):
    worker = start_worker(renewal=20)

    worker.process.send_signal(signal.SIGINT)

    assert until(lambda: worker.is_gone, 8)


def test_the_run_of_a_killed_runner_is_lost_and_its_family_gone(job):
    thread, results = in_thread(job)
    runner = job.runner.pid

    os.kill(runner, signal.SIGKILL)
    thread.join(5)

    assert results[0].ended_by == "lost"
    assert job.family() == []
    assert job.sh("echo again").exit_code == 0
    assert job.runner.pid != runner


def test_a_job_that_kills_its_runner_is_lost_and_gone(job):
    result = job.call("kill_the_runner")

    assert result.ended_by == "lost"
    assert job.call("add", left=1, right=1).value == {"sum": 2}


def test_the_private_folder_of_a_killed_runner_is_removed(job):
    job.sh("pwd; touch left; sleep 0.2; kill -9 $PPID; sleep 300")

    folder = Path(job.said().decode().strip())
    assert folder.is_absolute()
    assert until(lambda: not folder.exists())


def test_a_runner_that_was_killed_while_idle_is_replaced(job):
    job.sh("true")
    os.kill(job.runner.pid, signal.SIGKILL)

    assert until(lambda: not lives(job.runner.pid))
    assert job.sh("exit 6").exit_code == 6


def test_a_killed_fork_server_is_replaced_and_its_runs_are_lost_and_gone(job, processes):
    thread, results = in_thread(job)
    runner, fork_server = job.runner.pid, processes.pid

    os.kill(fork_server, signal.SIGKILL)
    thread.join(5)

    assert results[0].ended_by == "lost"
    assert job.family() == []
    assert until(lambda: not lives(runner))
    assert job.sh("exit 6").exit_code == 6
    assert processes.pid != fork_server


def test_a_job_that_kills_the_fork_server_takes_only_its_slots_along(job, processes):
    job.sh("true")

    result = job.sh(f"kill -9 {processes.pid}; sleep 300")

    assert result.ended_by == "lost"
    assert job.sh("exit 6").exit_code == 6


def test_a_runner_that_hangs_is_overcome_when_its_run_is_overdue(job, monkeypatch):
    monkeypatch.setattr("executions.executors.process.client.MARGIN", 0.5)
    monkeypatch.setattr("executions.executors.process.client._LOOK", 0.1)
    stop = Stop()
    thread, results = in_thread(job, stop=stop)

    os.kill(job.runner.pid, signal.SIGSTOP)
    stop.request()
    thread.join(8)

    assert results[0].ended_by == "lost"
    assert job.family() == []


def test_renewals_keep_a_run_going(processes):
    with Processes(django=False, renewal=0.5) as impatient:
        job = Watched(impatient.runner())
        is_over = threading.Event()

        def renew():
            while not is_over.wait(0.1):
                impatient.renewed()

        thread = threading.Thread(target=renew)
        thread.start()
        renewed = job.sh("sleep 1")
        is_over.set()
        thread.join()
        forgotten = job.sh("sleep 300")

    assert (renewed.ended_by, renewed.exit_code) == ("exit", 0)
    assert (forgotten.ended_by, forgotten.message) == ("lost", "The worker was not heard of for 0.5 s")


def test_a_renewal_that_was_begun_long_ago_extends_nothing(processes):
    with Processes(django=False, renewal=1.0) as impatient:
        job = Watched(impatient.runner())
        begun = alive_clock()
        is_over = threading.Event()

        def renew_late():
            while not is_over.wait(0.1):
                impatient.renewed(begun)

        thread = threading.Thread(target=renew_late)
        thread.start()
        result = job.sh("sleep 300")
        took = alive_clock() - begun
        is_over.set()
        thread.join()

    assert result.ended_by == "lost"
    assert took < 3


def test_a_run_that_was_in_hand_while_its_worker_was_paused_is_not_started(processes, tmp_path):
    with Processes(django=False, renewal=1.0) as impatient:
        job = Watched(impatient.runner())
        impatient.renewed(alive_clock() - 2)

        result = job.sh(f"touch {tmp_path}/ran")

    assert result.ended_by == "lost"
    assert not (tmp_path / "ran").exists()


def test_closing_ends_everything(job, processes):
    thread, results = in_thread(job, limits=Limits(seconds=60))
    pids = [processes.pid, job.runner.pid]

    processes.close()
    thread.join(5)

    assert results[0].ended_by == "lost"
    assert job.family() == []
    assert not any(map(lives, pids))
    assert job.sh("true").message == "The worker is shutting down"


def test_a_fork_server_that_cannot_import_says_so():
    with Processes(["no_such_module"], django=False) as broken:
        with pytest.raises(ProcessesError, match="No module named 'no_such_module'"):
            broken.start()
        result = Watched(broken.runner()).sh("true")

    assert result.ended_by == "launch"
    assert "No module named 'no_such_module'" in result.message
