"""A slot to run Seed images in: a runner of a real fork server, without an engine or database around it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from executions.executors.base import Limits, Outcome, WorkOrder
from executions.executors.container import ContainerExecutor
from executions.executors.process.client import Processes, Stop
from executions.executors.seed.plan import LABEL
from jobtypes import seed
from tests.executions.containers.images import IMAGE

RESOURCES = {"cpus": 0.5, "mem": 128.0, "disk": 0.0, "gpus": 0.0, "sharedmem": 0.0}
WORKSPACES = {"workspace_1": {"broker": {"type": "host", "host_path": ""}}}
HOUSE = "testhouse"


def a_seed_manifest(
    command: str = "sh -c ${SCRIPT}", *, errors: list[dict[str, Any]] | None = None, **interface: Any
) -> dict[str, Any]:
    """A normalized manifest; `interface` are members of its interface. Its command runs the setting SCRIPT."""
    interface["settings"] = [{"name": "SCRIPT"}, *interface.get("settings", ())]
    job: dict[str, Any] = {
        "name": "of-a-test",
        "jobVersion": "1.0.0",
        "packageVersion": "1.0.0",
        "title": "Of a test",
        "description": "",
        "timeout": 30,
        "maintainer": {"name": "Ada", "email": "ada@example.org"},
        "interface": {"command": command, **interface},
    }
    if errors:
        job["errors"] = errors
    manifest = {"seedVersion": "1.0.0", "job": job}
    assert not seed.check_manifest(manifest).errors
    return seed.normalized(manifest)


@dataclass
class Slot:
    """Runs orders one after the other and keeps what the last one printed."""

    processes: Processes
    written: dict[str, bytes] = field(default_factory=dict)
    stop: Stop = field(default_factory=Stop)
    number: int = 1000

    def run(
        self,
        script: str = "true",
        *,
        manifest: Mapping[str, Any] | None = None,
        settings: Mapping[str, str] | None = None,
        values: Mapping[str, Any] | None = None,
        files: Mapping[str, Any] | None = None,
        seconds: float | None = 30,
        processes: int | None = 64,
        secrets: tuple[str, ...] = (),
        job_type: str = "of-a-test",
        **told: Any,
    ) -> Outcome:
        self.number += 1
        self.written = {"stdout": b"", "stderr": b""}
        self.stop = Stop()
        configuration = {
            "image": IMAGE,
            "settings": {"SCRIPT": script, **(settings or {})},
            "mounts": {},
            "output_workspaces": {"default": "workspace_1", "outputs": {}},
            "workspaces": WORKSPACES,
            "kept": {},
            "resources": RESOURCES,
            "labels": {
                f"{LABEL}.house": HOUSE,
                f"{LABEL}.execution": str(self.number),
                f"{LABEL}.run": f"{self.number}.0",
                f"{LABEL}.worker": "1",
            },
            **told,
        }
        order = WorkOrder(
            execution=self.number,
            group=self.number,
            attempt=1,
            job="a-job",
            job_type=job_type,
            version="1.0.0",
            executor="container",
            configuration=configuration,
            input={"json": dict(values or {}), "files": dict(files or {})},
            manifest=manifest or a_seed_manifest(),
            limits=Limits(seconds=seconds, processes=processes),
            secrets=secrets,
        )
        with self.processes.runner() as self.runner:
            return ContainerExecutor().run(order, self)

    # --- Context ------------------------------------------------------------------------------------------------------
    def write(self, stream: str, data: bytes) -> None:
        self.written[stream] += data

    def spawn(self, *_: Any, **__: Any) -> Any:
        raise AssertionError("a Seed image is not spawned")

    def call(self, target: str, arguments: Mapping[str, Any], **options: Any) -> Any:
        return self.runner.call(target, arguments, on_output=self._on_output, stop=self.stop, **options)

    def _on_output(self, stream: str, data: bytes, *_: Any) -> None:
        self.written[stream] += data

    @property
    def out(self) -> str:
        return self.written["stdout"].decode("utf-8", "replace")

    @property
    def err(self) -> str:
        return self.written["stderr"].decode("utf-8", "replace")
