"""A refusal becomes an answer: `{"detail": text}`, and one entry per field where fields are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import DataError, OperationalError
from django.http import Http404, UnreadablePostError
from rest_framework import status
from rest_framework.exceptions import ParseError, ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from errors.api.parsers import TooLarge
from errors.exceptions import Conflict, Forbidden, Invalid, NotFound, Refused, Unavailable

RETRY_AFTER_SECONDS = 2

STATUS: dict[type[Refused], int] = {
    Invalid: status.HTTP_400_BAD_REQUEST,
    NotFound: status.HTTP_404_NOT_FOUND,
    Conflict: status.HTTP_409_CONFLICT,
    Forbidden: status.HTTP_403_FORBIDDEN,
    Unavailable: status.HTTP_503_SERVICE_UNAVAILABLE,
}


def handler(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to `exc`; None for what is nobody's fault but ours, which then is a 500.

    Refused kinds, DRF's and Django's validation errors, a body that cannot be read, a value that a column cannot hold
    and a database that is busy or away (503 with Retry-After) all become an object whose `detail` is one text.
    """
    if isinstance(exc, Refused):
        return _answer(_status(exc), exc.message, exc.fields)
    if isinstance(exc, Http404):
        return _answer(status.HTTP_404_NOT_FOUND, "Not found.")
    if isinstance(exc, OperationalError):
        return _answer(status.HTTP_503_SERVICE_UNAVAILABLE, "The database is busy or away; try again in a moment.")
    if isinstance(exc, DataError):
        return _answer(status.HTTP_400_BAD_REQUEST, "A value is longer or larger than what can be kept.")
    if isinstance(exc, ModelValidationError):
        fields = exc.message_dict if hasattr(exc, "error_dict") else {}
        exc = ValidationError(fields or exc.messages)
    if isinstance(exc, RequestDataTooBig):
        exc = TooLarge()
    if isinstance(exc, UnreadablePostError):
        exc = ParseError("The body could not be read.")
    if isinstance(exc, ValidationError):
        return _answer(exc.status_code, first_text(exc.detail), _entries(exc.detail))
    return exception_handler(exc, context)


def first_text(detail: Any, path: str = "") -> str:
    """The first message in DRF's nested errors, with the path of the field it is about before it."""
    if isinstance(detail, Mapping):
        for name, below in detail.items():
            if below:
                return first_text(below, _below(path, name))
    if isinstance(detail, (list, tuple)):
        for place, below in enumerate(detail):
            if below:
                return first_text(below, f"{path}[{place}]" if isinstance(below, Mapping) else path)
    text = str(detail) if detail else "Invalid input."
    return text if not path or _names(text, path) else f"{path}: {text}"


def _names(text: str, path: str) -> bool:
    """Whether `text` says what it is about, as the messages about query parameters do."""
    return f'"{path}"' in text or text.startswith(f"{path} ") or text.endswith(f": {path}")


def _below(path: str, name: object) -> str:
    if name == "non_field_errors":
        return path
    return f"{path}.{name}" if path else str(name)


def _entries(detail: Any) -> Mapping[str, Any]:
    return detail if isinstance(detail, Mapping) else {}


def _status(refusal: Refused) -> int:
    return next((code for kind, code in STATUS.items() if isinstance(refusal, kind)), status.HTTP_400_BAD_REQUEST)


def _answer(code: int, detail: str, fields: Mapping[str, Any] | None = None) -> Response:
    set_rollback()
    entries = {name: value for name, value in (fields or {}).items() if name != "detail"}
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)} if code == status.HTTP_503_SERVICE_UNAVAILABLE else {}
    return Response({"detail": detail, **entries}, status=code, headers=headers)
