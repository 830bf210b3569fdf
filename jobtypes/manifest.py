"""The Seed manifest (1.0.0) of a job type. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

SEED_VERSION = "1.0.0"
SYSTEM_VERSION = "1.0.0"
MAINTAINER = {"name": "Jobhouse", "email": "jobhouse@localhost"}
_NAME = re.compile(r"[a-zA-Z0-9-]+")

Manifest = dict[str, Any]


def system_manifest(
    name: str,
    *,
    title: str,
    description: str = "",
    version: str = SYSTEM_VERSION,
    timeout: int = 3600,
    inputs: Iterable[Mapping[str, Any]] = (),
    outputs: Iterable[Mapping[str, Any]] = (),
    tags: Iterable[str] = (),
) -> Manifest:
    """The manifest of a job type that the house itself brings: an executor, or a registered Python task.

    `inputs` and `outputs` are entries of Seed's ``interface.inputs.json`` and ``interface.outputs.json``; `timeout`
    is in seconds. Raises ValueError for a name that Seed does not know as one.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a Seed job: letters, digits and '-'")
    job: dict[str, Any] = {
        "name": name,
        "jobVersion": version,
        "packageVersion": version,
        "title": title,
        "description": description,
        "tags": list(tags),
        "maintainer": dict(MAINTAINER),
        "timeout": timeout,
        "interface": {"inputs": {"json": [dict(one) for one in inputs]}},
    }
    if given := [dict(one) for one in outputs]:
        job["interface"]["outputs"] = {"json": given}
    return {"seedVersion": SEED_VERSION, "job": job}
