"""Finding the error that names a failure, and keeping those that job types declare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import transaction

from errors import audit
from errors.exceptions import Invalid, NotFound
from errors.models import Error


class Declared(NamedTuple):
    """An error as a job type's manifest declares it."""

    name: str
    title: str | None
    description: str | None
    category: str


def named(name: str, job_type_name: str) -> Error:
    """The error of that name: the job type's own, else the built-in one, else the built-in ``unknown``."""
    own = Error.objects.filter(job_type_name=job_type_name, name=name).first()
    return own or builtin(name)


def builtin(name: str) -> Error:
    """The built-in error `name`, or ``unknown`` when there is none of that name. They never change: kept in memory."""
    try:
        return _builtin(name)
    except Error.DoesNotExist:
        return _builtin("unknown")


@lru_cache(maxsize=128)
def _builtin(name: str) -> Error:
    return Error.objects.get(name=name, job_type_name=None)


def register(job_type_name: str, declared: Iterable[Declared], now: datetime) -> None:
    """Make the errors of a job type, or bring them up to date; id, creation and what was decided about retries stay.

    Errors that are declared no more stay, since executions name them. Any number of callers may register at once.
    """
    rows = {
        one.name: Error(
            name=one.name,
            job_type_name=job_type_name,
            title=one.title,
            description=one.description,
            category=one.category,
            created=now,
            last_modified=now,
        )
        for one in declared
    }
    Error.objects.bulk_create(
        [rows[name] for name in sorted(rows)],
        update_conflicts=True,
        unique_fields=["job_type_name", "name"],
        update_fields=["title", "description", "category", "last_modified"],
    )


@transaction.atomic
def change(key: int, changes: Mapping[str, Any]) -> Error:
    """Give the error with that id another title, description or decision about retries. Raises NotFound and Invalid.

    The built-in ones are the house's own, and stay as they are.
    """
    error = Error.objects.select_for_update().filter(pk=key).first()
    if error is None:
        raise NotFound("Not found.")
    if error.is_builtin:
        raise Invalid("A built-in error cannot be changed.")
    before = audit.fields(error, changes)
    for name, value in changes.items():
        setattr(error, name, value)
    error.save()
    audit.changed(error, "update", before, audit.fields(error, changes))
    return error
