"""What is wrong with a manifest or a configuration, or worth a warning. Pure.

Takes anything that JSON can hold: what is too large is refused first and not looked into; whatever has its right shape
is checked even where its neighbours have not, so that all errors can be shown at once.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain, islice
from typing import Any

from jsonschema import Draft4Validator, Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend
from referencing import Registry

from jobtypes.interface import validate_configuration
from jobtypes.limits import MAX_CONFIGURATION, excess
from jobtypes.seed.read import (
    ERRORS,
    INPUT_FILES,
    INPUT_JSON,
    MINIMUMS,
    MOUNTS,
    OUTPUT_FILES,
    RESOURCES,
    SETTINGS,
    entries,
    environment_name,
    names,
)
from jobtypes.seed.report import ErrorName, Finding, Report, WarningName, found, shown, written
from jobtypes.seed.schema import CONFIGURATION, CONFIGURATION_VERSIONS, MANIFEST, MAX_MANIFEST

MOST = 100  # errors that are reported, and as many warnings

Workspaces = Mapping[str, bool]
"""Every workspace there is: its name, and whether it is active."""


def check_manifest(manifest: Any) -> Report:
    """The errors of a manifest, and warnings about it."""
    if too_much := _too_much(manifest):
        return Report((too_much,))
    errors = chain(
        _misshapen(manifest),
        _fractional_gpus(manifest),
        _collisions(manifest),
        _doubles(ErrorName.DUPLICATE_MOUNT_NAMES, names(manifest, MOUNTS)),
        _doubles(ErrorName.DUPLICATE_ERROR_NAMES, names(manifest, ERRORS)),
        _relative_mounts(manifest),
    )
    return _report(errors, _nonstandard_resources(manifest))


def check_configuration(
    configuration: Any, manifest: Any, workspaces: Workspaces, *, stored_secrets: Collection[str] = ()
) -> Report:
    """The errors of a configuration for a job type with this manifest, and warnings about it.

    `stored_secrets` names the secret settings whose values the house keeps, so that they need not be given again.
    """
    if _outgrows(configuration, MAX_CONFIGURATION):
        size = f"is larger than {MAX_CONFIGURATION // 1024} KiB"
        return Report((found(ErrorName.INVALID_CONFIGURATION, "configuration", size),))
    errors = chain(
        _unknown_version(configuration),
        (
            found(ErrorName.INVALID_CONFIGURATION, problem.path, problem.message)
            for problem in validate_configuration(CONFIGURATION, configuration)
        ),
        _relative_hosts(configuration),
        _unknown_workspaces(configuration, workspaces),
        _outputs_without_workspace(configuration, manifest),
    )
    warnings = chain(
        _mount_warnings(configuration, manifest),
        _deprecated_workspaces(configuration, workspaces),
        _setting_warnings(configuration, manifest, stored_secrets),
    )
    return _report(errors, warnings)


def _report(errors: Iterable[Finding], warnings: Iterable[Finding]) -> Report:
    return Report(tuple(islice(errors, MOST)), tuple(islice(warnings, MOST)))


# --- Size -------------------------------------------------------------------------------------------------------------
def _too_much(manifest: Any) -> Finding | None:
    if _outgrows(manifest, MAX_MANIFEST):
        return found(ErrorName.JSON_VALIDATION_ERROR, "manifest", f"is larger than {MAX_MANIFEST // 1024} KiB")
    if problem := excess(manifest, "manifest", MAX_MANIFEST):
        return found(ErrorName.JSON_VALIDATION_ERROR, problem.path.removeprefix("manifest."), problem.message)
    return None


def _outgrows(value: Any, most: int) -> bool:
    """Whether `value` is sure to take more than `most` bytes as JSON. Looks at no more of it than it needs to know."""
    left, waiting = most, [value]
    while waiting and left >= 0:
        match waiting.pop():
            case str(text):
                left -= len(text) + 2
            case list(parts):
                left -= len(parts) + 1
                if left >= 0:
                    waiting += parts
            case dict(members):
                left -= 2 * len(members) + 1
                if left >= 0:
                    waiting += [*members, *members.values()]
            case _:
                left -= 1
    return left < 0


# --- The manifest's shape ---------------------------------------------------------------------------------------------
_WORDS = {
    "type": "{value} is not {limit}",
    "const": "{value} is not {limit}",
    "enum": "{value} is not one of {limit}",
    "pattern": "{value} is not {description}",
    "minimum": "{value} is less than {limit}",
    "maximum": "{value} is more than {limit}",
    "maxLength": "has more than {limit} characters",
    "maxItems": "has more than {limit} entries",
}
_TYPES = {
    "object": "an object",
    "array": "a list",
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def _short_items(validator: Any, items: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """The keyword ``items``, for lists that are not too long: to look into the others would take long."""
    if isinstance(instance, list) and len(instance) <= schema["maxItems"]:
        yield from Draft202012Validator.VALIDATORS["items"](validator, items, instance, schema)


# By the fourth draft, which Seed is written in, 3600.0 is no integer.
_ManifestValidator = extend(Draft202012Validator, {"items": _short_items}, type_checker=Draft4Validator.TYPE_CHECKER)
_VALIDATOR = _ManifestValidator(MANIFEST, registry=Registry())


def _misshapen(manifest: Any) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for error in _VALIDATOR.iter_errors(manifest):
        for path, message in _told(error):
            if (path, message) not in told:
                told.add((path, message))
                yield found(ErrorName.JSON_VALIDATION_ERROR, path, message)


def _told(error: ValidationError) -> Iterator[tuple[str, str]]:
    """A validator's error in our words: paths and messages."""
    path, limit = tuple(error.absolute_path), error.validator_value
    match error.validator:
        case "required":
            yield from ((written(*path, name), "is required") for name in limit if name not in error.instance)
        case "additionalProperties":
            known = error.schema["properties"]
            yield from ((written(*path, name), "is not known") for name in error.instance if name not in known)
        case keyword:
            about = error.schema.get("description")
            words = _WORDS[keyword].format(value=shown(error.instance), limit=_limit(keyword, limit), description=about)
            yield written(*path) or "manifest", words


def _limit(keyword: str, limit: Any) -> str:
    match keyword:
        case "type":
            return _TYPES[limit]
        case "enum":
            return ", ".join(map(shown, limit))
    return shown(limit)


# --- What a schema cannot say of a manifest ---------------------------------------------------------------------------
def _fractional_gpus(manifest: Any) -> Iterator[Finding]:
    for path, entry in entries(manifest, RESOURCES):
        name, value = entry.get("name"), entry.get("value")
        if isinstance(name, str) and name.lower() == "gpus" and isinstance(value, float) and not value.is_integer():
            message = f"{shown(value)} is not a whole number of GPUs"
            yield found(ErrorName.JSON_VALIDATION_ERROR, f"{path}.value", message)


def _collisions(manifest: Any) -> Iterator[Finding]:
    """Names that become one environment variable."""
    variables = [
        (path, environment_name(name))
        for place in (SETTINGS, INPUT_FILES, INPUT_JSON)
        for path, name in names(manifest, place)
    ]
    variables += [(path, f"ALLOCATED_{environment_name(name)}") for path, name in names(manifest, RESOURCES)]
    holders = {"OUTPUT_DIR": "the output directory"}
    for path, variable in variables:
        if variable in holders:
            message = f"becomes the environment variable {shown(variable)}, as {holders[variable]} does"
            yield found(ErrorName.NAME_COLLISION_ERROR, path, message)
        holders.setdefault(variable, path)


def _doubles(error: ErrorName, named: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    holders: dict[str, str] = {}
    for path, name in named:
        if name in holders:
            yield found(error, path, f"{shown(name)} is the name of {holders[name].removesuffix('.name')} too")
        holders.setdefault(name, path)


def _relative_mounts(manifest: Any) -> Iterator[Finding]:
    for place, entry in entries(manifest, MOUNTS):
        if _is_relative(path := entry.get("path")):
            yield found(ErrorName.INVALID_MOUNT_PATH, f"{place}.path", f"{shown(path)} is not an absolute path")


def _is_relative(path: Any) -> bool:
    return isinstance(path, str) and not path.startswith("/")


def _nonstandard_resources(manifest: Any) -> Iterator[Finding]:
    for path, name in names(manifest, RESOURCES):
        if name.lower() not in MINIMUMS:
            message = f"{shown(name)} is not a standard resource: only a worker that offers it runs the job"
            yield found(WarningName.NONSTANDARD_RESOURCE, path, message)


# --- What a schema cannot say of a configuration ----------------------------------------------------------------------
def _part(configuration: Any, *steps: str) -> dict[str, Any]:
    """The object at `steps`; empty where there is none."""
    for step in steps:
        configuration = configuration.get(step) if isinstance(configuration, dict) else None
    return configuration if isinstance(configuration, dict) else {}


def _unknown_version(configuration: Any) -> Iterator[Finding]:
    if isinstance(configuration, dict) and configuration.get("version", "7") not in CONFIGURATION_VERSIONS:
        choices = " or ".join(map(shown, CONFIGURATION_VERSIONS))
        message = f"{shown(configuration['version'])} is not {choices}"
        yield found(ErrorName.INVALID_VERSION, "configuration.version", message)


def _relative_hosts(configuration: Any) -> Iterator[Finding]:
    mounts = _part(configuration, "mounts")
    for name in mounts:
        mount = _part(mounts, name)
        if mount.get("type") == "host" and _is_relative(path := mount.get("host_path")):
            place = written("configuration", "mounts", name, "host_path")
            yield found(ErrorName.HOST_ABSOLUTE_PATH, place, f"{shown(path)} is not an absolute path")


def _named_workspaces(configuration: Any) -> dict[str, str]:
    """The workspaces that a configuration names, each with the first place that does."""
    workspaces = _part(configuration, "output_workspaces")
    # An empty default is none; an empty name for an output is a name.
    named = {"default": workspaces.get("default") or None}
    named |= {written("outputs", name): given for name, given in _part(workspaces, "outputs").items()}
    places: dict[str, str] = {}
    for place, workspace in named.items():
        if isinstance(workspace, str):
            places.setdefault(workspace, f"configuration.output_workspaces.{place}")
    return places


def _unknown_workspaces(configuration: Any, workspaces: Workspaces) -> Iterator[Finding]:
    for workspace, path in _named_workspaces(configuration).items():
        if workspace not in workspaces:
            yield found(ErrorName.INVALID_WORKSPACE, path, f"there is no workspace {shown(workspace)}")


def _outputs_without_workspace(configuration: Any, manifest: Any) -> Iterator[Finding]:
    workspaces = _part(configuration, "output_workspaces")
    if workspaces.get("default"):
        return
    placed = _part(workspaces, "outputs")
    missing = dict.fromkeys(name for _, name in names(manifest, OUTPUT_FILES) if name not in placed)
    for name in missing:
        place = written("configuration", "output_workspaces", "outputs", name)
        message = f"output {shown(name)} has no workspace, and there is no default workspace"
        yield found(ErrorName.MISSING_WORKSPACE, place, message)


def _deprecated_workspaces(configuration: Any, workspaces: Workspaces) -> Iterator[Finding]:
    for workspace, path in _named_workspaces(configuration).items():
        if workspaces.get(workspace) is False:
            yield found(WarningName.DEPRECATED_WORKSPACE, path, f"workspace {shown(workspace)} is not active")


def _mount_warnings(configuration: Any, manifest: Any) -> Iterator[Finding]:
    unknown, missing = _compared(_part(configuration, "mounts"), names(manifest, MOUNTS))
    for name in unknown:
        place = written("configuration", "mounts", name)
        yield found(WarningName.UNKNOWN_MOUNT, place, "is ignored: the manifest has no such mount")
    for name in missing:
        place = written("configuration", "mounts", name)
        yield found(WarningName.MISSING_MOUNT, place, "is not configured: no job can run without it")


def _setting_warnings(configuration: Any, manifest: Any, stored_secrets: Collection[str]) -> Iterator[Finding]:
    unknown, missing = _compared(_part(configuration, "settings"), names(manifest, SETTINGS))
    for name in unknown:
        place = written("configuration", "settings", name)
        yield found(WarningName.UNKNOWN_SETTING, place, "is ignored: the manifest has no such setting")
    for name in missing:
        if name not in stored_secrets:
            place = written("configuration", "settings", name)
            yield found(WarningName.MISSING_SETTING, place, "has no value")


def _compared(configured: Collection[str], named: Iterable[tuple[str, str]]) -> tuple[list[str], list[str]]:
    """What is configured but not declared, and what is declared but not configured."""
    declared = dict.fromkeys(name for _, name in named)
    return [name for name in configured if name not in declared], [name for name in declared if name not in configured]
