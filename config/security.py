"""Middleware that every answer and every request passes: page policy, body limit, and a busy database said politely."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse

from config.fallback import problem

View = Callable[[HttpRequest], HttpResponse]

POLICY = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"


class ContentSecurityPolicy:
    """Scripts, styles and everything else come from this house only, and nobody frames its pages."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response


class BoundedBody:
    """Answers 413 to a body larger than the limit before anything reads it, and 400 to a NUL in path or query.

    A body that does not say its length (chunked) is a 411: it would be taken for an empty one.
    """

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = settings.LARGE_BODIES.get(request.path.rstrip("/"), settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            return problem(request, 400, "Content-Length is not a number.")
        if "CONTENT_LENGTH" not in request.META and "HTTP_TRANSFER_ENCODING" in request.META:
            return problem(request, 411, "Send a Content-Length; a chunked body is not read.")
        if length > limit:
            return problem(request, 413, f"The body is larger than {limit} bytes.")
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return problem(request, 400, "A NUL character is not allowed in an address.")
        return self.get_response(request)


class DatabaseBusy:
    """A database that is locked or away is a 503 with Retry-After: try again, nothing was half-written."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, OperationalError):
            return None
        response = problem(request, 503, "The database is busy or away; try again in a moment.")
        response.headers["Retry-After"] = "2"
        return response
