"""`/v6/jobs/`: jobs, and what is done with one."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from errors.api import values
from errors.api.rights import Role, require
from errors.api.serializers import MomentField, StrictSerializer, StrictText
from errors.exceptions import Invalid, NotFound
from executions import clock
from executions.api import last_runs
from executions.api.pages import page_of
from executions.api.serializers import ExecutionSerializer, RunSerializer
from executions.api.throttle import RunsByHand
from executions.engine.archive import archive
from executions.engine.submit import submit
from executions.models import Execution
from executions.states import Door
from jobs import services, upcoming
from jobs.api.filters import JOB_ORDERS, JobFilters, orderable, shown
from jobs.api.serializers import JobSerializer
from jobs.api.views import count_of
from jobs.models import Job
from jobs.payloads import too_much

FULL = ("job_type", "job_type_revision", "payload", "record")


class JobListFilters(JobFilters):
    status = last_runs.RunStatus()


class PauseRequestSerializer(StrictSerializer):
    note = StrictText(required=False, allow_blank=True)
    until = MomentField(required=False, allow_null=True)


class UpcomingSerializer(serializers.Serializer[Any]):
    """When a job is due next."""

    words = serializers.CharField()
    timezone = serializers.CharField()
    next = serializers.ListField(child=MomentField())


class NothingSerializer(StrictSerializer):
    """No fields."""


@extend_schema_view(
    list=extend_schema(summary="The living jobs."),
    retrieve=extend_schema(summary="One job, by its name."),
)
class JobViewSet(GenericViewSet[Job]):
    serializer_class = JobSerializer
    filterset_class = JobListFilters
    ordering_fields = {**JOB_ORDERS, "status": "run_status"}
    ordering = ("name",)
    lookup_field = "name"

    def get_queryset(self) -> QuerySet[Job]:
        jobs = orderable(Job.objects.living().filter(is_ad_hoc=False))
        orders = self.request.query_params.getlist("order")
        return last_runs.with_status(jobs) if {"status", "-status"} & set(orders) else jobs

    def get_throttles(self) -> list[BaseThrottle]:
        return [RunsByHand()] if self.action == "run" else []

    def job(self, name: str) -> Job:
        """The living job of that name; raises NotFound."""
        job = Job.objects.living().select_related(*FULL).filter(name=name).first()
        if job is None:
            raise NotFound("Not found.")
        return job

    def answer(self, job: Job, code: int = status.HTTP_200_OK, **headers: str) -> Response:
        """`job` as it stands now, which may have been deleted meanwhile."""
        fresh = shown(Job.objects.filter(pk=job.pk)).get()
        return Response(self._shown([fresh])[0], status=code, headers=headers)

    def _shown(self, jobs: list[Job]) -> Any:
        context = {**self.get_serializer_context(), "last_runs": last_runs.of(jobs)}
        return JobSerializer(jobs, many=True, context=context).data

    def list(self, request: Request) -> Response:
        page = page_of(self, self.get_queryset(), shown(Job.objects.all()))
        return self.get_paginated_response(self._shown(page))

    @extend_schema(summary="Make a job.", responses={201: JobSerializer})
    def create(self, request: Request) -> Response:
        job = services.create(JobSerializer.read(request), by=_caller(request), now=clock.now())
        return self.answer(job, status.HTTP_201_CREATED, Location=_address(request, job))

    def retrieve(self, request: Request, name: str) -> Response:
        return self.answer(self.job(name))

    @extend_schema(summary="Replace a job: what is not sent gets its default.")
    def update(self, request: Request, name: str) -> Response:
        return self._change(request, name, partial=False)

    @extend_schema(summary="Change a job: what is not sent stays.")
    def partial_update(self, request: Request, name: str) -> Response:
        return self._change(request, name, partial=True)

    def _change(self, request: Request, name: str, *, partial: bool) -> Response:
        fields = JobSerializer.read(request)
        return self.answer(
            services.update(self.job(name), fields, by=_caller(request), now=clock.now(), partial=partial)
        )

    @extend_schema(
        summary="Delete a job; its history stays readable.",
        parameters=[OpenApiParameter("cancel", OpenApiTypes.BOOL, description="Cancel what runs; otherwise 409.")],
        responses={204: None},
    )
    def destroy(self, request: Request, name: str) -> Response:
        try:
            cancel_running = values.boolean(request.query_params.get("cancel", "false"))
        except ValueError:
            raise Invalid('Parameter must be a valid boolean: "cancel"') from None
        archive(self.job(name), by=_caller(request), now=clock.now(), cancel_running=cancel_running)
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="Run a job, now or later.", request=RunSerializer, responses={201: ExecutionSerializer}, filters=False
    )
    def run(self, request: Request, name: str) -> Response:
        given = run_fields(request, RunSerializer)
        execution = submit(self.job(name), by=_caller(request), door=Door.NATIVE, now=clock.now(), **given)
        return execution_made(request, execution)

    @extend_schema(
        summary="Hold a job back.", request=PauseRequestSerializer, responses={200: JobSerializer}, filters=False
    )
    def pause(self, request: Request, name: str) -> Response:
        said = PauseRequestSerializer.read(request)
        return self.answer(services.pause(self.job(name), by=_caller(request), now=clock.now(), **said))

    @extend_schema(
        summary="End the pause of a job.", request=NothingSerializer, responses={200: JobSerializer}, filters=False
    )
    def resume(self, request: Request, name: str) -> Response:
        NothingSerializer.read(request)
        return self.answer(services.resume(self.job(name), by=_caller(request), now=clock.now()))

    @extend_schema(
        summary="When a job is due next.",
        parameters=[OpenApiParameter("count", OpenApiTypes.INT, description="0 to 100 instants, default 10.")],
        responses={200: UpcomingSerializer},
        filters=False,
    )
    def upcoming(self, request: Request, name: str) -> Response:
        job, count = self.job(name), count_of(request)
        coming = {
            "words": job.parsed_schedule.words,
            "timezone": job.zone,
            "next": upcoming.instants(job, clock.now(), count),
        }
        return Response(UpcomingSerializer(coming).data)


def run_fields(request: Request, serializer: type[StrictSerializer]) -> dict[str, Any]:
    """What a run is given of its own. Raises Forbidden where that is a configuration and the caller no editor."""
    given = serializer.read(request)
    if given.get("configuration") is not None:
        require(request, Role.EDITOR, "A configuration for one run needs the role editor.")
    told = {name: given[name] for name in ("configuration", "input") if given.get(name) is not None}
    for problem in too_much(**told):
        raise Invalid.field(problem.path, problem.message)
    return given


def execution_made(request: Request, execution: Execution) -> Response:
    """The answer that says which execution came of a request."""
    fresh = Execution.objects.with_names().get(pk=execution.pk)
    address = request.build_absolute_uri(reverse("execution", kwargs={"pk": fresh.pk}))
    return Response(ExecutionSerializer(fresh).data, status=status.HTTP_201_CREATED, headers={"Location": address})


def _address(request: Request, job: Job) -> str:
    return request.build_absolute_uri(reverse("job", kwargs={"name": job.name}))


def _caller(request: Request) -> str:
    return request.user.get_username()
