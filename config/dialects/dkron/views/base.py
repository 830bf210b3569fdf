"""What all views of this door do alike: JSON whatever is accepted, bodies whatever they are called, its headers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from config.dialects import cors
from config.dialects.dkron import errors, nodes
from errors.api.parsers import StrictJSONParser

JSON = "application/json; charset=utf-8"
TOTAL, WHOM = "X-Total-Count", "X-Whom"


class DkronView(cors.OpenToOtherSites, APIView):
    """A view of Dkron's API."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    refuses_in_json = False  # in OpenAPI: of a refusal only the status is sure

    def get_exception_handler(self) -> Callable[..., Any]:
        return errors.handler

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        renderer = JSONRenderer()
        return renderer, renderer.media_type

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        response.headers[WHOM] = nodes.name()
        return response

    def answer(self, value: Any, code: int = 200, **headers: str) -> HttpResponse:
        """`value` as JSON, indented where the address asks for that; names of headers with `_` for `-`."""
        pretty = "pretty" in self.request.query_params
        text = json.dumps(
            value, ensure_ascii=False, indent=4 if pretty else None, separators=None if pretty else (",", ":")
        )
        response = HttpResponse(text, content_type=JSON, status=code)
        for name, said in headers.items():
            response.headers[name.replace("_", "-")] = said
        return response

    def listing(self, rows: Iterable[Any], total: int | None = None) -> HttpResponse:
        """A bare array, and how many there are in all."""
        rows = list(rows)
        return self.answer(rows, X_Total_Count=str(len(rows) if total is None else total))

    def body(self) -> Any:
        """The value of the JSON that was sent, whatever it was called. Raises ParseError."""
        return StrictJSONParser().loads(self.request._request.body)

    @property
    def caller(self) -> str:
        return str(self.request.user.get_username())

    @property
    def here(self) -> str:
        """The address that was asked, as it was asked."""
        return self.request.get_full_path()


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """There is nothing here, for any method."""
    response = cors.preflight(request) if cors.is_preflight(request) else errors.text(errors.UNKNOWN, 404)
    response.headers[WHOM] = nodes.name()
    cors.share(request, response)
    return response
