"""Pages of long lists: first the keys of a page, then its rows.

To reach a far page, or to order by what no index holds, a database passes by all rows before it. It does so ten times
faster when those are keys only, and the wide rows with all they refer to are fetched for the page alone.
"""

from __future__ import annotations

from typing import TypeVar

from django.db.models import Model, QuerySet
from rest_framework.viewsets import GenericViewSet

Row = TypeVar("Row", bound=Model)


def page_of(view: GenericViewSet[Row], found: QuerySet[Row], wide: QuerySet[Row]) -> list[Row]:
    """The rows of the page of `found` that `view` was asked for, filtered and ordered, as `wide` loads them."""
    keys = view.paginate_queryset(view.filter_queryset(found).values_list("pk", flat=True)) or []
    rows = wide.in_bulk(list(keys))
    return [rows[key] for key in keys if key in rows]
