"""What an input or configuration is refused for."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobtypes.interface import Problem, schema_of_manifest, validate_configuration, validate_input
from jobtypes.signature import input_schema


def count_tags(limit: int, prefix: str = "", *, dry: bool = False):
    """Takes its first two by position."""


SCHEMA = input_schema(count_tags)


def told(problems: list[Problem]) -> list[str]:
    return [str(problem) for problem in problems]


@pytest.mark.parametrize(
    "good",
    [
        {"json": {"limit": 3}, "files": {}},
        {"json": {"limit": 3, "prefix": "a", "dry": True}},
        {"args": [3]},
        {"args": [3, "a"], "kwargs": {"dry": True}},
        {"args": [], "kwargs": {"limit": 3}, "json": {}},
        {"kwargs": {"limit": 3}},
    ],
)
def test_a_fitting_input_has_no_problems(good):
    assert validate_input(SCHEMA, good) == []


@pytest.mark.parametrize(
    ("bad", "problems"),
    [
        ({"json": {"limit": "x"}}, ["input.json.limit: 'x' is not of type integer"]),
        ({"json": {"limit": True}}, ["input.json.limit: true is not of type integer"]),
        ({"json": {"limit": {}}}, ["input.json.limit: an object is not of type integer"]),
        ({"json": {}}, ["input.json.limit: is required"]),
        ({}, ["input.json.limit: is required"]),
        ({"args": []}, ["input.kwargs.limit: is required"]),
        ({"json": {"limit": 1, "max": 2}}, ["input.json.max: is not known"]),
        ({"args": ["x"]}, ["input.args[0]: 'x' is not of type integer"]),
        ({"kwargs": {"limit": "x"}}, ["input.kwargs.limit: 'x' is not of type integer"]),
        ({"args": [1], "kwargs": {"limit": 2}}, ["input.kwargs.limit: is given twice: also as input.args[0]"]),
        ({"args": [1, "a", True]}, ["input.args[2]: is one too many: 2 positional arguments are taken"]),
        ({"json": {"limit": 1}, "files": {"f": [1]}}, ["input.files.f: is not known"]),
        ({"json": {"limit": 1}, "args": [1]}, ["input: has json beside args and kwargs: give one or the other"]),
        ({"jsn": {}}, ["input.jsn: is not known: an input has json and files, or args and kwargs"]),
        ({"json": []}, ["input.json: a list is not an object"]),
        ({"args": {}}, ["input.args: an object is not a list"]),
        ([], ["input: a list is not an object"]),
        (None, ["input: null is not an object"]),
        ("x" * 100, ["input: 'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx… is not an object"]),
        ({"json": {"limit": 10**40}}, ["input.json.limit: is a number of more than 40 digits"]),
        ({"json": {"limit": 1, "prefix": "x" * 262_144}}, ["input: is larger than 256 KiB"]),
    ],
)
def test_every_problem_has_a_place_and_a_reason(bad, problems):
    assert told(validate_input(SCHEMA, bad)) == problems


def test_all_problems_are_told_at_once():
    assert told(validate_input(SCHEMA, {"json": {"prefix": 1, "dry": "no"}})) == [
        "input.json.prefix: 1 is not of type string",
        "input.json.dry: 'no' is not of type boolean",
        "input.json.limit: is required",
    ]


def test_twenty_problems_are_enough():
    assert len(validate_input(SCHEMA, {"json": {f"p{number}": 1 for number in range(1000)}})) == 20


def test_an_empty_schema_takes_any_input():
    assert validate_input({}, {"args": [1, 2], "kwargs": {"a": None}, "files": {"f": [1]}}) == []
    assert validate_input({}, {"json": {"a": [1]}}) == []


def test_further_arguments_are_checked_where_they_are_taken():
    def add(*numbers: int, **names: str):
        """Any number of numbers."""

    schema = input_schema(add)

    assert validate_input(schema, {"args": [1, 2, 3], "kwargs": {"a": "x"}}) == []
    assert told(validate_input(schema, {"args": [1, "b"], "kwargs": {"a": 1}})) == [
        "input.args[1]: 'b' is not of type integer",
        "input.kwargs.a: 1 is not of type string",
    ]


def test_deep_places_are_written_as_paths():
    def deep(rows: list[dict[str, list[int]]]):
        """Takes rows."""

    assert told(validate_input(input_schema(deep), {"json": {"rows": [{"a": [1]}, {"b": [1, "x"]}]}})) == [
        "input.json.rows[1].b[1]: 'x' is not of type integer"
    ]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda i: st.lists(i) | st.dictionaries(st.text(), i),
)


@settings(max_examples=50)
@given(JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(["json", "files", "args", "kwargs"], JSON)))
def test_no_input_whatever_breaks_the_check(value):
    for schema in (SCHEMA, schema_of_manifest(MANIFEST), {}):
        assert all(problem.path.startswith("input") and problem.message for problem in validate_input(schema, value))


# Seed manifests

MANIFEST = {
    "seedVersion": "1.0.0",
    "job": {
        "interface": {
            "inputs": {
                "json": [{"name": "count", "type": "integer"}, {"name": "note", "type": "string", "required": False}],
                "files": [{"name": "IMAGE"}, {"name": "MORE", "required": False, "multiple": True}],
            }
        }
    },
}


def test_the_inputs_of_a_manifest_are_its_schema():
    schema = schema_of_manifest(MANIFEST)

    assert validate_input(schema, {"json": {"count": 1}, "files": {"IMAGE": [5], "MORE": [1, 2]}}) == []
    bad = {"json": {"count": "1", "x": 1}, "files": {"IMAGE": [1, 2], "MORE": []}}
    assert sorted(told(validate_input(schema, bad))) == [
        "input.files.IMAGE: has more than 1 entries",
        "input.files.MORE: has fewer than 1 entries",
        "input.json.count: '1' is not of type integer",
        "input.json.x: is not known",
    ]
    assert told(validate_input(schema, {})) == ["input.json.count: is required", "input.files.IMAGE: is required"]


@pytest.mark.parametrize(
    "manifest", [{}, {"job": {}}, {"job": {"interface": {}}}, {"job": {"interface": {"inputs": {}}}}]
)
def test_a_manifest_without_inputs_takes_none_unless_more_are_let_in(manifest):
    assert validate_input(schema_of_manifest(manifest), {"json": {}, "files": {}}) == []
    assert told(validate_input(schema_of_manifest(manifest), {"json": {"a": 1}})) == ["input.json.a: is not known"]
    assert validate_input(schema_of_manifest(manifest, additional=True), {"json": {"a": 1}, "files": {"f": [1]}}) == []


# Configurations

CONFIGURATION = {
    "type": "object",
    "required": ["url"],
    "additionalProperties": False,
    "properties": {
        "url": {"type": "string", "format": "uri", "minLength": 1},
        "method": {"enum": ["GET", "POST"]},
        "seconds": {"type": "number", "exclusiveMinimum": 0, "maximum": 10},
        "token": {"type": "string", "writeOnly": True, "pattern": "^t"},
        "secret_headers": {"type": "object", "writeOnly": True, "additionalProperties": {"type": "string"}},
        "at": {"type": "string", "format": "date-time"},
        "pattern": {"type": "string", "format": "regex"},
        "either": {"anyOf": [{"type": "integer"}, {"type": "string", "pattern": "^x"}]},
    },
}


def test_a_fitting_configuration_has_no_problems():
    good = {
        "url": "https://a:b@c/${INPUT_X}",
        "method": "GET",
        "seconds": 1.5,
        "at": "2026-11-21T10:00:00Z",
        "either": 1,
    }

    assert validate_configuration(CONFIGURATION, good) == []


@pytest.mark.parametrize(
    ("bad", "problem"),
    [
        ({"method": "PUT"}, "method: 'PUT' is not one of 'GET', 'POST'"),
        ({"seconds": 0}, "seconds: 0 is not more than 0"),
        ({"seconds": 11}, "seconds: 11 is more than 10"),
        ({"at": "tomorrow"}, "at: 'tomorrow' is not a date and time (2026-11-21T10:00:00Z)"),
        ({"pattern": "("}, "pattern: '(' is not a regular expression"),
        ({"pattern": "a{99999999999999999999}"}, "pattern: 'a{99999999999999999999}' is not a regular expression"),
        ({"either": None}, "either: null is none of what is allowed"),
        ({"other": 1}, "other: is not known"),
        ({"url": ""}, "url: is empty"),
    ],
)
def test_a_bad_configuration_is_refused_with_place_and_reason(bad, problem):
    assert f"configuration.{problem}" in told(validate_configuration(CONFIGURATION, {"url": "http://x", **bad}))


@pytest.mark.parametrize(
    "bad",
    [
        {"token": "hunter2"},
        {"token": ["hunter2"]},
        {"secret_headers": {"X": ["hunter2"]}},
        {"secret_headers": "hunter2"},
        {"url": "ann:hunter2@host"},
        {"url": "http://ann:hun/hunter2@host/"},
        {"url": "http://ann:hun#hunter2@host/"},
        {"url": "http://ann:hun?hunter2@host/"},
        {"url": "http:///ann:hunter2@host/"},
        {"url": "http://ann:hunter2@[::1/"},
        {"url": 12, "token": 777123},
    ],
)
def test_no_message_repeats_a_secret(bad):
    problems = validate_configuration(CONFIGURATION, {"url": "http://x", **bad})

    assert problems
    assert not any("hunter2" in str(problem) or "777123" in str(problem) for problem in problems)


def test_a_configuration_may_have_64_kib():
    assert told(validate_configuration({}, {"a": "x" * 65_536})) == ["configuration: is larger than 64 KiB"]
    assert validate_configuration({}, {"a": "x" * 65_000}) == []


def test_a_reference_out_of_the_schema_is_never_fetched():
    schema = {"properties": {"a": {"$ref": "http://127.0.0.1:1/schema.json"}}}

    assert told(validate_configuration(schema, {"a": 1})) == [
        "configuration: cannot be checked: the schema refers to 'http://127.0.0.1:1/schema.json', which is not in it"
    ]


@pytest.mark.parametrize(
    "url",
    [
        "http://${INPUT_HOST}:${INPUT_PORT}/x",
        "https://$INPUT_HOST:8443/@someone?at=a:b@c",
        "http://[::1]:8000/",
        "postgres:///jobs",
    ],
)
def test_a_url_may_be_filled_in_later_and_need_not_be_of_the_web(url):
    assert validate_configuration(CONFIGURATION, {"url": url}) == []
