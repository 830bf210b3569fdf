"""By what a list of jobs can be filtered and ordered. What depends on executions is added where the list is."""

from __future__ import annotations

from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet

from errors.api.filters import Flag, IsNull, Keyword, Numbers, ScaleFilterSet, Texts, Until
from errors.api.ordering import Fields
from jobs.models import Job


class JobFilters(ScaleFilterSet):
    keyword = Keyword("name", "title", "description")
    id = Numbers()
    name = Texts()
    job_type_name = Texts("job_type__name")
    job_type_version = Texts("job_type__version")
    is_enabled = Flag()
    is_paused = IsNull("paused_at", inverted=True)
    owner = Texts()
    next_before = Until("next_run_at")

    labels = {"metadata": "metadata", "tags": "tags"}


_SAME_NAME = (
    "id", "created", "last_modified", "created_by", "name", "title", "description", "owner", "owner_email", "schedule",
    "timezone", "is_enabled", "starts_at", "expires_at", "priority", "timeout", "retries", "retry_delay", "deadline",
    "concurrency", "misfire_policy", "misfire_grace", "at_most_once", "is_ephemeral", "last_scheduled_for",
)  # fmt: skip

JOB_ORDERS: Fields = {
    **{name: name for name in _SAME_NAME},
    "next_run_at": ("is_never_due", "next_run_at"),
    "job_type": ("job_type__name", "job_type__precedence"),
    "job_type_revision": "job_type_revision__revision_num",
    "missed_reason": "record__missed_reason",
}


def orderable(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """`jobs`, which can now be ordered as JOB_ORDERS says: those without a next instant after all others."""
    return jobs.alias(is_never_due=ExpressionWrapper(Q(next_run_at=None), output_field=BooleanField()))


def shown(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """`jobs` with all that their form in the API needs: two queries, whatever their number; never a secret."""
    return (
        jobs.select_related("job_type", "job_type_revision", "payload", "record")
        .prefetch_related("parents")
        .defer(
            "job_type__manifest",
            "job_type__configuration",
            "job_type_revision__manifest",
            "job_type_revision__input_schema",
            "job_type_revision__configuration_schema",
            "payload__secrets",
        )
    )
