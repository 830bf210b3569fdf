"""Middleware that every answer and every request passes: page policy, body limit, and a busy database said politely."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse

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
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        try:
            length = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            return JsonResponse({"detail": "Content-Length is not a number."}, status=400)
        if "CONTENT_LENGTH" not in request.META and "HTTP_TRANSFER_ENCODING" in request.META:
            return JsonResponse({"detail": "Send a Content-Length; a chunked body is not read."}, status=411)
        if length > limit:
            return JsonResponse({"detail": f"The body is larger than {limit} bytes."}, status=413)
        if "\x00" in request.path or "%00" in request.META.get("QUERY_STRING", ""):
            return JsonResponse({"detail": "A NUL character is not allowed in an address."}, status=400)
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
        response = JsonResponse({"detail": "The database is busy or away; try again in a moment."}, status=503)
        response.headers["Retry-After"] = "2"
        return response
