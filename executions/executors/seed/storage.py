"""Workspaces as storages: where the files that runs put out are kept, behind Django's storage API.

A workspace that Django's setting STORAGES names is that storage. Else one with a host broker is a folder: its
host_path, which ALLOWED_MOUNTS must list for writing, or, where that is empty, a folder in DATA_DIR/workspaces.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.files.storage import FileSystemStorage, Storage, storages

from executions.executors.seed.failure import Failure
from executions.executors.seed.mounts import Policy

_NAME = re.compile(r"[A-Za-z0-9_-]{1,50}")


def named(name: str, configuration: Mapping[str, Any]) -> Storage:
    """The storage of a workspace. Raises Failure: missing-mount."""
    if name in settings.STORAGES:
        return storages[name]
    broker = configuration.get("broker") or {}
    if broker.get("type") not in ("host", "nfs"):
        kind = broker.get("type")
        raise Failure("missing-mount", f"The workspace {name} is of the type {kind}, which STORAGES does not set up")
    path = str(broker.get("host_path") or broker.get("nfs_path") or "")
    if not path:
        if not _NAME.fullmatch(name):
            raise Failure("missing-mount", f"The workspace {name!r} has no folder")
        return FileSystemStorage(location=os.path.join(settings.DATA_DIR, "workspaces", name), base_url=None)
    folder = Policy(settings.ALLOWED_MOUNTS, [str(settings.DATA_DIR)]).folder(path, writable=True)
    return FileSystemStorage(location=folder, base_url=None)
