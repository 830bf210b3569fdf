"""The jobs, for the console. What concerns their runs (run now, delete) is added by `executions.admin`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from shlex import quote
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from errors.console import Call, Deed, FactsAdmin, HouseAdmin, link, pretty_json
from errors.console.columns import badge, when
from errors.exceptions import Refused
from jobs import services
from jobs.explained import explain
from jobs.forms import JobForm, copied
from jobs.models import Job, JobRecord, Payload
from jobs.schedule import ScheduleError, zone
from jobs.standing import standing
from jobtypes.models import JobType


class KindFilter(admin.SimpleListFilter):
    """Living jobs, unless asked otherwise."""

    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("single", "for single runs"), ("deleted", "deleted"), ("all", "all")]

    def choices(self, changelist: Any) -> Any:
        for choice in super().choices(changelist):
            yield {**choice, "display": "standing" if choice["display"] == "All" else choice["display"]}

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        match self.value():
            case "single":
                return queryset.filter(archived=None, is_ad_hoc=True)
            case "deleted":
                return queryset.exclude(archived=None)
            case "all":
                return queryset
        return queryset.filter(archived=None, is_ad_hoc=False)


class PausedFilter(admin.SimpleListFilter):
    title = "paused"
    parameter_name = "paused"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        if self.value() in ("yes", "no"):
            return queryset.filter(paused_at__isnull=self.value() == "no")
        return queryset


class LastFilter(admin.SimpleListFilter):
    """By how the newest ended try ended."""

    title = "last run"
    parameter_name = "last"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("failed", "failed"), ("completed", "completed"), ("canceled", "canceled"), ("never", "never ran")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        if (value := self.value()) in dict(self.lookups(request, None)):
            return queryset.filter(record__last_status="" if value == "never" else value.upper())
        return queryset


class ScheduledFilter(admin.SimpleListFilter):
    title = "schedule"
    parameter_name = "scheduled"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "runs by itself"), ("no", "runs when asked")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        if self.value() in ("yes", "no"):
            return queryset.filter(next_run_at__isnull=self.value() == "no")
        return queryset


class JobAdmin(HouseAdmin):
    form = JobForm
    list_display: tuple[str, ...] = (
        "name",
        "state",
        "of_type",
        "said_schedule",
        "next_at",
        "last_success_at",
    )
    list_filter = (KindFilter, LastFilter, PausedFilter, ScheduledFilter, "is_enabled", "concurrency", "job_type")
    list_select_related = ("job_type", "record")
    exported: ClassVar[tuple[str, ...]] = (
        *("id", "name", "title", "owner", "job_type__name", "job_type__version", "schedule", "timezone", "is_enabled"),
        *("next_run_at", "paused_at", "paused_until", "paused_by", "pause_note", "concurrency", "priority", "retries"),
        *("record__last_status", "record__last_success", "record__last_error", "record__success_count"),
        *("record__error_count", "record__missed_count"),
    )
    empty_words = (
        "There is no job yet. A job says what runs and when: press “Add job”, choose “shell”, write a command and a "
        "schedule such as @every 10m."
    )
    search_fields = ("name",)
    prefix_of = "name"
    ordering = ("name", "id")
    autocomplete_fields = ("parents",)
    readonly_fields: ClassVar[tuple[str, ...]] = ()
    fieldsets: ClassVar[tuple[Any, ...]] = (
        (None, {"fields": ("name", "title", "description", ("owner", "owner_email"))}),
        ("What runs", {"fields": ("job_type", "follows_newest", "revision_num", "parents")}),
        ("What it is told", {"fields": ("configuration", "input")}),
        ("When", {"fields": ("schedule", "timezone", "is_enabled", "starts_at", "expires_at")}),
        ("If it was missed", {"fields": ("misfire_policy", "misfire_grace"), "classes": ("collapse",)}),
        ("How", {"fields": ("concurrency", "priority", "timeout", ("retries", "retry_delay"), "deadline")}),
        (
            "More",
            {"fields": ("at_most_once", "is_ephemeral", "tags", "metadata", "processors"), "classes": ("collapse",)},
        ),
    )

    def now(self) -> datetime:
        """The time that services are told."""
        return timezone.now()

    # --- the list ---
    def get_queryset(self, request: HttpRequest) -> QuerySet[Job]:
        rows: QuerySet[Job] = super().get_queryset(request)
        return rows.defer("job_type__manifest", "job_type__configuration", "job_type__description")

    def call(self, request: HttpRequest) -> Call:
        """The words of the API for as much as it knows; the shell takes a search alone."""
        named = {"q": "keyword", "is_enabled__exact": "is_enabled"}
        asked = {named[name]: text for name, text in request.GET.items() if name in named and text}
        if request.GET.get("paused") in ("yes", "no"):
            asked["is_paused"] = str(request.GET["paused"] == "yes").lower()
        if (last := request.GET.get("last", "")) in ("failed", "completed", "canceled"):
            asked["status"] = last.upper()
        shell = (
            f"jobs --search {quote(str(asked['keyword']))}" if asked.keys() == {"keyword"} else "" if asked else "jobs"
        )
        return Call(reverse("jobs") + (f"?{urlencode(asked)}" if asked else ""), shell)

    def deeds(self) -> Sequence[Deed]:
        def pause(request: HttpRequest, job: Job) -> str:
            services.pause(job, by=request.user.get_username(), now=self.now())
            return f"{job.name} is paused: what is queued waits, what runs goes on."

        def resume(request: HttpRequest, job: Job) -> str:
            services.resume(job, by=request.user.get_username(), now=self.now())
            return f"{job.name} goes on."

        return (
            Deed("pause", "Pause", "jobs.pause_job", pause, lambda job: not job.paused_at and not job.archived),
            Deed("resume", "Resume", "jobs.pause_job", resume, lambda job: job.paused_at and not job.archived),
        )

    # --- who may what ---
    def has_change_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and (obj.archived or obj.is_ad_hoc))

    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return False

    def get_readonly_fields(self, request: HttpRequest, obj: Job | None = None) -> tuple[str, ...]:
        return ("name", *self.readonly_fields) if obj else self.readonly_fields

    # --- the form ---
    def get_urls(self) -> list[URLPattern]:
        mine = [path("schedule-preview/", self.admin_site.admin_view(self.preview), name="jobs_job_preview")]
        return [*mine, *super().get_urls()]

    def preview(self, request: HttpRequest) -> HttpResponse:
        """A schedule explained, as a part of a page."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key = request.GET.get("job", "")
        explained = explain(
            request.GET.get("schedule", ""),
            request.GET.get("timezone", ""),
            self.now(),
            int(key) if key.isascii() and key.isdigit() and len(key) < 19 else None,
        )
        return TemplateResponse(request, "admin/jobs/job/preview.html", {"explained": explained})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What the address says; with ``?clone=7`` everything of job 7 but its name, and none of its secrets."""
        given: dict[str, Any] = super().get_changeform_initial_data(request)
        key = str(given.pop("clone", ""))
        if not (key.isascii() and key.isdigit() and len(key) < 19):
            return given
        job = Job.objects.filter(pk=int(key), is_ad_hoc=False).select_related("payload", "job_type_revision").first()
        return copied(job) if job else given

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        form = context["adminform"].form
        if isinstance(form, JobForm):  # somebody who may only look has a form of no fields
            key = form.instance.pk
            said = [str(form[name].value() or "") for name in ("schedule", "timezone") if name in form.fields]
            context["explained"] = explain(said[0], said[1], self.now(), key) if len(said) == 2 else None
            if form.is_look:
                context["errors"] = None
        return super().render_change_form(request, context, *args, **kwargs)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, forms.SplitDateTimeField):  # two fields below one label, which names neither
            for part, name in zip(field.widget.widgets, ("date", "time"), strict=True):
                part.attrs["aria-label"] = f"{field.label}, {name}"
        return field

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "job_type":
            kwargs["queryset"] = JobType.objects.only("name", "version", "precedence").order_by("name", "-precedence")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Job, form: Any, change: bool) -> None:
        """Through the services, which store all of it at once."""
        by = request.user.get_username()
        if change:
            saved = services.update(obj, form.native(), by=by, now=self.now(), partial=True)
        else:
            saved = services.create(form.native(), by=by, now=self.now())
        obj.__dict__.update(saved.__dict__)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Nothing is left to save."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except Refused as refusal:  # somebody else changed something between the look and the change
            self.message_user(request, refusal.message, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    # --- columns; their time is this process's: the house's own would be a query for each row ---
    @admin.display(description="last success", ordering="record__last_success")
    def last_success_at(self, job: Job) -> str:
        return when(job.record.last_success)

    @admin.display(description="state", ordering="paused_at")
    def state(self, job: Job) -> str:
        return badge(*standing(job, timezone.now()))

    @admin.display(description="job type", ordering="job_type")
    def of_type(self, job: Job) -> str:
        return link(job.job_type, job.job_type.name if job.follows_newest else job.job_type)

    @admin.display(description="schedule", ordering="schedule")
    def said_schedule(self, job: Job) -> str:
        words = self.words(job)
        return words if job.schedule in ("", "@manually") else format_html("{} <small>{}</small>", words, job.schedule)

    @admin.display(description="next run", ordering="next_run_at")
    def next_at(self, job: Job) -> str:
        """Relative, and absolute in the job's own zone."""
        if job.next_run_at is None or job.archived:
            return ""
        local = timezone.localtime(job.next_run_at, zone(job.zone))
        return format_html("{} <small>{}</small>", when(job.next_run_at), f"{local:%m-%d %H:%M %Z}")

    # These three are no columns of a job: whoever may not change it sees them so.
    @admin.display(description="configuration")
    def configuration(self, job: Job) -> str:
        return pretty_json(job.payload.configuration)

    @admin.display(description="input")
    def input(self, job: Job) -> str:
        return pretty_json(job.payload.input)

    @admin.display(description="revision")
    def revision_num(self, job: Job) -> str:
        return link(job.job_type_revision)

    @staticmethod
    def words(job: Job) -> str:
        try:
            return job.parsed_schedule.words
        except ScheduleError as error:
            return str(error)


admin.site.register(Job, JobAdmin)


@admin.register(Payload)
class PayloadAdmin(FactsAdmin):
    """What runs were told. Secrets are masked in it, and their values are shown nowhere."""

    list_display = ("id", "created")
    search_fields = ("id",)
    ordering = ("-id",)
    fields = ("id", "created", "shown_configuration", "shown_input")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payload]:
        return super().get_queryset(request).defer("secrets")

    @admin.display(description="configuration")
    def shown_configuration(self, payload: Payload) -> str:
        return pretty_json(payload.configuration)

    @admin.display(description="input")
    def shown_input(self, payload: Payload) -> str:
        return pretty_json(payload.input)


@admin.register(JobRecord)
class JobRecordAdmin(FactsAdmin):
    list_display = (
        *("of_job", "success_count", "error_count", "missed_count", "last_status", "last_success", "last_error"),
    )
    list_select_related = ("job",)
    search_fields = ("job__name",)
    prefix_of = "job__name"
    ordering = ("job",)
    fields = (
        *("of_job", "success_count", "error_count", "missed_count", "missed_reason"),
        *("last_success", "last_error", "last_status", "last_execution"),
    )
    readonly_fields = fields

    @admin.display(description="job")
    def of_job(self, record: JobRecord) -> str:
        return link(record.job)
