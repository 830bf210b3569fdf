"""Executions with what Adverity's door shows of them, and nothing else."""

from __future__ import annotations

from django.db.models import QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Left

from executions.models import Execution

_LONGEST_BOUND = 40
"""Characters of a time in a run's input that are looked at."""


def shown() -> QuerySet[Execution]:
    """As `words` need them. Of the input there are `range_start` and `range_end` alone, the bounds of a data range."""
    rows = Execution.objects.select_related("job__job_type", "error").only(
        *("group", "slot", "attempt", "is_last_try", "status", "reason", "trigger", "door", "message"),
        *("scheduled_for", "created", "started", "ended"),
        *("job__name", "job__is_enabled", "job__job_type__name", "job__job_type__version"),
        *("error__name", "error__title", "error__category"),
    )
    return rows.annotate(range_start=_given("start"), range_end=_given("end"))


def _given(name: str) -> Coalesce:
    places = (KeyTextTransform(name, KeyTextTransform(place, "payload__input")) for place in ("json", "kwargs"))
    return Coalesce(*(Left(place, _LONGEST_BOUND) for place in places))
