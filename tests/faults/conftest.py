"""What fault tests run on: a site for one test, or for each of several stories that are told side by side."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast

import pytest

from tests.faults.house import manage
from tests.faults.site import Site, database_address, tell_postgres

Story = Callable[[Site], None]
"""A test that mostly waits, told beside others; its name is a sentence."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.timeout(600))


def _bare(folder: Path, **more: str) -> dict[str, str]:
    ours = ("DATABASE_URL", "BROKER_URL", "DJANGO_SETTINGS_MODULE")
    return {name: value for name, value in os.environ.items() if name not in ours} | {"DATA_DIR": str(folder)} | more


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with a migrated SQLite database and the house's keys."""
    folder = tmp_path_factory.mktemp("template")
    manage(_bare(folder), "migrate", "--verbosity", "0")
    return folder


@pytest.fixture(scope="session")
def migrated_database(template: Path) -> Iterator[str]:
    """The name of a migrated PostgreSQL database, to be copied."""
    name = f"faults_{os.getpid()}"
    tell_postgres(f'CREATE DATABASE "{name}"')
    manage(_bare(template, DATABASE_URL=database_address(name)), "migrate", "--verbosity", "0")
    yield name
    tell_postgres(f'DROP DATABASE "{name}" WITH (FORCE)')


def _database_for(request: pytest.FixtureRequest, items: list[pytest.Item]) -> str | None:
    if not any(item.get_closest_marker("postgres") for item in items):
        return None
    found: str = request.getfixturevalue("migrated_database")
    return found


@pytest.fixture
def site(request: pytest.FixtureRequest, template: Path, tmp_path: Path) -> Iterator[Site]:
    """A place for one test's houses."""
    with Site(tmp_path, template, _database_for(request, [request.node])) as place:
        yield place


@pytest.fixture(scope="module")
def told(
    request: pytest.FixtureRequest, template: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Story], None]]:
    """Tells the module's stories, those of the tests that were asked for, side by side; a call waits for one's end."""
    items = [
        item
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.module is request.module and "told" in item.fixturenames
    ]
    database = _database_for(request, list(items))
    folder = tmp_path_factory.mktemp("stories")

    def tell(story: Story) -> None:
        with Site(folder / story.__name__[:60], template, database) as place:
            story(place)

    with ThreadPoolExecutor(len(items)) as pool:
        stories = {cast("Story", item.callspec.params["story"]) for item in items}
        futures = {story: pool.submit(tell, story) for story in stories}
        yield lambda story: futures[story].result()
