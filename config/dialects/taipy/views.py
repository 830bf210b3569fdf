"""Taipy's endpoints: each reads what is asked, calls one service, and words the answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import MethodNotAllowed
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.viewsets import GenericViewSet

from config.dialects import runs
from config.dialects.runs import Run
from config.dialects.taipy import names, records, words
from config.dialects.taipy.serializers import (
    TaipyJobCreatedSerializer,
    TaipyJobSerializer,
    TaipyJobShownSerializer,
    TaipyMessageSerializer,
)
from errors.api.exceptions import handler
from errors.exceptions import Conflict, Invalid, NotFound
from executions import clock
from executions.api.throttle import RunsByHand
from executions.engine.draft import CannotRun
from executions.engine.remove import remove
from executions.engine.submit import submit, submit_ad_hoc
from executions.models import Execution
from executions.states import Door
from jobs.models import Job
from jobtypes.models import JobType

TAGS = ["Taipy"]
REFUSALS = dict.fromkeys((400, 401, 403, 404, 409, 413, 415, 429, 503), TaipyMessageSerializer)
_SHOWN = 200
"""Characters of an unknown id that are repeated."""


def refusal(exc: Exception, context: dict[str, Any]) -> Response | None:
    """As everywhere, worded as `{"message": text}`."""
    answer = handler(exc, context)
    if answer is not None:
        said = str(answer.data.get("detail", "")) if isinstance(answer.data, dict) else ""
        if isinstance(exc, MethodNotAllowed):
            said = "The method is not allowed for the requested URL."
        answer.data = {"message": said}
    return answer


class TaipyJobs(GenericViewSet[Execution]):
    queryset = Execution.objects.all()
    serializer_class = TaipyJobSerializer
    pagination_class = None
    filter_backends = []
    parser_classes = []
    lookup_field = "job_id"

    def get_exception_handler(self) -> Callable[[Exception, dict[str, Any]], Response | None]:
        return refusal

    def get_throttles(self) -> list[BaseThrottle]:
        return [RunsByHand()] if self.action == "create" else []

    def run(self, job_id: str) -> Run:
        """The run of that id. Raises NotFound."""
        run = records.find(job_id)
        if run is None:
            raise NotFound(f"Job: {job_id[:_SHOWN]} does not exist.")
        return run

    @extend_schema(
        operation_id="taipy_jobs_list",
        summary=f"The jobs, newest first, at most {records.MOST} of them.",
        responses={200: TaipyJobSerializer(many=True), **REFUSALS},
        tags=TAGS,
    )
    def list(self, request: Request) -> Response:
        found = records.newest()
        raised = records.tracebacks(found)
        return Response([words.job(run, raised.get(run.id, "")) for run in found])

    @extend_schema(
        operation_id="taipy_jobs_create",
        summary="Make a job of a task config, and start it.",
        parameters=[OpenApiParameter("task_id", OpenApiTypes.STR, required=True, description="The task config.")],
        request=None,
        responses={201: TaipyJobCreatedSerializer, **REFUSALS},
        tags=TAGS,
    )
    def create(self, request: Request) -> Response:
        asked = next(iter(request.query_params.getlist("task_id")), "")
        if not asked:
            raise Invalid("Config id is missing.")
        execution = start(asked, by=request.user.get_username())
        run = runs.one(execution.group)
        if run is None:
            raise NotFound(f"Job: {execution.group} does not exist.")
        made = {**words.job(run), "status": words.enumerated(words.SUBMITTED), "stacktrace": []}
        return Response({"message": "Job was created.", "job": made}, status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="taipy_job",
        summary="One job.",
        responses={200: TaipyJobShownSerializer, **REFUSALS},
        tags=TAGS,
    )
    def retrieve(self, request: Request, job_id: str) -> Response:
        run = self.run(job_id)
        return Response({"job": words.job(run, records.tracebacks([run]).get(run.id, ""))})

    @extend_schema(
        operation_id="taipy_job_delete",
        summary="Delete a job that is finished.",
        responses={200: TaipyMessageSerializer, **REFUSALS},
        tags=TAGS,
    )
    def destroy(self, request: Request, job_id: str) -> Response:
        run = self.run(job_id)
        try:
            remove(run.id, door=Door.TAIPY, by=request.user.get_username(), now=clock.now())
        except Conflict:
            raise Conflict(f"Job: {job_id} is not finished; cancel it first.") from None
        return Response({"message": f"Job {job_id} was deleted."})

    @extend_schema(
        operation_id="taipy_job_cancel",
        summary="Cancel a job; one that is finished stays as it is.",
        request=None,
        responses={204: None, **REFUSALS},
        tags=TAGS,
    )
    def cancel(self, request: Request, job_id: str) -> Response:
        runs.stop(self.run(job_id), by=request.user.get_username(), now=clock.now())
        return Response(status=status.HTTP_204_NO_CONTENT)


def start(asked: str, *, by: str) -> Execution:
    """Run what `asked` names: a job type, by its name; or what a TASK id names: a job of ours, else its job type.

    Raises NotFound, and Invalid where it needs an input or a configuration.
    """
    task = names.read(asked)
    job_type = _newest(asked)
    if job_type is None and task and task.kind == names.TASK:
        job = _job(task)
        if job is not None:
            return submit(job, by=by, door=Door.TAIPY, now=clock.now())
        job_type = _newest(task.config)
    if job_type is None:
        raise NotFound(f"Task config: {asked[:_SHOWN]} does not exist.")
    try:
        return submit_ad_hoc(job_type, by=by, door=Door.TAIPY, now=clock.now())
    except CannotRun:
        raise NotFound(f"Task config: {asked[:_SHOWN]} does not exist.") from None


def _newest(name: str) -> JobType | None:
    return JobType.objects.newest_active([name]).get(name) if "\x00" not in name else None


def _job(task: names.Name) -> Job | None:
    """The living job of ours that this is the id of."""
    if task.key is None:
        return None
    jobs = Job.objects.living().filter(is_ad_hoc=False, job_type__name=task.config)
    return jobs.select_related("job_type", "payload").filter(pk=task.key).first()
