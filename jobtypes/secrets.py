"""Secrets in a configuration: taken out before it is stored or shown, put back before it is used. Pure.

What is secret: every property that the schema marks ``"writeOnly": true``, and user and password in a string of format
``uri``. Where such a value stood the public part has ``********``; of an object that is a secret the names stay and
each value is masked. The secrets go by their place, as a JSON Pointer: ``{"/secret_headers/X-Token": "…"}``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any, NamedTuple

from errors.exceptions import Invalid

MASK = "********"
_USERINFO = re.compile(r"(?P<before>\s*(?:[a-zA-Z][a-zA-Z0-9+.-]*:)?//)(?P<userinfo>[^/?#]*)@(?P<after>.*)", re.DOTALL)

Schema = Mapping[str, Any]
Path = tuple[str | int, ...]


def split_secrets(schema: Schema, configuration: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The configuration with its secrets masked, and the secrets by their place. Makes do with any configuration."""
    public = deepcopy(dict(configuration))
    secrets = {}
    for path in list(_secret_places(schema, public)):
        value = _get(public, path)
        if isinstance(value, str) and not _is_write_only(schema, path):
            url = _Url.read(value)
            secrets[_pointer(path)] = url.secret
            _set(public, path, url.with_secret(MASK))
        else:
            secrets[_pointer(path)] = value
            _set(public, path, MASK)
    return public, secrets


def merge_secrets(public: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration that `split_secrets` made these of; a secret whose place is gone is left out."""
    whole = deepcopy(dict(public))
    for pointer, secret in secrets.items():
        path = _find(whole, pointer)
        if path is None:
            continue
        value = _get(whole, path)
        if value == MASK:
            _set(whole, path, secret)
        elif isinstance(value, str) and (url := _Url.read(value)).secret == MASK:
            _set(whole, path, url.with_secret(secret))
    return whole


def keep_secrets(schema: Schema, new: Mapping[str, Any], old_secrets: Mapping[str, Any]) -> dict[str, Any]:
    """`new` with the stored value wherever ``********`` was sent back.

    Raises Invalid, by field, where nothing is stored that it could stand for.
    """
    kept = deepcopy(dict(new))
    missing: dict[str, list[str]] = {}
    for path in list(_secret_places(schema, kept)):
        value = _get(kept, path)
        url = _Url.read(value) if isinstance(value, str) and not _is_write_only(schema, path) else None
        if (url.secret if url else value) != MASK:
            continue
        stored = _stored(old_secrets, path)
        if stored is None:
            missing[".".join(("configuration", *map(str, path)))] = [
                f"{MASK} stands for a stored value; none is stored"
            ]
        else:
            _set(kept, path, url.with_secret(stored) if url else stored)
    if missing:
        raise Invalid("; ".join(f"{place}: {words[0]}" for place, words in missing.items()), missing)
    return kept


def is_secret(schema: Schema, path: Sequence[str | int]) -> bool:
    """Whether the value at `path`, or something in it or around it, is one that `split_secrets` may mask."""
    for step in path:
        if schema.get("writeOnly"):
            return True
        schema = _below(schema, step)
    return bool(schema.get("writeOnly")) or schema.get("format") == "uri"


def _secret_places(schema: Schema, value: Any, path: Path = ()) -> Iterator[Path]:
    """Where in `value` secrets stand."""
    if schema.get("writeOnly"):
        if isinstance(value, dict):
            yield from ((*path, name) for name in value)
        elif value is not None:
            yield path
    elif isinstance(value, str):
        if schema.get("format") == "uri" and _Url.read(value).secret:
            yield path
    elif isinstance(value, dict | list):
        for step, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _secret_places(_below(schema, step), part, (*path, step))


def _below(schema: Schema, step: str | int) -> Schema:
    """The schema of what stands at `step` of an object or list; {} where the schema says nothing about it."""
    if isinstance(step, int):
        below = schema.get("items")
    else:
        below = (schema.get("properties") or {}).get(step, schema.get("additionalProperties"))
    return below if isinstance(below, Mapping) else {}


def _is_write_only(schema: Schema, path: Path) -> bool:
    for step in path:
        if schema.get("writeOnly"):
            return True
        schema = _below(schema, step)
    return bool(schema.get("writeOnly"))


class _Url(NamedTuple):
    """A URL in pieces, as written. The secret is the password, or the user where there is none: often a token."""

    before: str
    user: str | None
    secret: str
    after: str

    @classmethod
    def read(cls, text: str) -> _Url:
        found = _USERINFO.fullmatch(text)
        if not found or not found["userinfo"]:
            return cls("", None, "", text)
        user, _, password = found["userinfo"].partition(":")
        if password:
            return cls(found["before"], user, password, found["after"])
        return cls(found["before"], None, found["userinfo"], found["after"])

    def with_secret(self, secret: str) -> str:
        return f"{self.before}{'' if self.user is None else self.user + ':'}{secret}@{self.after}"


def _stored(secrets: Mapping[str, Any], path: Path) -> Any:
    """What is stored for `path`: one secret, or an object of them; None if nothing."""
    pointer = _pointer(path)
    if pointer in secrets:
        return secrets[pointer]
    return {
        _name(key[len(pointer) + 1 :]): value for key, value in secrets.items() if key.startswith(pointer + "/")
    } or None


def _pointer(path: Path) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _name(step: str) -> str:
    return step.replace("~1", "/").replace("~0", "~")


def _find(whole: Any, pointer: str) -> Path | None:
    """The path of a JSON Pointer in `whole`; None if there is no such place."""
    path: Path = ()
    for text in pointer.split("/")[1:]:
        step: str | int = _name(text)
        if isinstance(whole, list) and text.isdecimal() and int(text) < len(whole):
            step = int(text)
        elif not isinstance(whole, dict) or step not in whole:
            return None
        whole, path = whole[step], (*path, step)
    return path


def _get(whole: Any, path: Path) -> Any:
    for step in path:
        whole = whole[step]
    return whole


def _set(whole: Any, path: Path, value: Any) -> None:
    _get(whole, path[:-1])[path[-1]] = value
