"""`/v1/jobs/{job}/executions…` and `/v1/busy`: tries that have started."""

from __future__ import annotations

import re
from datetime import UTC, tzinfo

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from config.dialects.dkron import changes, job, schedules, standing, tries
from config.dialects.dkron.listing import DESCENDING
from config.dialects.dkron.schema import EXECUTION, EXECUTION_LIST, EXECUTIONS, JOB, TAGS
from config.dialects.dkron.views.base import DkronView
from errors.exceptions import NotFound
from executions import clock
from jobs import schedule
from jobs.models import Job


class JobExecutions(DkronView):
    @extend_schema(
        operation_id="dkron_executions",
        tags=TAGS,
        parameters=EXECUTION_LIST,
        responses=EXECUTIONS,
        summary="The newest 100 executions of a job.",
    )
    def get(self, request: Request, name: str) -> HttpResponse:
        asked = request.query_params
        one = changes.find(name)
        is_descending = asked.get("_order", DESCENDING) == DESCENDING
        rows = tries.in_order(tries.newest(one), asked.get("_sort", ""), is_descending=is_descending)
        found = tries.outputs(rows, _limit(asked.get("output_size_limit")))
        return self.listing(tries.shown(rows, found, _zone(one), says_cut=True))

    @extend_schema(
        operation_id="dkron_executions_delete",
        tags=TAGS,
        responses=JOB,
        summary="Delete the executions of a job, and begin its counts anew.",
    )
    def delete(self, request: Request, name: str) -> HttpResponse:
        one = changes.find(name)
        changes.forget(one, standing.of([one])[one.pk], by=self.caller)
        return self.answer(job.shown([changes.find(name)], clock.now())[0])


class OldExecutions(JobExecutions):
    """At the address that clients of 2017 know."""

    http_method_names = ["get", "head"]

    @extend_schema(operation_id="dkron_executions_old", tags=TAGS, responses=EXECUTIONS, summary="As under its job.")
    def get(self, request: Request, name: str) -> HttpResponse:
        return super().get(request, name)


class JobExecution(DkronView):
    @extend_schema(operation_id="dkron_execution", tags=TAGS, responses=EXECUTION, summary="One execution.")
    def get(self, request: Request, name: str, execution: str) -> HttpResponse:
        found = tries.find(changes.find(name), execution)
        if found is None:
            raise NotFound
        return self.answer(tries.shown([found], tries.outputs([found]))[0])


class Busy(DkronView):
    @extend_schema(operation_id="dkron_busy", tags=TAGS, responses=EXECUTIONS, summary="What is running.")
    def get(self, request: Request) -> HttpResponse:
        rows = tries.running()
        return self.listing(tries.shown(rows, tries.latest(rows)))


def _limit(said: str | None) -> int | None:
    """Bytes of each output that are wanted; None: all."""
    return int(said) if said and re.fullmatch(r"\+?[0-9]{1,15}", said, re.ASCII) else None


def _zone(one: Job) -> tzinfo:
    """The zone that the job says its times in."""
    said = job.timing(one, job.parent_of(one))[1]
    if not said:
        return UTC
    try:
        return schedule.zone(settings.TIME_ZONE if said == schedules.LOCAL else said)
    except schedule.ScheduleError:
        return UTC
