"""A queryset becomes a page, as Scale pages: `page`, `page_size`, and `{count, next, previous, results}`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.models import Max, Min, QuerySet
from rest_framework.exceptions import NotFound
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param
from rest_framework.views import APIView

from errors.exceptions import Invalid

PAGE_SIZE = 100
MAX_PAGE_SIZE = 1_000
FURTHEST_ROW = 1_000_000


class ScalePagination(BasePagination):
    """Pages from 1 on; `last` is the last one; a page that is not there is a 404.

    A `page_size` that is too large is cut, one that means nothing is 100. A page that would reach past row 1,000,000
    is a 400. `count` is exact, and asked for only where the first page does not hold all rows.
    """

    invalid_page_message = "Invalid page."

    request: Request
    size: int
    number: int
    count: int
    has_next: bool

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        self.request = request
        self.size = page_size(request)
        first_rows = list(queryset[: self.size + 1]) if self.page_number(lambda: 0) == 1 else None
        if first_rows is not None and len(first_rows) <= self.size:
            self.count = len(first_rows)
        else:
            self.count = len(queryset) if isinstance(queryset, Sequence) else queryset.count()
        pages = max(1, -(-self.count // self.size))
        self.number = self.page_number(lambda: pages)
        if self.number > pages:
            raise NotFound(self.invalid_page_message)
        self.refuse_far_rows()
        self.has_next = self.number < pages
        if first_rows is not None:
            return first_rows[: self.size]
        first = (self.number - 1) * self.size
        return list(queryset[first : first + self.size])

    def page_number(self, last: Any) -> int:
        """The page asked for. Raises NotFound for what is no page; `last()` is asked only where `last` is."""
        text = self.request.query_params.get("page") or "1"
        if text == "last":
            return int(last())
        try:
            number = int(text)
        except ValueError:
            number = 0
        if number < 1:
            raise NotFound(self.invalid_page_message)
        return number

    def refuse_far_rows(self) -> None:
        if self.number * self.size > FURTHEST_ROW and self.number > 1:
            raise Invalid.field("page", f"Rows past the {FURTHEST_ROW:,}th are not paged to; filter the list instead.")

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"count": self.count, **self.links(), "results": data})

    def links(self) -> dict[str, str | None]:
        url = self.request.build_absolute_uri()
        previous = None
        if self.number > 2:
            previous = replace_query_param(url, "page", self.number - 1)
        elif self.number == 2:
            previous = remove_query_param(url, "page")
        return {
            "next": replace_query_param(url, "page", self.number + 1) if self.has_next else None,
            "previous": previous,
        }

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": "string", "format": "uri", "nullable": True}
        return {
            "type": "object",
            "required": ["count", "next", "previous", "results"],
            "properties": {"count": {"type": "integer"}, "next": link, "previous": link, "results": schema},
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "page",
                "in": "query",
                "required": False,
                "description": "The page, from 1 on; `last` is the last one.",
                "schema": {"type": "string", "default": "1"},
            },
            {
                "name": "page_size",
                "in": "query",
                "required": False,
                "description": f"Rows of a page; more than {MAX_PAGE_SIZE} are cut to that.",
                "schema": {"type": "integer", "default": PAGE_SIZE},
            },
        ]


class CappedPagination(ScalePagination):
    """As ScalePagination, for tables of millions: what a page costs does not depend on how many rows there are.

    `count` is exact up to `exact_up_to`; above that it is an estimate, never below the rows known to exist, and
    `count_is_estimate` stands beside it. `next` is known from one row more than the page shows, never from the count.
    """

    exact_up_to = 10_000

    is_estimate: bool

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        if isinstance(queryset, Sequence):
            self.is_estimate = False
            return super().paginate_queryset(queryset, request, view)
        self.request = request
        self.size = page_size(request)
        self.number = self.page_number(lambda: self._last_page(queryset))
        self.refuse_far_rows()
        first = (self.number - 1) * self.size
        rows = list(queryset[first : first + self.size + 1])
        if not rows and self.number > 1:
            raise NotFound(self.invalid_page_message)
        self.has_next = len(rows) > self.size
        self.count, self.is_estimate = self._count(queryset, known=first + len(rows))
        return rows[: self.size]

    def get_paginated_response(self, data: Any) -> Response:
        response = super().get_paginated_response(data)
        if self.is_estimate:
            response.data["count_is_estimate"] = True
        return response

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        page = super().get_paginated_response_schema(schema)
        page["properties"]["count_is_estimate"] = {"type": "boolean"}
        return page

    def _count(self, queryset: QuerySet[Any], known: int) -> tuple[int, bool]:
        if not self.has_next:
            return known, False
        if known <= self.exact_up_to:
            counted = count_up_to(queryset, self.exact_up_to)
            if counted <= self.exact_up_to:
                return counted, False
        return max(estimate(queryset), known, self.exact_up_to + 1), True

    def _last_page(self, queryset: QuerySet[Any]) -> int:
        counted = count_up_to(queryset, FURTHEST_ROW)
        return max(1, -(-counted // self.size))


def page_size(request: Request) -> int:
    """Rows of a page: `page_size` where that is a positive number, at most 1,000; otherwise 100."""
    try:
        size = int(request.query_params.get("page_size", PAGE_SIZE))
    except ValueError:
        return PAGE_SIZE
    return min(size, MAX_PAGE_SIZE) if size > 0 else PAGE_SIZE


def count_up_to(queryset: QuerySet[Any], limit: int) -> int:
    """How many rows there are; `limit + 1` when there are more than `limit`, without looking at the rest."""
    return queryset.order_by().values("pk")[: limit + 1].count()


def estimate(queryset: QuerySet[Any]) -> int:
    """About how many rows there are, at a cost that does not grow with them: the planner's guess, or the span of keys.

    0 where nothing better than the rows seen is known (a filtered list on SQLite).
    """
    bare = queryset.order_by()
    if connections[queryset.db].vendor == "postgresql":
        return int(json.loads(bare.values("pk").explain(format="json"))[0]["Plan"]["Plan Rows"])
    if bare.query.where:
        return 0
    span = bare.model._base_manager.using(queryset.db).aggregate(low=Min("pk"), high=Max("pk"))
    return span["high"] - span["low"] + 1 if span["high"] is not None else 0
