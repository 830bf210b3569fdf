"""Does the policy table speak about every route? Asked by a test, so that no endpoint is forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.urls import URLPattern, URLResolver
from rest_framework.views import APIView

from config.access.policy import OPEN, POLICY


class Route(NamedTuple):
    name: str
    view: str
    methods: list[str]
    parameters: dict[str, Any]
    """The converters of the parameters in its path, by their names."""


def missing(patterns: list[URLPattern | URLResolver]) -> list[str]:
    """Every route and method of the API, below `patterns`, for which neither POLICY nor OPEN has an entry."""
    return [
        f"{method} {route.name or '(unnamed)'} ({route.view})"
        for route in routes(patterns)
        if route.name not in OPEN
        for method in route.methods
        if method not in POLICY.get(route.name, {})
    ]


def routes(
    patterns: list[URLPattern | URLResolver], namespace: str = "", parameters: dict[str, Any] | None = None
) -> Iterator[Route]:
    """Every route below `patterns` whose view is one of the API framework's."""
    for pattern in patterns:
        below = {**(parameters or {}), **getattr(pattern.pattern, "converters", {})}
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from routes(pattern.url_patterns, inner, below)
            continue
        view = getattr(pattern.callback, "cls", None)
        if view is not None and issubclass(view, APIView):
            yield Route(f"{namespace}{pattern.name or ''}", view.__name__, _methods(view, pattern.callback), below)


def _methods(view: type[APIView], callback: Any) -> list[str]:
    names = getattr(callback, "actions", None) or [name for name in view.http_method_names if hasattr(view, name)]
    return sorted(name.upper() for name in names if name not in ("head", "options"))
