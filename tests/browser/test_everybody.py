"""The console for everybody: on a phone, in the dark, with a screen reader."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe

from executions import clock
from tests.browser.visits import EXECUTIONS, a_day

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
PAGES = {
    "dashboard": "/admin/",
    "executions": EXECUTIONS,
    "failed": f"{EXECUTIONS}?status=FAILED",
    "bulk": f"{EXECUTIONS}bulk/retry/?status=FAILED",
    "queue": "/admin/queue/",
    "workers": "/admin/executions/worker/",
    "hour": "/admin/executions/worker/hour/",
    "search": "/admin/search/?q=s",
}


@pytest.fixture
def addresses() -> dict[str, str]:
    day = a_day(clock.now())
    return {
        **PAGES,
        "execution": f"{EXECUTIONS}{day['failed'].pk}/change/",
        "running": f"{EXECUTIONS}{day['running'].pk}/change/",
        "again": f"{EXECUTIONS}{day['failed'].pk}/again/",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_keeps_anybody_out(visit: Callable, addresses: dict[str, str], scheme: str):
    page, found = visit(scheme=scheme), []
    for name, address in addresses.items():
        page.goto(address)
        for violation in Axe().run(page).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                places = [node["html"][:120] for node in violation["nodes"][:3]]
                found.append(f"{name}: {violation['id']}: {places}")

    assert not found, "\n".join(found)


def test_every_page_fits_a_phone(visit: Callable, picture: Callable, addresses: dict[str, str]):
    page, wide = visit(width=390, height=844), []
    for name, address in addresses.items():
        page.goto(address)
        excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if excess > 0:
            wide.append((name, excess))
        if name in ("dashboard", "execution"):
            picture(page, f"phone-{name}")

    assert wide == []


def test_every_page_is_there_in_the_dark(visit: Callable, picture: Callable, addresses: dict[str, str]):
    page = visit(scheme="dark")
    for name, address in addresses.items():
        page.goto(address)
        red, green, blue = page.evaluate(
            "getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).slice(0, 3).map(Number)"
        )
        assert max(red, green, blue) < 60, name
        if name in ("dashboard", "execution"):
            picture(page, f"dark-{name}")
