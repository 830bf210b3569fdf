"""The shell executor: from configuration to command line, and from the command's end to an outcome."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from jsonschema import Draft202012Validator

from executions.executors.base import Limits, Outcome, WorkOrder
from executions.executors.process.client import Processes, Stop
from executions.executors.shell import ShellExecutor, compose, fill
from tests.executions.executors.family_watch import Watched


@pytest.fixture(scope="module")
def processes():
    with Processes(django=False, grace=0.5) as running:
        yield running


@pytest.fixture(scope="module")
def slot(processes):
    with processes.runner() as runner:
        yield runner


class Slot:
    """A context as the engine offers it."""

    def __init__(self, runner) -> None:
        self.watched = Watched(runner)
        self.stop = Stop()
        self.argv: list[str] = []

    def spawn(self, argv, **options):
        self.argv = argv
        return self.watched.spawn(*argv, stop=self.stop, **options)

    @property
    def lines(self) -> list[str]:
        return self.watched.said().decode().splitlines()


@pytest.fixture
def context(slot):
    return Slot(slot)


def order(input=None, limits=Limits(), secrets=(), **configuration) -> WorkOrder:  # noqa: B008
    return WorkOrder(
        execution=12,
        group=11,
        attempt=2,
        job="nightly",
        job_type="shell",
        version="1.0.0",
        executor="shell",
        configuration=configuration,
        input={"json": input or {}},
        scheduled_for=datetime(2026, 3, 1, 4, 5, tzinfo=UTC),
        limits=limits,
        secrets=secrets,
    )


def run(context, **words) -> Outcome:
    return ShellExecutor().run(order(**words), context)


# --- outcomes ---------------------------------------------------------------------------------------------------------


def test_exit_status_0_is_success(context):
    outcome = run(context, command="echo hello")

    assert (outcome.ok, outcome.exit_code, outcome.error) == (True, 0, None)
    assert context.lines == ["hello"]


@pytest.mark.parametrize(
    ("command", "error", "message"),
    [
        ("sh -c 'exit 3'", "algorithm-unknown", "exit status 3"),
        ("sh -c 'kill -9 $$'", "algorithm-unknown", "signal: killed"),
        ("sh -c 'kill -SEGV $$'", "algorithm-unknown", "signal: segmentation fault"),
        ("no-such-program", "task-launch", "No such program: no-such-program"),
        ("", "task-launch", "The command is empty"),
        ("echo 'open", "task-launch", "The command cannot be split into words: No closing quotation"),
        (None, "task-launch", "The command is neither a text nor a list of texts"),
        (["echo", 1], "task-launch", "The command is neither a text nor a list of texts"),
    ],
)
def test_any_other_end_is_a_failure_with_its_reason(context, command, error, message):
    outcome = run(context, command=command)

    assert (outcome.ok, outcome.error, outcome.message, outcome.stopped) == (False, error, message, False)


def test_the_statuses_of_a_shell_stay_exit_statuses(context):
    assert run(context, command="no-such-program", shell=True).message == "exit status 127"
    assert run(context, command="/etc/passwd", shell=True).message == "exit status 126"


@pytest.mark.parametrize(("of_the_job", "of_the_type"), [(0.2, 60), (60, 0.2), (None, 0.2)])
def test_the_lower_time_limit_holds(context, of_the_job, of_the_type):
    outcome = run(context, command="sleep 300", timeout=of_the_job, limits=Limits(seconds=of_the_type))

    assert (outcome.error, outcome.reason) == ("timeout", "timeout")
    assert outcome.message == "Ran longer than its time limit of 0.2 s"


def test_the_lower_memory_limit_holds(context):
    script = "import time; x = bytearray(200 * 2**20); time.sleep(300)"

    assert run(context, command=["python3", "-c", script], memory_limit=64).error == "out-of-memory"


def test_a_stopped_command_is_neither_success_nor_failure(context):
    threading.Timer(0.2, context.stop.request, ["user"]).start()

    outcome = run(context, command="sleep 300")

    assert (outcome.ok, outcome.stopped, outcome.error) == (False, True, None)


# --- the environment --------------------------------------------------------------------------------------------------


def test_a_command_finds_a_clean_environment(context, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://secret")
    monkeypatch.setenv("TZ", "Europe/Zurich")

    run(
        context,
        command="/usr/bin/env",
        env={"GREETING": "hello"},
        secret_env={"KEY": "hidden"},
        input={"city-name": "Zürich", "count": 3, "list": [1, "a"], "none": None},
    )

    variables = dict(line.split("=", 1) for line in context.lines)
    assert variables.pop("HOME").startswith("/")
    assert variables == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG": "C.UTF-8",
        "TZ": "Europe/Zurich",
        "JOB_NAME": "nightly",
        "JOB_EXECUTION_ID": "12",
        "JOB_RUN_ID": "11",
        "JOB_ATTEMPT": "2",
        "JOB_SCHEDULED_FOR": "2026-03-01T04:05:00+00:00",
        "JOB_TYPE": "shell",
        "GREETING": "hello",
        "KEY": "hidden",
        "INPUT_CITY_NAME": "Zürich",
        "INPUT_COUNT": "3",
        "INPUT_LIST": '[1, "a"]',
        "INPUT_NONE": "null",
    }


def test_what_is_configured_replaces_a_default_but_never_the_identity_of_the_run(context):
    env = {"PATH": "/bin", "JOB_RUN_ID": "0", "INPUT_X": "forged"}

    run(context, command='/bin/sh -c "echo \\$PATH \\$JOB_RUN_ID \\$INPUT_X"', env=env, input={"x": "real"})

    assert context.lines == ["/bin 11 real"]


def test_standard_input_is_given(context):
    run(context, command="cat", stdin="höhe\n")

    assert context.lines == ["höhe"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"env": {"A=B": "x"}}, "Not a name for the environment: 'A=B'"),
        ({"env": {"A": "x\0y"}}, "The value of A contains a NUL character"),
        ({"input": {"a": "x\0y"}}, "The value of INPUT_A contains a NUL character"),
        ({"command": "echo a\0b"}, "The command contains a NUL character"),
        ({"env": {"A": "x" * 33_000}}, "The environment is larger than 32 KiB"),
        ({"env": {f"A{i}": "" for i in range(101)}}, "The environment has more than 100 names"),
    ],
)
def test_what_cannot_be_an_environment_is_refused(context, words, message):
    outcome = run(context, **{"command": "echo", **words})

    assert (outcome.error, outcome.message) == ("task-launch", message)


# --- the command line -------------------------------------------------------------------------------------------------

VALUES = {"INPUT_FILE": "my file; rm -rf /", "JOB_NAME": "nightly", "EMPTY": "", "DOLLAR": "$JOB_NAME"}


@pytest.mark.parametrize(
    ("word", "filled"),
    [
        ("$INPUT_FILE", "my file; rm -rf /"),
        ("--file=${INPUT_FILE}.txt", "--file=my file; rm -rf /.txt"),
        ("$JOB_NAME$JOB_NAME", "nightlynightly"),
        ("$UNKNOWN ${UNKNOWN} $JOB_NAMES", "$UNKNOWN ${UNKNOWN} $JOB_NAMES"),
        ("$EMPTY", ""),
        ("$DOLLAR", "$JOB_NAME"),
        ("$ ${} $1 $$ ${JOB_NAME", "$ ${} $1 $$ ${JOB_NAME"),
    ],
)
def test_placeholders_are_filled_once_and_unknown_ones_stay(word, filled):
    assert fill(word, VALUES) == filled


def test_one_placeholder_never_becomes_two_words():
    argv = compose("cp $INPUT_FILE '$INPUT_FILE' \"to ${JOB_NAME}\" $EMPTY", shell=False, variables=VALUES)

    assert argv == ["cp", "my file; rm -rf /", "my file; rm -rf /", "to nightly", ""]


def test_a_list_is_a_command_line_already():
    assert compose(["echo", "a b", "$JOB_NAME"], shell=False, variables=VALUES) == ["echo", "a b", "nightly"]


def test_without_a_shell_nothing_but_placeholders_is_special(context):
    run(context, command="echo * | wc -l > /dev/null $(id) `id`")

    assert context.lines == ["* | wc -l > /dev/null $(id) `id`"]


def test_with_a_shell_the_text_is_unchanged_and_values_are_variables(context):
    text = 'echo "$INPUT_X" | tr a-z A-Z'

    run(context, command=text, shell=True, input={"x": "a; exit 9"})

    assert context.argv == ["/bin/sh", "-c", text]
    assert context.lines == ["A; EXIT 9"]


def test_a_secret_never_gets_onto_the_command_line(context):
    run(
        context,
        command="printenv TOKEN -- $TOKEN $COPY $INPUT_ALSO",
        secret_env={"TOKEN": "hunter2"},
        env={"COPY": "is hunter2"},
        input={"also": "hunter2"},
        secrets=("hunter2",),
    )

    assert context.argv == ["printenv", "TOKEN", "--", "$TOKEN", "$COPY", "$INPUT_ALSO"]
    assert context.lines == ["hunter2"]


# --- the schema -------------------------------------------------------------------------------------------------------


def problems(configuration) -> list[str]:
    return [
        error.json_path for error in Draft202012Validator(ShellExecutor.configuration_schema).iter_errors(configuration)
    ]


def test_the_schema_is_one_and_marks_its_secrets():
    Draft202012Validator.check_schema(ShellExecutor.configuration_schema)

    assert ShellExecutor.configuration_schema["properties"]["secret_env"]["writeOnly"] is True


@pytest.mark.parametrize(
    "configuration",
    [
        {"command": "true"},
        {"command": ["true", ""], "env": {"A": "b"}, "cwd": "/tmp", "timeout": 0.5, "memory_limit": 64, "shell": False},
    ],
)
def test_the_schema_takes_what_can_run(configuration):
    assert problems(configuration) == []


@pytest.mark.parametrize(
    ("configuration", "where"),
    [
        ({}, "$"),
        ({"command": ""}, "$.command"),
        ({"command": []}, "$.command"),
        ({"command": "x" * 65_537}, "$.command"),
        ({"command": "true", "env": {"1A": "x"}}, "$.env"),
        ({"command": "true", "secret_env": {f"A{i}": "x" for i in range(101)}}, "$.secret_env"),
        ({"command": "true", "cwd": "relative"}, "$.cwd"),
        ({"command": "true", "timeout": 0}, "$.timeout"),
        ({"command": "true", "colour": "red"}, "$"),
    ],
)
def test_the_schema_refuses_what_cannot(configuration, where):
    assert where in problems(configuration)
