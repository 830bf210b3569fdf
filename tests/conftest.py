"""What holds for all tests: which of them a run takes, which servers they need, and which database they see.

    pytest                                                         SQLite in a file of the run's own
    DATABASE_URL=postgres://postgres@127.0.0.1:5432/jobhouse pytest   PostgreSQL: a database made for the run

`make test` goes through both (tests/__main__.py).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from urllib.parse import quote

import pytest
from django.apps import apps
from django.db import connection

from errors import catalogue, services
from errors.models import Error
from tests.services import POSTGRES, RABBITMQ, REDIS, SERVICES, answers

first_workspaces = import_module("jobtypes.migrations.0003_first_workspaces")


def on_postgres() -> bool:
    return connection.vendor == "postgresql"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="leave out tests that touch no database")


def pytest_configure(config: pytest.Config) -> None:
    if on_postgres() and not answers(POSTGRES):
        raise pytest.UsageError(f"DATABASE_URL names PostgreSQL, and none answers on {POSTGRES.place}.")


def touches_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return item.get_closest_marker("django_db") is not None or "db" in fixtures or "transactional_db" in fixtures


def belongs(item: pytest.Item) -> bool:
    """Whether this run is the place for `item`: a test of PostgreSQL is not one on SQLite."""
    if item.get_closest_marker("postgres"):
        return on_postgres()
    return touches_database(item) or not item.config.getoption("--database-only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    elsewhere = [item for item in items if not belongs(item)]
    if elsewhere:
        config.hook.pytest_deselected(items=elsewhere)
        items[:] = [item for item in items if belongs(item)]


def pytest_runtest_setup(item: pytest.Item) -> None:
    for service in SERVICES:
        if item.get_closest_marker(service.name) and not answers(service):
            if service.is_required:
                pytest.fail(f"{service.absence}; JOBHOUSE_REQUIRE asks for it", pytrace=False)
            pytest.skip(service.absence)


@pytest.fixture(autouse=True)
def rows_of_migrations(request: pytest.FixtureRequest) -> Iterator[None]:
    """Errors and workspaces that migrations made: they go with all other rows after a test that really commits."""
    if not touches_database(request.node):
        yield
        return
    marker = request.node.get_closest_marker("django_db")
    commits = (marker and marker.kwargs.get("transaction")) or "transactional_db" in request.fixturenames
    request.getfixturevalue("transactional_db" if commits or "live_server" in request.fixturenames else "db")
    if not Error.objects.exists():
        Error.objects.bulk_create(Error(is_builtin=True, **row._asdict()) for row in catalogue.BUILTIN)
        first_workspaces.make(apps, None)
    services._builtin.cache_clear()
    yield
    services._builtin.cache_clear()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Processes that tests start see the database under test, as a house sees its own: by DATABASE_URL."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATABASE_URL", database_url())
        yield


def database_url() -> str:
    """The address of the database under test."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{database['NAME']}"
    user = quote(database["USER"]) + (f":{quote(database['PASSWORD'])}" if database["PASSWORD"] else "")
    return f"postgres://{user}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"


@pytest.fixture
def rabbitmq_url() -> str:
    """The broker of tests marked `rabbitmq`. All of them share it, so a test names its queues after itself."""
    return RABBITMQ.url


@pytest.fixture
def redis_url() -> str:
    """The broker of tests marked `redis`: a database of its own for every pytest-xdist worker."""
    number = os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")
    return f"{REDIS.url.rpartition('/')[0]}/{int(number) % 16}"
