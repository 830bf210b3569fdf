"""What a Seed run is told besides its job's own words: image, resources, workspaces, secrets, files of earlier runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from executions.engine import capacity, containers
from executions.executors.seed import inputs
from executions.executors.seed.failure import Failure
from executions.models import Execution, ExecutionFile
from jobtypes import seed
from jobtypes.models import JobTypeRevision, Workspace


def configuration(
    execution: Execution, revision: JobTypeRevision, own: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The order's configuration, and the secrets in it. `own` is the job's, used instead of its type's unless it is
    empty; secret settings are always the type's, where the job has none. `given` is the input.

    Raises CannotDecrypt.
    """
    job_type = execution.job_type
    secrets = job_type.secrets
    whole = seed.normalized_configuration(own or job_type.configuration)
    whole["settings"] = {**secrets, **whole["settings"]}
    named = {whole["output_workspaces"]["default"], *whole["output_workspaces"]["outputs"].values()}
    workspaces = dict(Workspace.objects.filter(name__in=named).values_list("name", "configuration"))
    resources = execution.resources or capacity.needs(revision.pk, execution.payload_id)
    return whole | {
        "image": revision.docker_image or job_type.docker_image,
        "workspaces": workspaces,
        "kept": _kept(given),
        "resources": resources,
        "labels": containers.labels(execution),
    }, tuple(secrets.values())


def _kept(given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Where the output files lie that the input names by their ids."""
    try:
        wanted = inputs.references(given.get("files") or {})
    except Failure:
        return {}  # the run itself says what is wrong
    ids = {one.id for listed in wanted.values() for one in listed if one.id is not None}
    if not ids:
        return {}
    rows = list(ExecutionFile.objects.filter(pk__in=ids))
    configurations = dict(
        Workspace.objects.filter(name__in={row.workspace for row in rows}).values_list("name", "configuration")
    )
    return {
        str(row.pk): {
            "workspace": row.workspace,
            "configuration": configurations.get(row.workspace, {}),
            "key": row.key,
            "path": row.path,
            "media_type": row.media_type,
        }
        for row in rows
    }
