"""Adverity's endpoints: each reads what is asked, calls one service, and words the answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import NotFound
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from config.dialects import runs
from config.dialects.adverity import ask, rows, words
from config.dialects.adverity.imported import imported
from config.dialects.adverity.serializers import (
    DatastreamSerializer,
    FetchErrorSerializer,
    FetchJobImportedSerializer,
    FetchJobSerializer,
    FetchSerializer,
    FetchStartedSerializer,
)
from config.dialects.runs import Run
from errors.api.exceptions import handler
from errors.api.pagination import CappedPagination
from errors.api.parsers import StrictJSONParser
from errors.exceptions import Invalid, Refused
from executions import clock
from executions.api import last_runs
from executions.api.throttle import RunsByHand
from executions.engine.submit import submit
from executions.models import Execution
from executions.states import Door, Status
from jobs.models import Job

TAGS = ["Adverity"]
_DATASTREAM = OpenApiParameter("datastream_id", OpenApiTypes.STR, description="Only of this datastream: its number.")
_ORDERING = OpenApiParameter(
    "ordering", OpenApiTypes.STR, description="`id` or `job_start`; `-` reverses. By default `-id`."
)
_RANGE = [
    OpenApiParameter("start", OpenApiTypes.STR, description="Jobs that started not earlier: a date or a time, UTC."),
    OpenApiParameter("end", OpenApiTypes.STR, description="Jobs that started not later; a date is its whole day."),
]


class NotStoppable(Refused):
    """Only a job that is scheduled or running can be stopped."""


def refusal(exc: Exception, context: dict[str, Any]) -> Response | None:
    """As everywhere; what is wrong with fields stands under `errors`, and for old clients beside it, too."""
    answer = handler(exc, context)
    if answer is not None and answer.status_code == status.HTTP_400_BAD_REQUEST:
        fields = {name: told for name, told in answer.data.items() if name != "detail"}
        if fields:
            answer.data = {"detail": answer.data["detail"], "errors": fields, **fields}
    return answer


class AdverityPagination(CappedPagination):
    """The house's pages; one that is too far to be looked for is not there, as all that lie beyond the end."""

    def refuse_far_rows(self) -> None:
        try:
            super().refuse_far_rows()
        except Invalid:
            raise NotFound(self.invalid_page_message) from None


class AdverityView(GenericViewSet[Any]):
    pagination_class = AdverityPagination
    filter_backends = []

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return refusal

    @property
    def root(self) -> str:
        return self.request.build_absolute_uri(words.ROOT)

    def page(self, found: QuerySet[Any] | list[int], key: str) -> list[int]:
        """The keys on the page that was asked for."""
        return list(
            self.paginate_queryset(found if isinstance(found, list) else found.values_list(key, flat=True)) or []
        )


class JobViewSet(AdverityView):
    queryset = Execution.objects.all()
    serializer_class = FetchJobSerializer

    def run(self, pk: str) -> Run:
        """The run of that id. Raises NotFound."""
        run = runs.one(runs.number(pk), rows.shown())
        if run is None:
            raise NotFound
        return run

    def shown(self, run: Run) -> dict[str, Any]:
        return words.job(run, self.root, clock.now())

    def answer(self, datastream: int | None, asked: ask.Asked) -> Response:
        found = (
            runs.sorted_between(asked.since, asked.until, datastream, asked.order)
            if asked.is_range
            else runs.live(datastream).order_by(asked.order, "-group")
        )
        root, now = self.root, clock.now()
        page = runs.load(self.page(found, "group"), rows.shown())
        return self.get_paginated_response([words.job(run, root, now) for run in page])

    @extend_schema(
        operation_id="adverity_jobs_list",
        summary="Scheduled and running jobs; with a range those that started within it, in any state.",
        parameters=[_DATASTREAM, *_RANGE, _ORDERING],
        responses=FetchJobSerializer(many=True),
        tags=TAGS,
    )
    def list(self, request: Request) -> Response:
        asked = ask.asked(request.query_params)
        return self.answer(asked.datastream, asked)

    @extend_schema(
        operation_id="adverity_datastream_jobs_list",
        summary="The jobs of a datastream, as the list of all jobs has them.",
        parameters=[*_RANGE, _ORDERING],
        responses=FetchJobSerializer(many=True),
        tags=TAGS,
    )
    def of_datastream(self, request: Request, pk: str) -> Response:
        return self.answer(datastream(pk).pk, ask.asked(request.query_params))

    @extend_schema(operation_id="adverity_job", summary="One job.", responses=FetchJobSerializer, tags=TAGS)
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.shown(self.run(pk)))

    @extend_schema(
        operation_id="adverity_job_imported",
        summary="One job, and what it has imported so far.",
        responses=FetchJobImportedSerializer,
        tags=TAGS,
    )
    def imported(self, request: Request, pk: str) -> Response:
        run = self.run(pk)
        host = request.build_absolute_uri("/").rstrip("/")
        return Response({**self.shown(run), "imported": imported(run.latest, host)})

    @extend_schema(
        operation_id="adverity_job_stop",
        summary="Stop a job; the jobs that were to follow it are discarded.",
        request=None,
        responses=FetchJobSerializer,
        tags=TAGS,
    )
    def stop(self, request: Request, pk: str) -> Response:
        run = self.run(pk)
        if not runs.stop(run, by=request.user.get_username(), now=clock.now()):
            raise NotStoppable
        return Response(self.shown(self.run(pk)))


class DatastreamViewSet(AdverityView):
    queryset = Job.objects.all()
    serializer_class = DatastreamSerializer
    parser_classes = [StrictJSONParser, FormParser, MultiPartParser]

    def get_throttles(self) -> list[BaseThrottle]:
        return [RunsByHand()] if self.action == "fetch_fixed" else []

    def shown(self, jobs: list[Job]) -> list[dict[str, Any]]:
        newest, root = last_runs.of(jobs), self.root
        return [
            {
                **words.datastream(job, root),
                "description": job.description,
                "last_fetch": words.moment(newest[job.pk].started) if job.pk in newest else None,
            }
            for job in jobs
        ]

    @extend_schema(
        operation_id="adverity_datastreams_list",
        summary="The datastreams: our jobs.",
        responses=DatastreamSerializer(many=True),
        tags=TAGS,
    )
    def list(self, request: Request) -> Response:
        keys = self.page(Job.objects.living().filter(is_ad_hoc=False).order_by("pk"), "pk")
        jobs = full().in_bulk(keys)
        return self.get_paginated_response(self.shown([jobs[key] for key in keys if key in jobs]))

    @extend_schema(
        operation_id="adverity_datastream", summary="One datastream.", responses=DatastreamSerializer, tags=TAGS
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        return Response(self.shown([datastream(pk)])[0])

    @extend_schema(
        operation_id="adverity_fetch_fixed",
        summary="Start a job for a range of data.",
        request=FetchSerializer,
        responses=FetchStartedSerializer,
        tags=TAGS,
    )
    def fetch_fixed(self, request: Request, pk: str) -> Response:
        job = datastream(pk)
        given = ask.data_range(request.data)
        execution, message = fetch(job, given, by=request.user.get_username())
        started = {"id": execution.group, "url": f"{self.root}jobs/{execution.group}/"}
        return Response({"status": "ok", "message": message, **given, "jobs": [started]})


class ErrorViewSet(AdverityView):
    queryset = Execution.objects.all()
    serializer_class = FetchErrorSerializer

    def failures(self) -> QuerySet[Execution]:
        return Execution.objects.runs().filter(status=Status.FAILED)

    def shown(self, executions: list[Execution]) -> list[dict[str, Any]]:
        root, now = self.root, clock.now()
        found = {run.id: run for run in runs.load({one.group for one in executions}, rows.shown())}
        return [words.error(one, found[one.group], root, now) for one in executions if one.group in found]

    @extend_schema(
        operation_id="adverity_errors_list",
        summary="The jobs that failed, newest first, and why.",
        parameters=[_DATASTREAM],
        responses=FetchErrorSerializer(many=True),
        tags=TAGS,
    )
    def list(self, request: Request) -> Response:
        failures = self.failures().order_by("-created", "-id")
        job = ask.datastream_of(request.query_params)
        keys = self.page(failures if job is None else failures.filter(job=job), "pk")
        found = rows.shown().in_bulk(keys)
        return self.get_paginated_response(self.shown([found[key] for key in keys if key in found]))

    @extend_schema(
        operation_id="adverity_error", summary="One job that failed.", responses=FetchErrorSerializer, tags=TAGS
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        shown = self.shown(list(rows.shown().filter(status=Status.FAILED, pk=runs.number(pk))))
        if not shown:
            raise NotFound
        return Response(shown[0])


def full() -> QuerySet[Job]:
    return Job.objects.living().select_related("job_type", "payload", "record")


def datastream(pk: str) -> Job:
    """The living job of that id. Raises NotFound."""
    found = full().filter(pk=runs.number(pk)).first()
    if found is None:
        raise NotFound
    return found


def fetch(job: Job, given: Mapping[str, str], *, by: str) -> tuple[Execution, str]:
    """Run `job` for that range of data, and say so: its input gets `start` and `end`, where its job type takes them."""
    own = job.payload.input
    place = "kwargs" if own.get("args") or own.get("kwargs") else "json"
    told = {**own, place: {**own.get(place, {}), **given}}
    try:
        return submit(job, by=by, door=Door.ADVERITY, now=clock.now(), input=told), "The fetch has been scheduled."
    except Invalid:
        execution = submit(job, by=by, door=Door.ADVERITY, now=clock.now())
        return execution, "The fetch has been scheduled; its job type takes no start and end, and runs as always."
