"""What a client may send as a job: Dkron's types, its defaults and its rules, in its order; pure.

Absent and null mean the zero value. Nothing is coerced, and names that are not known are ignored, with one kindness: in
`processors`, true and false stand for their texts.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from config.dialects.dkron import goes, moments, schedules
from config.dialects.dkron.executors import Said

ALLOW, FORBID = "allow", "forbid"
_BESIDES_LETTERS = frozenset("0123456789-_")
_LARGEST = 2**63 - 1
"""Go's unsigned numbers reach twice as far; no column of ours does, and no count."""
_SHOWN = 40


class Unparsable(Exception):
    """It is no job: a value is of another type than Dkron's."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Unable to parse payload: {reason}")


class Wrong(Exception):
    """It is a job, and breaks a rule of Dkron's."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Job validation failed: {reason}")


@dataclass(frozen=True, slots=True)
class Definition:
    """A job as a client sent it."""

    name: str = ""
    displayname: str = ""
    timezone: str = ""
    schedule: str = ""
    owner: str = ""
    owner_email: str = ""
    disabled: bool = False
    tags: dict[str, str] | None = None
    metadata: dict[str, str] | None = None
    retries: int = 0
    parent_job: str = ""
    processors: dict[str, dict[str, str]] | None = None
    concurrency: str | None = None
    executor: str = ""
    executor_config: dict[str, str] | None = None
    ephemeral: bool = False
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    past: Past = field(default_factory=lambda: Past())

    @property
    def said(self) -> Said:
        return Said(self.executor, self.executor_config or {})

    def ours(self) -> schedules.Ours:
        """Its schedule in the house's words. A child's own never fires."""
        found = schedules.translate(self.schedule, self.timezone, self.name)
        return schedules.Ours(schedules.MANUALLY, found.timezone) if self.parent_job else found


@dataclass(frozen=True, slots=True)
class Past:
    """What a job says about what came of it so far: heard when jobs are restored or imported, and not otherwise."""

    success_count: int = 0
    error_count: int = 0
    last_success: datetime | None = None
    last_error: datetime | None = None
    status: str = ""


def read(body: Any) -> Definition:
    """The job in the value of a JSON text. Raises Unparsable."""
    if not isinstance(body, Mapping):
        raise Unparsable(f"a job is an object, not {_kind(body)}")
    said = _Reader(body)
    return Definition(
        name=said.text("name"),
        displayname=said.text("displayname"),
        timezone=said.text("timezone"),
        schedule=said.text("schedule"),
        owner=said.text("owner"),
        owner_email=said.text("owner_email"),
        disabled=said.flag("disabled"),
        tags=said.texts("tags"),
        metadata=said.texts("metadata"),
        retries=said.whole("retries", 0),
        parent_job=said.text("parent_job"),
        processors=said.processors(),
        concurrency=said.text("concurrency") if body.get("concurrency") is not None else None,
        executor=said.text("executor"),
        executor_config=said.texts("executor_config"),
        ephemeral=said.flag("ephemeral"),
        starts_at=said.moment("starts_at", moments.read_from_form),
        expires_at=said.moment("expires_at", moments.read_from_form),
        past=_past(said),
    )


def _past(said: _Reader) -> Past:
    said.names("dependent_jobs")
    said.moment("next", moments.read)
    return Past(
        success_count=said.whole("success_count", -(2**63)),
        error_count=said.whole("error_count", -(2**63)),
        last_success=said.moment("last_success", moments.read),
        last_error=said.moment("last_error", moments.read),
        status=said.text("status"),
    )


class _Reader:
    """Reads the members of an object, each as one type. Raises Unparsable."""

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._body = body

    def text(self, name: str) -> str:
        value = self._body.get(name)
        return "" if value is None else self._of(str, value, name, "text")

    def flag(self, name: str) -> bool:
        value = self._body.get(name)
        return False if value is None else self._of(bool, value, name, "boolean")

    def whole(self, name: str, low: int) -> int:
        value = self._body.get(name)
        if value is None:
            return 0
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= _LARGEST:
            raise Unparsable(f"{name}: {_kind(value)} is no {'whole number' if low < 0 else 'whole number from 0 up'}")
        return value

    def moment(self, name: str, read: Any) -> datetime | None:
        value = self._body.get(name)
        if value is None:
            return None
        try:
            found: datetime = read(self._of(str, value, name, "time"))
        except ValueError as error:
            raise Unparsable(f"{name}: {error}") from None
        return None if moments.written(found) == moments.ZERO else found

    def texts(self, name: str) -> dict[str, str] | None:
        value = self._body.get(name)
        return None if value is None else self._texts(value, name)

    def names(self, name: str) -> list[str]:
        value = self._body.get(name)
        return (
            [] if value is None else [self._of(str, one, name, "text") for one in self._of(list, value, name, "list")]
        )

    def processors(self) -> dict[str, dict[str, str]] | None:
        value = self._body.get("processors")
        if value is None:
            return None
        return {
            name: self._texts(settings, f"processors.{name}", booleans=True)
            for name, settings in self._of(dict, value, "processors", "object").items()
        }

    def _texts(self, value: Any, name: str, *, booleans: bool = False) -> dict[str, str]:
        if value is None:
            return {}
        found = {}
        for key, said in self._of(dict, value, name, "object").items():
            if booleans and isinstance(said, bool):
                said = "true" if said else "false"
            found[key] = "" if said is None else self._of(str, said, f"{name}.{key}", "text")
        return found

    @staticmethod
    def _of(kind: type, value: Any, name: str, word: str) -> Any:
        if not isinstance(value, kind):
            raise Unparsable(f"{name[:100]}: {_kind(value)} is no {word}")
        return value


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case dict():
            return "an object"
    return "a list"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a job says already and may go on to say, Dkron's or not: it was made at another door."""

    schedule: str
    concurrency: str


def check(definition: Definition, kept: Kept | None = None) -> None:
    """Dkron's rules, in its order. Raises Wrong for the first that is broken."""
    if not definition.name:
        raise Wrong("name cannot be empty")
    for letter in definition.name:
        if unicodedata.category(letter) != "Ll" and letter not in _BESIDES_LETTERS:
            raise Wrong(f"name contains illegal character {letter!r}: lower-case letters, digits, _ and - are allowed")
    if definition.parent_job == definition.name:
        raise Wrong("the job can not have itself as parent")
    is_kept = kept is not None and definition.schedule == kept.schedule
    if not is_kept:
        _check_schedule(definition)
    if definition.concurrency not in (None, "", ALLOW, FORBID, kept.concurrency if kept else None):
        said = str(definition.concurrency)[:_SHOWN]
        raise Wrong(f"invalid concurrency policy value {said!r}, use {ALLOW!r} or {FORBID!r}")
    try:
        schedules.translate(
            schedules.MANUALLY if is_kept else definition.schedule, definition.timezone, definition.name
        )
    except schedules.BadZone as error:
        raise Wrong(str(error)) from None
    if definition.executor == "shell":
        _check_shell(definition.executor_config or {})


def _check_schedule(definition: Definition) -> None:
    if not definition.schedule.strip():
        if definition.parent_job:
            return
        raise Wrong("schedule cannot be parsed: an empty one needs a parent_job")
    try:
        schedules.translate(definition.schedule, "", definition.name)
    except schedules.BadSchedule as error:
        raise Wrong(f"schedule cannot be parsed: {error}") from None


def _check_shell(config: Mapping[str, str]) -> None:
    for name, read in (("timeout", goes.duration), ("mem_limit", goes.size)):
        try:
            if config.get(name):
                read(config[name])
        except ValueError as error:
            raise Wrong(f"error parsing {name}: {error}") from None
