"""The fields of a Seed 1.0.0 manifest and of a Scale job configuration, as JSON Schema (2020-12). Data.

No object takes members that are not listed. A ``pattern`` comes with a ``description``, which ends the sentence "x is
not …". Every pattern takes time in proportion to the text.
"""

from __future__ import annotations

from typing import Any

from jobtypes.manifest import SEED_VERSION

MAX_MANIFEST = 128 * 1024  # bytes
MAX_ENTRIES = 1000  # of one list
MAX_TAGS = 50
MAX_NAME = 128
MAX_AMOUNT = 10**12  # of a resource; also keeps every sum a finite number
WEEK_SECONDS = 7 * 24 * 3600
LARGEST_INTEGER = 2**31 - 1  # of a database's integer column

Schema = dict[str, Any]

_END = r"$(?!\n)"  # Python's $ alone also takes a text that ends with a line break
_NUMBER = r"(?:0|[1-9][0-9]*)"
_PART = rf"(?:{_NUMBER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_BUILD = r"[0-9a-zA-Z-]+"
_SEMVER = rf"^{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PART}(?:\.{_PART})*)?(?:\+{_BUILD}(?:\.{_BUILD})*)?{_END}"


def _object(required: Schema, optional: Schema | None = None) -> Schema:
    """An object with these members and no others."""
    return {
        "type": "object",
        "required": list(required),
        "properties": required | (optional or {}),
        "additionalProperties": False,
    }


def _list(of: Schema, most: int = MAX_ENTRIES) -> Schema:
    return {"type": "array", "maxItems": most, "items": of}


def _text(most: int, pattern: str | None = None, description: str | None = None) -> Schema:
    said = {"pattern": pattern, "description": description} if pattern else {}
    return {"type": "string", "maxLength": most} | said


def _name(most: int = MAX_NAME) -> Schema:
    return _text(most, rf"^[a-zA-Z0-9_-]+{_END}", "a name of letters, digits, '_' and '-'")


_BOOLEAN: Schema = {"type": "boolean"}
_LINE = _text(250)
_VERSION = _text(50, _SEMVER, "a semantic version such as 1.0.0 or 2.1.0-beta.1")
_AMOUNT: Schema = {"type": "number", "minimum": 0, "maximum": MAX_AMOUNT}
_JSON_TYPE: Schema = {"enum": ["array", "boolean", "integer", "number", "object", "string"]}

_INPUT_FILE = _object(
    {"name": _name()},
    {"required": _BOOLEAN, "mediaTypes": _list(_LINE), "multiple": _BOOLEAN, "partial": _BOOLEAN},
)
_INPUT_JSON = _object({"name": _name(), "type": _JSON_TYPE}, {"required": _BOOLEAN})
_OUTPUT_FILE = _object(
    {"name": _name(), "pattern": _text(4096)}, {"mediaType": _LINE, "multiple": _BOOLEAN, "required": _BOOLEAN}
)
_OUTPUT_JSON = _object({"name": _name(), "type": _JSON_TYPE}, {"key": _LINE, "required": _BOOLEAN})
_MOUNT = _object({"name": _name(), "path": _text(4096)}, {"mode": {"enum": ["ro", "rw"]}})
_SETTING = _object({"name": _name()}, {"secret": _BOOLEAN})
_RESOURCE = _object({"name": _name(), "value": _AMOUNT}, {"inputMultiplier": _AMOUNT})
_ERROR = _object(
    # The name is required by Seed, but the sample that Scale's own manual prints has none: `normalized` derives it.
    {"code": {"type": "integer", "minimum": 1, "maximum": 255}},
    {
        "name": _name(50),
        "title": _text(50),
        "description": _text(250),
        "category": {"enum": ["job", "data"]},
    },
)
_INTERFACE = _object(
    {},
    {
        "command": _text(64 * 1024),
        "inputs": _object({}, {"files": _list(_INPUT_FILE), "json": _list(_INPUT_JSON)}),
        "outputs": _object({}, {"files": _list(_OUTPUT_FILE), "json": _list(_OUTPUT_JSON)}),
        "mounts": _list(_MOUNT),
        "settings": _list(_SETTING),
    },
)

MANIFEST: Schema = _object(
    {
        "seedVersion": {"const": SEED_VERSION},
        "job": _object(
            {
                "name": _text(50, rf"^[a-zA-Z0-9-]+{_END}", "a name of letters, digits and '-'"),
                "jobVersion": _VERSION,
                "packageVersion": _VERSION,
                "title": _LINE,
                "description": _text(10_000),
                "timeout": {"type": "integer", "minimum": 1, "maximum": WEEK_SECONDS},
                "maintainer": _object(
                    {"name": _LINE, "email": _LINE}, {"organization": _LINE, "url": _text(2000), "phone": _LINE}
                ),
            },
            {
                "tags": _list(_text(50), MAX_TAGS),
                "resources": _object({}, {"scalar": _list(_RESOURCE)}),
                "interface": _INTERFACE,
                "errors": _list(_ERROR),
            },
        ),
    }
)


def _if_type(name: str, then: Schema) -> Schema:
    return {"if": {"required": ["type"], "properties": {"type": {"const": name}}}, "then": then}


_MOUNT_TYPE: Schema = {"enum": ["host", "volume"]}
_HOST = _object({"type": _MOUNT_TYPE, "host_path": _text(4096)})
_VOLUME = _object(
    {"type": _MOUNT_TYPE},
    {"driver": _LINE, "driver_opts": {"type": "object", "additionalProperties": {"type": "string"}}},
)

CONFIGURATION: Schema = _object(
    {},
    {
        "version": {},  # has an error of its own
        "mounts": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["type"],
                "properties": {"type": _MOUNT_TYPE},
                "allOf": [_if_type("host", _HOST), _if_type("volume", _VOLUME)],
            },
        },
        "output_workspaces": _object(
            {},
            {
                "default": {"type": "string"},
                "outputs": {"type": "object", "additionalProperties": {"type": "string"}},
            },
        ),
        "priority": {"type": "integer", "minimum": 1, "maximum": LARGEST_INTEGER},
        # Any of them may be a secret, so that no message may repeat a value.
        "settings": {"type": "object", "additionalProperties": {"type": "string", "writeOnly": True}},
    },
)
CONFIGURATION_VERSIONS = ("6", "7", "2.0")
