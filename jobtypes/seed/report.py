"""What a check found: errors and warnings under Scale's names, each with the place it is at."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

_SHOWN = 40  # characters of a name or value that are repeated


class ErrorName(StrEnum):
    """Why a document is refused, in the order in which errors are found."""

    JSON_VALIDATION_ERROR = "JSON_VALIDATION_ERROR"
    NAME_COLLISION_ERROR = "NAME_COLLISION_ERROR"
    DUPLICATE_MOUNT_NAMES = "DUPLICATE_MOUNT_NAMES"
    DUPLICATE_ERROR_NAMES = "DUPLICATE_ERROR_NAMES"
    INVALID_MOUNT_PATH = "INVALID_MOUNT_PATH"
    INVALID_VERSION = "INVALID_VERSION"
    INVALID_CONFIGURATION = "INVALID_CONFIGURATION"
    HOST_ABSOLUTE_PATH = "HOST_ABSOLUTE_PATH"
    INVALID_WORKSPACE = "INVALID_WORKSPACE"
    MISSING_WORKSPACE = "MISSING_WORKSPACE"


class WarningName(StrEnum):
    """What somebody should know about a document that is taken all the same, in the order of finding."""

    UNKNOWN_MOUNT = "UNKNOWN_MOUNT"
    MISSING_MOUNT = "MISSING_MOUNT"
    DEPRECATED_WORKSPACE = "DEPRECATED_WORKSPACE"
    UNKNOWN_SETTING = "UNKNOWN_SETTING"
    MISSING_SETTING = "MISSING_SETTING"
    NONSTANDARD_RESOURCE = "NONSTANDARD_RESOURCE"


@dataclass(frozen=True, slots=True)
class Finding:
    """One error or warning. `description` says it all, the place included, and never repeats a setting's value.

    `path` is ``job.interface.inputs.json[2].name`` in a manifest, ``configuration.mounts.data.host_path`` in a
    configuration; ``manifest`` and ``configuration`` are the documents as a whole.
    """

    name: ErrorName | WarningName
    description: str
    path: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a check found, in the order of finding."""

    errors: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()

    @property
    def is_valid(self) -> bool:
        return not self.errors

    @property
    def first_error(self) -> Finding | None:
        return self.errors[0] if self.errors else None

    def __add__(self, other: Report) -> Report:
        """Both reports, this one's findings first."""
        return Report(self.errors + other.errors, self.warnings + other.warnings)


def found(name: ErrorName | WarningName, path: str, message: str) -> Finding:
    """A finding at `path`; `message` follows it: ``is required``."""
    return Finding(name, f"{path}: {message}", path)


def written(*steps: str | int) -> str:
    """A path: names after dots, numbers in brackets, long names cut."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step[:_SHOWN]}" for step in steps)
    return text.removeprefix(".")


def shown(value: Any) -> str:
    """A value as a message repeats it: short, and structures not at all."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    text = repr(value[: _SHOWN + 1]) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
