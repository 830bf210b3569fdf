"""What stands in the cells of a list, and of a page: a state, a moment, a duration.

class RunAdmin(FactsAdmin):
    list_display = ("id", "state", "created_at")
    state = state_column("status")
    created_at = moment_column("created")
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from errors.console.words import relative, span


def badge(state: str, more: str = "") -> SafeString:
    """`state` as a dot and a word in its colour; `more` is a second word, as the reason."""
    said = format_html(' <small class="reason">{}</small>', more) if more else ""
    return format_html('<span class="badge state-{}">{}</span>{}', state.lower(), state.lower(), said)


def when(moment: datetime | None, now: datetime | None = None, *, is_full: bool = False) -> SafeString | str:
    """`moment` relative to now, absolute at a touch; `is_full`: both, side by side. Empty for None."""
    if moment is None:
        return ""
    local = timezone.localtime(moment)
    words = relative(moment, now or timezone.now())
    absolute = f"{local:%Y-%m-%d %H:%M:%S}"
    exact = moment.isoformat(timespec="seconds")
    if is_full:
        return format_html(
            '<span class="moment">{} <small>(<time datetime="{}">{}</time>)</small></span>', absolute, exact, words
        )
    return format_html('<time datetime="{}" title="{} {}">{}</time>', exact, absolute, f"{local:%Z}", words)


def state_column(field: str, description: str = "state", *, reason: str = "reason") -> Callable[[Any, Any], SafeString]:
    @admin.display(description=description)
    def column(_self: Any, row: Any) -> SafeString:
        return badge(getattr(row, field), getattr(row, reason, None) or "")

    return column


def moment_column(
    field: str, description: str = "", *, ordering: str | None = ""
) -> Callable[[Any, Any], SafeString | str]:
    """The moment in `field`, by which the list can be ordered unless `ordering` is None."""

    @admin.display(description=description or field.replace("_", " "), ordering=field if ordering == "" else ordering)
    def column(_self: Any, row: Any) -> SafeString | str:
        return when(getattr(row, field))

    return column


def span_column(read: Callable[[Any], timedelta | float | None], description: str) -> Callable[[Any, Any], str]:
    @admin.display(description=description)
    def column(_self: Any, row: Any) -> str:
        return span(read(row))

    return column
