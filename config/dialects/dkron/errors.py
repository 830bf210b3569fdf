"""A refusal in Dkron's form: a text where a job was sent, otherwise nothing but the status.

Who may not come in is told why in a JSON object, whose `message` Dkron's web UI shows.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.db import DataError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from rest_framework import status
from rest_framework.exceptions import APIException, MethodNotAllowed, ParseError
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from config.dialects.dkron import words
from config.dialects.dkron.body import Unparsable, Wrong
from config.dialects.dkron.changes import ParentMissing
from errors.api.exceptions import RETRY_AFTER_SECONDS
from errors.api.parsers import TooLarge
from errors.exceptions import Conflict, Forbidden, Invalid, NotFound, Refused

TEXT = "text/plain; charset=utf-8"
UNKNOWN = "404 page not found"


class Paused(Exception):
    """job submissions are paused"""


def wrong(refused: Invalid) -> Wrong:
    """The house's refusal of a job, with the fields called as Dkron calls them."""
    places = [(words.of_field(place), ", ".join(said)) for place, said in refused.fields.items()]
    return Wrong(Invalid.listing(places).message if places else refused.message)


def text(said: str, code: int) -> HttpResponse:
    return HttpResponse(said, content_type=TEXT, status=code)


def empty(code: int) -> HttpResponse:
    response = HttpResponse(status=code)
    del response.headers["Content-Type"]
    return response


def handler(exc: Exception, context: dict[str, Any]) -> HttpResponse | Response | None:
    """The answer to `exc`; None for what is nobody's fault but ours."""
    answer = _answer(exc, context)
    if answer is not None:
        set_rollback()
    return answer


def _answer(exc: Exception, context: dict[str, Any]) -> HttpResponse | Response | None:
    match exc:
        case MethodNotAllowed():
            return text(UNKNOWN, 404)
        case Unparsable() | Wrong():
            return text(str(exc), 400)
        case ParseError():
            return text(str(Unparsable(str(exc.detail))), 400)
        case ParentMissing():
            return text(exc.message, 404)
        case Paused():
            return text(str(exc) or (exc.__doc__ or ""), 503)
        case Invalid():
            return text(str(wrong(exc)), 400)
        case Forbidden():
            return Response({"message": exc.message}, status=403)
        case NotFound() | Conflict() | Http404():  # Dkron answers 404 to whatever it cannot do with a job
            return empty(404)
        case Refused():
            return text(exc.message, 400)
        case RequestDataTooBig() | TooLarge():
            return text("The body is larger than the limit.", status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
        case UnreadablePostError():
            return text(str(Unparsable("the body could not be read")), 400)
        case DataError():
            return text("A value is longer or larger than what can be kept.", 400)
        case OperationalError():
            busy = text("The database is busy or away; try again in a moment.", 503)
            busy.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
            return busy
        case APIException():
            refused = exception_handler(exc, context)
            if refused is not None:
                refused.data = {"message": str(exc.detail)}
            return refused
    return None
