from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from rest_framework.test import APIClient

from executions.engine import run
from executions.engine.worker import Identity, WorkerEngine
from tests.builders import a_client


@pytest.fixture
def dkron(db) -> APIClient:
    """A client of Dkron's API that may do everything there."""
    return a_client("editor")


@pytest.fixture
def reader(db) -> APIClient:
    return a_client("reader")


@pytest.fixture
def engine(transactional_db, settings, tmp_path: Path) -> Iterator[WorkerEngine]:
    """A worker in this process."""
    settings.DATA_DIR = tmp_path  # the address at which this house hears hints
    run._payload.cache_clear()
    run._revision.cache_clear()
    run._problems.cache_clear()
    made = WorkerEngine(Identity(slots=2, tags={}, look_seconds=0.2))
    made.start()
    yield made
    made.stop(grace=0)
    connection.close()
