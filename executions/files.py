"""Output files: recorded with the end of their execution, read for whoever may, removed with its history."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.core.files.base import File
from django.db.models import QuerySet

from executions.executors.seed import storage
from executions.executors.seed.failure import Failure
from executions.models import Execution, ExecutionFile
from jobtypes.models import Workspace

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
