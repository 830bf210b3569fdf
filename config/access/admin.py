"""The console's name, and the tokens."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest

from config.access import tokens
from config.access.models import Token
from errors.console import HouseAdmin
from errors.console.columns import badge, moment_column
from executions import clock

admin.site.site_header = "Jobhouse"
admin.site.site_title = "Jobhouse"
admin.site.index_title = "The house"


@admin.register(Token)
class TokenAdmin(HouseAdmin):
    """Everybody who may enter has their own tokens here, a superuser those of all.

    A key is shown once, in the message after it was made. Deleting a token ends it at once.
    """

    list_display = ("begins", "state", "user", "name", "may", "created_at", "expires_at", "used_at")
    list_display_links = ("begins", "name")
    list_filter = ("role",)
    list_select_related = ("user",)
    search_fields = ("user__username",)
    prefix_of = "user__username"
    ordering = ("-created", "-id")
    autocomplete_fields = ("user",)
    fields = ("user", "name", "role", "expires", "prefix", "created", "last_used")
    readonly_fields = ("prefix", "created", "last_used")
    exported = ("id", "prefix", "user__username", "name", "role", "created", "expires", "last_used")
    empty_words = (
        "You have no tokens yet. A program that calls the API shows one: add a token for each, with the least role "
        "that will do. Its key is shown once, right after it is made."
    )

    created_at = moment_column("created")
    expires_at = moment_column("expires")
    used_at = moment_column("last_used")

    @admin.display(description="key", ordering="prefix")
    def begins(self, token: Token) -> str:
        return f"{token.prefix}…"

    @admin.display(description="state")
    def state(self, token: Token) -> str:
        return badge("expired" if token.expires and token.expires <= clock.now() else "active")

    @admin.display(description="may", ordering="role")
    def may(self, token: Token) -> str:
        return token.role or "all that its user may"

    # --- who may what ---
    def get_queryset(self, request: HttpRequest) -> QuerySet[Token]:
        found: QuerySet[Token] = super().get_queryset(request)
        return found if request.user.is_superuser else found.filter(user=request.user.pk)

    def has_module_permission(self, request: HttpRequest) -> bool:
        return True  # of those who may enter, which the site asks before

    def has_add_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active

    def has_view_permission(self, request: HttpRequest, obj: Token | None = None) -> bool:
        return request.user.is_active and (obj is None or request.user.is_superuser or obj.user_id == request.user.pk)

    has_change_permission = has_delete_permission = has_view_permission

    def get_fields(self, request: HttpRequest, obj: Token | None = None) -> tuple[str, ...]:
        return self.fields if obj or request.user.is_superuser else self.fields[1:]

    def get_readonly_fields(self, request: HttpRequest, obj: Token | None = None) -> tuple[str, ...]:
        return ("user", *self.readonly_fields) if obj else self.readonly_fields

    # --- what is done ---
    def save_model(self, request: HttpRequest, obj: Token, form: Any, change: bool) -> None:
        if change:
            tokens.change(obj, {name: form.cleaned_data[name] for name in form.changed_data})
            return
        owner = obj.user if request.user.is_superuser else User.objects.get(username=request.user.get_username())
        made, key = tokens.create(owner, role=obj.role, name=obj.name, expires=obj.expires)
        obj.__dict__.update(made.__dict__)
        self.message_user(request, f"The key, which cannot be shown again: {key}", messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: Token) -> None:
        tokens.revoke(obj)
