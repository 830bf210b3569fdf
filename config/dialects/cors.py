"""Pages of other sites may call these doors: with a token of their own, never with this site's cookies."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

METHODS = "GET, POST, PUT, PATCH, DELETE, OPTIONS"
MAX_AGE = 43_200  # seconds that a browser may remember the answer to a preflight


def is_foreign(request: HttpRequest) -> bool:
    """Whether a page of another site calls."""
    origin = request.headers.get("Origin", "")
    try:
        return bool(origin) and urlsplit(origin).netloc != request.headers.get("Host")
    except ValueError:  # a text that no browser sends
        return True


def is_preflight(request: HttpRequest) -> bool:
    """Whether a browser asks what a page of another site may send; it shows no token then."""
    headers = request.headers
    return request.method == "OPTIONS" and "Origin" in headers and "Access-Control-Request-Method" in headers


def preflight(request: HttpRequest) -> HttpResponse:
    """Any method, any header. A wildcard does not cover `Authorization`, so that is named where it is asked for."""
    asked = request.headers.get("Access-Control-Request-Headers", "").lower()
    response = HttpResponse(status=204)
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Allow-Methods"] = METHODS
    response.headers["Access-Control-Allow-Headers"] = "*, Authorization" if "authorization" in asked else "*"
    response.headers["Access-Control-Max-Age"] = str(MAX_AGE)
    return response


def share(request: HttpRequest, response: HttpResponseBase) -> None:
    """Let a page of another site read `response`, its headers too."""
    if is_foreign(request):
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Access-Control-Expose-Headers"] = "*"


class OpenToOtherSites:
    """Mixed into a view before the framework's own: answers preflights, and lets its answers be read elsewhere."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if is_preflight(request):
            return preflight(request)
        response: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]  # mixed into views
        share(request, response)
        return response
