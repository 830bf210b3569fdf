"""What a Python function takes, as a JSON Schema (2020-12), and how a checked input becomes its arguments.

Type hints say what is allowed, defaults what may be left out, the docstring what it means. A function that cannot be
called with JSON is refused when it is registered, not when it runs. Beside the standard's own keywords the schema has

    x-positional    names of the parameters that positional arguments fill, in their order
    x-variadic      schema of further positional arguments; absent where there may be none
    x-order         all names in the order of the signature (a database may forget that of `properties`)
"""

from __future__ import annotations

import inspect
import json
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime, time
from enum import Enum
from typing import Annotated, Any, Literal, Union
from uuid import UUID

Schema = dict[str, Any]

_PLAIN: dict[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
_FORMATS: dict[Any, str] = {datetime: "date-time", date: "date", time: "time", UUID: "uuid"}
_ARRAYS = (list, tuple, set, frozenset, Sequence, Iterable, AbstractSet)
_SETS = (set, frozenset, AbstractSet)
_OBJECTS = (dict, Mapping)
_EMPTY = inspect.Parameter.empty
_PARAMETER = re.compile(
    r"(?P<indent>\s*)(?::param\s+(?:[^:]*\s)?)?\*{0,2}(?P<name>\w+)(?:\s*\([^)]*\))?:\s+(?P<text>\S.*)"
)


class SignatureError(TypeError):
    """The function cannot be called with JSON; the message names the parameter and the reason."""


def input_schema(function: Callable[..., Any]) -> Schema:
    """The JSON Schema of the parameters of `function`, by name. Raises SignatureError."""
    parameters, hints = _parameters(function)
    texts = _parameter_texts(inspect.getdoc(function) or "", parameters)
    schema: Schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    positional: list[str] = []
    for name, parameter in parameters.items():
        try:
            one = schema_of(hints.get(name, Any))
            if parameter.kind is parameter.VAR_POSITIONAL:
                schema["x-variadic"] = one
                continue
            if parameter.kind is parameter.VAR_KEYWORD:
                schema["additionalProperties"] = one or True
                continue
            schema["properties"][name] = _described(one, parameter.default, texts.get(name))
        except SignatureError as error:
            raise SignatureError(f"{function.__qualname__}: parameter {name!r}: {error}") from None
        if parameter.default is _EMPTY:
            schema["required"].append(name)
        if parameter.kind is not parameter.KEYWORD_ONLY:
            positional.append(name)
    return schema | {"x-positional": positional, "x-order": list(schema["properties"])}


def seed_inputs(schema: Schema) -> list[dict[str, Any]]:
    """The parameters of an `input_schema` as entries of a Seed manifest's ``interface.inputs.json``, in their order."""
    required = schema["required"]
    return [
        {"name": name, "type": _seed_type(schema["properties"][name]), "required": name in required}
        for name in schema["x-order"]
    ]


def summary(function: Callable[..., Any]) -> str:
    """The first paragraph of the docstring in one line, or ""."""
    return " ".join((inspect.getdoc(function) or "").partition("\n\n")[0].split())


def arguments(function: Callable[..., Any], given: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """What to call `function` with for a checked input: ``{"json": {…}}``, or ``{"args": […], "kwargs": {…}}``.

    JSON values become what the type hints say: times, dates, UUIDs, members of an Enum, sets and tuples.
    Raises TypeError or ValueError, worded for people, where the input does not fit.
    """
    parameters, hints = _parameters(function)
    keywords = {**(given.get("json") or {}), **(given.get("kwargs") or {})}
    bound = _bind(function, given.get("args") or [], keywords)
    for name, value in bound.arguments.items():
        hint, kind = hints.get(name, Any), parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            bound.arguments[name] = tuple(_revived(hint, one) for one in value)
        elif kind is inspect.Parameter.VAR_KEYWORD:
            bound.arguments[name] = {key: _revived(hint, one) for key, one in value.items()}
        else:
            bound.arguments[name] = _revived(hint, value)
    return list(bound.args), dict(bound.kwargs)


def _bind(function: Callable[..., Any], args: Sequence[Any], keywords: dict[str, Any]) -> inspect.BoundArguments:
    """Bind by name also what Python takes by position only."""
    signature, args = inspect.signature(function), list(args)
    for name in list(signature.parameters)[len(args) :]:
        if signature.parameters[name].kind is not inspect.Parameter.POSITIONAL_ONLY or name not in keywords:
            break
        args.append(keywords.pop(name))
    return signature.bind(*args, **keywords)


def _parameters(function: Callable[..., Any]) -> tuple[Mapping[str, inspect.Parameter], dict[str, Any]]:
    try:
        hints: dict[str, Any] = typing.get_type_hints(function, include_extras=True)
    except NameError as error:
        raise SignatureError(f"{function.__qualname__}: a type hint cannot be resolved: {error}") from None
    parameters = inspect.signature(function).parameters
    for name in parameters:
        if not name.isascii():
            raise SignatureError(f"{function.__qualname__}: parameter {name!r}: names are ASCII letters, digits and _")
    return parameters, hints


def schema_of(hint: Any) -> Schema:
    """The JSON Schema of a type hint; dicts in Annotated add to it. SignatureError for what JSON cannot hold."""
    origin, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is Annotated:
        extra = [more for more in inner[1:] if isinstance(more, dict)]
        return {key: value for part in (schema_of(inner[0]), *extra) for key, value in part.items()}
    if hint is Any or hint is _EMPTY or hint is object:
        return {}
    if hint is None or (isinstance(hint, type) and hint in _PLAIN):
        return {"type": _PLAIN.get(hint, "null")}
    if isinstance(hint, type) and hint in _FORMATS:
        return {"type": "string", "format": _FORMATS[hint]}
    if origin is Literal:
        return _enum(inner)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _enum([member.value for member in hint])
    if origin in (Union, types.UnionType):
        return _any_of([schema_of(one) for one in inner])
    if origin is tuple and inner and inner[-1] is not Ellipsis:
        parts = [schema_of(one) for one in inner]
        return {"type": "array", "prefixItems": parts, "minItems": len(parts), "maxItems": len(parts)}
    if origin in _ARRAYS:
        items = schema_of(inner[0]) if inner else {}
        return {"type": "array"} | ({"items": items} if items else {}) | (_UNIQUE if origin in _SETS else {})
    if origin in _OBJECTS:
        if inner and inner[0] not in (str, Any):
            raise SignatureError(f"the keys of {_name(hint)} are not str, as those of a JSON object are")
        values = schema_of(inner[1]) if inner else {}
        return {"type": "object"} | ({"additionalProperties": values} if values else {})
    raise SignatureError(f"{_name(hint)} cannot be given as JSON")


_UNIQUE = {"uniqueItems": True}


def _enum(values: Iterable[Any]) -> Schema:
    values = list(values)
    kinds = {_PLAIN.get(type(value)) for value in values}
    if None in kinds:
        raise SignatureError(f"the choices {values!r} are not all of them text, numbers, booleans or None")
    return {"enum": values} | ({"type": kinds.pop()} if len(kinds) == 1 else {})


def _any_of(schemas: list[Schema]) -> Schema:
    """One of `schemas`; kept plain where null is all that is added, so that forms and messages stay simple."""
    others = [schema for schema in schemas if schema != {"type": "null"}]
    if {} in others:
        return {}
    one = dict(others[0]) if len(others) == 1 else {"anyOf": others}
    return _or_null(one) if len(others) < len(schemas) else one


def _or_null(schema: Schema) -> Schema:
    """`schema`, which None fits as well."""
    if not schema or "null" in (kinds := _kinds(schema)) or None in schema.get("enum", ()):
        return schema
    if "anyOf" in schema:
        return (
            schema if {"type": "null"} in schema["anyOf"] else {**schema, "anyOf": [*schema["anyOf"], {"type": "null"}]}
        )
    return (
        schema
        | ({"type": [*kinds, "null"]} if kinds else {})
        | ({"enum": [*schema["enum"], None]} if "enum" in schema else {})
    )


def _kinds(schema: Schema) -> list[str]:
    kinds = schema.get("type", [])
    return [kinds] if isinstance(kinds, str) else kinds


def _described(schema: Schema, default: Any, text: str | None) -> Schema:
    if default is not _EMPTY:
        default = _as_json(default)
        schema = (_or_null(schema) if default is None else schema) | {"default": default}
    return schema | {"description": text} if text else schema


def _as_json(value: Any) -> Any:
    """A default as JSON holds it. Raises SignatureError when it cannot."""
    if isinstance(value, Enum):
        value = value.value
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, (set, frozenset)):
        value = sorted(value, key=repr)
    try:
        return json.loads(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError):
        raise SignatureError(f"its default, {value!r}, cannot be written as JSON") from None


def _parameter_texts(doc: str, names: Iterable[str]) -> dict[str, str]:
    """What a docstring says of each parameter, as ``:param name: text`` or as ``name: text`` (below ``Args:`` or not).

    Lines that follow and are indented deeper belong to it.
    """
    known, texts, current, depth = set(names), dict[str, str](), "", 0
    for line in doc.splitlines():
        found = _PARAMETER.fullmatch(line.rstrip())
        if found and found["name"] in known:
            current, depth = found["name"], len(found["indent"])
            texts[current] = found["text"]
        elif current and line.strip() and len(line) - len(line.lstrip()) > depth:
            texts[current] += " " + line.strip()
        else:
            current = ""
    return texts


def _seed_type(schema: Schema) -> str:
    """The one JSON type that a Seed manifest can state; "string" where any will do."""
    alternatives: list[Schema] = schema.get("anyOf", [])
    kinds = [kind for one in (schema, *alternatives) for kind in _kinds(one) if kind != "null"]
    return kinds[0] if kinds else "string"


def _revived(hint: Any, value: Any) -> Any:
    """A JSON value as what `hint` asks for. Raises ValueError when it cannot be."""
    origin, inner = typing.get_origin(hint) or hint, typing.get_args(hint)
    if origin is Annotated:
        return _revived(inner[0], value)
    if isinstance(value, str) and hint in (datetime, date, time):
        return hint.fromisoformat(value)
    if isinstance(value, str) and hint is UUID:
        return UUID(value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if origin in (Union, types.UnionType):
        return _first_revived(inner, value)
    if isinstance(value, list) and origin in _ARRAYS:
        hints = inner[:1] * len(value) if origin is not tuple or inner[1:] == (...,) else inner
        revived = [_revived(one, part) for one, part in zip(hints or [Any] * len(value), value, strict=True)]
        return {tuple: tuple, set: set, frozenset: frozenset, AbstractSet: set}.get(origin, list)(revived)
    if isinstance(value, dict) and origin in _OBJECTS and inner:
        return {key: _revived(inner[1], part) for key, part in value.items()}
    return value


def _first_revived(hints: Sequence[Any], value: Any) -> Any:
    """`value` as the first of `hints` that makes something else of it, or as it is."""
    for hint in hints:
        try:
            revived = _revived(hint, value)
        except (ValueError, TypeError):
            continue
        if revived is not value:
            return revived
    return value


def _name(hint: Any) -> str:
    return hint.__name__ if isinstance(hint, type) else str(hint).replace("typing.", "")
