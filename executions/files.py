"""Output files: recorded with the end of their execution, read for whoever may, removed with its history."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from django.core.files.base import File
from django.core.files.storage import Storage
from django.db.models import QuerySet

from executions.executors.seed import storage
from executions.executors.seed.failure import Failure
from executions.models import Execution, ExecutionFile
from jobtypes.models import Workspace

ORPHANED_AFTER = timedelta(days=1)
"""What nobody recorded for so long was left behind by a run that lost its worker while it kept its files."""
_AT_ONCE = 500
FIELDS = ("name", "path", "workspace", "key", "bytes", "media_type", "metadata")


def record(kept: Mapping[int, Mapping[str, Any]]) -> dict[int, dict[str, list[int]]]:
    """Make rows for the files that executions kept: by execution, ``{output name: [file, …]}`` as executors return it.

    Returns the same with ids in place of files. Call inside the transaction that records their end.
    """
    made = [
        ExecutionFile(execution_id=execution, **{field: one.get(field) for field in FIELDS})
        for execution, files in kept.items()
        for listed in files.values()
        for one in listed
    ]
    ExecutionFile.objects.bulk_create(made)
    ids: dict[int, dict[str, list[int]]] = {execution: {name: [] for name in kept[execution]} for execution in kept}
    for row in made:
        ids[row.execution_id].setdefault(row.name, []).append(row.pk)
    return ids


def open_file(row: ExecutionFile) -> File[Any]:
    """The file's content. Raises FileNotFoundError when it, or its workspace, is gone."""
    workspace = Workspace.objects.filter(name=row.workspace).first()
    if workspace is None:
        raise FileNotFoundError(row.workspace)
    try:
        return storage.named(workspace.name, workspace.configuration).open(row.key)
    except Failure as failure:
        raise FileNotFoundError(failure.message) from failure


def discard(executions: QuerySet[Execution] | Iterable[int]) -> int:
    """Remove the stored files of `executions`, whose rows are about to go; what cannot be removed is left behind."""
    rows = list(ExecutionFile.objects.filter(execution__in=executions).only("workspace", "key"))
    configurations = dict(
        Workspace.objects.filter(name__in={row.workspace for row in rows}).values_list("name", "configuration")
    )
    removed = 0
    for row in rows:
        try:
            storage.named(row.workspace, configurations.get(row.workspace, {})).delete(row.key)
            removed += 1
        except (OSError, Failure):
            continue
    return removed


def discard_orphans(house: str, now: datetime) -> int:
    """Remove files of this house's runs of which no row knows, from every workspace; return how many."""
    removed = 0
    for workspace in Workspace.objects.order_by("pk"):
        with suppress(OSError, Failure, NotImplementedError):  # a storage that cannot be listed, or is not there
            store = storage.named(workspace.name, workspace.configuration)
            ours = iter([int(name) for name in store.listdir(house)[0] if name.isdecimal()])
            while batch := list(islice(ours, _AT_ONCE)):
                live = set(Execution.objects.live().filter(pk__in=batch).values_list("pk", flat=True))
                known = ExecutionFile.objects.filter(workspace=workspace.name, execution__in=batch)
                keys = set(known.values_list("key", flat=True))
                for execution in set(batch) - live:
                    removed += _discard_unknown(store, f"{house}/{execution}", keys, now - ORPHANED_AFTER)
    return removed


def _discard_unknown(store: Storage, folder: str, known: Collection[str], before: datetime) -> int:
    keys = [f"{folder}/{name}" for name in store.listdir(folder)[1]]
    orphans = [key for key in keys if key not in known and store.get_modified_time(key) < before]
    for key in orphans:
        store.delete(key)
    if len(orphans) == len(keys):
        with suppress(OSError):
            store.delete(folder)
    return len(orphans)
