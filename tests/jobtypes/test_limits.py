"""How much JSON the house takes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobtypes.limits import Problem, excess

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**40) + 1, 10**40 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8", exclude_characters="\0")),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8", exclude_characters="\0")), inner)
    ),
    max_leaves=20,
)


def nested(levels: int) -> list:
    value: list = []
    for _ in range(levels - 1):
        value = [value]
    return value


@given(JSON)
def test_ordinary_json_is_taken(value):
    assert excess(value, "input", 1_000_000) is None


@pytest.mark.parametrize(
    ("value", "path", "message"),
    [
        (nested(65), "input", "is nested deeper than 64 levels"),
        (nested(100_000), "input", "is nested deeper than 64 levels"),
        ({str(number): 1 for number in range(10_001)}, "input", "has more than 10000 names"),
        ({"a": ["x" * 2000]}, "input", "is larger than 1 KiB"),
        ({"a": [0, 10**40]}, "input.a[1]", "is a number of more than 40 digits"),
        ({"a": {"b": -(10**5000)}}, "input.a.b", "is a number of more than 40 digits"),
        ({"a": float("nan")}, "input.a", "is not a number that JSON knows"),
        ({"a": float("-inf")}, "input.a", "is not a number that JSON knows"),
        ({"a": "x\0"}, "input.a", "contains a character that cannot be stored"),
        ({"a": "\ud800"}, "input.a", "contains a character that cannot be stored"),
        ({"a": {"b\0": 1}}, "input.a", "has a name with a character that cannot be stored"),
        ({"a": b"bytes"}, "input.a", "is not JSON"),
    ],
)
def test_too_much_is_refused_with_its_place(value, path, message):
    assert excess(value, "input", 1024 if "larger" in message else 1_000_000) == Problem(path, message)


def test_sixty_four_levels_are_taken():
    assert excess(nested(64), "input", 1024) is None


def test_the_size_is_counted_in_bytes():
    assert excess("é" * 511, "input", 1024) is None
    assert excess("é" * 512, "input", 1024) is not None


def test_many_small_values_under_a_long_name_cost_little():
    value = {"k" * 500_000: [0] * 200_000}
    begun = time.monotonic()

    assert excess(value, "input", 1024) is not None
    assert time.monotonic() - begun < 2


def test_long_names_are_cut_in_paths():
    assert excess({"k" * 1000: "\0"}, "input", 1024).path == "input." + "k" * 40


@pytest.mark.parametrize("value", [[0] * 1_000_000, [[]] * 1_000_000])
def test_what_is_far_too_large_is_not_looked_at(value):
    begun = time.monotonic()

    assert excess(value, "input", 1024) == Problem("input", "is larger than 1 KiB")
    assert time.monotonic() - begun < 0.2
