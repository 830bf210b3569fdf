"""Whole transactions, again, when the database had a conflict or went away for a moment."""

from __future__ import annotations

import functools
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import structlog
from django.db import InterfaceError, OperationalError, close_old_connections, connection, transaction

P = ParamSpec("P")
R = TypeVar("R")
TIMES = 5
log = structlog.get_logger(__name__)


def again_on_conflict(function: Callable[P, R]) -> Callable[P, R]:
    """Run `function` in a transaction, from its start again up to five times on deadlocks, serialization failures and
    lost connections, with jitter. Inside an outer transaction it runs once: the outer one must be repeated.
    """

    @functools.wraps(function)
    def inner(*args: P.args, **kwargs: P.kwargs) -> R:
        if connection.in_atomic_block:
            return function(*args, **kwargs)
        for attempt in range(1, TIMES + 1):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except (OperationalError, InterfaceError) as error:
                if attempt == TIMES:
                    raise
                log.warning("transaction again", function=function.__name__, attempt=attempt, error=str(error).strip())
                close_old_connections()
                time.sleep(random.uniform(0.01, 0.05) * 2**attempt)
        raise AssertionError("unreachable")

    return inner
