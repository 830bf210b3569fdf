"""What is done to all that a filter finds: first the count, the filter and some samples, then a receipt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from rest_framework.exceptions import ValidationError

from errors.console import Call, Deed, FactsAdmin, pretty_json
from errors.console.charts import meter
from errors.console.columns import badge, moment_column
from errors.exceptions import Refused
from executions import clock
from executions.admin.filters import NAMES
from executions.api.bulk import read_filter
from executions.engine import bulk_actions
from executions.models import BulkAction
from executions.states import Door

SAMPLES = 5


@dataclass(frozen=True, slots=True)
class Offered:
    """A deed for many. `verb` is what is asked, `past` what was done."""

    name: str
    verb: str
    past: str
    permission: str
    action: BulkAction.Action


OFFERED = (
    Offered("cancel", "Cancel", "canceled", "executions.cancel_execution", BulkAction.Action.CANCEL),
    Offered("retry", "Retry", "tried again", "executions.retry_execution", BulkAction.Action.RETRY),
)


def view(model_admin: Any, request: HttpRequest, name: str) -> HttpResponse:
    """The page that asks, and with a POST the deed. The filter is the address's query, in both."""
    offered = next((one for one in OFFERED if one.name == name), None)
    if offered is None:
        raise Http404
    if not request.user.has_perm(offered.permission):
        raise PermissionDenied
    asked = {name: [text for text in request.GET.getlist(name) if text] for name in NAMES if request.GET.get(name)}
    listed = f"{reverse('admin:executions_execution_changelist')}?{urlencode(asked, doseq=True)}"
    try:
        found, kept = read_filter(asked)
        able = bulk_actions.able(offered.action, found, says_status="status" in kept)
        if request.method == "POST":
            by = request.user.get_username()
            made = bulk_actions.start(offered.action, able, filter=kept, by=by, door=Door.CONSOLE, now=clock.now())
            return HttpResponseRedirect(reverse("admin:executions_bulkaction_change", args=[made.pk]))
        count = bulk_actions.count(able)
    except (Refused, ValidationError) as refusal:
        messages.error(request, _said(refusal))
        return HttpResponseRedirect(listed)
    samples = list(
        able.select_related("job").only("status", "created", "message", "job__name").order_by("-pk")[:SAMPLES]
    )
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"{offered.verb} {count:,} executions",
        "offered": offered,
        "count": count,
        "filter": [
            (name, ", ".join(map(str, value)) if isinstance(value, list) else value) for name, value in kept.items()
        ],
        "samples": samples,
        "listed": listed,
        "call": Call(f"/v6/executions/{offered.name}/"),
    }
    return TemplateResponse(request, "admin/executions/execution/bulk.html", context)


def _said(refusal: Refused | ValidationError) -> str:
    if isinstance(refusal, Refused):
        return refusal.message
    detail: Any = refusal.detail
    return "; ".join(str(text) for texts in detail.values() for text in texts)


def _abort(request: HttpRequest, row: BulkAction) -> str:
    bulk_actions.abort(row.pk, by=request.user.get_username(), now=clock.now())
    return "What was not done yet is left alone."


@admin.register(BulkAction)
class BulkActionAdmin(FactsAdmin):
    """The receipts: who asked for what, for how many, and how far it is."""

    change_form_template = "admin/executions/bulkaction/page.html"
    list_display = (
        "id",
        "action",
        "shown_state",
        "count",
        "progress",
        "failed",
        "by",
        "door",
        "created_at",
        "ended_at",
    )
    list_filter = ("action", "state")
    search_fields = ("by",)
    prefix_of = "by"
    ordering = ("-created", "-id")
    sortable_by = ()
    fields = (
        "action",
        "shown_state",
        "shown_filter",
        "count",
        "done",
        "failed",
        "by",
        "door",
        "created_at",
        "ended_at",
        "aborted_by",
    )
    readonly_fields = fields
    empty_words = "Nothing was done to many at once yet. The list of executions offers it for all that a filter finds."

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> BulkAction | None:
        row: Any = super().get_object(request, object_id, from_field)
        if row is not None:
            row.share = (row.done + row.failed) / row.count if row.count else 1.0
        return row  # type: ignore[no-any-return]

    def deeds(self) -> Sequence[Deed]:
        permission = "executions.cancel_execution"
        return (Deed("abort", "Stop here", permission, _abort, lambda row: not row.is_over),)

    created_at = moment_column("created", ordering=None)
    ended_at = moment_column("ended", ordering=None)

    @admin.display(description="state")
    def shown_state(self, row: BulkAction) -> str:
        return badge(row.state)

    @admin.display(description="done")
    def progress(self, row: BulkAction) -> str:
        share = (row.done + row.failed) / row.count if row.count else 1.0
        return format_html("{} {}", meter(share, "run" if not row.is_over else "ok"), row.done)

    @admin.display(description="filter")
    def shown_filter(self, row: BulkAction) -> str:
        return pretty_json(row.filter)
