"""The registry of errors. They come with the house or with a job type's manifest; operators decide about retries."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from errors import services
from errors.api import values
from errors.api.filters import Flag, ScaleFilterSet, Since, Text, Until
from errors.api.serializers import ErrorEditSerializer, ErrorSerializer
from errors.models import Error


class ErrorFilters(ScaleFilterSet):
    started = Since("last_modified")
    ended = Until("last_modified")
    is_builtin = Flag()
    job_type_name = Text()
    name = Text()
    category = Text()

    ranges = (("started", "ended"),)


class ErrorList(ListAPIView[Error]):
    """The errors that are known, built in or named by a job type's manifest."""

    queryset = Error.objects.all()
    serializer_class = ErrorSerializer
    filterset_class = ErrorFilters
    ordering_fields = {name: name for name in ErrorSerializer.Meta.fields}
    ordering = ("last_modified",)


class ErrorDetail(RetrieveAPIView[Error]):
    """One error."""

    queryset = Error.objects.all()
    serializer_class = ErrorSerializer

    @extend_schema(
        operation_id="errors_edit",
        summary="Decide about an error that is not built in.",
        request=ErrorEditSerializer,
        responses=ErrorSerializer,
        filters=False,
    )
    def patch(self, request: Request, pk: int) -> Response:
        changes = ErrorEditSerializer.read(request)
        return Response(ErrorSerializer(services.change(values.integer(str(pk)), changes)).data)
