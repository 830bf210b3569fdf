"""`/v6/errors/?counts=true`: Scale's list of errors, and how many runs failed with each."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.db.models import BigIntegerField, Case, QuerySet, Value, When
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from errors.api import values
from errors.api.serializers import ErrorSerializer
from errors.api.views import ErrorList
from errors.exceptions import Invalid
from errors.models import Error
from executions import tally
from executions.states import Status
from executions.tally import Window


class CountedErrorSerializer(ErrorSerializer):
    count = serializers.IntegerField(
        required=False, help_text="Runs whose latest try failed with it; only with `counts=true`."
    )

    class Meta(ErrorSerializer.Meta):
        fields = (*ErrorSerializer.Meta.fields, "count")
        read_only_fields = fields


class Errors(ErrorList):
    """The errors that are known, built in or named by a job type's manifest."""

    serializer_class = CountedErrorSerializer

    @property
    def ordering_fields(self) -> dict[str, str]:  # type: ignore[override]  # what can be ordered by depends on what is shown
        return ErrorList.ordering_fields | ({"count": "count"} if self._is_counted else {})

    def get_queryset(self) -> QuerySet[Error]:
        errors = super().get_queryset()
        return with_counts(errors) if self._is_counted else errors

    @extend_schema(
        operation_id="errors_list",
        parameters=[
            OpenApiParameter("counts", OpenApiTypes.BOOL, description="Add `count`, which can be ordered by: `-count`.")
        ],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @property
    def _is_counted(self) -> bool:
        request = getattr(self, "request", None)
        if request is None:  # the schema asks a view without a request
            return False
        try:
            return values.boolean(request.query_params.get("counts", "false"))
        except ValueError:
            raise Invalid('Parameter must be a valid boolean: "counts"') from None


def with_counts(errors: QuerySet[Error]) -> QuerySet[Error]:
    """`errors`, each with the number of runs whose latest try failed with it as `count`; from the tally."""
    totals: Counter[int] = Counter()
    for one in tally.ended(Window(), timezone.now(), status=Status.FAILED):
        totals[one.error] += one.count
    # Few errors strike, so they are written into the question, which can then be ordered by how often they did.
    struck = [When(pk=error, then=Value(count)) for error, count in totals.items()]
    return errors.annotate(count=Case(*struck, default=Value(0), output_field=BigIntegerField()))
