"""Strays: families that lost runner and fork server at once, and came to the worker, the next subreaper above.

What the worker starts itself stays in its session, but for the fork server; a run begins with a session of its own.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from executions.executors.process import family

_PAUSE = 0.01  # seconds between two looks


def end(keep: int | None, within: float) -> bool:
    """KILL and reap the strays, all but the process `keep`; False when some outlived `within` seconds."""
    give_up = time.monotonic() + within
    while found := _strays(keep):
        if time.monotonic() > give_up:
            return False
        family.kill([member for stray in found for member in (stray, *family.descendants(stray))])
        time.sleep(_PAUSE)
    return True


def _strays(keep: int | None) -> list[int]:
    """Children of this process that it did not start and that live; the dead ones are reaped."""
    found = []
    for child in family.children(os.getpid()):
        with suppress(ProcessLookupError, ChildProcessError):
            if child != keep and os.getsid(child) != os.getsid(0) and not os.waitpid(child, os.WNOHANG)[0]:
                found.append(child)
    return found
