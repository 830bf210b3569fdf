"""The jobs, for the console. What concerns their runs (run now, delete) is added by `executions.admin`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone

from errors.console import Deed, FactsAdmin, HouseAdmin, link, pretty_json
from errors.exceptions import Refused
from jobs import services
from jobs.forms import JobForm
from jobs.models import Job, JobRecord, Payload
from jobs.schedule import ScheduleError
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


class JobAdmin(HouseAdmin):
    form = JobForm
    list_display = (
        *("name", "job_type", "schedule", "is_enabled", "is_held"),
        *("next_run_at", "last_status", "last_success"),
    )
    list_filter = (KindFilter, "is_enabled", PausedFilter, "concurrency", "job_type")
    list_select_related = ("job_type", "record")
    search_fields = ("name",)
    prefix_of = "name"
    ordering = ("name", "id")
    autocomplete_fields = ("parents",)
    readonly_fields: ClassVar[tuple[str, ...]] = (
        *("words", "next_run_at", "last_scheduled_for", "pause", "counts", "missed_reason"),
        *("created_by", "created", "last_modified", "archived"),
    )
    fieldsets: ClassVar[tuple[Any, ...]] = (
        (None, {"fields": ("name", "title", "description", ("owner", "owner_email"))}),
        ("What runs", {"fields": ("job_type", "follows_newest", "revision_num", "configuration", "input", "parents")}),
        ("When", {"fields": ("schedule", "words", "timezone", "is_enabled", "starts_at", "expires_at")}),
        ("If it was missed", {"fields": ("misfire_policy", "misfire_grace"), "classes": ("collapse",)}),
        ("How", {"fields": ("concurrency", "priority", "timeout", ("retries", "retry_delay"), "deadline")}),
        ("More", {"fields": ("at_most_once", "is_ephemeral", "tags", "metadata"), "classes": ("collapse",)}),
        ("State", {"fields": ("next_run_at", "last_scheduled_for", "pause", "counts", "missed_reason")}),
        ("History", {"fields": (("created_by", "created"), "last_modified", "archived")}),
    )

    def now(self) -> datetime:
        """The time that services are told."""
        return timezone.now()

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

    # --- columns ---
    @admin.display(boolean=True, description="paused", ordering="paused_at")
    def is_held(self, job: Job) -> bool:
        return job.is_paused

    @admin.display(description="last run", ordering="record__last_status")
    def last_status(self, job: Job) -> str:
        return job.record.last_status

    @admin.display(description="last success", ordering="record__last_success")
    def last_success(self, job: Job) -> datetime | None:
        return job.record.last_success

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

    @admin.display(description="that is")
    def words(self, job: Job) -> str:
        try:
            return job.parsed_schedule.words if job.pk else ""
        except ScheduleError as error:
            return str(error)

    @admin.display(description="runs so far")
    def counts(self, job: Job) -> str:
        record = job.record
        return f"{record.success_count} succeeded, {record.error_count} failed, {record.missed_count} were missed"

    @admin.display(description="why one was missed")
    def missed_reason(self, job: Job) -> str:
        return job.record.missed_reason

    @admin.display(description="pause")
    def pause(self, job: Job) -> str:
        if not job.paused_at:
            return "not paused"
        until = f" until {job.paused_until:%Y-%m-%d %H:%M %Z}" if job.paused_until else ""
        return f"by {job.paused_by} at {job.paused_at:%Y-%m-%d %H:%M %Z}{until}. {job.pause_note}"


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
        "of_job",
        "success_count",
        "error_count",
        "missed_count",
        "last_status",
        "last_success",
        "last_error",
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
