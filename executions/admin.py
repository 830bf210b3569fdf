"""What ran, for the console: executions, their output, workers, the house; and a job's page as far as its runs go."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from errors.console import Deed, FactsAdmin, link, preformatted, pretty_json
from errors.exceptions import Refused
from executions import clock, house
from executions.engine.archive import archive
from executions.engine.cancel import cancel
from executions.engine.submit import retry, submit
from executions.engine.why import why, why_job
from executions.models import Execution, ExecutionResult, House, OutputChunk, Worker
from executions.states import Door
from jobs.admin import JobAdmin
from jobs.models import Job

SHOWN_CHUNKS, SHOWN_CHARACTERS = 200, 100_000
"""How much of an output's end is shown on a page."""


class CreatedFilter(admin.SimpleListFilter):
    """A stretch of time back from now, which an index answers; nobody counts days of millions of rows."""

    title = "created within the last"
    parameter_name = "within"
    spans = {"hour": timedelta(hours=1), "day": timedelta(days=1), "week": timedelta(days=7)}

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(word, word) for word in self.spans]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Execution]) -> QuerySet[Execution]:
        span = self.spans.get(self.value() or "")
        return queryset.filter(created__gte=clock.now() - span) if span else queryset


class ResultInline(admin.StackedInline):
    model = ExecutionResult
    extra = 0
    can_delete = False
    fields = ("shown_outputs", "exception", "shown_traceback")
    readonly_fields = fields

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.display(description="outputs")
    def shown_outputs(self, result: ExecutionResult) -> str:
        return pretty_json(result.outputs)

    @admin.display(description="traceback")
    def shown_traceback(self, result: ExecutionResult) -> str:
        return preformatted(result.traceback)


def _cancel(request: HttpRequest, execution: Execution) -> str:
    canceled = cancel(execution, by=request.user.get_username(), now=clock.now())
    return f"Execution {execution.pk} {'is canceled' if canceled.is_final else 'is being stopped'}."


def _retry(request: HttpRequest, execution: Execution) -> str:
    made = retry(execution, by=request.user.get_username(), door=Door.CONSOLE, now=clock.now())
    return f"Execution {made.pk} is try {made.attempt} of run {made.group}."


@admin.register(Execution)
class ExecutionAdmin(FactsAdmin):
    list_display = (
        "id",
        "of_job",
        "status",
        "reason",
        "attempt",
        "trigger",
        "created",
        "started",
        "took",
        "on",
        "says",
    )
    list_display_links = ("id", "status")
    list_filter = ("status", CreatedFilter, "trigger", "reason", "door", "job_type")
    list_select_related = ("job", "worker")
    search_fields = ("job__name",)
    prefix_of = "job__name"
    ordering = ("-created", "-id")
    sortable_by = ("id", "created", "started")
    inlines = (ResultInline,)
    fieldsets = (
        (None, {"fields": ("of_job", "of_type", "status", "reason", "why", "message", "of_error")}),
        (
            "Try",
            {
                "fields": (
                    "run",
                    "slot",
                    "attempt",
                    "other_tries",
                    "origin",
                    "trigger",
                    "door",
                    "requested_by",
                    "priority",
                )
            },
        ),
        (
            "Times",
            {"fields": ("scheduled_for", "created", "ready_at", "start_by", "queued", "started", "ended", "took")},
        ),
        ("Where", {"fields": ("on", "lease_until", "stop_requested", "stop_by")}),
        (
            "End",
            {"fields": ("exit_code", "signal", "output_bytes", "output_lost_bytes", "max_rss_bytes", "cpu_seconds")},
        ),
        ("Told", {"fields": ("shown_configuration", "shown_input"), "classes": ("collapse",)}),
        ("Output", {"fields": ("shown_output",)}),
    )

    def deeds(self) -> Sequence[Deed]:
        return (
            Deed("cancel", "Cancel", "executions.cancel_execution", _cancel, lambda execution: not execution.is_final),
            Deed(
                *("retry", "Retry", "executions.retry_execution", _retry),
                fits=lambda execution: execution.is_final and execution.is_last_try,
            ),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        return super().get_queryset(request).defer("job__description", "job__tags", "job__metadata")

    @admin.display(description="job", ordering="job")
    def of_job(self, execution: Execution) -> str:
        return link(execution.job, execution.job.name)

    @admin.display(description="job type")
    def of_type(self, execution: Execution) -> str:
        return format_html("{} revision {}", link(execution.job_type), execution.revision.revision_num)

    @admin.display(description="error")
    def of_error(self, execution: Execution) -> str:
        return link(execution.error)

    @admin.display(description="worker")
    def on(self, execution: Execution) -> str:
        return execution.worker.name if execution.worker else ""

    @admin.display(description="took")
    def took(self, execution: Execution) -> str:
        return f"{execution.duration.total_seconds():.1f} s" if execution.duration else ""

    @admin.display(description="message")
    def says(self, execution: Execution) -> str:
        return Truncator(execution.message).chars(80)

    @admin.display(description="run")
    def run(self, execution: Execution) -> int:
        return execution.group

    @admin.display(description="why is it not running")
    def why(self, execution: Execution) -> str:
        return why(execution, clock.now()) or ""

    @admin.display(description="other tries")
    def other_tries(self, execution: Execution) -> str:
        others = (
            Execution.objects.filter(group=execution.group).exclude(pk=execution.pk).order_by("slot", "attempt")[:50]
        )
        return _joined([link(other, f"try {other.attempt}: {other.status}") for other in others])

    @admin.display(description="configuration")
    def shown_configuration(self, execution: Execution) -> str:
        return pretty_json(execution.payload.configuration)

    @admin.display(description="input")
    def shown_input(self, execution: Execution) -> str:
        return pretty_json(execution.payload.input)

    @admin.display(description="output")
    def shown_output(self, execution: Execution) -> str:
        chunks = OutputChunk.objects.filter(execution=execution).order_by("-seq")[: SHOWN_CHUNKS + 1]
        text = "".join(chunk.text for chunk in reversed(chunks[:SHOWN_CHUNKS]))
        left_out = len(chunks) > SHOWN_CHUNKS or len(text) > SHOWN_CHARACTERS
        return preformatted(("…\n" if left_out else "") + text[-SHOWN_CHARACTERS:])


def _joined(links: list[Any]) -> str:
    text = links.pop(0) if links else ""
    for further in links:
        text = format_html("{}, {}", text, further)
    return text


@admin.register(OutputChunk)
class OutputChunkAdmin(FactsAdmin):
    """The pieces as they were stored; an execution's page shows them together. A search is for the number of one."""

    list_display = ("id", "execution_id", "seq", "lines", "time", "stream", "begins")
    list_filter = ("stream",)
    search_fields = ("execution__id",)
    ordering = ("-id",)
    sortable_by = ()
    fields = ("execution_id", "seq", "lines", "time", "stream", "shown_text")
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        numbers = [int(word) for word in search_term.split() if word.isdecimal() and len(word) < 19]
        return (queryset.filter(execution__in=numbers) if search_term.strip() else queryset), False

    @admin.display(description="text")
    def begins(self, chunk: OutputChunk) -> str:
        return Truncator(chunk.text.strip()).chars(80)

    @admin.display(description="text")
    def shown_text(self, chunk: OutputChunk) -> str:
        return preformatted(chunk.text)


@admin.register(ExecutionResult)
class ExecutionResultAdmin(FactsAdmin):
    list_display = ("execution_id", "exception")
    search_fields = ("execution__id",)
    ordering = ("-execution",)
    fields = ("execution_id", "shown_outputs", "exception", "shown_traceback")
    readonly_fields = fields

    @admin.display(description="outputs")
    def shown_outputs(self, result: ExecutionResult) -> str:
        return pretty_json(result.outputs)

    @admin.display(description="traceback")
    def shown_traceback(self, result: ExecutionResult) -> str:
        return preformatted(result.traceback)


class LifeFilter(admin.SimpleListFilter):
    title = "life"
    parameter_name = "life"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("alive", "not stopped"), ("stopped", "stopped")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Worker]) -> QuerySet[Worker]:
        if self.value() in ("alive", "stopped"):
            return queryset.filter(stopped__isnull=self.value() == "alive")
        return queryset


@admin.register(Worker)
class WorkerAdmin(FactsAdmin):
    list_display = ("name", "state", "host", "pid", "slots", "version", "started", "last_seen", "stopped")
    list_filter = (LifeFilter,)
    search_fields = ("name",)
    prefix_of = "name"
    ordering = ("-started", "-id")
    fields = (
        *("name", "state", "host", "pid", "slots", "tags", "resources", "version"),
        *("started", "last_seen", "last_looked", "is_stopping", "stopped"),
    )
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        workers: QuerySet[Worker] = super().get_queryset(request)
        return workers.annotate(now=Now())  # the database's time, asked for once for all rows

    @admin.display(description="state")
    def state(self, worker: Any) -> str:
        return str(worker.status(worker.now))


def _pause_house(request: HttpRequest, _house: House) -> str:
    house.pause(request.user.get_username(), "", clock.now())
    return "The house is paused: nothing starts any more, what runs goes on."


def _resume_house(request: HttpRequest, _house: House) -> str:
    house.resume(request.user.get_username(), clock.now())
    return "The house goes on."


@admin.register(House)
class HouseStateAdmin(FactsAdmin):
    list_display = ("__str__", "paused_at", "paused_by", "last_tick", "last_sweep", "leader", "started")
    fields = ("paused_at", "paused_by", "pause_note", "last_tick", "last_sweep", "leader", "leader_until", "started")
    readonly_fields = fields

    def deeds(self) -> Sequence[Deed]:
        return (
            Deed("pause", "Pause the whole house", "", _pause_house, lambda row: not row.paused_at),
            Deed("resume", "Resume", "", _resume_house, lambda row: bool(row.paused_at)),
        )


class RunnableJobAdmin(JobAdmin):
    """A job's page with what concerns its runs."""

    readonly_fields = (*JobAdmin.readonly_fields, "newest", "why")
    fieldsets = (*JobAdmin.fieldsets, ("Runs", {"fields": ("why", "newest")}))

    def now(self) -> datetime:
        return clock.now()

    def deeds(self) -> Sequence[Deed]:
        def run(request: HttpRequest, job: Job) -> str:
            execution = submit(job, by=request.user.get_username(), door=Door.CONSOLE, now=clock.now())
            return f"Execution {execution.pk} of {job.name} is {execution.status}."

        return (Deed("run", "Run now", "jobs.run_job", run, lambda job: not job.archived), *super().deeds())

    @admin.display(description="why is it not running")
    def why(self, job: Job) -> str:
        return (why_job(job, clock.now()) or "") if job.pk else ""

    @admin.display(description="newest executions")
    def newest(self, job: Job) -> str:
        if not job.pk:
            return ""
        rows = Execution.objects.filter(job=job).only("status", "created").order_by("-created", "-id")[:10]
        every = reverse("admin:executions_execution_changelist") + f"?job__id__exact={job.pk}"
        links = [link(row, f"{row.pk} {row.status}") for row in rows]
        return format_html('{} (<a href="{}">all</a>)', _joined(links), every) if links else ""

    # --- deleting is archiving: the name is free, the history stays ---
    def has_delete_permission(self, request: HttpRequest, obj: Job | None = None) -> bool:
        return request.user.has_perm("jobs.delete_job") and not (obj and (obj.archived or obj.is_ad_hoc))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        return [str(job) for job in objs], {self.opts.verbose_name_plural: len(objs)}, set(), []

    def delete_model(self, request: HttpRequest, obj: Job) -> None:
        archive(obj, by=request.user.get_username(), now=clock.now(), cancel_running=False)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except Refused as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return HttpResponseRedirect(reverse("admin:jobs_job_change", args=[object_id]))


admin.site.unregister(Job)
admin.site.register(Job, RunnableJobAdmin)
