"""Dkron's web UI, from a built copy of it that DKRON_UI_DIR names: served at /ui/, with its placeholders filled in.

The UI is a single page: every path below that is no file of it is that page. It calls /v1/ with the token that whoever
uses it types in, and stores that in the browser. The page itself needs none; how many jobs there are it tells to those
only whom the house knows, by a token or by being signed in to the console.
"""

from __future__ import annotations

import base64
import hashlib
import json
import mimetypes
import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView
from rest_framework.exceptions import APIException
from rest_framework.request import Request

from config.access.authentication import TokenAuthentication
from config.dialects.dkron import job, nodes, standing
from config.dialects.dkron.views.base import WHOM
from config.dialects.dkron.words import FAILED, SUCCESS, UNTRIGGERED

INDEX = "index.html"
API = "../v1"
MAX_PAGE = 5 * 1024 * 1024  # bytes of index.html that are read
_PLACEHOLDER = re.compile(r"\{\{\s*\.([A-Z][A-Z0-9_]*)\s*\}\}")
_INLINE = re.compile(r"<script(?P<attributes>[^>]*)>(?P<text>.*?)</script", re.DOTALL | re.IGNORECASE)
_POLICY = (
    "default-src 'self'; script-src 'self'{scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; frame-ancestors 'none'; "
    "base-uri 'self'; form-action 'self'"
)
_ESCAPED = {ord("<"): "\\u003c", ord(">"): "\\u003e", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


def home(request: HttpRequest) -> HttpResponseBase:
    """`/`: the UI where there is one, for whoever takes a page; otherwise the console."""
    if not settings.DKRON_UI_DIR:
        return RedirectView.as_view(url="/admin/")(request)
    accepted = request.headers.get("Accept", "") or "*/*"
    if not re.search(r"text/html|text/\*|\*/\*", accepted):
        raise Http404
    response = HttpResponseRedirect("/ui/", status=303)
    response.headers[WHOM] = nodes.name()
    return response


@csrf_exempt  # it changes nothing
def page(request: HttpRequest, path: str | None = None) -> HttpResponseBase:
    """A file of the UI, or its page. Raises Http404 where there is no UI."""
    folder = _folder()
    if folder is None or request.method not in ("GET", "HEAD"):
        raise Http404
    if path is None:
        return HttpResponseRedirect("/ui/")
    found = _file(folder, path)
    response = _asset(found) if found and found.name != INDEX else _page(request, folder)
    response.headers[WHOM] = nodes.name()
    return response


def _folder() -> Path | None:
    if not settings.DKRON_UI_DIR:
        return None
    folder = Path(settings.DKRON_UI_DIR).resolve()
    return folder if (folder / INDEX).is_file() else None


def _file(folder: Path, path: str) -> Path | None:
    """The file of the UI at `path`; None where there is none, or where it lies elsewhere, by dots or by a link."""
    try:
        found = (folder / path).resolve()
        return found if found.is_relative_to(folder) and found.is_file() else None
    except (OSError, ValueError):
        return None


def _asset(found: Path) -> HttpResponseBase:
    kind = mimetypes.guess_type(found.name)[0] or "application/octet-stream"
    response = FileResponse(found.open("rb"), content_type=kind)
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "max-age=3600"
    return response


def _page(request: HttpRequest, folder: Path) -> HttpResponse:
    values = _values(request)
    with (folder / INDEX).open("rb") as file:
        text = file.read(MAX_PAGE).decode("utf-8", "replace")
    filled = _PLACEHOLDER.sub(lambda found: literal(values.get(found[1])), text)
    response = HttpResponse(filled, content_type="text/html; charset=utf-8")
    response.headers["Content-Security-Policy"] = _POLICY.format(scripts=_allowed(filled))
    response.headers["Cache-Control"] = "no-store"
    return response


def literal(value: Any) -> str:
    """`value` as JavaScript that may stand in a script of a page."""
    return json.dumps(value).translate(_ESCAPED)


def _allowed(text: str) -> str:
    """The scripts within the page, by their digests: no other may run."""
    scripts = (found["text"] for found in _INLINE.finditer(text) if "src=" not in found["attributes"])
    digests = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    return "".join(f" 'sha256-{digest}'" for digest in digests)


def _values(request: HttpRequest) -> dict[str, Any]:
    """What the page is told, by the names of its placeholders."""
    counts = standing.counts(job.living()) if _is_known(request) else {}
    return {
        "DKRON_API_URL": API,
        "DKRON_LEADER": nodes.name(),
        "DKRON_TOTAL_JOBS": sum(counts.values()),
        "DKRON_SUCCESSFUL_JOBS": counts.get(SUCCESS, 0),
        "DKRON_FAILED_JOBS": counts.get(FAILED, 0),
        "DKRON_UNTRIGGERED_JOBS": counts.get(UNTRIGGERED, 0),
        "DKRON_ACL_ENABLED": True,
    }


def _is_known(request: HttpRequest) -> bool:
    if request.user.is_authenticated:
        return True
    try:
        return TokenAuthentication().authenticate(Request(request)) is not None
    except APIException:
        return False
