"""The words of a command: split first, filled in second."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executions.executors.seed.command import words

VALUES = {"X": "a b", "EMPTY": "", "db-host": "h", "DB_HOST": "h"}
DECLARED = frozenset({"X", "EMPTY", "GONE", "db-host", "DB_HOST"})


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("", []),
        ("  one \t two\n", ["one", "two"]),
        ("$X", ["a b"]),
        ("${X}", ["a b"]),
        ("-${X}-$X.", ["-a b-a b."]),
        ("--in=${X/#/pre}", ["--in=prea b"]),
        ("${X/#/-d }", ["-d", "a b"]),
        ("${X/#/-d  --to=}", ["-d", "--to=a b"]),
        ("${GONE/#/-d }", []),
        ("one ${GONE} two", ["one", "two"]),
        ("--x=${GONE}", ["--x="]),
        ("${EMPTY}", [""]),
        ("${db-host} $DB_HOST", ["h", "h"]),
        ("$UNKNOWN ${UNKNOWN} ${UNKNOWN/#/-u }", ["$UNKNOWN", "${UNKNOWN}", "${UNKNOWN/#/-u", "}"]),
        ("$ $$ ${ ${} ${X:-1} $1", ["$", "$$", "${", "${}", "${X:-1}", "$1"]),
        ("$x", ["$x"]),
    ],
)
def test_placeholders_are_filled_in_word_by_word(command, expected):
    assert words(command, VALUES, DECLARED) == expected


@given(st.text())
def test_a_value_is_never_more_than_one_word(value):
    assert words("a ${X} b$X", {"X": value}, {"X"}) == ["a", value, f"b{value}"]


@given(st.text(max_size=200))
def test_any_command_can_be_split(command):
    assert all(isinstance(word, str) for word in words(command, VALUES, DECLARED))


def test_a_long_command_of_braces_takes_no_time():
    words("${" * 20_000 + "$" * 20_000 + "${X/#/" * 5_000, VALUES, DECLARED)
