"""The executors: everything that can do work, found by name through the entry-point group ``jobhouse.executors``.

A package that adds one declares it there; see docs/executors.md.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from django.conf import settings

from executions.executors.base import Executor

GROUP = "jobhouse.executors"


class UnknownExecutor(LookupError):
    """No executor of that name is installed, or this house does not allow it."""


@cache
def executors() -> dict[str, Executor]:
    """All executors that are installed and allowed (setting EXECUTORS), by name."""
    found = {point.name: point.load()() for point in entry_points(group=GROUP)}
    allowed = settings.EXECUTORS_ALLOWED
    return {name: found[name] for name in sorted(found) if not allowed or name in allowed}


def executor_named(name: str) -> Executor:
    """The executor `name`. Raises UnknownExecutor."""
    try:
        return executors()[name]
    except KeyError:
        raise UnknownExecutor(f"The executor {name!r} is not installed here, or not allowed by EXECUTORS.") from None
