"""`/v6/executions/`: what ran, runs and waits; and what is done with one execution."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from django.db.models import QuerySet
from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.generics import get_object_or_404
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from errors.api import values
from errors.api.pagination import CappedPagination
from errors.exceptions import Invalid
from executions import clock, output
from executions.api.filters import EXECUTION_ORDERS, ExecutionFilters, orderable
from executions.api.jobs import NothingSerializer, execution_made, run_fields
from executions.api.pages import page_of
from executions.api.serializers import (
    ExecutionDetailSerializer,
    ExecutionSerializer,
    OutputPageSerializer,
    SingleRunSerializer,
)
from executions.api.throttle import RunsByHand
from executions.engine.cancel import cancel
from executions.engine.submit import retry, submit_ad_hoc
from executions.engine.why import why
from executions.models import Execution
from executions.states import Door
from jobs import target
from jobs.models import Job

MAX_LINES = 500
"""Lines of output in one answer."""
MAX_TRIES = 200
"""Other tries shown beside an execution, the newest."""


class PlainText(BaseRenderer):
    """Text as it is; of a refusal its `detail`."""

    media_type = "text/plain"
    format = "txt"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> str:
        return str(data.get("detail", "")) if isinstance(data, Mapping) else str(data or "")


@extend_schema_view(list=extend_schema(summary="Executions, newest first.", responses=ExecutionSerializer(many=True)))
class ExecutionViewSet(GenericViewSet[Execution]):
    serializer_class = ExecutionSerializer
    filterset_class = ExecutionFilters
    pagination_class = CappedPagination
    ordering_fields = EXECUTION_ORDERS
    ordering = ("-created", "-id")

    def get_queryset(self) -> QuerySet[Execution]:
        return orderable()

    def get_throttles(self) -> list[BaseThrottle]:
        return [RunsByHand()] if self.action in ("create", "retry") else []

    def execution(self, pk: int) -> Execution:
        """The execution of that id; raises a 404."""
        return get_object_or_404(Execution, pk=values.integer(str(pk)))

    def answer(self, executions: QuerySet[Execution]) -> Response:
        page = page_of(self, executions, Execution.objects.with_names())
        shape = ExecutionSerializer()
        return self.get_paginated_response([shape.to_representation(execution) for execution in page])

    def list(self, request: Request) -> Response:
        return self.answer(self.get_queryset())

    @extend_schema(
        operation_id="jobs_executions_list",
        summary="The executions of a job.",
        responses=ExecutionSerializer(many=True),
    )
    def of_job(self, request: Request, name: str) -> Response:
        job = get_object_or_404(Job.objects.living().only("pk"), name=name)
        return self.answer(self.get_queryset().filter(job=job.pk))

    @extend_schema(
        summary="Run a job type once.", request=SingleRunSerializer, responses={201: ExecutionSerializer}, filters=False
    )
    def create(self, request: Request) -> Response:
        given = run_fields(request, SingleRunSerializer)
        job_type = target.resolve(given.pop("job_type"), None, None).job_type
        execution = submit_ad_hoc(job_type, by=request.user.get_username(), door=Door.NATIVE, now=clock.now(), **given)
        return execution_made(request, execution)

    @extend_schema(summary="One execution.", responses={200: ExecutionDetailSerializer})
    def retrieve(self, request: Request, pk: int) -> Response:
        detailed = Execution.objects.with_names().select_related("result", "payload").defer("payload__secrets")
        execution = get_object_or_404(detailed, pk=values.integer(str(pk)))
        others = Execution.objects.filter(group=execution.group).exclude(pk=execution.pk)
        context = {
            "why": None if execution.is_final else why(execution, clock.now()),
            "tries": sorted(others.order_by("-pk")[:MAX_TRIES], key=lambda other: (other.slot, other.attempt)),
        }
        return Response(ExecutionDetailSerializer(execution, context=context).data)

    @extend_schema(
        summary="Cancel an execution.", request=NothingSerializer, responses={202: ExecutionSerializer}, filters=False
    )
    def cancel(self, request: Request, pk: int) -> Response:
        NothingSerializer.read(request)
        stopped = cancel(self.execution(pk), by=request.user.get_username(), now=clock.now())
        fresh = Execution.objects.with_names().get(pk=stopped.pk)
        return Response(ExecutionSerializer(fresh).data, status=status.HTTP_202_ACCEPTED)

    @extend_schema(
        summary="Try a run again that has ended.",
        request=NothingSerializer,
        responses={201: ExecutionSerializer},
        filters=False,
    )
    def retry(self, request: Request, pk: int) -> Response:
        NothingSerializer.read(request)
        made = retry(self.execution(pk), by=request.user.get_username(), door=Door.NATIVE, now=clock.now())
        return execution_made(request, made)


class OutputViewSet(GenericViewSet[Execution]):
    """The output of an execution, by lines or, as text/plain, whole."""

    renderer_classes = [JSONRenderer, PlainText]
    pagination_class = None
    filter_backends = []
    queryset = Execution.objects.all()

    @extend_schema(
        operation_id="executions_output",
        parameters=[
            OpenApiParameter("after", OpenApiTypes.INT, description="The number of the last line seen; default 0."),
            OpenApiParameter("limit", OpenApiTypes.INT, description=f"How many lines, 1 to {MAX_LINES}, the default."),
        ],
        responses={(200, "application/json"): OutputPageSerializer, (200, "text/plain"): OpenApiTypes.STR},
    )
    def retrieve(self, request: Request, pk: int) -> Response | StreamingHttpResponse:
        execution = get_object_or_404(Execution, pk=values.integer(str(pk)))
        if isinstance(request.accepted_renderer, PlainText):
            return StreamingHttpResponse(_encoded(output.text(execution)), content_type="text/plain; charset=utf-8")
        after, limit = _integer(request, "after", 0), _integer(request, "limit", MAX_LINES)
        page = output.read(execution, after=max(0, after), limit=max(1, min(limit, MAX_LINES)))
        return Response(OutputPageSerializer(asdict(page)).data)


def _encoded(pieces: Iterator[str]) -> Iterator[bytes]:
    return (piece.encode() for piece in pieces)


def _integer(request: Request, name: str, default: int) -> int:
    try:
        return values.integer(request.query_params.get(name, str(default)))
    except ValueError:
        raise Invalid(f'Parameter must be a valid integer: "{name}"') from None
