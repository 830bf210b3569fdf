"""What a manifest says. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from math import ceil
from typing import Any

from django.utils.text import slugify

from errors.catalogue import ALGORITHM, DATA

INPUT_FILES = "job.interface.inputs.files"
INPUT_JSON = "job.interface.inputs.json"
OUTPUT_FILES = "job.interface.outputs.files"
OUTPUT_JSON = "job.interface.outputs.json"
MOUNTS = "job.interface.mounts"
SETTINGS = "job.interface.settings"
RESOURCES = "job.resources.scalar"
ERRORS = "job.errors"

MINIMUMS = {"cpus": 0.25, "mem": 128.0, "disk": 0.0, "gpus": 0.0, "sharedmem": 0.0}
"""The least that a run gets of each standard resource: CPUs, GPUs, and MiB of the others."""

_CATEGORIES = {"data": DATA, "job": ALGORITHM}
_MAX_ERROR_NAME = 50

Manifest = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DeclaredError:
    """An error that a manifest declares: what an exit code of its container means."""

    code: int
    name: str
    title: str
    description: str | None
    category: str  # DATA or ALGORITHM


def entries(manifest: Any, place: str) -> list[tuple[str, dict[str, Any]]]:
    """The objects in the list at `place`, each with its path; none where there is no such list. Takes anything."""
    part = manifest
    for step in place.split("."):
        if not isinstance(part, dict):
            return []
        part = part.get(step)
    listed = enumerate(part) if isinstance(part, list) else ()
    return [(f"{place}[{number}]", one) for number, one in listed if isinstance(one, dict)]


def names(manifest: Any, place: str) -> Iterator[tuple[str, str]]:
    """The names in the list at `place`, each with its path. Takes anything."""
    for path, entry in entries(manifest, place):
        if isinstance(name := entry.get("name"), str):
            yield f"{path}.name", name


def environment_name(name: str) -> str:
    """The environment variable that an input or setting is handed over in; names that share one collide."""
    return name.upper().replace("-", "_")


def tags(manifest: Manifest) -> list[str]:
    """The tags, each once, in the manifest's order."""
    return list(dict.fromkeys(manifest["job"].get("tags", ())))


def split_settings_secrets(
    configuration: Mapping[str, Any], manifest: Manifest
) -> tuple[dict[str, Any], dict[str, str]]:
    """The configuration without the settings that the manifest marks secret, and those settings by name."""
    secret = {entry["name"] for _, entry in entries(manifest, SETTINGS) if entry.get("secret")}
    public = deepcopy(dict(configuration))
    settings = public.get("settings", {})
    secrets = {name: settings.pop(name) for name in list(settings) if name in secret}
    return public, secrets


# --- Errors -----------------------------------------------------------------------------------------------------------
def declared_errors(manifest: Manifest) -> list[DeclaredError]:
    """The errors that the manifest declares, normalized or not, with every name given or derived."""
    listed = [entry for _, entry in entries(manifest, ERRORS)]
    return [
        DeclaredError(
            code=entry["code"],
            name=name,
            title=entry.get("title", name),
            description=entry.get("description"),
            category=_CATEGORIES[entry.get("category", "job")],
        )
        for entry, name in zip(listed, error_names(manifest), strict=True)
    ]


def exit_code_errors(manifest: Manifest) -> dict[int, str]:
    """Exit code -> name of the error it stands for; of several errors with one code the last."""
    return {error.code: error.name for error in declared_errors(manifest)}


def error_names(manifest: Manifest) -> list[str]:
    """The name of each declared error, no two alike: where none is given the title's slug, else ``error-<code>``."""
    listed = [entry for _, entry in entries(manifest, ERRORS)]
    taken = {entry["name"] for entry in listed if "name" in entry}
    named = []
    for entry in listed:
        name = entry.get("name")
        if name is None:
            wanted = slugify(entry.get("title", ""))[:_MAX_ERROR_NAME] or f"error-{entry['code']}"
            name = next(free for free in _numbered(wanted) if free not in taken)
            taken.add(name)
        named.append(name)
    return named


def _numbered(name: str) -> Iterator[str]:
    """``name``, ``name-2``, ``name-3``, … none too long."""
    yield name
    for number in count(2):
        yield f"{name[: _MAX_ERROR_NAME - len(f'-{number}')]}-{number}"


# --- Resources --------------------------------------------------------------------------------------------------------
def resources(manifest: Manifest, input_mib: float = 0) -> dict[str, float]:
    """What a run with files of `input_mib` MiB in all needs, by the resource's name in lower case.

    Every resource of MINIMUMS is in it. A resource that grows with the input, and disk, are whole numbers then.
    """
    size = ceil(input_mib)
    needed = dict(MINIMUMS)
    for _, entry in entries(manifest, RESOURCES):
        name = entry["name"].lower()
        needed[name] = max(MINIMUMS.get(name, 0.0), _amount(entry, size))
    needed["disk"] = max(needed["disk"], float(size))
    return needed


def _amount(entry: Mapping[str, Any], size: int) -> float:
    if "inputMultiplier" not in entry:
        return float(entry["value"])
    # As written, in decimals: with binary floats 1.1 x 10 MiB would need 12 MiB.
    return float(ceil(Fraction(str(entry["inputMultiplier"])) * size + Fraction(str(entry["value"]))))
