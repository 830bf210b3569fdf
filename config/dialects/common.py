"""What several doors need: paths that answer with and without their last slash."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern
from django.urls.resolvers import RoutePattern


class EitherSlash(RoutePattern):
    """A route, written with its last slash, that matches also without it; addresses made of it have the slash."""

    def match(self, path: str) -> tuple[str, tuple[Any, ...], dict[str, Any]] | None:
        return super().match(path if path.endswith("/") else f"{path}/")


def door_path(route: str, view: Callable[..., Any], name: str) -> URLPattern:
    """As `django.urls.path`, answering directly, without a redirect, with the last slash and without it."""
    return URLPattern(EitherSlash(route, name=name, is_endpoint=True), view, None, name)
