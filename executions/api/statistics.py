"""`/v6/job-types/status/`, `pending/`, `running/`, `system-failures/` (NGA Scale's), and `/v6/failures/`, our own.

All numbers come from `executions.tally`: a page costs the same for a thousand executions and for millions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from errors.api import values
from errors.api.filters import Flag, ScaleFilterSet
from errors.api.ordering import MAX_FIELDS
from errors.api.serializers import ErrorSerializer, MomentField
from errors.exceptions import Invalid
from errors.models import Error
from executions import tally
from executions.models import Execution
from executions.states import Status
from executions.tally import Count, Window
from jobtypes.api.serializers import JobTypeBaseSerializer
from jobtypes.models import JobType

DEFAULT_WINDOW = timedelta(hours=3)
BASE = JobTypeBaseSerializer.Meta.fields
"""The fields of Scale's base object: columns, which are shown as they are."""
ERROR = ErrorSerializer.Meta.fields
_STATUSES = {status: place for place, status in enumerate(Status)}

STARTED = OpenApiParameter(
    "started", OpenApiTypes.STR, description="A date-time with its zone, or a duration before now."
)
ENDED = OpenApiParameter("ended", OpenApiTypes.STR, description="As `started`; default: open.")


def _moment(request: Request, name: str, now: datetime) -> datetime | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        return values.moment_or_ago(text, now)
    except ValueError:
        raise Invalid(f"Invalid ISO timestamp format for parameter: {name}") from None


def _window(request: Request, now: datetime) -> Window:
    return Window(_moment(request, "started", now), _moment(request, "ended", now))


def _bases(keys: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The base objects of these job types, by id."""
    return {row["id"]: row for row in JobType.objects.filter(pk__in=set(keys)).order_by().values(*BASE)}


def _errors(keys: Iterable[int]) -> dict[int, dict[str, Any]]:
    """The objects of these errors, by id."""
    rows = Error.objects.filter(pk__in=set(keys) - {0}).order_by().values(*ERROR)
    return {
        row["id"]: {**row, "created": values.iso(row["created"]), "last_modified": values.iso(row["last_modified"])}
        for row in rows
    }


# --- Status -----------------------------------------------------------------------------------------------------------
class StatusCountSerializer(serializers.Serializer[Any]):
    """How many runs are in one state; those that failed by the category of their error."""

    status = serializers.ChoiceField(choices=Status.choices)
    count = serializers.IntegerField()
    most_recent = MomentField()
    category = serializers.ChoiceField(choices=Error.Category.choices, allow_null=True)


class JobTypeStatusSerializer(serializers.Serializer[Any]):
    job_type = JobTypeBaseSerializer()
    job_counts = StatusCountSerializer(many=True)


class StatusFilters(ScaleFilterSet):
    is_active = Flag()


class JobTypeStatus(GenericAPIView[JobType]):
    """Every job type with its runs by state, of the last three hours if nothing else is said; all that are running."""

    queryset = JobType.objects.order_by("last_modified", "pk")
    serializer_class = JobTypeStatusSerializer
    filterset_class = StatusFilters

    @extend_schema(
        operation_id="job_types_status", parameters=[STARTED, ENDED], responses=JobTypeStatusSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        now = timezone.now()
        window = _window(request, now)
        if window.start is None:
            window = replace(window, start=now - DEFAULT_WINDOW)
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset().values(*BASE))) or []
        shown = {job_type["id"] for job_type in page}
        counted = [one for one in tally.ended_and_live(window, now) if one.job_type in shown]
        counts = _status_counts(counted, tally.failures(counted, window))
        return self.get_paginated_response(
            [{"job_type": job_type, "job_counts": counts.get(job_type["id"], [])} for job_type in page]
        )


def _status_counts(
    counted: Sequence[Count], failures: Mapping[tuple[int, int], tuple[str, datetime | None]]
) -> Mapping[int, list[dict[str, Any]]]:
    """The counts of each job type, those of failures put together by category."""
    groups: dict[tuple[int, str, str | None], tuple[int, datetime]] = {}
    for one in counted:
        category, newest = None, one.newest
        if one.status == Status.FAILED:
            # What failed without an error that is known has none; Scale has none such, and SYSTEM says it best.
            category, last = failures.get((one.job_type, one.error), (Error.Category.SYSTEM.value, None))
            newest = last or newest
        count, newest_yet = groups.get((one.job_type, one.status, category), (0, newest))
        groups[one.job_type, one.status, category] = (count + one.count, max(newest, newest_yet))
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for (job_type, status, category), (count, newest) in sorted(
        groups.items(), key=lambda group: (_STATUSES[Status(group[0][1])], group[0][2] or "")
    ):
        row = {"status": status, "count": count, "most_recent": values.iso(newest), "category": category}
        found[job_type].append(row)
    return found


# --- Pending and running ----------------------------------------------------------------------------------------------
class JobTypePendingSerializer(serializers.Serializer[Any]):
    job_type = JobTypeBaseSerializer()
    count = serializers.IntegerField()
    longest_pending = MomentField(help_text="Since when the oldest of them waits.")


class JobTypeRunningSerializer(serializers.Serializer[Any]):
    job_type = JobTypeBaseSerializer()
    count = serializers.IntegerField()
    longest_running = MomentField(help_text="Since when the oldest of them runs.")


class _Live(GenericAPIView[Execution]):
    """The job types that have something in one state, the oldest first."""

    queryset = Execution.objects.none()
    filter_backends = []
    state: Status
    longest: str

    def answer(self) -> Response:
        counted = sorted(tally.live(self.state), key=attrgetter("oldest", "job_type"))
        page = self.paginate_queryset(counted) or []
        bases = _bases(one.job_type for one in page)
        rows = [
            {"job_type": bases[one.job_type], "count": one.count, self.longest: values.iso(one.oldest)} for one in page
        ]
        return self.get_paginated_response(rows)


class JobTypesPending(_Live):
    """What was accepted and may not be queued yet, by job type."""

    serializer_class = JobTypePendingSerializer
    state = Status.PENDING
    longest = "longest_pending"

    @extend_schema(operation_id="job_types_pending", responses=JobTypePendingSerializer(many=True))
    def get(self, request: Request) -> Response:
        return self.answer()


class JobTypesRunning(_Live):
    """What runs, by job type."""

    serializer_class = JobTypeRunningSerializer
    state = Status.RUNNING
    longest = "longest_running"

    @extend_schema(operation_id="job_types_running", responses=JobTypeRunningSerializer(many=True))
    def get(self, request: Request) -> Response:
        return self.answer()


# --- Failures ---------------------------------------------------------------------------------------------------------
class SystemFailureSerializer(serializers.Serializer[Any]):
    job_type = JobTypeBaseSerializer()
    error = ErrorSerializer()
    count = serializers.IntegerField()
    first_error = MomentField()
    last_error = MomentField()


class FailureSerializer(serializers.Serializer[Any]):
    """Runs of one job type that failed with one error, and were not tried again."""

    job_type = JobTypeBaseSerializer()
    error = ErrorSerializer()
    count = serializers.IntegerField()
    first = MomentField()
    last = MomentField()


class SystemFailures(GenericAPIView[Execution]):
    """Runs that failed through no fault of theirs, by job type and error; the newest first."""

    queryset = Execution.objects.none()
    serializer_class = SystemFailureSerializer
    filter_backends = []

    @extend_schema(operation_id="job_types_system_failures", responses=SystemFailureSerializer(many=True))
    def get(self, request: Request) -> Response:
        system = set(Error.objects.filter(category=Error.Category.SYSTEM).values_list("pk", flat=True))
        failures = [one for one in tally.ended(Window(), timezone.now(), status=Status.FAILED) if one.error in system]
        failures.sort(key=lambda one: (one.newest, one.job_type, one.error), reverse=True)
        page = self.paginate_queryset(failures) or []
        rows = [
            {
                "job_type": failure.job_type,
                "error": failure.error,
                "count": failure.count,
                "first_error": values.iso(failure.first),
                "last_error": values.iso(failure.last),
            }
            for failure in _shown(page, Window())
        ]
        return self.get_paginated_response(rows)


@dataclass(frozen=True, slots=True)
class _Failure:
    job_type: dict[str, Any]
    error: dict[str, Any]
    count: int
    first: datetime
    last: datetime


def _shown(counted: Sequence[Count], window: Window) -> list[_Failure]:
    bases, errors = _bases(one.job_type for one in counted), _errors(one.error for one in counted)
    bounds = tally.bounds_of(counted, window)
    shown = []
    for one in counted:
        first, last = bounds.get((one.job_type, one.error), (one.oldest, one.newest))
        shown.append(_Failure(bases[one.job_type], errors[one.error], one.count, first, last))
    return shown


FAILURE_ORDERS = {"count": "count", "first": "oldest", "last": "newest"}
_FILTERS = (
    OpenApiParameter("job_type_id", OpenApiTypes.INT, many=True),
    OpenApiParameter("job_type_name", OpenApiTypes.STR, many=True),
    OpenApiParameter("job_type_version", OpenApiTypes.STR, many=True),
    OpenApiParameter("error_id", OpenApiTypes.INT, many=True),
    OpenApiParameter("error_name", OpenApiTypes.STR, many=True),
    OpenApiParameter("error_category", OpenApiTypes.STR, many=True),
    OpenApiParameter("order", OpenApiTypes.STR, many=True, description="count, first, last; default: -count, -last."),
)


class Failures(GenericAPIView[Execution]):
    """Runs that failed, by error and job type: what fails most, and since when. Only each run's latest try counts."""

    queryset = Execution.objects.none()
    serializer_class = FailureSerializer
    filter_backends = []

    @extend_schema(
        operation_id="failures_list", parameters=[STARTED, ENDED, *_FILTERS], responses=FailureSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        now = timezone.now()
        window = _window(request, now)
        if window.start and window.end and window.start >= window.end:
            raise Invalid.field("started", 'Parameter must lie before "ended": "started"')
        failures = _chosen(request, [one for one in tally.ended(window, now, status=Status.FAILED) if one.error])
        page = self.paginate_queryset(_ordered(request, failures)) or []
        rows = [
            {
                "job_type": failure.job_type,
                "error": failure.error,
                "count": failure.count,
                "first": values.iso(failure.first),
                "last": values.iso(failure.last),
            }
            for failure in _shown(page, window)
        ]
        return self.get_paginated_response(rows)


def _chosen(request: Request, failures: list[Count]) -> list[Count]:
    """Those that the parameters of `request` ask for."""
    given = request.query_params
    job_types: dict[str, Any] = {}
    errors: dict[str, Any] = {}
    for chosen, parameter, column in (
        (job_types, "job_type_id", "pk"),
        (job_types, "job_type_name", "name"),
        (job_types, "job_type_version", "version"),
        (errors, "error_id", "pk"),
        (errors, "error_name", "name"),
        (errors, "error_category", "category"),
    ):
        if wanted := given.getlist(parameter):
            chosen[f"{column}__in"] = [_integer(parameter, text) for text in wanted] if column == "pk" else wanted
    if job_types:
        keys = set(JobType.objects.filter(**job_types).values_list("pk", flat=True))
        failures = [one for one in failures if one.job_type in keys]
    if errors:
        keys = set(Error.objects.filter(**errors).values_list("pk", flat=True))
        failures = [one for one in failures if one.error in keys]
    return failures


def _integer(name: str, text: str) -> int:
    try:
        return values.integer(text)
    except ValueError:
        raise Invalid(f'Parameter must be a valid integer: "{name}"') from None


def _ordered(request: Request, failures: list[Count]) -> list[Count]:
    words = request.query_params.getlist("order")
    if len(words) > MAX_FIELDS:
        raise Invalid.field("order", f"takes {MAX_FIELDS} fields at most.")
    asked = [word for word in words if word.removeprefix("-") in FAILURE_ORDERS] or ["-count", "-last"]
    failures = sorted(failures, key=attrgetter("job_type", "error"))
    for word in reversed(asked):
        column = FAILURE_ORDERS[word.removeprefix("-")]
        failures.sort(key=attrgetter(column), reverse=word.startswith("-"))
    return failures
