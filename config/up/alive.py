"""Asking a house whether it answers."""

from __future__ import annotations

import threading
import urllib.request
from collections.abc import Callable

ASK_EVERY = 0.2
"""Seconds between two questions."""


def when_it_answers(url: str, then: Callable[[], None]) -> threading.Event:
    """Call `then` in a thread as soon as the house at `url` answers; setting the returned event calls that off."""
    called_off = threading.Event()

    def ask() -> None:
        while not called_off.wait(ASK_EVERY):
            if answers(url):
                then()
                return

    threading.Thread(target=ask, name="greeting", daemon=True).start()
    return called_off


def answers(url: str) -> bool:
    """Whether the house at `url` says that it is alive."""
    try:
        with urllib.request.urlopen(f"{url}/health/live", timeout=2) as answer:  # noqa: S310 -- our own http address
            return bool(answer.status == 200)
    except OSError:
        return False
