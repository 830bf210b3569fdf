"""Pages of models that show what only the console knows: how often an error struck, and when."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html

from config.console import failures
from errors.admin import ErrorAdmin
from errors.console.charts import sparkline
from errors.console.words import number
from errors.models import Error
from executions import clock


class CountedErrorAdmin(ErrorAdmin):
    """The errors, each with its last 7 days."""

    change_form_template = "admin/errors/error/page.html"
    list_display: tuple[str, ...] = (
        *("name", "title", "category", "job_type_name", "should_be_retried", "is_builtin"),
        *("struck", "trend"),
    )
    empty_words: ClassVar[str] = "No errors are known yet. A job type's manifest names its own."

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        rows: list[Any] = list(changelist.result_list)
        found = failures.trends([row.pk for row in rows], clock.now())
        for row in rows:
            row.week = found[row.pk]
        changelist.result_list = rows
        return changelist

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        is_number = object_id.isascii() and object_id.isdigit() and len(object_id) < 19
        told = {"failures": failures.read(clock.now(), "P7D", int(object_id))} if is_number else {}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **told})

    @admin.display(description="last 7 days")
    def struck(self, error: Any) -> str:
        if not error.week[0]:
            return ""
        address = f"{reverse('admin:failures')}?span=P7D&error={error.pk}"
        return format_html('<a href="{}">{}</a>', address, number(error.week[0]))

    @admin.display(description="trend")
    def trend(self, error: Any) -> str:
        return sparkline(error.week[1], "bad", title="By the quarter of a day") if error.week[0] else ""


admin.site.unregister(Error)
admin.site.register(Error, CountedErrorAdmin)
