"""The audit log: who did what, from which door, when, and how it was before and after.

Filters are those of `/v6/audit/` under the same names. One thing more: ``before``, the number of an entry; shown is
what is older, so the log can be read on and on, each page at the cost of the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest
from django.utils.datastructures import MultiValueDict

from config.access.api.audit import AuditFilters, seen_by, word_for
from config.access.roles import SEEN
from errors import audit
from errors.console import MOST_COUNTED, export
from errors.console.pages import MOST_EXPORTED
from executions.states import Door

NAMES = tuple(AuditFilters.base_filters)
BEFORE = "before"
SHOWN = 50
_AT_ONCE = 500
COLUMNS = ("id", "time", "user", "token", "door", "action", "object_type", "object_id", "object", "before", "after")
ACTIONS = ("create", "update", "delete", "pause", "resume", "run", "cancel", "retry")
"""Offered; others can be typed."""
SPANS = (("PT1H", "last hour"), ("P1D", "last day"), ("P7D", "last week"), ("P30D", "last 30 days"))


@dataclass(frozen=True, slots=True)
class Row:
    time: datetime
    told: audit.Told
    kind: str
    """What the API calls such an object: ``job-type``."""
    name: str
    url: str
    same_object: str
    """The address of this log for that object alone."""


@dataclass(frozen=True, slots=True)
class Log:
    rows: list[Row]
    count: int
    """Counted to MOST_COUNTED and no further."""
    older: str
    """Where the log goes on; empty at its end."""
    is_first: bool
    query: str
    asked: dict[str, str]
    problems: list[str]
    kinds: list[str]
    doors: list[str]
    actions: tuple[str, ...] = ACTIONS
    spans: tuple[tuple[str, str], ...] = SPANS


def read(request: HttpRequest) -> Log:
    """The page that the address of `request` asks for. Five queries at most; nothing beyond the page is read."""
    found, problems, asked = _found(request)
    count = found.order_by()[:MOST_COUNTED].count()
    before = _number(request.GET.get(BEFORE, ""))
    entries = list((_older(found, before) if before else found)[: SHOWN + 1])
    further = urlencode([*asked.lists(), (BEFORE, entries[SHOWN - 1].pk)], doseq=True) if len(entries) > SHOWN else ""
    return Log(
        rows=[_row(entry) for entry in entries[:SHOWN]],
        count=count,
        older=f"?{further}" if further else "",
        is_first=not before,
        query=urlencode(list(asked.lists()), doseq=True),
        asked={name: str(asked[name]) for name in asked},
        problems=problems,
        kinds=sorted({word_for(model) for label in SEEN for model in apps.get_app_config(label).get_models()}),
        doors=list(Door.values),
    )


def answer(request: HttpRequest, kind: str) -> Any:
    """All that the address of `request` asks for, MOST_EXPORTED entries at most, as a download."""
    if kind not in export.FORMATS:
        raise Http404
    found, _, _ = _found(request)
    return export.answer(kind, "audit", COLUMNS, _exported(found))


def _found(request: HttpRequest) -> tuple[QuerySet[LogEntry], list[str], MultiValueDict[str, str]]:
    """What the filters find of what the user may see, newest first; what is wrong with them; the filters as given."""
    given = {name: [text for text in request.GET.getlist(name) if text] for name in NAMES if request.GET.get(name)}
    asked: MultiValueDict[str, str] = MultiValueDict(given)
    entries = seen_by(request.user.pk, sees_all=bool(request.user.is_superuser)).order_by("-action_time", "-id")
    filters = AuditFilters(asked, queryset=entries)
    if not filters.is_valid():
        return entries.none(), [str(text) for texts in filters.errors.values() for text in texts], asked
    return filters.qs, [], asked


def _older(found: QuerySet[LogEntry], key: int) -> QuerySet[LogEntry]:
    time = LogEntry.objects.filter(pk=key).values_list("action_time", flat=True).first()
    if time is None:
        return found.filter(pk__lt=key)
    return found.filter(action_time__lte=time).filter(Q(action_time__lt=time) | Q(pk__lt=key))


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def _kind(entry: LogEntry) -> str:
    return word_for(entry.content_type.model_class() if entry.content_type else None)


def _row(entry: LogEntry) -> Row:
    told, kind = audit.told(entry), _kind(entry)
    return Row(
        time=entry.action_time,
        told=told,
        kind=kind,
        name=entry.object_repr,
        url="" if told.action == "delete" else entry.get_admin_url() or "",
        same_object=f"?{urlencode({'object_type': kind, 'object_id': entry.object_id})}" if entry.object_id else "",
    )


def _exported(found: QuerySet[LogEntry]) -> Iterator[dict[str, Any]]:
    """Read in pieces, by key: no cursor stays open while a slow client reads."""
    keys = list(found.values_list("pk", flat=True)[:MOST_EXPORTED])
    for start in range(0, len(keys), _AT_ONCE):
        chunk = keys[start : start + _AT_ONCE]
        entries = LogEntry.objects.select_related("user", "content_type").in_bulk(chunk)
        yield from (_cells(entries[key]) for key in chunk if key in entries)


def _cells(entry: LogEntry) -> dict[str, Any]:
    told = audit.told(entry)
    values = (told.by, told.token, told.door, told.action, _kind(entry), entry.object_id, entry.object_repr)
    return dict(zip(COLUMNS, (entry.pk, entry.action_time, *values, told.before, told.after), strict=True))
