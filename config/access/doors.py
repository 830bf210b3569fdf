"""By which door a request came, and who sent it: told to `errors.acting`, for the audit."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from django.http import HttpRequest, HttpResponse

from config.access.models import Token
from errors import acting
from executions.states import Door

View = Callable[[HttpRequest], HttpResponse]

_DIALECTS = "config.dialects."


class Acting:
    """Middleware: whatever a request changes was done by its user, through the door whose view answered it."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with acting.bound(partial(actor, request)):
            return self.get_response(request)


def actor(request: HttpRequest) -> acting.Actor:
    """Who sent `request`, as far as that is known by now: the API knows its callers only within the view."""
    user, token = getattr(request, "user", None), getattr(request, "auth", None)
    shown = token.prefix if isinstance(token, Token) else ""
    if user is None or not user.is_authenticated:
        return acting.Actor(door(request))
    return acting.Actor(door(request), user.get_username(), user.pk, shown)


def door(request: HttpRequest) -> str:
    """The dialect whose view answers `request`; the console for what stands under /admin/; otherwise the native API."""
    match = request.resolver_match
    view = getattr(match.func, "cls", match.func) if match else None
    module = getattr(view, "__module__", "") or ""
    dialect = module.removeprefix(_DIALECTS).partition(".")[0] if module.startswith(_DIALECTS) else ""
    if dialect in Door.values:
        return dialect
    return Door.CONSOLE if request.path.startswith("/admin/") else Door.NATIVE
