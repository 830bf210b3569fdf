"""The list of executions, and the way to the page of each."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from errors.console import Call, Deed, FactsAdmin, link
from errors.console.columns import moment_column, state_column
from errors.console.words import span
from executions import clock
from executions.admin import again, bulk, log, page
from executions.admin.filters import BEFORE, QueryFilter
from executions.engine.cancel import cancel
from executions.engine.submit import retry
from executions.models import Execution
from executions.states import Door, Status


def _cancel(request: HttpRequest, execution: Execution) -> str:
    canceled = cancel(execution, by=request.user.get_username(), now=clock.now())
    return f"Execution {execution.pk} {'is canceled' if canceled.is_final else 'is being stopped'}."


def _retry(request: HttpRequest, execution: Execution) -> str:
    made = retry(execution, by=request.user.get_username(), door=Door.CONSOLE, now=clock.now())
    return f"Execution {made.pk} is try {made.attempt} of run {made.group}."


@admin.register(Execution)
class ExecutionAdmin(FactsAdmin):
    change_list_template = "admin/executions/execution/change_list.html"
    list_display = ("id", "state", "of_job", "try_of", "says", "created_at", "waited", "took", "on", "by")
    list_display_links = ("id", "state")
    list_filter = (QueryFilter,)
    list_select_related = ("job", "worker")
    search_fields = ("job__name",)
    prefix_of = "job__name"
    ordering = ("-created", "-id")
    sortable_by = ("id", "created_at")
    exported: ClassVar[tuple[str, ...]] = (
        *("id", "group", "attempt", "job__name", "job_type__name", "job_type__version", "status", "reason", "trigger"),
        *("door", "requested_by", "scheduled_for", "created", "queued", "started", "ended", "worker__name"),
        *("exit_code", "error__name", "message", "max_rss_bytes", "cpu_seconds"),
    )
    empty_words = "Nothing has run yet. Press “Run now” on a job's page, or give a job a schedule: its runs stand here."

    def deeds(self) -> Sequence[Deed]:
        return (
            Deed("cancel", "Cancel", "executions.cancel_execution", _cancel, lambda execution: not execution.is_final),
            Deed(
                *("retry", "Retry", "executions.retry_execution", _retry),
                fits=lambda execution: execution.is_final and execution.is_last_try,
            ),
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        mine = [
            path("<int:key>/log/", view(self.log), name="executions_execution_log"),
            path("<int:key>/log.txt", view(self.download), name="executions_execution_download"),
            path("<int:key>/again/", view(self.again), name="executions_execution_again"),
            path("bulk/<str:name>/", view(self.bulk), name="executions_execution_bulk"),
        ]
        return [*mine, *super().get_urls()]

    # --- the list ---
    def get_queryset(self, request: HttpRequest) -> QuerySet[Execution]:
        rows: QuerySet[Execution] = super().get_queryset(request)
        rows = rows.annotate(now=Now())  # the database's time, asked for once for all rows
        return rows.defer(
            "job__description", "job__tags", "job__metadata", "job__processors", "job__foreign", "resources"
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        context = getattr(response, "context_data", None)
        if context and "cl" in context:
            asked = request.executions_filter  # type: ignore[attr-defined]  # which the list has just made
            changelist = context["cl"]
            changelist.older = _older(request, changelist)
            context |= {
                "asked": asked,
                "pills": _pills(request, asked),
                "call": _call(asked),
                "offered_in_bulk": [one for one in bulk.OFFERED if request.user.has_perm(one.permission)],
                "bulk_query": urlencode(asked.asked, doseq=True),
                "is_live": not changelist.page_num > 1 and not asked.before,
            }
        return response

    # --- one of them ---
    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        key = unquote(object_id)
        execution = page.find(int(key)) if key.isascii() and key.isdigit() and len(key) < 19 else None
        if execution is None:
            messages.warning(request, f"There is no execution {key[:40]}; its history may have been removed.")
            return HttpResponseRedirect(reverse("admin:executions_execution_changelist"))
        if not self.has_view_permission(request, execution):
            raise PermissionDenied
        shown = page.read(execution, clock.now())
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "original": execution,
            "title": f"{execution.job.name} #{execution.pk}",
            "page": shown,
            "log": log.read(execution, request.GET),
            "deeds": [deed for deed in self.deeds() if deed.may(request) and deed.fits(execution)],
            "may_run": request.user.has_perm("jobs.run_job") and not execution.job.archived,
        }
        return TemplateResponse(request, "admin/executions/execution/page.html", context)

    def log(self, request: HttpRequest, key: int) -> HttpResponse:
        return log.answer(self._seen(request, key), request.GET)

    def download(self, request: HttpRequest, key: int) -> Any:
        return log.download(self._seen(request, key))

    def again(self, request: HttpRequest, key: int) -> HttpResponse:
        return again.view(self, request, self._seen(request, key))

    def bulk(self, request: HttpRequest, name: str) -> HttpResponse:
        return bulk.view(self, request, name)

    def _seen(self, request: HttpRequest, key: int) -> Execution:
        if not self.has_view_permission(request):
            raise PermissionDenied
        execution = page.find(key)
        if execution is None:
            raise Http404
        return execution

    # --- columns ---
    state = state_column("status")
    created_at = moment_column("created", "created")

    @admin.display(description="job")
    def of_job(self, execution: Execution) -> str:
        return link(execution.job, execution.job.name)

    @admin.display(description="try")
    def try_of(self, execution: Execution) -> str:
        return f"{execution.attempt}.{execution.slot}" if execution.slot else str(execution.attempt)

    @admin.display(description="waited")
    def waited(self, execution: Any) -> str:
        begun = execution.started or (None if execution.is_final else execution.now)
        return span(begun - execution.created) if begun else ""

    @admin.display(description="took")
    def took(self, execution: Any) -> str:
        if execution.status == Status.RUNNING and execution.started:
            return span(execution.now - execution.started)
        return span(execution.duration)

    @admin.display(description="worker")
    def on(self, execution: Execution) -> str:
        return execution.worker.name if execution.worker else ""

    @admin.display(description="message")
    def says(self, execution: Execution) -> str:
        return Truncator(execution.message).chars(80)

    @admin.display(description="started by")
    def by(self, execution: Execution) -> str:
        return started_by(execution)


def started_by(execution: Execution) -> str:
    """Who or what made it, and through which door: ``schedule``, ``ada, console``."""
    if execution.door == Door.SCHEDULER:
        return str(execution.trigger)
    who = execution.requested_by or execution.trigger
    return format_html("{} <small>{}, {}</small>", who, execution.trigger, execution.door)


def _older(request: HttpRequest, changelist: Any) -> str:
    """Where the list goes on after the last row of this page; empty at its end, and in another order."""
    rows = list(changelist.result_list)
    if len(rows) < changelist.list_per_page or "o" in request.GET:
        return ""
    query = request.GET.copy()
    query.pop("p", None)
    query[BEFORE] = str(rows[-1].pk)
    return f"?{query.urlencode()}"


def _pills(request: HttpRequest, asked: QueryFilter) -> list[tuple[str, str, str, bool]]:
    """The states, one click away: (label, class, address, whether it is the present one); the other filters stay."""
    present = asked.given.getlist("status")
    choices = [("all", "", []), *((status.lower(), status.lower(), [status]) for status in Status.values)]
    made = []
    for label, state, statuses in choices:
        rest = {name: texts for name, texts in asked.asked.items() if name != "status"}
        query = urlencode({**rest, **({"status": statuses} if statuses else {})}, doseq=True)
        made.append((label, state, f"?{query}", present == statuses))
    return made


def _call(asked: QueryFilter) -> Call:
    """The list in view as it is asked for elsewhere."""
    query = urlencode(asked.asked, doseq=True)
    shell = ["executions"]
    if name := asked.value("job_name"):
        shell.append(f"--job {shlex.quote(name)}")
    if status := asked.value("status"):
        shell.append(f"--status {shlex.quote(status)}")
    known = asked.asked.keys() <= {"job_name", "status"} and len(asked.given.getlist("status")) < 2
    return Call(reverse("executions") + (f"?{query}" if query else ""), " ".join(shell) if known else "")
