"""Who acts, and through which door: bound once for a request, a shell command or a deed of the house.

Services are told a name (`by=`) and need not know more. What else the audit says, who that is among the users and by
which door they came, it finds here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

SHELL, SCHEDULER, CONSOLE, NATIVE = "shell", "scheduler", "console", "native"
"""Doors that are no dialect; `executions.states.Door` names them all."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody at a door. `user` is the id of their account, None for whoever has none: a shell, the scheduler."""

    door: str
    name: str = ""
    user: int | None = None
    token: str = ""
    """The first characters of the token that was shown, if one was."""


_NOBODY = Actor(SHELL)
"""Code that came through no door is code that somebody runs: in `manage.py shell`, in a script."""

_present: ContextVar[Callable[[], Actor]] = ContextVar("acting")
_noted: ContextVar[set[tuple[str, str]]] = ContextVar("noted")


@contextmanager
def bound(who: Callable[[], Actor]) -> Iterator[None]:
    """Within this, `present()` is what `who()` says then: it is asked only when somebody wants to know."""
    token, noted = _present.set(who), _noted.set(set())
    try:
        yield
    finally:
        _present.reset(token)
        _noted.reset(noted)


def at_the_shell(name: str) -> Callable[[], Actor]:
    """For `bound`: somebody of that name at a shell of the machine."""
    return lambda: Actor(SHELL, name)


def present() -> Actor:
    """Who acts now."""
    who = _present.get(None)
    return who() if who else _NOBODY


def noted() -> set[tuple[str, str]]:
    """What the audit has noted since somebody was bound: labels of models and keys."""
    found = _noted.get(None)
    return set() if found is None else found
