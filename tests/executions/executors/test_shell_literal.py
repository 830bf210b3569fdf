"""What the shell executor does for jobs that come from Dkron: words as they stand, bytes to read, another user."""

from __future__ import annotations

import base64
import os

import pytest
from jsonschema import Draft202012Validator

from executions.executors.shell import Misread, ShellExecutor, literal
from tests.executions.executors.test_shell import Slot, processes, run, slot  # noqa: F401 -- fixtures


@pytest.fixture
def context(slot):  # noqa: F811 -- a fixture
    return Slot(slot)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("echo a b", ["echo", "a", "b"]),
        ("echo 'a  b' \"c'd\" e\\ f ''", ["echo", "a  b", "c'd", "e f", ""]),
        ("echo $HOME ${JOB_NAME} `id` $(date", None),
        ("echo $HOME *.py ~", ["echo", "$HOME", "*.py", "~"]),
        ("echo a; rm -rf /", ["echo", "a"]),
        ("echo a;b", ["echo", "a"]),
        ("echo a && b", ["echo", "a"]),
        ("echo a|b", ["echo", "a"]),
        ("echo a <b", ["echo", "a"]),
        ("echo a 2>&1", ["echo", "a"]),
        ("echo a2>x", ["echo", "a2"]),
        ("echo ';' \"&\" \\| '<>'", ["echo", ";", "&", "|", "<>"]),
        ("echo a#b # c", ["echo", "a#b", "#", "c"]),
        ("echo '(a)'", ["echo", "(a)"]),
        ("", None),
        ("   ", None),
        ("; echo", None),
        ("echo 'open", None),
        ('echo "open', None),
        ("echo (a)", None),
        ("''", None),
    ],
)
def test_a_command_is_split_as_dkron_splits_it(command, words):
    if words is None:
        with pytest.raises(Misread):
            literal(command)
    else:
        assert literal(command) == words


def test_nothing_is_filled_into_literal_words(context):
    assert run(context, command="echo $JOB_NAME; false", literal=True).ok

    assert context.lines == ["$JOB_NAME"]


def test_a_command_that_cannot_be_split_is_wrong_data(context):
    outcome = run(context, command="echo 'open", literal=True)

    assert (outcome.error, outcome.message) == (
        "invalid-input",
        "The command cannot be split into words: No closing quotation",
    )


def test_a_text_for_a_shell_stays_one(context):
    assert run(context, command="echo $JOB_NAME; echo two", literal=True, shell=True).ok

    assert context.lines == ["nightly", "two"]


def test_bytes_that_are_no_text_can_be_read(context):
    sent = base64.b64encode(bytes([0, 255, 10])).decode()

    assert run(context, command="od -An -tx1", stdin_base64=sent).ok

    assert context.lines == [" 00 ff 0a"]


def test_an_input_that_is_not_base64_is_wrong_data(context):
    outcome = run(context, command="cat", stdin_base64="%%%")

    assert (outcome.error, outcome.message) == ("invalid-input", "The standard input is not base64")


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run commands as somebody else")
@pytest.mark.parametrize(
    ("user", "said"),
    [("nobody", ["nobody nogroup"]), ("nobody:daemon", ["nobody daemon"]), ("65534:65534", ["nobody nogroup"])],
)
def test_a_command_runs_as_somebody_else(context, user, said):
    outcome = run(context, command="echo $(id -un) $(id -gn)", shell=True, user=user)

    assert (outcome.ok, context.lines) == (True, said)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can run commands as somebody else")
def test_a_user_that_is_not_there_is_a_failure(context):
    assert not run(context, command="true", user="nobody-knows-this-one").ok


@pytest.mark.parametrize(
    ("user", "is_good"),
    [("nobody", True), ("a.b-c:d", True), ("65534:65534", True), ("-u root", False), ("a:b:c", False), ("a b", False)],
)
def test_the_schema_takes_names_of_users(user, is_good):
    schema = Draft202012Validator(ShellExecutor.configuration_schema)

    assert schema.is_valid({"command": "x", "user": user}) is is_good
