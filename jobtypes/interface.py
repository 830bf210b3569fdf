"""Does an input fit what a job type takes, and a configuration what its executor takes? Pure.

Schemas are JSON Schema, 2020-12, with the keywords of `jobtypes.signature` and one more:

    x-files     schema of ``input.files``; absent where there are none

Nothing is fetched, whatever a schema refers to, and no message repeats a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable

from jobtypes.limits import MAX_CONFIGURATION, MAX_INPUT, Problem, excess
from jobtypes.secrets import MASK, is_secret, keep_secrets, merge_secrets, split_secrets

__all__ = [
    "MASK",
    "Problem",
    "keep_secrets",
    "merge_secrets",
    "schema_of_manifest",
    "split_secrets",
    "validate_configuration",
    "validate_input",
]

MOST = 20  # problems that are reported of one value
MAX_PATTERN = 500  # characters of a regular expression
_SHOWN = 40  # characters of a wrong value that are repeated
_PLACEHOLDER = re.compile(r"\$\{?INPUT_")

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]


def validate_input(schema: Schema, input: Any) -> list[Problem]:
    """What keeps `input` from being one of a job type with this schema: ``{"json": {…}, "files": {…}}``, or
    ``{"args": […], "kwargs": {…}}`` in place of ``json``. Paths begin with ``input``. An empty schema takes anything.
    """
    if not isinstance(input, dict):
        return [Problem("input", f"{_shown(input)} is not an object")]
    if too_much := excess(input, "input", MAX_INPUT):
        return [too_much]
    if misshapen := list(_misshapen(input)):
        return misshapen
    values, places, problems = _by_name(schema, input)
    unnamed = "input.json" if "json" in input or not input.keys() & {"args", "kwargs"} else "input.kwargs"

    def place(path: Path) -> str:
        if not path:
            return unnamed
        return _written(places.get(path[0]) or f"{unnamed}.{path[0]}", path[1:])

    problems += _check(schema, values, place)
    is_closed = schema.get("additionalProperties", True) is False
    of_files = schema.get("x-files", {"additionalProperties": not is_closed})
    problems += _check(of_files, input.get("files", {}), partial(_written, "input.files"))
    return problems[:MOST]


def validate_configuration(schema: Schema, configuration: Any) -> list[Problem]:
    """What keeps `configuration` from being one of an executor with this schema. Paths begin with ``configuration``."""
    if not isinstance(configuration, dict):
        return [Problem("configuration", f"{_shown(configuration)} is not an object")]
    if too_much := excess(configuration, "configuration", MAX_CONFIGURATION):
        return [too_much]
    return _check(schema, configuration, partial(_written, "configuration"))[:MOST]


def schema_of_manifest(manifest: Mapping[str, Any], *, additional: bool = False) -> dict[str, Any]:
    """The schema of the inputs that a Seed manifest declares; `additional` ones are refused unless said otherwise."""
    inputs = (manifest.get("job", {}).get("interface") or {}).get("inputs") or {}
    values, files = inputs.get("json") or [], inputs.get("files") or []
    names = [one["name"] for one in values]
    return {
        "type": "object",
        "properties": {one["name"]: {"type": one["type"]} for one in values},
        "required": _required(values),
        "additionalProperties": additional,
        "x-positional": names,
        "x-order": names,
        "x-files": {
            "type": "object",
            "properties": {one["name"]: _file_list(one) for one in files},
            "required": _required(files),
            "additionalProperties": additional,
        },
    }


def _required(declared: Iterable[Mapping[str, Any]]) -> list[str]:
    return [one["name"] for one in declared if one.get("required", True)]


def _file_list(declared: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "array", "minItems": 1} | ({} if declared.get("multiple") else {"maxItems": 1})


def _misshapen(input: Mapping[str, Any]) -> Iterator[Problem]:
    """What is wrong with the outermost level of an input."""
    for name, part in input.items():
        if name not in ("json", "files", "args", "kwargs"):
            yield Problem(_written("input", (name,)), "is not known: an input has json and files, or args and kwargs")
        elif not isinstance(part, list if name == "args" else dict):
            yield Problem(f"input.{name}", f"{_shown(part)} is not {'a list' if name == 'args' else 'an object'}")
    if input.get("json") and (input.get("args") or input.get("kwargs")):
        yield Problem("input", "has json beside args and kwargs: give one or the other")


def _by_name(schema: Schema, input: Mapping[str, Any]) -> tuple[dict[str, Any], dict[Any, str], list[Problem]]:
    """The values of `input` by the name of their parameter, the path of each, and what could not be named."""
    values: dict[str, Any] = {**input.get("json", {}), **input.get("kwargs", {})}
    places: dict[Any, str] = {}
    problems: list[Problem] = []
    positional, variadic = schema.get("x-positional"), schema.get("x-variadic")
    if positional is None:
        positional, variadic = [], False if schema.get("additionalProperties", True) is False else {}
    for number, value in enumerate(input.get("args", [])):
        path = f"input.args[{number}]"
        if number < len(positional):
            name = positional[number]
            if name in values:
                problems.append(Problem(f"input.kwargs.{name}", f"is given twice: also as {path}"))
            values[name], places[name] = value, path
        elif isinstance(variadic, Mapping):
            problems += _check(variadic, value, partial(_written, path))
        else:
            problems.append(Problem(path, f"is one too many: {len(positional) or 'no'} positional arguments are taken"))
    return values, places, problems


# --- What a schema says -----------------------------------------------------------------------------------------------
def _read_url(text: str) -> None:
    """Refuses what nothing could call: user and password are not found in it, and would stand there unmasked."""
    if not re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://\S", text):
        raise ValueError(text)
    url = urlsplit(text)
    is_called = url.scheme in ("http", "https")
    if (is_called and not url.netloc) or (not _PLACEHOLDER.search(url.netloc) and url.port == 0):
        raise ValueError(text)


def _read_pattern(text: str) -> None:
    """A pattern takes up to a millisecond a character to compile."""
    if len(text) > MAX_PATTERN:
        raise ValueError(text)
    re.compile(text)


def _format(read: Callable[[str], Any]) -> Callable[[object], bool]:
    """A format: every text that `read` takes; values of other types have none."""

    def fits(value: object) -> bool:
        if isinstance(value, str):
            read(value)
        return True

    return fits


_READERS: dict[str, Callable[[str], Any]] = {
    "date-time": datetime.fromisoformat,
    "date": date.fromisoformat,
    "time": time.fromisoformat,
    "uuid": UUID,
    "uri": _read_url,
    "regex": _read_pattern,
}
FORMATS = FormatChecker(formats=())
for _name, _read in _READERS.items():
    FORMATS.checks(_name, raises=(ValueError, re.error, OverflowError, RecursionError))(_format(_read))

_FORMAT_WORDS = {
    "date-time": "a date and time (2026-11-21T10:00:00Z)",
    "date": "a date (2026-11-21)",
    "time": "a time (10:00:00)",
    "uuid": "a UUID",
    "uri": "a URL",
    "regex": "a regular expression",
}
_LIMIT_WORDS = {
    "minimum": "{value} is less than {limit}",
    "maximum": "{value} is more than {limit}",
    "exclusiveMinimum": "{value} is not more than {limit}",
    "exclusiveMaximum": "{value} is not less than {limit}",
    "multipleOf": "{value} is not a multiple of {limit}",
    "minLength": "has fewer than {limit} characters",
    "maxLength": "has more than {limit} characters",
    "minItems": "has fewer than {limit} entries",
    "maxItems": "has more than {limit} entries",
    "minProperties": "has fewer than {limit} names",
    "maxProperties": "has more than {limit} names",
    "uniqueItems": "has an entry twice",
    "pattern": "{value} does not match {limit}",
    "const": "{value} is not {limit}",
    "anyOf": "{value} is none of what is allowed",
    "oneOf": "{value} is none, or more than one, of what is allowed",
}


def _check(schema: Schema, value: Any, place: Callable[[Path], str]) -> list[Problem]:
    """The problems of `value`, each once; `place` says where a path within it lies."""
    validator = Draft202012Validator(schema, registry=Registry(), format_checker=FORMATS)
    found: dict[Problem, None] = {}
    try:
        for error in islice(validator.iter_errors(value), 10 * MOST):
            for path, message in _told(schema, error):
                found[Problem(place(path), message)] = None
    except Unresolvable as error:
        return [Problem(place(()), f"cannot be checked: the schema refers to {error.ref!r}, which is not in it")]
    return list(found)[:MOST]


def _told(schema: Schema, error: ValidationError) -> Iterator[tuple[Path, str]]:
    """A validator's error in our words: paths and messages."""
    path, limit = tuple(error.absolute_path), error.validator_value
    value = "the value" if is_secret(schema, path) else _shown(error.instance)
    match error.validator:
        case "required":
            yield from (((*path, name), "is required") for name in limit if name not in error.instance)
        case "additionalProperties":
            known = error.schema.get("properties", {})
            yield from (((*path, name), "is not known") for name in error.instance if name not in known)
        case "type":
            yield path, f"{value} is not of type {limit if isinstance(limit, str) else ' or '.join(limit)}"
        case "enum":
            choices = ", ".join(_shown(one) for one in limit[:MOST]) + (", …" if len(limit) > MOST else "")
            yield path, f"{value} is not one of {choices}"
        case "format":
            yield path, f"{value} is not {_FORMAT_WORDS.get(limit, limit)}"
        case "minLength" if limit == 1:
            yield path, "is empty"
        case keyword:
            words = _LIMIT_WORDS.get(keyword, "does not fit ({keyword})")
            yield path, words.format(value=value, limit=limit, keyword=keyword)


def _shown(value: Any) -> str:
    """A value as a message repeats it: short, and structures not at all."""
    if isinstance(value, dict | list | tuple):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value) if isinstance(value, str) else json.dumps(value, default=str)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _written(base: str, path: Sequence[str | int]) -> str:
    return base + "".join(f"[{step}]" if isinstance(step, int) else f".{step[:_SHOWN]}" for step in path)
