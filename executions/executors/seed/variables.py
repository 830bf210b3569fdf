"""What a Seed run is told: its environment, and the values that its command may use. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from executions.executors.environment import as_text
from jobtypes.seed.read import INPUT_FILES, INPUT_JSON, SETTINGS, entries, environment_name

ALWAYS = ("cpus", "mem", "disk", "gpus")
"""Resources whose allocation every run is told."""


@dataclass(frozen=True, slots=True)
class Variables:
    environment: dict[str, str]
    """All of them."""
    fillable: dict[str, str]
    """Those that may stand on a command line: everything but secrets."""
    declared: frozenset[str]
    """Names of the manifest that stand for nothing when they have no value."""


def variables(
    manifest: Mapping[str, Any],
    *,
    values: Mapping[str, Any],
    files: Mapping[str, str],
    settings: Mapping[str, str],
    resources: Mapping[str, float],
    output_dir: str,
    input_metadata: str,
    identity: Mapping[str, str],
) -> Variables:
    """`values` is ``input.json``; `files` the path of each input file, or of the folder of several; `settings` include
    the secret ones; `identity` says which run this is, and gives way to what the manifest declares.
    """
    told: dict[str, str] = {}
    declared: set[str] = set()
    for _, entry in entries(manifest, INPUT_FILES):
        declared.add(name := environment_name(entry["name"]))
        if entry["name"] in files:
            told[name] = files[entry["name"]]
    for _, entry in entries(manifest, INPUT_JSON):
        declared.add(name := environment_name(entry["name"]))
        if (value := values.get(entry["name"])) is not None:
            told[name] = as_text(value)
    told |= {"OUTPUT_DIR": output_dir, "INPUT_METADATA": input_metadata, **_allocated(resources)}
    fillable = dict(told)
    for _, entry in entries(manifest, SETTINGS):
        name, value = environment_name(entry["name"]), settings.get(entry["name"])
        if value is not None:
            told[name] = value
        if entry.get("secret"):
            continue  # it stays as typed: a shell in the container finds it in its environment
        declared |= {name, entry["name"]}
        if value is not None:
            fillable[name] = value
            fillable.setdefault(entry["name"], value)
    return Variables(dict(identity) | told, fillable, frozenset(declared))


def _allocated(resources: Mapping[str, float]) -> dict[str, str]:
    """ALLOCATED_<RESOURCE>, with one decimal."""
    whole = dict.fromkeys(ALWAYS, 0.0) | dict(resources)
    return {
        f"ALLOCATED_{environment_name(name)}": f"{amount:.1f}"
        for name, amount in whole.items()
        if amount > 0 or name in ALWAYS
    }
