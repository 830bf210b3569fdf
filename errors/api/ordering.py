"""`order`, repeatable: `-` before a field reverses it. Every order ends in the key, so that pages never overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import QuerySet
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.views import APIView

from errors.exceptions import Invalid

MAX_FIELDS = 5

Fields = Mapping[str, str | tuple[str, ...]]


class FieldOrdering(BaseFilterBackend):
    """Orders by the fields that the view offers; unknown ones are ignored, more than five are a 400.

    The view's `ordering_fields` maps the word of the API to one field of the model, or to several where an index wants
    its tie-breakers so: ``{"created": "created", "status": ("status", "-created", "-id")}``. Its `ordering` is the
    default. A view without `ordering_fields` keeps the order of its queryset.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        offered: Fields | None = getattr(view, "ordering_fields", None)
        if offered is None:
            return queryset
        words = [word for word in request.query_params.getlist("order") if columns(word, offered)]
        if len(words) > MAX_FIELDS:
            raise Invalid.field("order", f"takes {MAX_FIELDS} fields at most.")
        chosen = [field for word in words for field in columns(word, offered)]
        return queryset.order_by(*with_key(chosen or tuple(getattr(view, "ordering", ()))))

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        offered = getattr(view, "ordering_fields", None)
        if not offered:
            return []
        return [
            {
                "name": "order",
                "in": "query",
                "required": False,
                "description": f"Up to {MAX_FIELDS} fields; `-` reverses. Fields: {', '.join(offered)}.",
                "schema": {"type": "array", "maxItems": MAX_FIELDS, "items": {"type": "string"}},
            }
        ]


def columns(word: str, offered: Fields) -> tuple[str, ...]:
    """The fields of the model that `word` orders by; none for a word that is not offered."""
    name = word.removeprefix("-")
    given = offered.get(name, ())
    fields = (given,) if isinstance(given, str) else given
    return tuple(reverse(field) for field in fields) if word.startswith("-") else fields


def reverse(field: str) -> str:
    return field.removeprefix("-") if field.startswith("-") else f"-{field}"


def with_key(fields: Sequence[str]) -> list[str]:
    """`fields`, each once, and the key at the end, in the direction of the last one so that one index serves both."""
    once: dict[str, str] = {}
    for field in fields:
        once.setdefault(field.removeprefix("-"), field)
    chosen = list(once.values())
    if "id" not in once and "pk" not in once:
        chosen.append("-id" if chosen and chosen[-1].startswith("-") else "id")
    return chosen
