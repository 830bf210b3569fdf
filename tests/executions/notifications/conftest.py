"""What the tests of notifications share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from executions.notifications import interest, watch


@pytest.fixture(autouse=True)
def nothing_in_mind() -> Iterator[None]:
    """Each test begins as a process that knows no rules yet."""
    interest.forget()
    watch.forget()
    yield
    interest.forget()
    watch.forget()


@pytest.fixture
def loopback(settings) -> None:
    """This machine's own addresses may be reached."""
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
