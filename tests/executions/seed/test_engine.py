"""Machines without a container engine, or without what it takes to speak to one."""

from __future__ import annotations

import pytest

from executions.engine.containers import Containers
from executions.executors import executors
from executions.executors.seed import engine
from executions.executors.seed.perform import clean_up
from tests.builders import NOON, a_worker


def test_without_the_sdk_the_executor_is_there_and_says_what_to_install(monkeypatch):
    monkeypatch.setattr(engine, "find_spec", lambda _: None)

    assert "container" in executors()
    with pytest.raises(engine.NoEngine, match=r"pip install 'jobhouse\[containers\]'"):
        engine.Engine.connect()


def test_where_nothing_listens_there_is_no_engine(settings, tmp_path):
    settings.DOCKER_HOST = f"unix://{tmp_path}/none.sock"

    with pytest.raises(engine.NoEngine, match=r"No container engine|docker SDK"):
        engine.Engine.connect(within=2)
    assert clean_up({"a": "b"}) == 0


@pytest.mark.django_db
def test_a_worker_that_lost_its_engine_says_so(settings, tmp_path):
    settings.DOCKER_HOST = f"unix://{tmp_path}/none.sock"
    worker = a_worker(engine="Podman 4")

    Containers().sweep(worker, NOON)

    worker.refresh_from_db()
    assert worker.engine == ""
