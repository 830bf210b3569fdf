"""What one Seed run is to do, as plain data: made in the slot's thread, carried out in its runner. Pure.

The engine puts what it knows besides a job's own configuration into the order's configuration (executions.engine.run):
the image, the resources that the claim allocated, the workspaces by name, the files that ids refer to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from executions.executors import environment
from executions.executors.base import WorkOrder

LABEL = "org.jobhouse"
"""What the labels of our containers begin with: `.house`, `.execution`, `.worker`, `.run`."""


@dataclass(frozen=True, slots=True)
class Plan:
    execution: int
    image: str
    program: str
    """A local program in place of the image (setting SEED_PROGRAMS); empty: the image."""
    manifest: Mapping[str, Any]
    values: Mapping[str, Any]
    files: Mapping[str, Any]
    kept: Mapping[str, Mapping[str, Any]]
    """Where output files of earlier runs lie that `files` names, by id (a text, for JSON): workspace, configuration,
    key, path, media_type."""
    settings: Mapping[str, str] = field(repr=False)
    mounts: Mapping[str, Mapping[str, Any]]
    output_workspaces: Mapping[str, Any]
    workspaces: Mapping[str, Mapping[str, Any]]
    """The configuration of each workspace that `output_workspaces` names."""
    resources: Mapping[str, float]
    identity: Mapping[str, str]
    labels: Mapping[str, str]
    seconds: float | None
    processes: int | None
    open_files: int | None

    def encode(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def file_prefix(self) -> str:
        """What the names of its files in workspaces begin with, which several houses may share: house and execution."""
        return f"{self.labels[f'{LABEL}.house']}/{self.execution}"

    @property
    def workspace_of(self) -> dict[str, str]:
        """Where each declared output file goes that has a place of its own; "" names the default."""
        given = self.output_workspaces
        return {"": str(given.get("default") or ""), **{k: v for k, v in (given.get("outputs") or {}).items() if v}}


def plan(order: WorkOrder, programs: Mapping[str, str]) -> Plan:
    """What `order` asks for; `programs` is the setting SEED_PROGRAMS."""
    told, given = order.configuration, order.input
    return Plan(
        execution=order.execution,
        image=str(told.get("image") or ""),
        program=programs.get(order.job_type, ""),
        manifest=dict(order.manifest),
        values=dict(given.get("json") or {}),
        files=dict(given.get("files") or {}),
        kept=dict(told.get("kept") or {}),
        settings={name: str(value) for name, value in (told.get("settings") or {}).items()},
        mounts=dict(told.get("mounts") or {}),
        output_workspaces=dict(told.get("output_workspaces") or {}),
        workspaces=dict(told.get("workspaces") or {}),
        resources=dict(told.get("resources") or {}),
        identity=identity(order),
        labels=dict(told.get("labels") or {}) | seed_labels(order),
        seconds=order.limits.seconds,
        processes=order.limits.processes,
        open_files=order.limits.open_files,
    )


def identity(order: WorkOrder) -> dict[str, str]:
    """Which run this is, in Scale's words and in ours."""
    return environment.identity(order) | {"SCALE_JOB_ID": str(order.group), "SCALE_EXE_NUM": str(order.attempt)}


def seed_labels(order: WorkOrder) -> dict[str, str]:
    """Scale's labels."""
    return {
        "scale-job-id": str(order.group),
        "scale-job-execution-id": str(order.execution),
        "scale-job-type-name": order.job_type,
        "scale-job-type-version": order.version,
        "scale-task-type": "main",
    }
