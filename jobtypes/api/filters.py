"""By what lists of job types and workspaces can be filtered and ordered."""

from __future__ import annotations

from typing import Any

from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Lower

from errors.api.filters import Flag, Keyword, Numbers, ScaleFilterSet, Since, Texts, Until
from errors.api.ordering import Fields
from jobtypes.models import JobType, JobTypeTag

_TEXTS = ("name", "title", "description", "icon_code", "docker_image", "unmet_resources")
_PLAIN = (
    "id", "is_active", "is_system", "is_paused", "is_published", "max_scheduled", "max_tries", "revision_num",
    "created", "deprecated", "paused", "last_modified",
)  # fmt: skip

JOB_TYPE_ORDERS: Fields = {
    **{name: (f"lower_{name}", name) for name in _TEXTS},
    "version": "precedence",
    **{name: name for name in _PLAIN},
}
NAME_ORDERS: Fields = {
    **{name: JOB_TYPE_ORDERS[name] for name in ("name", "title", "description", "icon_code", "unmet_resources")},
    "version": "precedence",
    "latest_version": "precedence",
    **{name: name for name in ("is_active", "is_system", "is_paused", "is_published")},
}
BY_NAME = ("lower_name", "name", "-precedence", "-id")


def orderable(job_types: QuerySet[JobType]) -> QuerySet[JobType]:
    """`job_types`, which can now be ordered as JOB_TYPE_ORDERS says: texts without case."""
    return job_types.alias(**{f"lower_{name}": Lower(F(name)) for name in _TEXTS})


class NameOrTag(Keyword):
    """Words, one of which must stand in the name or in a tag. However many tags match, it is one row."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("name", **kwargs)

    def filter(self, qs: QuerySet[Any], value: list[str]) -> QuerySet[Any]:
        if not value:
            return qs
        named = super().filter(JobType.objects.all(), value).order_by().values("pk")
        tagged = super().filter(JobTypeTag.objects.filter(job_type=OuterRef("pk")), value)
        return qs.filter(Exists(tagged) | self._among(named))

    @staticmethod
    def _among(keys: QuerySet[Any]) -> Exists:
        return Exists(keys.filter(pk=OuterRef("pk")))


class JobTypeFilters(ScaleFilterSet):
    keyword = NameOrTag()
    id = Numbers()
    is_active = Flag()
    is_system = Flag()


class VersionFilters(ScaleFilterSet):
    is_active = Flag()


class WorkspaceFilters(ScaleFilterSet):
    name = Texts()
    started = Since("last_modified")
    ended = Until("last_modified")

    ranges = (("started", "ended"),)
