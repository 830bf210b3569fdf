"""`/v6/executions/{id}/files/{file}/`: an output file, to be saved; never shown as a page of ours."""

from __future__ import annotations

import re

from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.viewsets import GenericViewSet

from errors.api import values
from errors.exceptions import NotFound
from executions import files
from executions.models import ExecutionFile

UNKNOWN = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9][\w.+-]{0,100}/[A-Za-z0-9][\w.+-]{0,100}", re.ASCII)


class FileViewSet(GenericViewSet[ExecutionFile]):
    """An output file of an execution."""

    queryset = ExecutionFile.objects.all()
    pagination_class = None
    filter_backends = []

    @extend_schema(
        operation_id="executions_file",
        summary="An output file, as it was put out.",
        responses={(200, UNKNOWN): OpenApiTypes.BINARY},
    )
    def retrieve(self, request: Request, pk: int, file: int) -> FileResponse:
        keys = {"execution": values.integer(str(pk)), "pk": values.integer(str(file))}
        row = get_object_or_404(ExecutionFile, **keys)
        try:
            content = files.open_file(row)
        except OSError:
            raise NotFound("The file is no longer in its workspace.") from None
        answer = FileResponse(content, as_attachment=True, filename=shown_name(row.path), content_type=_type(row))
        answer["Content-Length"] = str(content.size)
        answer["X-Content-Type-Options"] = "nosniff"
        answer["Content-Security-Policy"] = "default-src 'none'; sandbox"
        return answer


def shown_name(path: str) -> str:
    """The name to save the file under: its own, without what a header or a file system would stumble on."""
    plain = "".join(letter if letter.isprintable() else "_" for letter in path.rpartition("/")[2])
    return re.sub(r'[\\/:*?"<>|]', "_", plain).lstrip(".").strip()[:150] or "file"


def _type(row: ExecutionFile) -> str:
    return row.media_type if _MEDIA_TYPE.fullmatch(row.media_type) else UNKNOWN
