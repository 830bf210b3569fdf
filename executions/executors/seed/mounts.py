"""Which of the worker's folders, and which volumes, a container may see.

A host folder only where ALLOWED_MOUNTS lists it or one above it, read-only unless listed as ``/folder:rw``. Never a
folder that holds the engine's socket or the house's own data, whatever is listed. Volumes are fresh ones of the
engine's own driver; other drivers, and options, which may be host paths, only where ALLOWED_VOLUME_DRIVERS lists them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from executions.executors.seed.failure import Failure
from jobtypes.seed.read import MOUNTS, entries

LOCAL_DRIVERS = ("", "local")


@dataclass(frozen=True, slots=True)
class Mount:
    """Something that a container sees at `target`: a host folder, or, with `volume`, a volume of that name."""

    source: str
    target: str
    read_only: bool = True
    is_volume: bool = False
    driver: str = ""
    driver_opts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Policy:
    """What may be mounted."""

    allowed: Sequence[str]
    """Entries of ALLOWED_MOUNTS: ``/folder`` or ``/folder:rw``."""
    forbidden: Sequence[str] = ()
    """Files and folders that no mount may hold, be, or lie in."""
    drivers: Sequence[str] = ()
    """Volume drivers besides the engine's own."""

    def folder(self, path: str, *, writable: bool) -> str:
        """`path`, resolved, if it may be mounted so. Raises Failure: missing-mount."""
        if not os.path.isabs(path) or "\0" in path:
            raise Failure("missing-mount", f"{path!r} is no absolute path")
        real = os.path.realpath(path)
        for one in self.forbidden:
            if inside(real, os.path.realpath(one)) or inside(os.path.realpath(one), real):
                raise Failure("missing-mount", f"{path} is not mounted: it would show the house's own {one}")
        modes = [mode for folder, mode in map(_entry, self.allowed) if inside(real, os.path.realpath(folder))]
        if not modes:
            raise Failure("missing-mount", f"{path} is not mounted: ALLOWED_MOUNTS does not list it")
        if writable and "rw" not in modes:
            raise Failure("missing-mount", f"{path} is not mounted for writing: ALLOWED_MOUNTS lists it read-only")
        if not os.path.exists(real):
            raise Failure("missing-mount", f"{path} is not mounted: there is no such folder on this worker")
        return real


def mounts(
    manifest: Mapping[str, Any], configured: Mapping[str, Mapping[str, Any]], policy: Policy, execution: int
) -> list[Mount]:
    """The mounts that the manifest asks for, as the configuration answers. Raises Failure: missing-mount."""
    return [_mount(entry, configured.get(entry["name"]), policy, execution) for _, entry in entries(manifest, MOUNTS)]


def _mount(entry: Mapping[str, Any], given: Mapping[str, Any] | None, policy: Policy, execution: int) -> Mount:
    name, target = entry["name"], entry["path"]
    if given is None:
        raise Failure("missing-mount", f"The mount {name} is not configured")
    writable = entry.get("mode", "ro") == "rw"
    if ":" in target or ".." in target.split("/"):
        raise Failure("missing-mount", f"The mount {name} has an unusable path: {target!r}")
    if given.get("type") == "host":
        return Mount(policy.folder(given["host_path"], writable=writable), target, not writable)
    driver, options = given.get("driver") or "", given.get("driver_opts") or {}
    if (driver not in LOCAL_DRIVERS or options) and driver not in policy.drivers:
        raise Failure("missing-mount", f"The mount {name} is a volume that ALLOWED_VOLUME_DRIVERS does not list")
    return Mount(f"jobhouse_{execution}_mount_{name}", target, not writable, True, driver, dict(options))


def inside(path: str, folder: str) -> bool:
    """Whether `path` is `folder` or lies below it; both resolved."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _entry(text: str) -> tuple[str, str]:
    folder, colon, mode = text.rpartition(":")
    return (folder, mode) if colon and mode in ("ro", "rw") else (text, "ro")


def problems(allowed: Iterable[str]) -> list[str]:
    """What is wrong with entries of ALLOWED_MOUNTS, for people."""
    return [f"{text!r} is no absolute path" for text in allowed if not os.path.isabs(_entry(text)[0])]
