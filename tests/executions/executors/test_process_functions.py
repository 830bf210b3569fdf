"""Python functions that are called in processes of their own: what they find, and how they end."""

from __future__ import annotations

import signal
import threading

import pytest

from executions.executors.base import Limits
from executions.executors.process.client import Processes, Stop
from tests.executions.executors.family_watch import Watched


@pytest.fixture(scope="module")
def slot():
    with Processes(["tests.executions.executors.jobs_to_call"], django=False, grace=0.5) as processes:
        yield processes.runner()


@pytest.fixture
def job(slot):
    return Watched(slot)


def test_a_function_returns_json_and_prints(job):
    result = job.call("add", left=1, right=2)

    assert (result.ended_by, result.exit_code, result.value, result.message) == ("exit", 0, {"sum": 3}, "")
    assert (job.said("stdout"), job.said("stderr")) == (b"adding\n", b"carefully\n")


def test_an_exception_is_described_with_the_jobs_own_frames(job):
    result = job.call("fail", text="broken\nin two")

    assert (result.exit_code, result.exception, result.message) == (
        1,
        "builtins.ValueError",
        "ValueError: broken in two",
    )
    assert result.traceback.count('File "') == 1
    assert "jobs_to_call.py" in result.traceback


@pytest.mark.parametrize(
    ("code", "status", "message"), [(0, 0, ""), (3, 3, "SystemExit: 3"), ("no", 1, "SystemExit: no")]
)
def test_sys_exit_means_what_it_means_in_a_program(job, code, status, message):
    result = job.call("leave", code=code)

    assert (result.ended_by, result.exit_code, result.message) == ("exit", status, message)


def test_a_function_whose_process_leaves_without_a_result_has_failed(job):
    result = job.call("vanish")

    assert (result.ended_by, result.exit_code, result.message) == ("exit", 0, "Ended without a result")


def test_a_function_that_crashes_takes_only_its_own_process_along(job):
    runner = job.call("add", left=1, right=1) and job.runner.pid

    assert job.call("crash").signal == signal.SIGSEGV
    assert job.call("add", left=1, right=1).value == {"sum": 2}
    assert job.runner.pid == runner


def test_a_result_that_cannot_be_returned_is_a_failure(job):
    assert job.call("return_what_json_cannot_hold").exception == "builtins.TypeError"
    assert job.call("return_too_much").message == "ResultTooLarge: the result is larger than 1024 KiB"


def test_a_function_finds_its_own_environment_and_nothing_of_ours(job):
    assert job.call("environment").value.keys() == {"PATH", "MARK", "HOME"}
    (answer,) = (place for place in job.call("descriptors").value if not place.startswith("/dev/"))
    assert answer.startswith("pipe:")


def test_a_function_is_held_to_its_time_limit(job):
    result = job.call("ignore_term_and_sleep", seconds=300, limits=Limits(seconds=0.3))

    assert (result.ended_by, result.signal, job.said()) == ("timeout", signal.SIGKILL, b"ignoring\n")


def test_a_function_can_be_stopped(job):
    stop = Stop()
    threading.Timer(0.2, stop.request).start()

    assert job.call("sleep", seconds=300, stop=stop).ended_by == "stop"


def test_what_a_function_leaves_behind_is_gone_with_it(job):
    result = job.call("leave_a_child_behind", env=job.env)

    assert (result.exit_code, job.family()) == (0, [])
