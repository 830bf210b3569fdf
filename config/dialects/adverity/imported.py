"""What a run has imported so far: what its latest try has printed, returned and put out as files."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from executions.models import Execution, ExecutionResult, OutputChunk

LINES = 20
"""The last lines of output that are shown."""
_FILES = 1_000
_LONGEST = 1_000
"""Characters of a line that are shown."""


def imported(execution: Execution, host: str) -> dict[str, Any]:
    """`log`, `values` and `files`, each where there is something; `host` begins the addresses of files."""
    found: dict[str, Any] = {}
    if log := _tail(execution):
        found["log"] = log
    result = ExecutionResult.objects.filter(pk=execution.pk).only("outputs").first()
    if result and result.outputs.get("json"):
        found["values"] = result.outputs["json"]
    if files := _files(execution, host):
        found["files"] = files
    return found


def _tail(execution: Execution) -> list[str]:
    """The last lines of output; a chunk holds at least one."""
    lines: list[str] = []
    for text in (
        OutputChunk.objects.filter(execution=execution.pk).order_by("-seq").values_list("text", flat=True)[:LINES]
    ):
        lines = text.removesuffix("\n").split("\n")[-LINES:] + lines
        if len(lines) >= LINES:
            break
    return [line[:_LONGEST] for line in lines[-LINES:]]


def _files(execution: Execution, host: str) -> list[dict[str, Any]]:
    return [
        {
            "name": file.path.rpartition("/")[2],
            "size": file.bytes,
            "media_type": file.media_type,
            "url": f"{host}{reverse('execution-file', args=(execution.pk, file.pk))}",
        }
        for file in execution.files.order_by("pk")[:_FILES]
    ]
