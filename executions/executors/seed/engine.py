"""The container engine: the one place that speaks the Docker API, through the docker SDK, to Docker or to Podman.

    engine = Engine.connect()          raises NoEngine
    engine.provide(image, …)           pull it, where the policy says so
    engine.run(spec, …) -> Ending      create, attach, start, watch, stop, remove
    engine.remove(labels)              whatever of ours is left

The SDK is an optional dependency (``pip install 'jobhouse[containers]'``): without it everything here still imports.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.conf import settings

from executions.executors.seed import pull
from executions.executors.seed.cgroup import Use, Watch
from executions.executors.seed.failure import Failure, said
from executions.executors.seed.following import Wait, pass_on
from executions.executors.seed.mounts import Mount
from executions.executors.seed.plan import LABEL

GRACE = 10.0  # seconds between TERM and KILL
ANSWERS_WITHIN = 60.0  # seconds for the engine to answer anything but a pull or a wait
PULLS_WITHIN = 1800.0  # seconds
_LOOK = 0.05  # seconds between two looks at what a young container uses
_SELDOM = 0.5  # seconds between looks at an old one
_YOUNG = 2.0  # seconds
_ASKS = 3  # times that the engine is asked about one container before its error is believed
_HAVE_RUN = frozenset({"running", "paused", "stopping", "stopped", "exited"})
"""States of a container that was started, whatever the engine answered."""
SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock")
CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID")
"""All that a container keeps of root's rights."""
_THREADS = 4096  # tasks of one user; what a run may start is limited by its own group


class NoEngine(Exception):
    """No container engine can be spoken to; the message says why, in one line."""


@dataclass(frozen=True, slots=True)
class Spec:
    """A container to run."""

    image: str
    arguments: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    mounts: Sequence[Mount]
    labels: Mapping[str, str]
    resources: Mapping[str, float]
    """cpus, gpus, and MiB of mem and sharedmem."""
    network: str
    processes: int | None
    open_files: int | None


@dataclass(slots=True)
class Ending:
    """How a container ended. `by` is who ended it: itself, its time limit, a request, its memory limit, `watch`, or
    somebody who took it away ("gone").
    """

    by: str
    exit_code: int | None = None
    use: Use = field(default_factory=Use)
    message: str = ""


def address() -> str | None:
    """Where the engine listens: DOCKER_HOST, else a socket that is where engines put theirs, else None."""
    if settings.DOCKER_HOST:
        return str(settings.DOCKER_HOST)
    return next((f"unix://{path}" for path in SOCKETS if os.path.exists(path)), None)


def sockets() -> list[str]:
    """Every path at which an engine's socket may be."""
    host = str(settings.DOCKER_HOST)
    return [*SOCKETS, *([host.removeprefix("unix://")] if host.startswith("unix://") else [])]


def has_sdk() -> bool:
    return find_spec("docker") is not None


class Engine:
    """A connection to the engine."""

    def __init__(self, sdk: Any, api: Any) -> None:
        self._sdk = sdk
        self._api = api

    @classmethod
    def connect(cls, within: float = ANSWERS_WITHIN) -> Engine:
        """Raises NoEngine."""
        if not has_sdk():
            raise NoEngine("The docker SDK is not installed: pip install 'jobhouse[containers]'")
        place = address()
        if place is None:
            raise NoEngine("No container engine was found: set DOCKER_HOST")
        sdk = import_module("docker")
        given = {"DOCKER_HOST": place, "DOCKER_TLS_VERIFY": settings.DOCKER_TLS_VERIFY}
        if settings.DOCKER_CERT_PATH:
            given["DOCKER_CERT_PATH"] = settings.DOCKER_CERT_PATH
        try:
            return cls(sdk, sdk.from_env(environment=given, version="auto", timeout=within).api)
        except (sdk.errors.DockerException, OSError) as error:
            raise NoEngine(f"No container engine answers on {place}: {said(error)}") from error

    def close(self) -> None:
        self._api.close()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def name(self) -> str:
        """Which engine this is, for people. Raises NoEngine."""
        try:
            told = self._api.version()
        except (self._sdk.errors.DockerException, OSError) as error:
            raise NoEngine(said(error)) from error
        component = (told.get("Components") or [{}])[0].get("Name", "Docker Engine")
        return f"{component} {told.get('Version', '')}".strip()[:100]

    def images(self) -> set[str]:
        """The names of all images that are here. Raises NoEngine."""
        try:
            return {tag for image in self._api.images() for tag in image.get("RepoTags") or ()}
        except (self._sdk.errors.DockerException, OSError) as error:
            raise NoEngine(said(error)) from error

    def provide(self, image: str, policy: str, stop: threading.Event, *, within: float = PULLS_WITHIN) -> None:
        """Have the image here; `policy` is CONTAINER_PULL. A pull ends after `within` seconds, or when `stop` is set.

        Raises Failure: pull, pull-timeout.
        """
        pull.provide(self._sdk, self._api, image, policy, stop, within)

    # --- Running ------------------------------------------------------------------------------------------------------
    def run(
        self, spec: Spec, *, seconds: float | None, stop: threading.Event, watch: Callable[[], str | None]
    ) -> Ending:
        """Run a container to its end and remove it; its output goes to ours as it comes.

        It ends when it ends, after `seconds`, when `stop` is set, or when `watch`, asked again and again, has an
        objection. Raises Failure: docker-task-launch.
        """
        errors = self._sdk.errors
        self.remove({f"{LABEL}.run": spec.labels[f"{LABEL}.run"], f"{LABEL}.house": spec.labels[f"{LABEL}.house"]})
        try:
            made = self._create(spec)
        except (errors.DockerException, OSError, ValueError) as error:
            raise Failure("docker-task-launch", f"The container could not be made: {said(error)}") from error
        try:
            return self._attend(made, seconds, stop, watch)
        finally:
            self._remove(made)
            self._remove_volumes([mount.source for mount in spec.mounts if mount.is_volume])

    def _create(self, spec: Spec) -> str:
        api, types = self._api, self._sdk.types
        memory = int(max(spec.resources.get("mem", 0), 6) * 2**20)  # 6 MiB is the least that engines take
        shared = spec.resources.get("sharedmem", 0)
        gpus = int(spec.resources.get("gpus", 0))
        limits = [types.Ulimit(name="nproc", soft=_THREADS, hard=_THREADS)]
        if spec.open_files:
            limits.append(types.Ulimit(name="nofile", soft=spec.open_files, hard=spec.open_files))
        given = api.create_host_config(
            network_mode=spec.network,
            mem_limit=memory,
            memswap_limit=memory,
            nano_cpus=int(spec.resources.get("cpus", 0.25) * 1e9),
            pids_limit=spec.processes,
            shm_size=int(-(-shared // 1)) * 2**20 if shared else None,
            ulimits=limits,
            cap_drop=["ALL"],
            cap_add=list(CAPABILITIES),
            security_opt=["no-new-privileges"],
            device_requests=[types.DeviceRequest(count=gpus, capabilities=[["gpu"]])] if gpus else None,
            log_config=types.LogConfig(type="none"),  # it is streamed to us as it comes
            mounts=[self._mount(mount) for mount in spec.mounts],
        )
        made = api.create_container(
            spec.image,
            command=list(spec.arguments) or None,
            environment=dict(spec.environment),
            host_config=given,
            labels=dict(spec.labels),
            name=f"jobhouse-{spec.labels[f'{LABEL}.house']}-{spec.labels[f'{LABEL}.execution']}",
            stdin_open=False,
            tty=False,
        )
        return str(made["Id"])

    def _mount(self, mount: Mount) -> Any:
        types = self._sdk.types
        if not mount.is_volume:
            return types.Mount(mount.target, mount.source, type="bind", read_only=mount.read_only)
        driver = types.DriverConfig(mount.driver, dict(mount.driver_opts)) if mount.driver else None
        return types.Mount(mount.target, mount.source, type="volume", read_only=mount.read_only, driver_config=driver)

    def _attend(
        self, made: str, seconds: float | None, stop: threading.Event, watch: Callable[[], str | None]
    ) -> Ending:
        errors = self._sdk.errors
        finished = Wait(stop)
        try:
            output = self._api.attach(made, stdout=True, stderr=True, stream=True, demux=True)
            if stop.is_set():
                return Ending("stop")
            self._start(made)
        except (errors.DockerException, OSError) as error:
            raise Failure("docker-task-launch", f"The container could not be started: {said(error)}") from error
        usage = Watch(int(self._state(made).get("Pid") or 0))
        reader = threading.Thread(target=pass_on, args=(output,), daemon=True)
        reader.start()
        threading.Thread(target=self._await, args=(made, finished), daemon=True).start()
        ending = self._watch(made, seconds, finished, usage, watch)
        reader.join(5.0)  # what it printed last is on its way
        return self._told(made, ending, finished, usage.use)

    def _start(self, made: str) -> None:
        """Start it. An engine's answer may be lost, or an error, although it did: then its container's state counts."""
        try:
            self._api.start(made)
        except (self._sdk.errors.DockerException, OSError):
            if self._state(made).get("Status") not in _HAVE_RUN:
                raise

    def _state(self, made: str) -> dict[str, Any]:
        """What the engine says of a container; empty where it cannot say.

        Podman before 4.4 answers with an error when a container ends while it looks (its issue 16383): ask again.
        """
        for _ in range(_ASKS):
            with suppress(self._sdk.errors.DockerException, OSError):
                return dict(self._api.inspect_container(made)["State"])
            time.sleep(_LOOK)
        return {}

    def _watch(
        self, made: str, seconds: float | None, finished: Wait, usage: Watch, watch: Callable[[], str | None]
    ) -> Ending:
        """Wait until it has ended, whoever ended it."""
        began = time.monotonic()
        ending = Ending("exit")
        kill_at: float | None = None
        while not finished.wait(_LOOK if time.monotonic() - began < _YOUNG else _SELDOM):
            usage.look()
            now = time.monotonic()
            if kill_at is None and (stopped := self._reason(began, seconds, finished, watch)):
                ending = stopped
                kill_at = now if ending.by == "watch" else now + GRACE
                self._signal(made, "SIGTERM" if ending.by != "watch" else "SIGKILL")
            elif kill_at is not None and now >= kill_at:
                self._signal(made, "SIGKILL")
                finished.wait(GRACE)
                break
        usage.look()
        return ending

    @staticmethod
    def _reason(began: float, seconds: float | None, finished: Wait, watch: Callable[[], str | None]) -> Ending | None:
        if finished.is_stop_asked:
            return Ending("stop")
        if seconds is not None and time.monotonic() - began >= seconds:
            return Ending("timeout", message=f"Ran longer than its time limit of {seconds:g} s")
        if objection := watch():
            return Ending("watch", message=objection)
        return None

    def _told(self, made: str, ending: Ending, finished: Wait, use: Use) -> Ending:
        ending.use = use
        ending.exit_code = finished.exit_code
        if ending.by != "exit":
            return ending
        if finished.exit_code is None:
            return Ending("gone", use=use, message=finished.problem or "The container is gone")
        killed = use.oom_kills > 0 or bool(finished.exit_code and self._state(made).get("OOMKilled"))
        if killed and finished.exit_code:
            ending.by = "memory"
        return ending

    def _await(self, made: str, finished: Wait) -> None:
        problem = ""
        for _ in range(_ASKS):  # for the reason that `_state` has
            try:
                finished.tell(int(self._api.wait(made, timeout=None)["StatusCode"]))
            except Exception as error:  # noqa: BLE001  # a thread's: whatever it is, the run must hear that it is over
                problem = f"The container was lost: {said(error)}"
                if isinstance(error, self._sdk.errors.NotFound):
                    break
                time.sleep(_LOOK)
            else:
                return
        finished.tell(None, problem)

    def _signal(self, made: str, name: str) -> None:
        with suppress(self._sdk.errors.DockerException, OSError):
            self._api.kill(made, signal=name)

    # --- Removing -----------------------------------------------------------------------------------------------------
    def ours(self, labels: Mapping[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
        """Every container that has these labels, running or not: its id and all its labels. Raises NoEngine."""
        wanted = [f"{name}={value}" for name, value in labels.items()]
        try:
            found = self._api.containers(all=True, filters={"label": wanted})
        except (self._sdk.errors.DockerException, OSError) as error:
            raise NoEngine(said(error)) from error
        for one in found:
            yield one["Id"], dict(one.get("Labels") or {})

    def remove(self, labels: Mapping[str, str]) -> int:
        """Kill and remove every container that has these labels, with its volumes; return how many there were."""
        removed = 0
        with suppress(NoEngine):
            for made, has in list(self.ours(labels)):
                self._remove(made)
                self._remove_volumes(self._volumes_of(has.get(f"{LABEL}.execution", "")))
                removed += 1
        return removed

    def _remove(self, made: str) -> None:
        with suppress(self._sdk.errors.DockerException, OSError):
            self._api.remove_container(made, force=True, v=True)

    def _volumes_of(self, execution: str) -> list[str]:
        if not execution:
            return []
        with suppress(self._sdk.errors.DockerException, OSError):
            wanted = f"jobhouse_{execution}_mount_"
            found = self._api.volumes(filters={"name": wanted}).get("Volumes") or []
            return [one["Name"] for one in found if one["Name"].startswith(wanted)]
        return []

    def _remove_volumes(self, names: Sequence[str]) -> None:
        for name in names:
            with suppress(self._sdk.errors.DockerException, OSError):
                self._api.remove_volume(name, force=True)


@contextmanager
def connected(within: float = ANSWERS_WITHIN) -> Iterator[Engine]:
    """An engine for a moment. Raises NoEngine."""
    with Engine.connect(within) as engine:
        yield engine
