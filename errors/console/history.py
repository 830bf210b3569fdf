"""The History page of an object: the audit, whatever door a change came through."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest, HttpResponse

from errors import audit


class WithHistory(admin.ModelAdmin):
    """What services have told the audit is not told again by the admin; what they have not, it tells itself."""

    object_history_template = "admin/house_history.html"

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response = super().history_view(request, object_id, extra_context)
        for entry in (getattr(response, "context_data", None) or {}).get("action_list", ()):
            entry.told = audit.told(entry)
        return response

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return None if audit.is_recorded(type(obj), obj.pk) else super().log_addition(request, obj, message)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> Any:
        return None if audit.is_recorded(type(obj), obj.pk) else super().log_change(request, obj, message)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Nothing: the admin asks for it before it deletes, and then nobody knows whether a service will tell."""
        return []

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        if not audit.is_recorded(self.model, obj_id):
            audit.record_deleted(self.model, obj_id, obj_display)
        return super().response_delete(request, obj_display, obj_id)
