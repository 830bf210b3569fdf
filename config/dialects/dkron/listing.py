"""Which jobs a client asks for, and in which order: one query for their keys, one for how many there are in all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Case, F, Func, Q, QuerySet, TextField, Value, When
from django.db.models.functions import Lower, StrIndex
from django.http import QueryDict

from config.dialects.dkron import goes, job, standing
from config.dialects.dkron.words import UNTRIGGERED, UNTRIGGERED_FILTER
from jobs.models import Job

DESCENDING = "DESC"
BY_NAME = "name"
_METADATA = re.compile(r"metadata\[(?P<key>[^\]]+)\]")
_TEXT_COLUMNS = {"displayname": "title", "schedule": "schedule"}
_NUMBERS = {"success_count": "record__success_count", "error_count": "record__error_count"}
_TIMES = {"last_success": "record__last_success", "last_error": "record__last_error", "next": "shown_next"}


class MetadataText(Func):
    """The text under one key of `metadata`, whatever the key is made of; NULL where there is none."""

    output_field = TextField()

    def __init__(self, key: str) -> None:
        place = f'$."{key}"' if connection.vendor == "sqlite" else key
        super().__init__(F("metadata"), Value(place))

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="JSON_EXTRACT", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, function="jsonb_extract_path_text", **context)


@dataclass(frozen=True, slots=True)
class Page:
    jobs: list[Job]
    total: int
    """How many match, on this page or not."""


def page(asked: QueryDict, now: datetime) -> Page:
    """The part of all jobs that the parameters of an address ask for."""
    matching = _filtered(Job.objects.living().filter(is_ad_hoc=False), asked)
    total = matching.count()
    start = goes.integer(str(asked["_start"])) if "_start" in asked else 0
    end = goes.integer(str(asked["_end"])) if "_end" in asked else total
    if start < 0 or start >= min(end, total):
        return Page([], total)
    keys = _sorted(matching, asked, now).values_list("pk", flat=True)[start : min(end, total)]
    return Page(job.loaded(list(keys)), total)


def _filtered(jobs: QuerySet[Job], asked: QueryDict) -> QuerySet[Job]:
    for number, (name, values) in enumerate(asked.lists()):
        if found := _METADATA.fullmatch(name):
            label = f"label_{number}"
            jobs = jobs.alias(**{label: MetadataText(found["key"])}).filter(**{label: values[-1]})
    if words := asked.get("q"):
        found_in = {"in_name": StrIndex("name", Value(words)), "in_title": StrIndex("title", Value(words))}
        jobs = jobs.alias(**found_in).filter(Q(in_name__gt=0) | Q(in_title__gt=0))
    if disabled := asked.get("disabled"):
        jobs = jobs.filter(is_enabled=disabled == "false") if disabled in ("true", "false") else jobs.none()
    if status := asked.get("status"):
        wanted = UNTRIGGERED if status == UNTRIGGERED_FILTER else status
        jobs = standing.annotated(jobs).filter(**{standing.COLUMN: wanted})
    return jobs


def _sorted(jobs: QuerySet[Job], asked: QueryDict, now: datetime) -> QuerySet[Job]:
    """Text by its lower case, what is missing first, what is the same by name; by name, too, for an unknown field."""
    field, is_descending = asked.get("_sort", BY_NAME), asked.get("_order") == DESCENDING
    order: Any
    if field in _TEXT_COLUMNS:
        order = Lower(_TEXT_COLUMNS[field])
    elif field in _NUMBERS:
        order = F(_NUMBERS[field])
    elif field in _TIMES:
        begins = Q(next_run_at__isnull=False, starts_at__gt=now)
        jobs = jobs.alias(shown_next=Case(When(begins, then=F("starts_at")), default=F("next_run_at")))
        order = F(_TIMES[field])
    else:
        return jobs.order_by("-name" if is_descending else "name")
    if is_descending:
        return jobs.order_by(order.desc(nulls_last=True), "name")
    return jobs.order_by(order.asc(nulls_first=True), "name")
