"""A real browser on a real server: whatever it complains about, and whatever leaves this house, fails the test.

SCREENSHOTS=1 writes the pictures of the documentation to docs/images; otherwise none are taken.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache

from tests.browser.visits import login
from tests.services import BROWSER

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"


@dataclass
class Complaints:
    """What a page must not do."""

    found: list[str] = field(default_factory=list)

    def watch(self, page, house: str) -> None:
        page.on("console", lambda told: told.type in ("error", "warning") and self.found.append(told.text))
        page.on("pageerror", lambda error: self.found.append(str(error)))
        page.on("request", lambda request: self._seen(request.url, house))

    def _seen(self, url: str, house: str) -> None:
        if not url.startswith((house, "data:", "blob:")):
            self.found.append(f"a request to {url}")


@pytest.fixture(autouse=True, scope="session")
def _allow_database_beside_the_browsers_loop() -> Iterator[None]:
    """Playwright runs an event loop in the test's thread, in which Django would refuse to use the database."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict) -> dict:
    return {
        **browser_type_launch_args,
        "executable_path": urlsplit(BROWSER.url).path,
        "args": ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
    }


@pytest.fixture(autouse=True)
def _nothing_kept_from_another_house() -> None:
    cache.clear()


@pytest.fixture
def visit(live_server, browser) -> Iterator[Callable]:
    """Opens a page of the console as somebody in a role; a test ends with a look at what browsers complained about."""
    complaints, contexts = Complaints(), []

    def open_page(
        role: str = "superuser", *, width: int = 1360, height: int = 900, scheme: str = "light", script: bool = True
    ):
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=scheme,
            java_script_enabled=script,
            base_url=live_server.url,
            reduced_motion="reduce",
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        if role:
            context.add_cookies([{"name": "sessionid", "value": login(role), "url": live_server.url}])
        page = context.new_page()
        complaints.watch(page, live_server.url)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints.found == []


@pytest.fixture
def picture() -> Callable:
    """Takes a picture for the documentation, when it is asked for."""

    def take(page, name: str, *, full: bool = False) -> None:
        if os.environ.get("SCREENSHOTS"):
            IMAGES.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=IMAGES / f"{name}.png", full_page=full)

    return take
