"""By what a list of executions can be filtered and ordered.

Names are looked up first and their ids filtered by, so that the database sees which index the list can be read from.
"""

from __future__ import annotations

from typing import Any

from django.db.models import DurationField, ExpressionWrapper, F, Model, QuerySet

from errors.api.filters import Flag, Numbers, ScaleFilterSet, Since, Texts, Until
from errors.api.ordering import Fields
from errors.models import Error
from executions.models import Execution, Worker
from jobs.models import Job
from jobtypes.models import JobType

MANY = 1_000
"""Ids that one name may stand for; beyond that the database joins."""


class NameOf(Texts):
    """Rows whose `relation` has one of these texts in `column`."""

    def __init__(self, relation: str, model: type[Model], column: str, **kwargs: Any) -> None:
        self.relation, self.model_, self.column = relation, model, column
        super().__init__(f"{relation}__{column}", **kwargs)

    def filter(self, qs: QuerySet[Any], value: list[str]) -> QuerySet[Any]:
        if not value:
            return qs
        named = self.model_._default_manager.filter(**{f"{self.column}__in": value}).values_list("pk", flat=True)
        keys = list(named.order_by()[: MANY + 1])
        return qs.filter(**{f"{self.relation}__in": keys if len(keys) <= MANY else named.order_by()})


class ExecutionFilters(ScaleFilterSet):
    id = Numbers()
    job_id = Numbers("job")
    job_name = NameOf("job", Job, "name")
    job_type_id = Numbers("job_type")
    job_type_name = NameOf("job_type", JobType, "name")
    job_type_version = NameOf("job_type", JobType, "version")
    status = Texts()
    reason = Texts()
    trigger = Texts()
    door = Texts()
    worker = NameOf("worker", Worker, "name")
    error_id = Numbers("error")
    error_name = NameOf("error", Error, "name")
    error_category = NameOf("error", Error, "category")
    group = Numbers()
    is_last_try = Flag()
    started = Since("created")
    ended = Until("created")

    ranges = (("started", "ended"),)


EXECUTION_ORDERS: Fields = {
    "id": "id",
    "created": "created",
    "started": "started",
    "ended": "ended",
    "duration": "took",
    "job_name": "job__name",
    "status": ("status", "-created"),
    "priority": "priority",
}


def orderable() -> QuerySet[Execution]:
    """Executions, which can be ordered as EXECUTION_ORDERS says."""
    took = ExpressionWrapper(F("ended") - F("started"), output_field=DurationField())
    return Execution.objects.alias(took=took)
