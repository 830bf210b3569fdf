"""The console's name, and the tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest

from config.access import tokens
from config.access.models import Token
from errors.console import HouseAdmin

admin.site.site_header = "Jobhouse"
admin.site.site_title = "Jobhouse"
admin.site.index_title = "The house"


@admin.register(Token)
class TokenAdmin(HouseAdmin):
    """A key is shown once, in the message after it was made. Deleting a token ends it at once."""

    list_display = ("prefix", "user", "name", "role", "created", "expires", "last_used")
    list_display_links = ("prefix", "name")
    list_filter = ("role",)
    list_select_related = ("user",)
    search_fields = ("user__username",)
    prefix_of = "user__username"
    ordering = ("-created", "-id")
    autocomplete_fields = ("user",)
    fields = ("user", "name", "role", "expires", "prefix", "created", "last_used")
    readonly_fields = ("prefix", "created", "last_used")

    def get_readonly_fields(self, request: HttpRequest, obj: Token | None = None) -> tuple[str, ...]:
        return ("user", *self.readonly_fields) if obj else self.readonly_fields

    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        if change:
            super().save_model(request, obj, form, change)
            return
        made, key = tokens.create(obj.user, role=obj.role, name=obj.name, expires=obj.expires)
        obj.__dict__.update(made.__dict__)
        self.message_user(request, f"The key, which cannot be shown again: {key}", messages.WARNING)
