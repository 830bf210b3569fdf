"""The task executor: registered Python functions, each called in a process of its own."""

from __future__ import annotations

import json

import pytest

from executions.executors.base import Limits, Outcome, WorkOrder
from executions.executors.process.client import Processes
from executions.executors.python_task import PythonTaskExecutor, storable
from tests.executions.executors import tasks_to_call
from tests.executions.executors.family_watch import Watched


@pytest.fixture(scope="module")
def slot():
    with Processes([tasks_to_call.__name__]) as processes, processes.runner() as runner:
        yield runner


class Slot:
    """A context as the engine offers it."""

    def __init__(self, runner) -> None:
        self.runner = runner
        self.watched = Watched(runner)

    def call(self, target, arguments, **options):
        return self.runner.call(target, arguments, on_output=self.watched.keep, **options)


@pytest.fixture
def context(slot):
    return Slot(slot)


def run(context, job_type: str, configuration=None, **given) -> Outcome:
    order = WorkOrder(
        execution=1,
        group=1,
        attempt=1,
        job="job",
        job_type=job_type,
        version="1.0.0",
        executor="task",
        configuration=configuration or {},
        input=given,
        limits=Limits(seconds=30),
    )
    return PythonTaskExecutor().run(order, context)


def test_a_value_that_is_returned_becomes_the_output(context):
    outcome = run(context, "double-it", json={"number": 21})

    assert (outcome.ok, outcome.error, outcome.outputs) == (True, None, {"json": {"result": 42}})
    assert context.watched.said() == b"doubling\n"


def test_arguments_may_come_by_position(context):
    assert run(context, "double-it", args=[2], kwargs={"times": 5}).outputs == {"json": {"result": 10}}


def test_arguments_become_what_the_signature_says_and_other_values_text(context):
    outcome = run(context, "next-year", json={"day": "2026-03-01"})

    assert outcome.outputs == {"json": {"result": "datetime.date(2027, 3, 1)"}}


def test_the_configuration_may_name_the_task(context):
    assert run(context, "something-else", {"task": "double-it"}, json={"number": 1}).ok


def test_an_exception_is_a_failure_with_the_jobs_own_frames(context):
    outcome = run(context, "break-down", json={"text": "broken"})

    assert (outcome.ok, outcome.error, outcome.message) == (False, "algorithm-unknown", "ValueError: broken")
    assert outcome.exception == "builtins.ValueError"
    assert [line.split(", in ")[1] for line in outcome.traceback.splitlines() if ", in " in line] == [
        "break_down",
        "deeper",
    ]


@pytest.mark.parametrize(("code", "ok", "message"), [(0, True, ""), (4, False, "SystemExit: 4")])
def test_sys_exit_means_what_it_means_in_a_program(context, code, ok, message):
    outcome = run(context, "give-up", json={"code": code})

    assert (outcome.ok, outcome.exit_code, outcome.message) == (ok, code, message)


@pytest.mark.parametrize("given", [{}, {"json": {"numbr": 1}}, {"args": [1, 2, 3]}])
def test_input_that_does_not_fit_never_gets_to_the_task(context, given):
    outcome = run(context, "double-it", **given)

    assert outcome.error == "invalid-input"
    assert context.watched.chunks == []


def test_an_unknown_task_cannot_be_launched(context):
    outcome = run(context, "no-such-task")

    assert (outcome.error, outcome.message) == ("task-launch", "no schedulable task is called 'no-such-task'")


@pytest.mark.parametrize("value", [None, 1.5, "text", {"a": [1, {"b": None}]}, "ünï", 10**30])
def test_json_is_kept_as_it_is(value):
    assert storable(value) == value


@pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"bytes", object(), "nul \0", "\ud800", {"a": "x" * 300_000}])
def test_everything_else_is_kept_as_text(value):
    text = storable(value)

    assert isinstance(text, str)
    assert len(text) <= 10_000
    assert "\\u0000" not in json.dumps(text)
    text.encode()
