"""In the slot's runner: one Seed run, from its input files to its outputs.

    1. fetch the input files into the run's private folder
    2. provide the image, run the container, pass its output on
    3. once it has ended with 0: find, check and keep what it left in OUTPUT_DIR

`perform` returns words for `executions.executors.container`; `clean_up` is called when it was cut short.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from executions.executors import environment
from executions.executors.addresses import Allowed
from executions.executors.seed import command, inputs, local, outputs
from executions.executors.seed.engine import Ending, Engine, NoEngine, Spec, connected, sockets
from executions.executors.seed.failure import Failure
from executions.executors.seed.inputs import MEBIBYTE, Fetched
from executions.executors.seed.mounts import Mount, Policy, mounts
from executions.executors.seed.plan import Plan
from executions.executors.seed.variables import Variables, variables
from jobtypes.seed.read import INPUT_FILES, MOUNTS, entries, exit_code_errors

OUTPUT_DIR, INPUT_DIR = "/scale/output_data", "/scale/input_data"
METADATA = "/scale/input_metadata.json"
LEAST_DISK = 10 * 1024  # MiB that OUTPUT_DIR may hold where a manifest asks for no disk
_LOOK_AT_DISK = 2.0  # seconds between two looks at what OUTPUT_DIR holds


def perform(plan: Mapping[str, Any]) -> dict[str, Any]:
    """Carry a plan out. Returns ``ended_by``, ``exit_code``, ``outputs``; of a failure ``error`` and ``message``."""
    asked = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: asked.set())
    seed = Plan(**plan)
    run = _Run(seed, Path(os.environ["HOME"]), asked)
    try:
        return run.perform()
    except Failure as failure:
        return run.words() | {"error": failure.error, "message": failure.message}
    except NoEngine as missing:
        return run.words() | {"error": "docker-task-launch", "message": str(missing)}
    except OSError as error:
        message = f"The run's files could not be handled: {error.strerror or error}"
        return run.words() | {"error": "filesystem-io", "message": message}


def clean_up(labels: Mapping[str, str]) -> int:
    """Remove the containers that have these labels; return how many there were. None where there is no engine."""
    try:
        with connected(within=10) as engine:
            return engine.remove(labels)
    except NoEngine:
        return 0


class _Run:
    """One run; `words` says at any moment how far it has come."""

    def __init__(self, plan: Plan, home: Path, asked: threading.Event) -> None:
        self._plan = plan
        self._asked = asked
        self._input, self._output = home / "input", home / "output"
        self._metadata = home / "input_metadata.json"
        self._ending = Ending("exit")

    def words(self) -> dict[str, Any]:
        use = self._ending.use
        return {
            "ended_by": self._ending.by,
            "exit_code": self._ending.exit_code,
            "message": self._ending.message,
            "max_rss_bytes": use.peak,
            "cpu_seconds": use.cpu,
        }

    def perform(self) -> dict[str, Any]:
        plan = self._plan
        policy = Policy(settings.ALLOWED_MOUNTS, [*sockets(), str(settings.DATA_DIR)], settings.ALLOWED_VOLUME_DRIVERS)
        asked_for = mounts(plan.manifest, plan.mounts, policy, plan.execution)
        self._prepare()
        allow = Allowed.parse(settings.OUTBOUND_ALLOW)
        kept = {int(key): place for key, place in plan.kept.items()}
        wanted = inputs.references(plan.files)
        fetched = inputs.fetch(wanted, kept, self._input, folders=settings.INPUT_FOLDERS, allow=allow)
        self._describe(fetched)
        for mismatch in inputs.mismatches(plan.manifest, fetched):
            print(f"[inputs] {mismatch}", file=sys.stderr, flush=True)
        self._ending = self._run_locally(fetched) if plan.program else self._run_image(fetched, asked_for)
        if error := self._error():
            return self.words() | error
        if self._ending.by == "stop":
            return self.words()
        found = outputs.find(plan.manifest, self._output)
        told = outputs.values(plan.manifest, self._output)
        metadata = outputs.input_metadata(plan.manifest, self._output)
        files = outputs.keep(found, self._output, plan.file_prefix, plan.workspace_of, plan.workspaces)
        if self._asked.is_set():
            outputs.discard(files, plan.workspaces)
            files = []
        said = {"json": told, "files": _by_name(files)}
        return self.words() | {"outputs": said | ({"metadata": metadata} if metadata else {})}

    def _prepare(self) -> None:
        self._input.mkdir(mode=0o755)
        self._output.mkdir()
        self._output.chmod(0o777)  # the container's user may be any; the folder around it is private

    def _describe(self, fetched: Mapping[str, Sequence[Fetched]]) -> None:
        """Scale's INPUT_METADATA: what is known of the input."""
        files = {name: [{"name": one.name, "bytes": one.bytes} for one in listed] for name, listed in fetched.items()}
        self._metadata.write_text(json.dumps({"JOB": {"json": dict(self._plan.values), "files": files}}))
        self._metadata.chmod(0o644)

    def _variables(
        self, fetched: Mapping[str, Sequence[Fetched]], input_dir: str, output_dir: str, metadata: str
    ) -> Variables:
        plan = self._plan
        several = {entry["name"] for _, entry in entries(plan.manifest, INPUT_FILES) if entry.get("multiple")}
        files = {
            name: f"{input_dir}/{name}" if name in several else f"{input_dir}/{name}/{listed[0].name}"
            for name, listed in fetched.items()
            if listed
        }
        return variables(
            plan.manifest,
            values=plan.values,
            files=files,
            settings=plan.settings,
            resources=plan.resources,
            output_dir=output_dir,
            input_metadata=metadata,
            identity=plan.identity,
        )

    def _words_for(self, told: Variables) -> list[str]:
        interface = self._plan.manifest["job"].get("interface") or {}
        filled = command.words(interface.get("command") or "", told.fillable, told.declared)
        if any("\0" in text for text in (*filled, *told.environment.values())):
            raise Failure("invalid-input", "An input or setting contains a NUL character")
        return filled

    def _run_image(self, fetched: Mapping[str, Sequence[Fetched]], asked_for: Sequence[Mount]) -> Ending:
        plan = self._plan
        told = self._variables(fetched, INPUT_DIR, OUTPUT_DIR, METADATA)
        own = [
            Mount(str(self._input), INPUT_DIR),
            Mount(str(self._output), OUTPUT_DIR, read_only=False),
            Mount(str(self._metadata), METADATA),
        ]
        spec = Spec(
            image=plan.image,
            arguments=self._words_for(told),
            environment=told.environment,
            mounts=[*own, *asked_for],
            labels=plan.labels,
            resources=plan.resources,
            network=settings.CONTAINER_NETWORK,
            processes=plan.processes,
            open_files=plan.open_files,
        )
        with Engine.connect() as engine:
            engine.provide(plan.image, settings.CONTAINER_PULL, self._asked)
            if self._asked.is_set():
                return Ending("stop")
            return engine.run(spec, seconds=plan.seconds, stop=self._asked, watch=self._disk_watch())

    def _run_locally(self, fetched: Mapping[str, Sequence[Fetched]]) -> Ending:
        plan = self._plan
        if entries(plan.manifest, MOUNTS):
            raise Failure("missing-mount", "A local process has no mounts: this job type needs a container engine")
        told = self._variables(fetched, str(self._input), str(self._output), str(self._metadata))
        return local.run(
            plan.program,
            self._words_for(told),
            environment.standing() | {"HOME": str(self._output)} | told.environment,
            str(self._output),
            seconds=plan.seconds,
            stop=self._asked,
            watch=self._disk_watch(),
        )

    def _error(self) -> dict[str, str] | None:
        """The built-in or declared error that the ending stands for; None for a success, or when it was stopped."""
        ending = self._ending
        match ending.by:
            case "stop":
                return None
            case "timeout":
                return {"error": "timeout", "message": ending.message}
            case "watch":
                return {"error": "algorithm-unknown", "message": ending.message}
            case "gone":
                return {"error": "docker-terminated", "message": ending.message}
        code = ending.exit_code or 0
        declared = exit_code_errors(self._plan.manifest)
        if ending.by == "memory" and code not in declared:
            limit = self._plan.resources.get("mem", 0)
            return {"error": "out-of-memory", "message": f"Killed: more than its {limit:g} MiB of memory"}
        if code == 0:
            return None
        return {"error": declared.get(code, "algorithm-unknown"), "message": f"exit status {code}"}

    def _disk_watch(self) -> Callable[[], str | None]:
        """Objects when OUTPUT_DIR holds more than the run was given."""
        limit = self._plan.resources.get("disk", 0) or LEAST_DISK
        due = [0.0]

        def watch() -> str | None:
            now = time.monotonic()
            if now < due[0]:
                return None
            due[0] = now + _LOOK_AT_DISK
            if (held := _held(self._output)) > limit * MEBIBYTE:
                return f"Killed: wrote {held // MEBIBYTE} MiB, more than its {limit:g} MiB of disk"
            return None

        return watch


def _held(folder: Path) -> int:
    """Bytes on disk below `folder`; links are not followed."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_blocks * 512
            except OSError:
                continue
    return total


def _by_name(files: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    named: dict[str, list[Mapping[str, Any]]] = {}
    for one in files:
        named.setdefault(one["name"], []).append(one)
    return named
