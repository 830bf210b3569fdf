"""A job's list and page with what concerns its runs: the strip of the last ones, run now, hold back, delete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from statistics import median
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from errors.console import Deed
from errors.console.charts import strip
from errors.console.words import span
from errors.exceptions import Refused
from executions import clock
from executions.admin import again, job_page
from executions.admin.strips import bar
from executions.engine.archive import archive
from executions.engine.submit import submit
from executions.recent import Run, recent
from executions.states import Door, Status
from jobs import services
from jobs.admin import JobAdmin
from jobs.models import Job
from jobtypes.schema_form import input_form


class PauseForm(forms.Form):
    """Why a job is held back, and until when; `until` is read in the zone of the console."""

    note = forms.CharField(required=False, max_length=250)
    until = forms.DateTimeField(
        required=False, input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d"]
    )


def _delete(request: HttpRequest, job: Job) -> str:
    archive(job, by=request.user.get_username(), now=clock.now(), cancel_running=False)
    return f"{job.name} is deleted; its history stays."


class RunnableJobAdmin(JobAdmin):
    change_form_template = "admin/jobs/job/form.html"
    change_list_template = "admin/jobs/job/change_list.html"
    list_display: tuple[str, ...] = (
        *JobAdmin.list_display[:-1],
        "last_runs",
        "usually",
        JobAdmin.list_display[-1],
    )
    page_deeds: ClassVar[tuple[str, ...]] = ("run", "resume")
    """The deeds that are plain buttons of a job's page; the others ask something first."""

    def now(self) -> datetime:
        return clock.now()

    def deeds(self) -> Sequence[Deed]:
        def run(request: HttpRequest, job: Job) -> str:
            execution = submit(job, by=request.user.get_username(), door=Door.CONSOLE, now=clock.now())
            return f"Execution {execution.pk} of {job.name} is {execution.status}."

        living: Callable[[Job], bool] = lambda job: not job.archived  # noqa: E731 -- it is used twice
        return (
            Deed("run", "Run now", "jobs.run_job", run, living),
            *super().deeds(),
            Deed("delete", "Delete", "jobs.delete_job", _delete, lambda job: living(job) and not job.is_ad_hoc),
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        mine = [
            path("<int:key>/edit/", view(self.edit), name="jobs_job_edit"),
            path("<int:key>/run/", view(self.run), name="jobs_job_run"),
            path("<int:key>/pause/", view(self.pause_with_note), name="jobs_job_pause"),
        ]
        return [*mine, *super().get_urls()]

    # --- the list ---
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        changelist = (getattr(response, "context_data", None) or {}).get("cl")
        if changelist:
            jobs = list(changelist.result_list)
            strips = recent([job.pk for job in jobs])
            for job in jobs:
                job.recent_runs = strips.get(job.pk, [])
            changelist.result_list = jobs
        return response

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if "delete" in actions:
            actions["delete"] = (_ask_before_deleting(actions["delete"][0]), *actions["delete"][1:])
        return actions

    @admin.display(description="last runs")
    def last_runs(self, job: Any) -> str:
        return strip([bar(run) for run in job.recent_runs]) if job.recent_runs else ""

    @admin.display(description="takes")
    def usually(self, job: Any) -> str:
        """The median of the successes in the strip."""
        runs: list[Run] = job.recent_runs
        taken = [run.seconds for run in runs if run.status == Status.COMPLETED and run.seconds is not None]
        return span(median(taken)) if taken else ""

    # --- one of them ---
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of the job; what is sent to it is a change of the job, as from its form."""
        if request.method == "POST":
            return super().change_view(request, object_id, form_url, extra_context)
        key = unquote(object_id)
        job = job_page.find(int(key)) if key.isascii() and key.isdigit() and len(key) < 19 else None
        if job is None:
            messages.warning(request, f"There is no job {key[:40]}.")
            return HttpResponseRedirect(reverse("admin:jobs_job_changelist"))
        if not self.has_view_permission(request, job):
            raise PermissionDenied
        return self._shown(request, job)

    def _shown(self, request: HttpRequest, job: Job, pausing: PauseForm | None = None) -> HttpResponse:
        offered = [deed for deed in self.deeds() if deed.may(request) and deed.fits(job)]
        may_change = self.has_change_permission(request, job)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": job,
            "title": job.name,
            "page": job_page.read(job, clock.now()),
            "deeds": [deed for deed in offered if deed.name in self.page_deeds],
            "may": {deed.name for deed in offered},
            "may_change": may_change,
            "may_clone": self.has_add_permission(request) and not job.is_ad_hoc,
            "may_delete": self.has_delete_permission(request, job),
            "pausing": pausing or PauseForm(initial={"note": job.pause_note}),
        }
        return TemplateResponse(request, "admin/jobs/job/page.html", context, status=400 if pausing else 200)

    def edit(self, request: HttpRequest, key: int) -> HttpResponse:
        return super().change_view(request, str(key))

    def response_post_save_change(self, request: HttpRequest, obj: Job) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[obj.pk]))

    def response_post_save_add(self, request: HttpRequest, obj: Job) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[obj.pk]))

    def run(self, request: HttpRequest, key: int) -> HttpResponse:
        """A form with the job's input; sent off, it makes a run with what was written."""
        job = self._job(request, key, "jobs.run_job")
        schema = again.revision_of(job).input_schema
        form = input_form(schema, job.payload.input, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid() and (made := again.submitted(request, job, form)):
            messages.success(request, f"Execution {made.pk} of {job.name} is {made.status.lower()}.")
            return HttpResponseRedirect(reverse("admin:executions_execution_change", args=[made.pk]))
        context = {**self.admin_site.each_context(request), "title": f"Run {job.name}", "form": form, "job": job}
        return TemplateResponse(request, "admin/jobs/job/run.html", context)

    def pause_with_note(self, request: HttpRequest, key: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        job = self._job(request, key, "jobs.pause_job")
        form = PauseForm(request.POST)
        if form.is_valid():
            try:
                said = form.cleaned_data
                services.pause(
                    job, by=request.user.get_username(), now=clock.now(), note=said["note"], until=said["until"]
                )
                messages.success(request, f"{job.name} is paused: what is queued waits, what runs goes on.")
            except Refused as refusal:
                messages.error(request, refusal.message)
            return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[job.pk]))
        return self._shown(request, job, form)

    def _job(self, request: HttpRequest, key: int, permission: str) -> Job:
        if not request.user.has_perm(permission):
            raise PermissionDenied
        job = job_page.find(key)
        if job is None or job.archived:
            raise Http404
        return job

    # --- deleting is archiving: the name is free, the history stays ---
    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return request.user.has_perm("jobs.delete_job") and not (obj and (obj.archived or obj.is_ad_hoc))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return [str(job) for job in objs], {self.opts.verbose_name_plural: len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Job) -> None:
        _delete(request, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except Refused as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[object_id]))


def _ask_before_deleting(delete: Any) -> Any:
    """`delete`, an action of a list, after a page that names what would be deleted."""

    def ask(self: RunnableJobAdmin, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponse | None:
        if "sure" in request.POST:
            delete(self, request, queryset)
            return None
        jobs = list(queryset[: self.list_per_page])
        context = {**self.admin_site.each_context(request), "title": "Delete jobs?", "jobs": jobs}
        return TemplateResponse(request, "admin/jobs/job/delete_many.html", context)

    return ask


admin.site.unregister(Job)
admin.site.register(Job, RunnableJobAdmin)
