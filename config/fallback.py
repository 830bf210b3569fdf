"""What is answered where no view answers: JSON below the API's paths, Django's pages elsewhere."""

from __future__ import annotations

from typing import Any

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import is_valid_path
from django.utils.http import escape_leading_slashes
from django.views import csrf, defaults
from django.views.decorators.csrf import csrf_exempt

API = ("/v6/", "/v1/", "/api/", "/health", "/metrics")


def is_api(request: HttpRequest) -> bool:
    """Whether programs call this path; people get pages."""
    return request.path.startswith(API)


def problem(request: HttpRequest, status: int, text: str, **more: Any) -> JsonResponse:
    """A refusal that no view worded: `detail`, and below /api/ also `message`, where clients of other systems look."""
    said = {"detail": text, "message": text} if request.path.startswith("/api/") else {"detail": text}
    return JsonResponse({**said, **more}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api(request):
        return problem(request, 400, "Bad request.")
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api(request):
        return problem(request, 403, "You do not have permission to perform this action.")
    return defaults.permission_denied(request, exception)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponseBase:
    if is_api(request):
        return problem(request, 403, f"CSRF failed: {reason}")
    return csrf.csrf_failure(request, reason)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if is_api(request):
        return problem(request, 404, "Not found.")
    return defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponseBase:
    """What went wrong stands in the log under the reference that is shown, and nowhere else."""
    if is_api(request):
        reference = structlog.contextvars.get_contextvars().get("request_id")
        return problem(request, 500, "Something went wrong here; the log says what.", reference=reference)
    return defaults.server_error(request)


@csrf_exempt  # it changes nothing
def without_slash(request: HttpRequest, **_: Any) -> HttpResponse:
    """A path that lacks its slash: GET is sent to the one that has it, anything else would lose its body on the way."""
    if request.method in ("GET", "HEAD") and is_valid_path(f"{request.path_info}/"):
        return HttpResponsePermanentRedirect(escape_leading_slashes(request.get_full_path(force_append_slash=True)))
    return problem(request, 404, "Not found.")
