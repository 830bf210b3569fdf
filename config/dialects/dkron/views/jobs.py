"""`/v1/jobs…`: jobs, and what is done with one."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from config.dialects.dkron import body, changes, job, listing, nodes, words
from config.dialects.dkron.errors import Paused
from config.dialects.dkron.schema import JOB, JOB_LIST, JOBS, RUN_ON_CREATE, TAGS, JobFields
from config.dialects.dkron.views.base import DkronView
from config.dialects.models import kept_by
from errors.exceptions import NotFound
from executions import clock
from executions.api.throttle import RunsByHand
from executions.engine import placement
from executions.engine.archive import archive
from executions.engine.draft import CannotRun, living_workers
from executions.engine.submit import submit
from executions.states import Door
from jobs.models import Job

DKRON = Door(words.DOOR)


class JobsView(DkronView):
    """Jobs, and what they are asked to do."""

    def shown(self, one: Job) -> dict[str, Any]:
        """`one` as it stands now, or stood when it was deleted."""
        return job.shown([one], clock.now())[0]

    def stored(self) -> HttpResponse:
        """Make or replace the job in the body."""
        if kept_by(words.DOOR).get("paused"):
            raise Paused
        definition = body.read(self.body())
        made, _ = changes.store(definition, by=self.caller, now=clock.now())
        if "runoncreate" in self.request.query_params and made.is_enabled:
            self.started(made)
        shown = self.shown(changes.find(made.name))
        return self.answer(shown, 201, Location=f"/v1/jobs/{quote(made.name)}")

    def started(self, one: Job) -> None:
        """Have one run made; one whose type cannot run is left alone, as a job is whose executor is not there."""
        try:
            submit(one, by=self.caller, door=DKRON, now=clock.now())
        except CannotRun:
            return


class JobList(JobsView):
    @extend_schema(operation_id="dkron_jobs", tags=TAGS, parameters=JOB_LIST, responses=JOBS, summary="List jobs.")
    def get(self, request: Request) -> HttpResponse:
        now = clock.now()
        page = listing.page(request.query_params, now)
        return self.listing(job.shown(page.jobs, now), page.total)

    @extend_schema(
        operation_id="dkron_jobs_store",
        tags=TAGS,
        parameters=RUN_ON_CREATE,
        request=JobFields,
        responses={201: JobFields},
        summary="Make a job, or replace it.",
    )
    def post(self, request: Request) -> HttpResponse:
        return self.stored()

    @extend_schema(
        operation_id="dkron_jobs_patch",
        tags=TAGS,
        parameters=RUN_ON_CREATE,
        request=JobFields,
        responses={201: JobFields},
        summary="The same: the whole job is replaced.",
    )
    def patch(self, request: Request) -> HttpResponse:
        return self.stored()


class RunView(JobsView):
    def get_throttles(self) -> list[BaseThrottle]:
        return [RunsByHand()] if self.request.method == "POST" else []

    @extend_schema(
        operation_id="dkron_job_start", tags=TAGS, request=None, responses={202: JobFields}, summary="Run a job."
    )
    def post(self, request: Request, name: str) -> HttpResponse:
        one = changes.find(name)
        if not one.is_enabled and not job.parent_of(one):
            raise NotFound  # Dkron has no entry of it
        if one.tags and not self._somebody_qualifies(one):
            raise NotFound
        submit(one, by=self.caller, door=DKRON, now=clock.now())
        return self.answer(self.shown(one), settings.DKRON_RUN_STATUS, Location=self.here)

    def _somebody_qualifies(self, one: Job) -> bool:
        """Whether a living worker has its tags; where none lives, whether one of this node would have them.

        Nobody does where a count is 0, or no number.
        """
        if any(placement.split(tag)[1] == 0 for tag in one.tags.values()):
            return False
        workers = living_workers(clock.now()) or [placement.Candidate(0, {**nodes.tags(), **settings.WORKER_TAGS})]
        return bool(placement.qualified(one.tags, workers))


class JobRun(RunView):
    """The same at its longer address."""

    @extend_schema(
        operation_id="dkron_job_run", tags=TAGS, request=None, responses={202: JobFields}, summary="Run a job."
    )
    def post(self, request: Request, name: str) -> HttpResponse:
        return super().post(request, name)


class JobDetail(RunView):
    @extend_schema(operation_id="dkron_job", tags=TAGS, responses=JOB, summary="One job.")
    def get(self, request: Request, name: str) -> HttpResponse:
        return self.answer(self.shown(changes.find(name)))

    @extend_schema(
        operation_id="dkron_job_store",
        tags=TAGS,
        parameters=RUN_ON_CREATE,
        request=JobFields,
        responses={201: JobFields},
        summary="Make or replace the job that the body names.",
    )
    def put(self, request: Request, name: str) -> HttpResponse:
        return self.stored()

    @extend_schema(operation_id="dkron_job_delete", tags=TAGS, responses=JOB, summary="Delete a job without children.")
    def delete(self, request: Request, name: str) -> HttpResponse:
        one = changes.find(name)
        shown = self.shown(one)
        archive(one, by=self.caller, now=clock.now(), cancel_running=False, spare_running=True)
        return self.answer(shown)


class JobToggle(JobsView):
    @extend_schema(
        operation_id="dkron_job_toggle", tags=TAGS, request=None, responses=JOB, summary="Disable or enable a job."
    )
    def post(self, request: Request, name: str) -> HttpResponse:
        changes.toggle(changes.find(name), by=self.caller, now=clock.now())
        return self.answer(self.shown(changes.find(name)), Location=self.here)
