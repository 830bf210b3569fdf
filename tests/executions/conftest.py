"""What the tests of executions share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from errors import catalogue, services
from errors.models import Error


@pytest.fixture(autouse=True)
def builtin_errors(request: pytest.FixtureRequest) -> Iterator[None]:
    """The errors that a migration made: they go with all other rows after a test that really commits."""
    marker = request.node.get_closest_marker("django_db")
    if marker and marker.kwargs.get("transaction"):
        request.getfixturevalue("transactional_db")
        if not Error.objects.exists():
            Error.objects.bulk_create(Error(is_builtin=True, **row._asdict()) for row in catalogue.BUILTIN)
        services._builtin.cache_clear()
        yield
        services._builtin.cache_clear()
    else:
        yield
