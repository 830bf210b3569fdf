"""What the plain fields of a job may hold, and what they hold when nothing is said; pure.

A rule gets a value of any kind, from any door, and returns it ready to be stored, or raises ValueError with a message
that begins with "must": the name of the field is put before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from unicodedata import category

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from jobs.models import Job

MAX_INTEGER = 2_147_483_647
WEEK_SECONDS = 7 * 24 * 3600
MAX_NAME = 128
MAX_TAGS = 50
MAX_LABEL = 250
"""Characters of a tag's or label's name, and of its value."""
MAX_PROCESSORS = 20
MAX_OPTION = 4096
"""Characters of what a processor is told: a folder may be long."""

RESERVED_NAMES = frozenset({"validation"})
"""They stand in the API where a job's name would."""

Value = TypeVar("Value")

_NAME_BESIDES_LETTERS = frozenset("0123456789-_")
_NUL = "\x00"
_HALF_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Rule:
    default: Any
    clean: Callable[[Any], Any]


def text(limit: int) -> Callable[[Any], str]:
    def clean(value: Any) -> str:
        if not isinstance(value, str):
            raise ValueError("must be a text")
        storable(value)
        if len(value) > limit:
            raise ValueError(f"must have at most {limit} characters, not {len(value)}")
        return value

    return clean


def name(value: Any) -> str:
    """Lower-case letters of any script, digits, `-` and `_`."""
    said = text(MAX_NAME)(value)
    if not said:
        raise ValueError("must not be empty")
    wrong = sorted({letter for letter in said if category(letter) != "Ll" and letter not in _NAME_BESIDES_LETTERS})
    if wrong:
        shown = " ".join(repr(letter) for letter in wrong[:5])
        raise ValueError(f"must hold lower-case letters, digits, - and _ only, not {shown}")
    if said in RESERVED_NAMES:
        raise ValueError(f"must not be {said}, which is a word of the API")
    return said


def email(value: Any) -> str:
    said = text(MAX_LABEL)(value)
    if said:
        try:
            validate_email(said)
        except ValidationError as error:
            raise ValueError("must be an e-mail address") from error
    return said


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")
    return value


def whole(low: int, high: int = MAX_INTEGER) -> Callable[[Any], int]:
    def clean(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError("must be a whole number")
        if not low <= value <= high:
            raise ValueError(f"must be between {low} and {high}")
        return value

    return clean


def one_of(words: list[str]) -> Callable[[Any], str]:
    def clean(value: Any) -> str:
        if value not in words:
            raise ValueError(f"must be one of {', '.join(words)}")
        return str(value)

    return clean


def moment(value: Any) -> datetime:
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise ValueError("must be a date and time with its offset, like 2026-11-21T10:00:00Z")
    return value


def optional(clean: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else clean(value)


def labels(limit: int) -> Callable[[Any], dict[str, str]]:
    """A flat object of texts."""

    def clean(value: Any) -> dict[str, str]:
        if not isinstance(value, Mapping):
            raise ValueError("must be an object of texts")
        if len(value) > limit:
            raise ValueError(f"must have at most {limit} entries, not {len(value)}")
        for key, said in value.items():
            if not isinstance(key, str) or not isinstance(said, str):
                raise ValueError("must be an object of texts")
            if not key:
                raise ValueError("must not have an empty name")
            if len(key) > MAX_LABEL or len(said) > MAX_LABEL:
                raise ValueError(f"must have names and values of at most {MAX_LABEL} characters")
        return storable(dict(value))

    return clean


def processors(value: Any) -> dict[str, dict[str, str]]:
    """Names of processors, each with its options: texts, and true or false, which become texts."""
    if not isinstance(value, Mapping) or not all(isinstance(options, Mapping) for options in value.values()):
        raise ValueError("must be an object of names, each with an object of options")
    if len(value) > MAX_PROCESSORS:
        raise ValueError(f"must name at most {MAX_PROCESSORS} processors, not {len(value)}")
    if any(not isinstance(key, str) or not 0 < len(key) <= MAX_LABEL for key in value):
        raise ValueError(f"must have names of 1 to {MAX_LABEL} characters")
    return storable({key: _options(options) for key, options in value.items()})


def _options(options: Mapping[Any, Any]) -> dict[str, str]:
    if len(options) > MAX_TAGS:
        raise ValueError(f"must have at most {MAX_TAGS} options for each, not {len(options)}")
    texts = {key: str(said).lower() if isinstance(said, bool) else said for key, said in options.items()}
    for key, said in texts.items():
        if not isinstance(key, str) or not isinstance(said, str):
            raise ValueError("must have options that are texts")
        if not 0 < len(key) <= MAX_LABEL or len(said) > MAX_OPTION:
            raise ValueError(f"must have options of at most {MAX_OPTION} characters")
    return texts


def storable(value: Value) -> Value:
    """`value`, a text or anything JSON, if every database can keep it: no NUL, no half a surrogate pair."""
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if _NUL in item:
                raise ValueError("must not hold a NUL character")
            if not item.isascii() and _HALF_SURROGATE.search(item):
                raise ValueError("must not hold half a surrogate pair")
        elif isinstance(item, Mapping):
            waiting.extend(item.keys())
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
    return value


FIELDS: Mapping[str, Rule] = {
    "title": Rule("", text(250)),
    "description": Rule("", text(10_000)),
    "owner": Rule("", text(250)),
    "owner_email": Rule("", email),
    "is_enabled": Rule(True, flag),
    "starts_at": Rule(None, optional(moment)),
    "expires_at": Rule(None, optional(moment)),
    "priority": Rule(None, optional(whole(1))),
    "timeout": Rule(None, optional(whole(1, WEEK_SECONDS))),
    "retries": Rule(0, whole(0, 100)),
    "retry_delay": Rule(1, whole(0, 3600)),
    "deadline": Rule(172_800, whole(1)),
    "concurrency": Rule(Job.Concurrency.ALLOW.value, one_of(Job.Concurrency.values)),
    "misfire_policy": Rule(Job.Misfire.ONCE.value, one_of(Job.Misfire.values)),
    "misfire_grace": Rule(None, optional(whole(0))),
    "at_most_once": Rule(False, flag),
    "is_ephemeral": Rule(False, flag),
    "tags": Rule({}, labels(MAX_TAGS)),
    "metadata": Rule({}, labels(MAX_TAGS)),
    "processors": Rule({}, processors),
}
"""The fields whose value stands for itself, each with its default."""
