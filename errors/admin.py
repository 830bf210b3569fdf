"""The errors, for the console. The built-in ones are the house's own and cannot be changed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from errors import services
from errors.console import HouseAdmin
from errors.models import Error


@admin.register(Error)
class ErrorAdmin(HouseAdmin):
    list_display: tuple[str, ...] = (
        "name",
        "title",
        "category",
        "job_type_name",
        "should_be_retried",
        "is_builtin",
    )
    list_filter = ("category", "is_builtin", "should_be_retried")
    search_fields = ("name",)
    prefix_of = "name"
    ordering = ("name", "id")
    fields = (
        "name",
        "job_type_name",
        "title",
        "description",
        "category",
        "should_be_retried",
        "created",
        "last_modified",
    )
    readonly_fields = ("created", "last_modified")
    exported = ("id", "name", "job_type_name", "title", "description", "category", "should_be_retried", "last_modified")

    def get_readonly_fields(self, request: HttpRequest, obj: Error | None = None) -> tuple[str, ...]:
        # Runs name an error by these two.
        return (*self.readonly_fields, "name", "job_type_name") if obj else self.readonly_fields

    def get_form(self, request: HttpRequest, obj: Error | None = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if "job_type_name" in form.base_fields:
            form.base_fields["job_type_name"].required = True  # only the built-in errors have none
        return form

    def save_model(self, request: HttpRequest, obj: Error, form: Any, change: bool) -> None:
        """A change goes through the service, which tells the audit how it was before."""
        if not change:
            super().save_model(request, obj, form, change)
            return
        saved = services.change(obj.pk, {name: form.cleaned_data[name] for name in form.changed_data})
        obj.__dict__.update(saved.__dict__)

    def has_change_permission(self, request: HttpRequest, obj: Error | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.is_builtin)

    def has_delete_permission(self, request: HttpRequest, obj: Error | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and (obj.is_builtin or obj.executions.exists()))
