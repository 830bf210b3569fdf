"""What can be asked about a job before there is one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from errors.api import values
from errors.api.exceptions import first_text
from errors.exceptions import Invalid
from jobs import services
from jobs.api.serializers import JOB_VALIDATION, SCHEDULE_PREVIEW, JobSerializer
from jobs.schedule import preview
from jobtypes.limits import Problem

MAX_PREVIEWED = 100
"""Instants of a schedule shown at once."""


class JobValidation(APIView):
    """Says what is wrong with a job, without making it."""

    @extend_schema(operation_id="jobs_validate", request=JobSerializer, responses={200: JOB_VALIDATION})
    def post(self, request: Request) -> Response:
        found = _problems(request.data)
        errors = [problem for problem in found if not problem.is_warning]
        warnings = [problem for problem in found if problem.is_warning]
        return Response({"is_valid": not errors, "errors": _entries(errors), "warnings": _entries(warnings)})


def _problems(body: Any) -> list[Problem]:
    serializer = JobSerializer(data=body)
    if not serializer.is_valid():
        return [Problem(name, first_text(wrong)) for name, wrong in serializer.errors.items()]
    return services.problems(serializer.validated_data, now=timezone.now())


def _entries(problems: list[Problem]) -> list[dict[str, str]]:
    return [{"name": problem.path, "description": problem.message} for problem in problems]


class SchedulePreview(APIView):
    """Explains a schedule: in words, with its next instants and what may surprise."""

    @extend_schema(
        operation_id="schedules_preview",
        parameters=[
            OpenApiParameter("schedule", OpenApiTypes.STR, required=True),
            OpenApiParameter("timezone", OpenApiTypes.STR, description="Default: the house's."),
            OpenApiParameter("count", OpenApiTypes.INT, description=f"0 to {MAX_PREVIEWED} instants, default 10."),
        ],
        responses={200: SCHEDULE_PREVIEW},
    )
    def get(self, request: Request) -> Response:
        text = request.query_params.get("schedule")
        if text is None:
            raise Invalid('Missing required parameter: "schedule"')
        zone = request.query_params.get("timezone") or settings.TIME_ZONE
        explained = preview(text, zone, timezone.now(), count_of(request))
        return Response(SCHEDULE_PREVIEW.to_representation(asdict(explained)))


def count_of(request: Request, default: int = 10) -> int:
    """How many instants `request` asks for: 0 to 100. Raises Invalid for what is no integer."""
    try:
        count = values.integer(request.query_params.get("count", str(default)))
    except ValueError:
        raise Invalid('Parameter must be a valid integer: "count"') from None
    return max(0, min(count, MAX_PREVIEWED))
