from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from tests.builders import a_client


@pytest.fixture
def client(db) -> APIClient:
    """An editor."""
    return a_client("editor")


@pytest.fixture
def reader(db) -> APIClient:
    return a_client("reader")
