"""Good documents with everything written out that they leave unsaid. Pure; nothing given is changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from errors.exceptions import Invalid
from jobtypes.seed.read import (
    ERRORS,
    INPUT_FILES,
    INPUT_JSON,
    MOUNTS,
    OUTPUT_FILES,
    OUTPUT_JSON,
    RESOURCES,
    SETTINGS,
    entries,
    error_names,
)
from jobtypes.seed.schema import MAX_MANIFEST

PRIORITY = 100
DEFAULTS: dict[str, dict[str, Any]] = {
    INPUT_FILES: {"required": True, "mediaTypes": [], "multiple": False, "partial": False},
    INPUT_JSON: {"required": True},
    OUTPUT_FILES: {"mediaType": "application/octet-stream", "multiple": False, "required": True},
    OUTPUT_JSON: {"required": True},
    MOUNTS: {"mode": "ro"},
    SETTINGS: {"secret": False},
    ERRORS: {"category": "job"},
}


def as_object(manifest: Any) -> dict[str, Any]:
    """The manifest as an object: it is one, or is the text of one. Raises Invalid for anything else."""
    if isinstance(manifest, str):
        manifest = _parsed(manifest)
    if not isinstance(manifest, dict):
        raise Invalid.field("manifest", "must be a JSON object")
    return manifest


def normalized(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest without errors as it is stored and shown.

    Defaults are written in, names of resources are in lower case, errors without a name get one. Optional blocks that
    are absent stay absent. Normalizing twice changes nothing.
    """
    whole = deepcopy(dict(manifest))
    for place, defaults in DEFAULTS.items():
        for _, entry in entries(whole, place):
            entry |= deepcopy(defaults) | entry
    for _, entry in entries(whole, OUTPUT_JSON):
        entry.setdefault("key", entry["name"])
    for _, entry in entries(whole, RESOURCES):
        entry["name"] = entry["name"].lower()
    for (_, entry), name in zip(entries(whole, ERRORS), error_names(whole), strict=True):
        entry["name"] = name
        entry.setdefault("title", name)
    return whole


def normalized_configuration(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A configuration without errors as it is stored and shown: all four members, and no version."""
    whole = deepcopy(dict(configuration))
    workspaces = whole.get("output_workspaces", {})
    volume = {"driver": "", "driver_opts": {}}
    return {
        "mounts": {
            name: mount if mount["type"] == "host" else deepcopy(volume) | mount
            for name, mount in whole.get("mounts", {}).items()
        },
        "output_workspaces": {"default": workspaces.get("default", ""), "outputs": workspaces.get("outputs", {})},
        "priority": int(whole.get("priority", PRIORITY)),
        "settings": whole.get("settings", {}),
    }


def _parsed(text: str) -> Any:
    if len(text) > MAX_MANIFEST:
        raise Invalid.field("manifest", f"is larger than {MAX_MANIFEST // 1024} KiB")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise Invalid.field("manifest", "is nested too deeply") from error
    except ValueError as error:  # also a number of thousands of digits
        raise Invalid.field("manifest", f"is not JSON: {error}") from error
