"""The engine's own faults: answers that are errors although all is well, registries that refuse or fall silent."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from executions.executors.seed.engine import Engine, Spec
from executions.executors.seed.failure import Failure
from executions.executors.seed.plan import LABEL
from tests.executions.containers import images
from tests.executions.containers.slot import HOUSE, RESOURCES

pytestmark = [pytest.mark.containers, pytest.mark.slow]


@pytest.fixture
def engine() -> Iterator[Engine]:
    images.provide()
    with Engine.connect() as engine:
        yield engine


def run(engine: Engine, *words: str, number: int = 1) -> Any:
    spec = Spec(
        image=images.IMAGE,
        arguments=words,
        environment={},
        mounts=[],
        labels={f"{LABEL}.{part}": value for part, value in _labels(number).items()},
        resources=RESOURCES,
        network="none",
        processes=64,
        open_files=1024,
    )
    return engine.run(spec, seconds=20, stop=threading.Event(), watch=lambda: None)


def _labels(number: int) -> dict[str, str]:
    return {"house": HOUSE, "execution": f"e{number}", "run": f"e{number}.0", "worker": "1"}


class Faulty:
    """A client of the real engine whose named calls do their work, and then answer with an error a few times."""

    def __init__(self, api: Any, **times: int) -> None:
        self._api = api
        self._times = times

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._api, name)
        if not self._times.get(name):
            return real

        def call(*args: Any, **options: Any) -> Any:
            real(*args, **options)
            self._times[name] -= 1
            raise OSError("read /proc/26585/cgroup: no such process")

        return call


# --- Containers that end at once --------------------------------------------------------------------------------------
def test_containers_that_end_at_once_end_well(engine: Engine):
    """Podman before 4.4 may answer with an error when it is asked about a container that ends in this moment."""
    for number in range(8):
        ending = run(engine, "true", number=number)

        assert (ending.by, ending.exit_code) == ("exit", 0)


@pytest.mark.parametrize("fault", [{"inspect_container": 1}, {"inspect_container": 9}, {"wait": 1}, {"start": 1}])
def test_an_error_of_the_engine_after_the_start_changes_no_outcome(engine: Engine, fault: dict[str, int]):
    engine._api = Faulty(engine._api, **fault)

    ending = run(engine, "sh", "-c", "exit 7")

    assert (ending.by, ending.exit_code) == ("exit", 7)


def test_an_engine_that_goes_on_failing_has_lost_the_container(engine: Engine):
    engine._api = Faulty(engine._api, wait=9)

    ending = run(engine, "true")

    assert ending.by == "gone"
    assert "no such process" in ending.message


# --- Registries -------------------------------------------------------------------------------------------------------
def listening() -> socket.socket:
    """A registry that takes every connection and never says a word."""
    silent = socket.socket()
    silent.bind(("127.0.0.1", 0))
    silent.listen()
    return silent


def pulled(engine: Engine, port: int, policy: str = "missing", within: float = 2.0) -> Failure:
    with pytest.raises(Failure) as failure:
        engine.provide(f"127.0.0.1:{port}/nobody/has:this", policy, threading.Event(), within=within)
    return failure.value


def test_a_registry_that_refuses_is_a_failed_pull(engine: Engine):
    with listening() as gone:
        port = gone.getsockname()[1]

    failure = pulled(engine, port, within=60)

    assert failure.error == "pull"
    assert f"127.0.0.1:{port}/nobody/has:this" in failure.message


def test_a_registry_that_falls_silent_is_a_pull_that_took_too_long(engine: Engine):
    with listening() as silent:
        began = time.monotonic()

        failure = pulled(engine, silent.getsockname()[1])

        assert (failure.error, time.monotonic() - began < 10) == ("pull-timeout", True)


def test_a_cancel_does_not_wait_for_a_silent_registry(engine: Engine):
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    with listening() as silent:
        began = time.monotonic()

        engine.provide(f"127.0.0.1:{silent.getsockname()[1]}/nobody/has:this", "always", stop, within=60)

        assert time.monotonic() - began < 5


def test_without_pulls_nobody_is_asked(engine: Engine):
    with listening() as silent:
        failure = pulled(engine, silent.getsockname()[1], policy="never")

    assert failure.error == "pull"
    assert "CONTAINER_PULL=never" in failure.message
