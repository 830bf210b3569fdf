"""What a run leaves in its OUTPUT_DIR, once its container is gone: files by their patterns, and seed.outputs.json.

Names and links in there are the container's to choose and are not believed: whatever a pattern finds is resolved, must
be a plain file in OUTPUT_DIR, and is opened without following a link. Copies go to workspaces under names made by us.
"""

from __future__ import annotations

import glob
import json
import os
import stat
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, NoReturn

from django.core.files.base import File
from django.core.files.storage import Storage

from executions.executors.seed import storage
from executions.executors.seed.failure import Failure
from executions.executors.seed.mounts import inside
from jobtypes.limits import excess
from jobtypes.seed.read import INPUT_FILES, OUTPUT_FILES, OUTPUT_JSON, entries

MANIFEST = "seed.outputs.json"
MAX_MANIFEST = 256 * 1024  # bytes
MAX_FILES = 1000  # of one run
MAX_PATH = 1024  # characters of a path in OUTPUT_DIR
_NOT_CAPTURED = (".metadata.json", MANIFEST, "results_manifest.json")
_TYPES: Mapping[str, type] = {"array": list, "boolean": bool, "object": dict, "string": str}


@dataclass(frozen=True, slots=True)
class Found:
    """A file that an output's pattern found."""

    name: str
    path: str
    """Relative to OUTPUT_DIR, as bytes that may be no text."""
    media_type: str

    @property
    def shown(self) -> str:
        return os.fsencode(self.path).decode("utf-8", "replace").replace("\0", "\ufffd")[:MAX_PATH]


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in a workspace; `key` is its name there, `path` what the container called it."""

    name: str
    path: str
    workspace: str
    key: str
    bytes: int
    media_type: str
    metadata: Any = None


def find(manifest: Mapping[str, Any], folder: Path) -> list[Found]:
    """The files of all declared outputs. Raises Failure: missing-required-output, unexpected-multiple-outputs."""
    found: list[Found] = []
    for _, entry in entries(manifest, OUTPUT_FILES):
        paths = list(_matches(entry["pattern"], folder))
        if not paths and entry.get("required", True):
            wanted = f"{entry['name']}: nothing in OUTPUT_DIR matches {entry['pattern']}"
            raise Failure("missing-required-output", f"The output {wanted}")
        if len(paths) > 1 and not entry.get("multiple", False):
            raise Failure("unexpected-multiple-outputs", f"The output {entry['name']} is one file, not {len(paths)}")
        media_type = entry.get("mediaType") or "application/octet-stream"
        found += [Found(entry["name"], path, media_type) for path in paths]
    if len(found) > MAX_FILES:
        raise Failure("unexpected-multiple-outputs", f"There are {len(found)} output files; {MAX_FILES} are kept")
    return found


def _matches(pattern: str, folder: Path) -> Iterator[str]:
    if os.path.isabs(pattern) or ".." in pattern.split("/") or "\0" in pattern:
        return
    real = os.path.realpath(folder)
    for path in sorted(glob.glob(pattern, root_dir=folder)):
        if any(part in path for part in _NOT_CAPTURED):
            continue
        target = os.path.realpath(os.path.join(real, path))
        if not inside(target, real):
            _say(f"{path!r} leads out of OUTPUT_DIR: it is left alone")
        elif not stat.S_ISREG(os.stat(target, follow_symlinks=False).st_mode):
            _say(f"{path!r} is no plain file: it is left alone")
        else:
            yield path


def _say(text: str) -> None:
    print(f"[outputs] {text}", file=sys.stderr)


@contextmanager
def opened(path: str, folder: Path) -> Iterator[IO[bytes]]:
    """The file at `path` in OUTPUT_DIR, if it is a plain one in there. Raises OSError."""
    real = os.path.realpath(folder)
    target = os.path.realpath(os.path.join(real, path))
    if not inside(target, real):
        raise FileNotFoundError(path)
    descriptor = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    is_plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
    if not is_plain or not inside(os.readlink(f"/proc/self/fd/{descriptor}"), real):
        os.close(descriptor)
        raise FileNotFoundError(path)
    with open(descriptor, "rb") as file:
        yield file


# --- seed.outputs.json ------------------------------------------------------------------------------------------------
def values(manifest: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The declared json outputs by name. Raises Failure: invalid-results-manifest, missing-required-output."""
    declared = [entry for _, entry in entries(manifest, OUTPUT_JSON)]
    if not declared:
        return {}
    given = _read(folder)
    told = {}
    for entry in declared:
        key = entry.get("key") or entry["name"]
        value = given.get(key, given.get(entry["name"]))
        if value is None:
            if entry.get("required", True):
                raise Failure("missing-required-output", f"{MANIFEST} has no {key}")
        elif not _is_of(value, entry["type"]):
            raise Failure("invalid-results-manifest", f"{MANIFEST}: {key} is not of type {entry['type']}")
        else:
            told[entry["name"]] = value
    return told


def _read(folder: Path) -> dict[str, Any]:
    try:
        with opened(MANIFEST, folder) as file:
            text = file.read(MAX_MANIFEST + 1)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise Failure("invalid-results-manifest", f"{MANIFEST} cannot be read: {error.strerror}") from error
    if len(text) > MAX_MANIFEST:
        raise Failure("invalid-results-manifest", f"{MANIFEST} is larger than {MAX_MANIFEST // 1024} KiB")
    try:
        given = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise Failure("invalid-results-manifest", f"{MANIFEST} is not JSON: {str(error)[:200]}") from error
    if not isinstance(given, dict):
        raise Failure("invalid-results-manifest", f"{MANIFEST} is not an object")
    if problem := excess(given, MANIFEST, MAX_MANIFEST):
        raise Failure("invalid-results-manifest", str(problem))
    return given


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number of JSON")


def _is_of(value: Any, kind: str) -> bool:
    if kind in _TYPES:
        return isinstance(value, _TYPES[kind])
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and (kind == "number" or float(value).is_integer())


# --- Keeping ----------------------------------------------------------------------------------------------------------
def keep(
    found: list[Found],
    folder: Path,
    prefix: str,
    workspace_of: Mapping[str, str],
    workspaces: Mapping[str, Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Copy every file to its workspace, all or none, under names that begin with `prefix`.

    Raises Failure: filesystem-io, missing-mount.
    """
    kept: list[Kept] = []
    stores: dict[str, Storage] = {}
    try:
        for one in found:
            name = workspace_of.get(one.name) or workspace_of[""]
            if name not in workspaces:
                raise Failure("missing-mount", f"The output {one.name} has no workspace to go to")
            store = stores.get(name) or stores.setdefault(name, storage.named(name, workspaces[name]))
            with opened(one.path, folder) as source:
                key = store.save(f"{prefix}/{uuid.uuid4().hex}", File(source))
                size = os.fstat(source.fileno()).st_size
            kept.append(Kept(one.name, one.shown, name, key, size, one.media_type, _metadata(one.path, folder)))
    except (OSError, Failure) as error:
        discard([asdict(one) for one in kept], workspaces)
        if isinstance(error, Failure):
            raise
        raise Failure("filesystem-io", f"An output file could not be kept: {error.strerror or error}") from error
    return [asdict(one) for one in kept]


def discard(kept: list[dict[str, Any]], workspaces: Mapping[str, Mapping[str, Any]]) -> None:
    """Remove files that were kept, as far as that is possible."""
    for one in kept:
        with suppress(OSError, Failure):
            storage.named(one["workspace"], workspaces[one["workspace"]]).delete(one["key"])


def input_metadata(manifest: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """What the run says of its input files: the GeoJSON in ``<INPUT NAME>.metadata.json``, for inputs of one file."""
    single = [entry["name"] for _, entry in entries(manifest, INPUT_FILES) if not entry.get("multiple")]
    return {name: told for name in single if (told := _metadata(name, folder)) is not None}


def _metadata(path: str, folder: Path) -> Any:
    """The GeoJSON beside a file: a Feature or a bare geometry; None where there is none, or a bad one."""
    try:
        with opened(f"{path}.metadata.json", folder) as file:
            text = file.read(MAX_MANIFEST + 1)
        given = json.loads(text, parse_constant=_refuse)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        given = None
    geometry = given.get("geometry", given) if isinstance(given, dict) else None
    good = isinstance(geometry, dict) and ("coordinates" in geometry) and excess(given, "m", MAX_MANIFEST) is None
    if not good:
        _say(f"the metadata of {path!r} is no GeoJSON feature or geometry: it is ignored")
        return None
    return given
