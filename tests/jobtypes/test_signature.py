"""From a function's signature to the schema of its input, and from an input back to its arguments."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from enum import Enum, IntEnum
from typing import Annotated, Any, Literal, Optional, Union
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from jobtypes.interface import validate_input
from jobtypes.signature import SignatureError, arguments, input_schema, schema_of, seed_inputs, summary


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


def export(
    table: str,
    since: datetime,
    rows: int = 100,
    *,
    colour: Colour = Colour.RED,
    dry_run: bool = False,
    note=None,
    **more: Any,
):
    """Write a table
    to a file.

    Further words.

    Args:
        table: which one,
            by name
        since (datetime): only rows that are newer
        rows: at most so many
    """


export.__annotations__["note"] = str  # as in `note: str = None`, which many functions in the world have


def test_hints_defaults_and_docstring_become_a_schema():
    schema = input_schema(export)

    assert schema == {
        "type": "object",
        "properties": {
            "table": {"type": "string", "description": "which one, by name"},
            "since": {"type": "string", "format": "date-time", "description": "only rows that are newer"},
            "rows": {"type": "integer", "default": 100, "description": "at most so many"},
            "colour": {"type": "string", "enum": ["red", "blue"], "default": "red"},
            "dry_run": {"type": "boolean", "default": False},
            "note": {"type": ["string", "null"], "default": None},
        },
        "required": ["table", "since"],
        "additionalProperties": True,
        "x-positional": ["table", "since", "rows"],
        "x-order": ["table", "since", "rows", "colour", "dry_run", "note"],
    }
    Draft202012Validator.check_schema(schema)


def test_the_schema_becomes_the_inputs_of_a_seed_manifest():
    assert seed_inputs(input_schema(export)) == [
        {"name": "table", "type": "string", "required": True},
        {"name": "since", "type": "string", "required": True},
        {"name": "rows", "type": "integer", "required": False},
        {"name": "colour", "type": "string", "required": False},
        {"name": "dry_run", "type": "boolean", "required": False},
        {"name": "note", "type": "string", "required": False},
    ]


def test_the_summary_is_the_first_paragraph_in_one_line():
    assert summary(export) == "Write a table to a file."
    assert summary(lambda: None) == ""


def test_parameters_may_be_described_as_restructured_text():
    def task(one, two=2):
        """Do it.

        :param one: the first
            of them
        :param int two: the second
        :returns: nothing
        """

    properties = input_schema(task)["properties"]
    assert properties["one"]["description"] == "the first of them"
    assert properties["two"] == {"default": 2, "description": "the second"}


@pytest.mark.parametrize(
    ("hint", "schema"),
    [
        (Any, {}),
        (bool, {"type": "boolean"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (str, {"type": "string"}),
        (None, {"type": "null"}),
        (date, {"type": "string", "format": "date"}),
        (UUID, {"type": "string", "format": "uuid"}),
        (list, {"type": "array"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (Sequence[str], {"type": "array", "items": {"type": "string"}}),
        (Iterable[Any], {"type": "array"}),
        (set[int], {"type": "array", "items": {"type": "integer"}, "uniqueItems": True}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (
            tuple[int, str],
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        (dict, {"type": "object"}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (Mapping[str, Any], {"type": "object"}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Literal["a", 1, None], {"enum": ["a", 1, None]}),
        (Level, {"type": "integer", "enum": [1, 2]}),
        (Optional[int], {"type": ["integer", "null"]}),  # noqa: UP045  # both spellings are met
        (int | None, {"type": ["integer", "null"]}),
        (Colour | None, {"type": ["string", "null"], "enum": ["red", "blue", None]}),
        (Union[int, str], {"anyOf": [{"type": "integer"}, {"type": "string"}]}),  # noqa: UP007
        (int | str | None, {"anyOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]}),
        (Any | None, {}),
        (Annotated[int, {"minimum": 1}], {"type": "integer", "minimum": 1}),
        (Annotated[int, "for people"], {"type": "integer"}),
        (list[Annotated[str, {"maxLength": 3}]], {"type": "array", "items": {"type": "string", "maxLength": 3}}),
    ],
)
def test_every_hint_has_its_schema(hint, schema):
    assert schema_of(hint) == schema
    Draft202012Validator.check_schema(schema)


def test_a_default_of_none_lets_none_in():
    def task(a=None, b=None, c=None, d=None):
        """Nothing."""

    task.__annotations__.update(a=int, b=int | str, c=Literal["x"])

    properties = input_schema(task)["properties"]
    assert [properties[name].get("type") for name in "acd"] == [["integer", "null"], ["string", "null"], None]
    assert properties["b"]["anyOf"][-1] == {"type": "null"}
    assert properties["c"]["enum"] == ["x", None]


def test_any_arguments_are_taken_where_the_function_takes_any():
    def task(*args, **kwargs):
        """Takes anything."""

    schema = input_schema(task)
    assert (schema["x-variadic"], schema["additionalProperties"]) == ({}, True)
    assert validate_input(schema, {"args": [1, "a"], "kwargs": {"x": None}}) == []
    assert seed_inputs(schema) == []


NOTHING = object()


def refused_default(a=NOTHING):
    """Has a default that JSON cannot hold."""


def refused_nan(a: float = float("nan")):
    """The same."""


def refused_hint(a: bytes):
    """Takes bytes."""


def refused_keys(a: dict[int, str]):
    """Takes numbered things."""


def refused_choices(a: Literal[b"x"]):
    """Takes bytes."""


def refused_name(größe: int):
    """Has a name that Seed does not know."""


def refused_reference(a):
    """Hints at what is not there."""


refused_reference.__annotations__["a"] = "Missing"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            refused_default,
            "refused_default: parameter 'a': its default, <object object at .*>, cannot be written as JSON",
        ),
        (refused_nan, "refused_nan: parameter 'a': its default, nan, cannot be written as JSON"),
        (refused_hint, "refused_hint: parameter 'a': bytes cannot be given as JSON"),
        (refused_keys, r"refused_keys: parameter 'a': the keys of dict\[int, str\] are not str"),
        (refused_choices, "refused_choices: parameter 'a': the choices"),
        (refused_name, "refused_name: parameter 'größe': names are ASCII letters, digits and _"),
        (refused_reference, "refused_reference: a type hint cannot be resolved: name 'Missing' is not defined"),
    ],
)
def test_what_json_cannot_hold_is_refused_by_name(function, message):
    with pytest.raises(SignatureError, match=f"^{message}"):
        input_schema(function)


# From an input to arguments


def test_an_input_becomes_what_the_hints_say():
    given = {"json": {"table": "t", "since": "2026-11-21T10:00:00Z", "colour": "blue", "other": [1]}}

    assert arguments(export, given) == (
        ["t", datetime(2026, 11, 21, 10, tzinfo=UTC)],
        {"colour": Colour.BLUE, "other": [1]},
    )


def test_args_and_kwargs_are_bound_as_python_binds_them():
    def task(a: date, /, b: time, *rest: UUID, c: set[int], d: tuple[date, str] | None = None):
        """Takes all kinds."""

    text = "12345678-1234-5678-1234-567812345678"
    given = {"args": ["2026-11-21", "10:00", text], "kwargs": {"c": [1, 1], "d": ["2026-11-22", "x"]}}

    assert arguments(task, given) == (
        [date(2026, 11, 21), time(10), UUID(text)],
        {"c": {1}, "d": (date(2026, 11, 22), "x")},
    )


def test_a_positional_parameter_can_be_given_by_name():
    def task(a: int, b: int = 2, /, c: int = 3):
        """The first two have no name in a call."""

    args, kwargs = arguments(task, {"json": {"a": 1, "b": 5, "c": 7}})
    assert (args, kwargs) == ([1, 5, 7], {})


@pytest.mark.parametrize(
    ("hint", "value", "revived"),
    [
        (datetime | str, "2026-11-21T10:00:00+00:00", datetime(2026, 11, 21, 10, tzinfo=UTC)),
        (datetime | str, "soon", "soon"),
        (date | None, None, None),
        (int | date, "2026-11-21", date(2026, 11, 21)),
        (list[Level], [1, 2], [Level.LOW, Level.HIGH]),
        (dict[str, date], {"a": "2026-11-21"}, {"a": date(2026, 11, 21)}),
        (Annotated[frozenset[str], {}], ["a"], frozenset("a")),
        (Any, {"a": 1}, {"a": 1}),
    ],
)
def test_values_are_revived(hint, value, revived):
    def task(a):
        """Takes one."""

    task.__annotations__["a"] = hint

    assert arguments(task, {"json": {"a": value}}) == ([revived], {})


def test_what_does_not_fit_is_said_in_words():
    with pytest.raises(TypeError, match="missing a required argument: 'table'"):
        arguments(export, {"json": {}})
    with pytest.raises(ValueError, match="Invalid isoformat string: 'soon'"):
        arguments(export, {"args": ["t", "soon"]})


LIST: Any = list
DICT: Any = dict
UNION: Any = Union
HINTS = st.recursive(
    st.sampled_from([int, str, bool, float, date, Colour, Any, None, Literal["a", 2]]),
    lambda inner: st.one_of(
        inner.map(lambda hint: LIST[hint]),
        inner.map(lambda hint: DICT[str, hint]),
        st.tuples(inner, inner).map(lambda hints: UNION[hints]),
    ),
    max_leaves=4,
)


@given(HINTS)
def test_every_combination_of_hints_makes_a_valid_schema(hint):
    schema = schema_of(hint)

    Draft202012Validator.check_schema(schema)
    assert json.loads(json.dumps(schema)) == schema
