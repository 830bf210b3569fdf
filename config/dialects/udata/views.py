"""udata's endpoints: each reads what is sent, calls one service, and words the answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpResponse
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.dialects.cors import OpenToOtherSites
from config.dialects.udata import body, mask, orders, task
from config.dialects.udata import job as words
from config.dialects.udata.refusals import refusal
from config.dialects.udata.serializers import (
    UdataChangeSerializer,
    UdataJobSerializer,
    UdataNewJobSerializer,
    UdataProblemSerializer,
    UdataTaskSerializer,
)
from errors.api.schema import REFUSALS, HouseSchema
from errors.exceptions import Invalid, NotFound
from executions import clock
from jobs.models import Job

TAGS = ["udata"]
_JSON = "application/json"
_MASK = OpenApiParameter(
    "X-Fields", OpenApiTypes.STR, OpenApiParameter.HEADER, description="Only these: `name,interval{every}`."
)


class UdataSchema(HouseSchema):
    """The house's schema, with refusals in udata's form."""

    def get_tags(self) -> list[str]:
        return TAGS

    def _refusal(self, code: str) -> ResolvedComponent:
        name, description = REFUSALS[code]
        component = ResolvedComponent(name=f"Udata{name}", type=ResolvedComponent.RESPONSE, object=f"Udata{name}")
        if component in self.registry:
            return self.registry[component]
        problem = self.resolve_serializer(UdataProblemSerializer, "response")
        component.schema = {"description": description, "content": {_JSON: {"schema": problem.ref}}}
        self.registry.register_on_missing(component)
        return component


class UdataView(OpenToOtherSites, APIView):
    """What udata's views share: refusals in udata's words, and the mask."""

    schema = UdataSchema()

    def get_exception_handler(self) -> Callable[..., Response | None]:
        return refusal

    def trimming(self, request: Request) -> mask.Mask | None:
        """What the X-Fields header asks for. Raises Invalid where it cannot be read; asked before anything is done."""
        try:
            return mask.parse(request.headers.get("X-Fields", ""))
        except mask.NotAMask as error:
            raise Invalid(f"X-Fields: {error}") from None

    def sent(self, request: Request) -> Any:
        """The body, which says that it is JSON. Raises what is answered with 415 or 400."""
        if request.content_type.partition(";")[0].strip().lower() != _JSON:
            raise UnsupportedMediaType(request.content_type, f"Send the body as Content-Type: {_JSON}.")
        if not request.META.get("CONTENT_LENGTH") or request.META["CONTENT_LENGTH"] == "0":
            raise Invalid("The body is empty: expecting a JSON object.")
        return request.data

    def job(self, id: str) -> Job:
        """The job with that id. Raises NotFound."""
        found = orders.find(id)
        if found is None:
            raise NotFound("There is no scheduled job with this id.")
        return found

    def answer(self, job: Job, trimmed: mask.Mask | None, code: int = status.HTTP_200_OK) -> Response:
        """`job` as it stands now, as far as the mask shows it."""
        fresh = words.scheduled().filter(pk=job.pk).first()
        if fresh is None:  # deleted meanwhile
            raise NotFound("There is no scheduled job with this id.")
        return Response(mask.apply(trimmed, words.view(fresh)), status=code)


class JobsView(UdataView):
    """The scheduled jobs, without paging, in the order in which they were made."""

    @extend_schema(
        operation_id="list_jobs",
        summary="List all scheduled jobs",
        parameters=[_MASK],
        responses={200: UdataJobSerializer(many=True)},
    )
    def get(self, request: Request) -> HttpResponse:
        trimmed = self.trimming(request)
        return HttpResponse("".join(_written(trimmed)), content_type=_JSON)

    @extend_schema(
        operation_id="post_jobs_api",
        summary="Create a new scheduled job",
        parameters=[_MASK],
        request=UdataNewJobSerializer,
        responses={201: UdataJobSerializer},
    )
    def post(self, request: Request) -> Response:
        trimmed = self.trimming(request)
        order = body.read(self.sent(request), is_new=True)
        job = orders.create(order, by=request.user.get_username(), now=clock.now())
        return self.answer(job, trimmed, status.HTTP_201_CREATED)


class JobView(UdataView):
    """A scheduled job."""

    @extend_schema(
        operation_id="get_job_api",
        summary="Fetch a single scheduled job",
        parameters=[_MASK],
        responses={200: UdataJobSerializer},
    )
    def get(self, request: Request, id: str) -> Response:
        return self.answer(self.job(id), self.trimming(request))

    @extend_schema(
        operation_id="put_job_api",
        summary="Update a single scheduled job: what is not sent stays",
        parameters=[_MASK],
        request=UdataChangeSerializer,
        responses={200: UdataJobSerializer},
    )
    def put(self, request: Request, id: str) -> Response:
        trimmed, job = self.trimming(request), self.job(id)
        order = body.read(self._sent_or_nothing(request), is_new=False)
        changed = orders.change(job, order, by=request.user.get_username(), now=clock.now())
        return self.answer(changed, trimmed)

    @extend_schema(operation_id="delete_job_api", summary="Delete a single scheduled job", responses={204: None})
    def delete(self, request: Request, id: str) -> Response:
        orders.remove(self.job(id), by=request.user.get_username(), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _sent_or_nothing(self, request: Request) -> Any:
        """The body; a request without any changes nothing."""
        length = request.META.get("CONTENT_LENGTH")
        return {} if not request.content_type and length in (None, "", "0") else self.sent(request)


class SchedulablesView(UdataView):
    """The names of what may be scheduled."""

    @extend_schema(
        operation_id="get_jobs_reference_api",
        summary="List all schedulable jobs",
        responses={200: {"type": "array", "items": {"type": "string"}}},
    )
    def get(self, request: Request) -> Response:
        return Response(orders.schedulables())


class TaskView(UdataView):
    """How a run stands, in Celery's words. Any id is PENDING until the house knows more of it."""

    @extend_schema(
        operation_id="get_task_api",
        summary="Get a task's status given its ID",
        parameters=[_MASK],
        responses={200: UdataTaskSerializer},
    )
    def get(self, request: Request, id: str) -> Response:
        return Response(mask.apply(self.trimming(request), task.status(id)))


def _written(trimmed: mask.Mask | None) -> Iterator[str]:
    """All scheduled jobs as JSON, job by job: there is no paging here, and texts take less memory than objects."""
    yield "["
    comma = ""
    for job in words.scheduled().iterator():
        if (shown := words.view(job)) is not None:
            yield comma + json.dumps(mask.apply(trimmed, shown), ensure_ascii=False, separators=(",", ":"))
            comma = ","
    yield "]"
