"""A job type's list and page with what concerns its jobs and their runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from errors.console import pretty_json
from errors.models import Error
from executions import clock, tally
from executions.models import Execution
from executions.states import Status
from jobs.models import Job
from jobs.standing import standing
from jobtypes.admin import JobTypeAdmin, state_of
from jobtypes.models import JobType, JobTypeRevision
from jobtypes.secrets import split_secrets

JOBS, REVISIONS, ERRORS, SAMPLE = 50, 50, 5, 200
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Ends:
    """How the runs of a span of time ended."""

    label: str
    period: str
    completed: int
    failed: int
    canceled: int

    @property
    def rate(self) -> float | None:
        done = self.completed + self.failed
        return self.completed / done if done else None


@dataclass(frozen=True, slots=True)
class Page:
    state: str
    running: int
    queued: int
    ends: list[Ends]
    errors: list[tuple[Error, int]]
    durations: list[tuple[str, float]]
    """Percentiles of the newest successes, in seconds."""
    jobs: list[tuple[Job, str, str]]
    job_count: int
    revisions: list[JobTypeRevision]
    versions: list[JobType]
    manifest: SafeString
    configuration: SafeString


def read(job_type: JobType, now: datetime) -> Page:
    """Eleven queries, each by an index or from the tally."""
    live = Execution.objects.filter(job_type=job_type)
    day, week = (_ended(job_type, now - span, now) for span in (_DAY, 7 * _DAY))
    failed = Counter({error: count for (status, error), count in week.items() if status == Status.FAILED and error})
    errors = Error.objects.in_bulk([key for key, _ in failed.most_common(ERRORS)])
    jobs = Job.objects.living().filter(job_type=job_type, is_ad_hoc=False)
    shown = jobs.select_related("record").defer("description", "tags", "metadata", "processors", "foreign")
    revisions = job_type.revisions.order_by("-revision_num").only("revision_num", "docker_image", "created", "job_type")
    schema = job_type.revisions.filter(revision_num=job_type.revision_num).values_list(
        "configuration_schema", flat=True
    )
    return Page(
        state=state_of(job_type),
        running=live.filter(status=Status.RUNNING).count(),
        queued=live.filter(status=Status.QUEUED)[:10_000].count(),
        ends=[_ends("the last day", "P1D", day), _ends("the last week", "P7D", week)],
        errors=[(errors[key], count) for key, count in failed.most_common(ERRORS) if key in errors],
        durations=_durations(job_type),
        jobs=[(job, *standing(job, now)) for job in shown.order_by("name")[:JOBS]],
        job_count=jobs.count(),
        revisions=list(revisions[:REVISIONS]),
        versions=list(JobType.objects.light().filter(name=job_type.name).order_by("-precedence")[:50]),
        manifest=pretty_json(job_type.manifest),
        configuration=pretty_json(split_secrets(schema.first() or {}, job_type.configuration)[0]),
    )


def _ended(job_type: JobType, start: datetime, now: datetime) -> Counter[tuple[str, int]]:
    found: Counter[tuple[str, int]] = Counter()
    for one in tally.ended(tally.Window(start, now), now):
        if one.job_type == job_type.pk:
            found[one.status, one.error] += one.count
    return found


def _ends(label: str, period: str, found: Counter[tuple[str, int]]) -> Ends:
    by_state: Counter[str] = Counter()
    for (status, _), count in found.items():
        by_state[status] += count
    return Ends(label, period, *(by_state[state] for state in (Status.COMPLETED, Status.FAILED, Status.CANCELED)))


def _durations(job_type: JobType) -> list[tuple[str, float]]:
    rows = Execution.objects.filter(job_type=job_type, status=Status.COMPLETED).order_by("-created", "-id")
    times = rows.values_list("started", "ended")[:SAMPLE]
    taken = sorted((ended - started).total_seconds() for started, ended in times if started and ended)
    return [(f"p{share}", taken[min(len(taken) * share // 100, len(taken) - 1)]) for share in (50, 95)] if taken else []


class UsedJobTypeAdmin(JobTypeAdmin):
    change_list_template = "admin/jobtypes/jobtype/change_list.html"
    list_display: tuple[str, ...] = (
        *JobTypeAdmin.list_display[:5],
        "jobs_of",
        "running_of",
        *JobTypeAdmin.list_display[5:],
    )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None) or {}
        if changelist := context.get("cl"):
            rows = list(changelist.result_list)
            keys = [row.pk for row in rows]
            jobs = Job.objects.living().filter(job_type__in=keys, is_ad_hoc=False)
            counts = dict(jobs.order_by().values_list("job_type").annotate(count=Count("pk")))
            running = Execution.objects.filter(job_type__in=keys, status=Status.RUNNING)
            runs = dict(running.order_by().values_list("job_type").annotate(count=Count("pk")))
            for row in rows:
                row.jobs_count, row.running_count = counts.get(row.pk, 0), runs.get(row.pk, 0)
            changelist.result_list = rows
            context["may_publish"] = request.user.has_perm("jobtypes.add_jobtype")
        return response

    @admin.display(description="jobs")
    def jobs_of(self, job_type: Any) -> str:
        address = f"{reverse('admin:jobs_job_changelist')}?job_type__id__exact={job_type.pk}"
        return format_html('<a href="{}">{}</a>', address, job_type.jobs_count) if job_type.jobs_count else "0"

    @admin.display(description="running")
    def running_of(self, job_type: Any) -> str:
        """How many run, and how many may."""
        most = f" of {job_type.max_scheduled}" if job_type.max_scheduled is not None else ""
        return f"{job_type.running_count}{most}"

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of the job type; what is sent to it is a change, as from its form."""
        if request.method == "POST":
            return super().change_view(request, object_id, form_url, extra_context)
        key = unquote(object_id)
        found = key.isascii() and key.isdigit() and len(key) < 19
        job_type = JobType.objects.filter(pk=int(key)).first() if found else None
        if job_type is None:
            messages.warning(request, f"There is no job type {key[:40]}.")
            return HttpResponseRedirect(reverse("admin:jobtypes_jobtype_changelist"))
        if not self.has_view_permission(request, job_type):
            raise PermissionDenied
        may_change = self.has_change_permission(request, job_type)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": job_type,
            "title": str(job_type),
            "page": read(job_type, clock.now()),
            "deeds": [deed for deed in self.deeds() if deed.may(request) and deed.fits(job_type)],
            "may_change": may_change,
            "may_edit": may_change and not job_type.is_system,
            "may_add_job": request.user.has_perm("jobs.add_job") and job_type.is_active,
        }
        return TemplateResponse(request, "admin/jobtypes/jobtype/page.html", context)


admin.site.unregister(JobType)
admin.site.register(JobType, UsedJobTypeAdmin)
