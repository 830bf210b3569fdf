"""What a client sent as manifest and configuration, judged: refused in Scale's words, or as a report of all findings.

One validator, `jobtypes.seed`, stands behind creating, editing and validating; here its findings become answers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from copy import deepcopy
from typing import Any

from errors.exceptions import Invalid
from jobtypes import seed, workspaces
from jobtypes.seed import ErrorName, Finding, Report
from jobtypes.seed.schema import CONFIGURATION

_OF_THE_SHAPE = frozenset({ErrorName.INVALID_VERSION, ErrorName.INVALID_CONFIGURATION})
"""What is wrong with a configuration whatever its manifest says."""

Manifest = dict[str, Any]


def manifest_of(raw: Any) -> Manifest:
    """A manifest as it is stored, from an object or the text of one. Raises Invalid with the first error."""
    manifest = seed.as_object(raw)
    refuse("Seed Manifest invalid", seed.check_manifest(manifest).first_error)
    return seed.normalized(manifest)


def refuse_misshapen(configuration: Any, manifest: Manifest) -> None:
    """Raise Invalid where a configuration is none, for whatever manifest."""
    report = seed.check_configuration(configuration, manifest, {})
    wrong = (found for found in report.errors if found.name in _OF_THE_SHAPE)
    refuse("Job type configuration invalid", next(wrong, None))


def refuse_unfit(
    doing: str, configuration: Mapping[str, Any], manifest: Manifest, *, stored_secrets: Collection[str] = ()
) -> None:
    """Raise Invalid where a configuration does not fit `manifest`, or the house; `doing` says what cannot be done."""
    report = seed.check_configuration(configuration, manifest, workspaces.known(), stored_secrets=stored_secrets)
    refuse(doing, report.first_error)


def findings(raw_manifest: Any, configuration: Any) -> Report:
    """Everything that is wrong with both documents or worth a warning, in Scale's order. Raises Invalid for a manifest
    that is neither an object nor the text of one.
    """
    manifest = seed.as_object(raw_manifest)
    of_manifest = seed.check_manifest(manifest)
    of_configuration = seed.check_configuration(configuration or {}, manifest, workspaces.known())
    # Errors of the manifest come first, warnings about it last.
    return Report(of_manifest.errors + of_configuration.errors, of_configuration.warnings + of_manifest.warnings)


def refuse(doing: str, wrong: Finding | None) -> None:
    """Raise Invalid, in the words of `doing`, where there is a finding."""
    if wrong is not None:
        document = "configuration" if wrong.path.startswith("configuration") else "manifest"
        raise Invalid(f"{doing}: [{wrong.name}] {wrong.description}", {document: [wrong.description]})


def configuration_schema(manifest: Manifest) -> dict[str, Any]:
    """The JSON Schema of the configuration that a *job* of this type may have: Scale's, with its secret settings."""
    schema = deepcopy(CONFIGURATION)
    interface = manifest["job"].get("interface") or {}
    secret = [setting["name"] for setting in interface.get("settings", ()) if setting.get("secret")]
    schema["properties"]["settings"] = {
        "type": "object",
        "properties": {name: {"type": "string", "writeOnly": True} for name in secret},
        "additionalProperties": {"type": "string"},
    }
    schema["properties"]["version"] = {"enum": list(seed.CONFIGURATION_VERSIONS)}
    return schema
