"""Real containers: an image of busybox, a slot to run it in, and folders that it may see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as house
from django.test import override_settings

from executions.executors.process.client import Processes
from tests.executions.containers import images
from tests.executions.containers.slot import HOUSE, Slot


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `ro`, `rw` and `in` are listed in ALLOWED_MOUNTS and INPUT_FOLDERS."""
    base = tmp_path_factory.mktemp("host")
    for name in ("ro", "rw", "in", "elsewhere"):
        (base / name).mkdir()
    (base / "rw").chmod(0o777)
    return base


@pytest.fixture(scope="module")
def processes(folders: Path) -> Iterator[Processes]:
    images.provide()
    with pytest.MonkeyPatch.context() as patch, override_settings(INPUT_FOLDERS=[str(folders / "in")]):
        patch.setenv("ALLOWED_MOUNTS", f"{folders / 'ro'},{folders / 'rw'}:rw")
        patch.setenv("INPUT_FOLDERS", str(folders / "in"))
        patch.setenv("CONTAINER_PULL", "never")
        with Processes(preload=["executions.executors.container", "docker"], grace=3.0) as processes:
            processes.start()
            yield processes


@pytest.fixture
def slot(processes: Processes) -> Slot:
    return Slot(processes)


@pytest.fixture
def ours() -> Any:
    """Asks the engine for the containers of these tests."""
    import docker

    api = docker.from_env(version="auto", timeout=20).api
    yield lambda: api.containers(all=True, filters={"label": f"org.jobhouse.house={HOUSE}"})
    api.close()


@pytest.fixture
def kept() -> Any:
    """The content of an output file that a run kept in `workspace_1`."""
    return lambda one: (Path(house.DATA_DIR) / "workspaces" / one["workspace"] / one["key"]).read_bytes()
