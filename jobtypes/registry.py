"""The Python functions that can be scheduled, by name.

    @schedulable
    def count_tags(limit: int = 100) -> dict[str, int]:
        '''Count the tags that are in use.

        Args:
            limit: how many of the most frequent ones to return
        '''

makes a Celery task ``count-tags`` of the function, and of the task a system job type. On top of `@shared_task` the
decorator takes the task as it is. Registering is all that importing the module does; see `jobtypes.signature` for
what a signature may hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, overload

from celery import Task, shared_task
from celery.local import Proxy

from jobtypes.signature import Schema, input_schema, summary

TIMEOUT = 3600  # seconds that a task may run where nothing else is said
_NAME = re.compile(r"[a-z0-9-]{1,50}")

_registered: dict[str, Schedulable] = {}


class UnknownTask(LookupError):
    """No schedulable task has this name."""


class NameTaken(ValueError):
    """Two functions want to be scheduled by the same name."""


@dataclass(frozen=True, slots=True)
class Schedulable:
    """A task that can be scheduled."""

    name: str
    function: Callable[..., Any]
    """What to call: the function itself, for a task with `bind` its method."""
    task: Any
    """The Celery task, for `delay` and the like."""
    title: str
    description: str
    """The first paragraph of the docstring."""
    timeout: int
    """Seconds that it may run."""
    schema: Schema = field(repr=False)
    """JSON Schema of its input, from its signature."""


@overload
def schedulable(target: Callable[..., Any]) -> Any: ...


@overload
def schedulable(
    *, name: str | None = None, title: str | None = None, description: str | None = None, timeout: int = TIMEOUT
) -> Callable[[Callable[..., Any]], Any]: ...


def schedulable(
    target: Callable[..., Any] | None = None,
    *,
    name: str | None = None,
    title: str | None = None,
    description: str | None = None,
    timeout: int = TIMEOUT,
) -> Any:
    """Make a function or Celery task one that can be scheduled; return the task.

    `name` is the function's with ``-`` for ``_``; `title` the name in words, `description` the docstring's first
    paragraph; `timeout` in seconds. Raises, where the module is imported: NameTaken, SignatureError, and ValueError for
    a name that is not made of lower-case letters, digits and ``-`` or is longer than 50.
    """

    def register(target: Any) -> Any:
        is_task = isinstance(target, Proxy | Task)
        function: Callable[..., Any] = target.run if is_task else target
        called = function.__name__.strip("_").replace("_", "-") if name is None else name
        _check(called, function)
        schema = input_schema(function)
        task = target if is_task else shared_task(target, name=called)
        _registered[called] = Schedulable(
            name=called,
            function=function,
            task=task,
            title=title or called.replace("-", " ").capitalize(),
            description=description if description is not None else summary(function),
            timeout=timeout,
            schema=schema,
        )
        return task

    return register if target is None else register(target)


def find(name: str) -> Schedulable:
    """The task of that name. Raises UnknownTask."""
    try:
        return _registered[name]
    except KeyError:
        raise UnknownTask(f"no schedulable task is called {name!r}") from None


def names() -> list[str]:
    """The names of all tasks that can be scheduled, sorted."""
    return sorted(_registered)


def _check(name: str, function: Callable[..., Any]) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a task: lower-case letters, digits and '-', at most 50")
    holder = _registered.get(name)
    if holder and _place(holder.function) != _place(function):
        raise NameTaken(f"the name {name!r} is taken by {_place(holder.function)}; {_place(function)} needs another")


def _place(function: Callable[..., Any]) -> str:
    """Where a function is defined: the same place again is the same function, of a module that was loaded again."""
    return f"{function.__module__}.{function.__qualname__}"
