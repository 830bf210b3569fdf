"""The filters of the list of executions: those of the API under the same names, so that an address, a call and a bulk
action say the same.

One thing more than the API: ``before``, the number of an execution; shown is what is older. So a list of millions can
be read on and on, each page at the cost of the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import ErrorDetail

from executions.api.filters import ExecutionFilters
from executions.models import Execution
from executions.states import Door, Reason, Status, Trigger

NAMES = tuple(ExecutionFilters.base_filters)
BEFORE = "before"
SPANS = (
    ("PT1H", "last hour"),
    ("PT6H", "last 6 hours"),
    ("P1D", "last day"),
    ("P7D", "last week"),
    ("P30D", "last 30 days"),
)
UNINDEXED = {"worker", "door", "trigger", "reason", "is_last_try"}
"""Filters for which there is no index: alone, they look through LOOKED_THROUGH executions at a time."""
LOOKED_THROUGH = 50_000
_INDEXED = {"id", "job_id", "job_name", "error_id", "error_name", "error_category", "group"}


@dataclass(frozen=True, slots=True)
class Field:
    """A filter as it stands in the bar: choices for a list to choose from, none for a text."""

    name: str
    label: str
    value: str
    choices: list[tuple[str, str, bool]]
    datalist: str = ""


class QueryFilter(admin.ListFilter):
    """All filters of the list, as one bar."""

    title = "filters"
    template = "admin/executions/execution/filters.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[Execution], model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        for name in (*NAMES, BEFORE):
            if name in params:
                self.used_parameters[name] = params.pop(name)
        used = {name: _texts(self.used_parameters[name]) for name in NAMES if name in self.used_parameters}
        self.given = MultiValueDict(
            {name: given for name, texts in used.items() if (given := [one for one in texts if one])}
        )
        self.problems: list[str] = []
        self.further = 0
        """Where to look on, when not everything was looked through: the number of an execution."""
        request.executions_filter = self  # type: ignore[attr-defined]  # the page shows it outside of Django's bar

    def expected_parameters(self) -> list[str | None]:
        return [*NAMES, BEFORE]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: Any) -> Iterator[Mapping[str, object]]:
        return iter(())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Execution]) -> QuerySet[Execution]:
        filters = ExecutionFilters(self.given, queryset=queryset)
        if not filters.is_valid():
            self.problems = [str(_first(messages)) for messages in filters.errors.values()]
            return queryset.none()
        found: QuerySet[Execution] = filters.qs
        if self.before:
            found = _older(found, self.before)
        return self._bounded(found) if self.is_unbounded else found

    def _bounded(self, found: QuerySet[Execution]) -> QuerySet[Execution]:
        """Those of `found` among the newest LOOKED_THROUGH executions of the time that is asked for."""
        bounds = MultiValueDict({name: self.given.getlist(name) for name in ("started", "ended")})
        times = ExecutionFilters(bounds, queryset=Execution.objects.all())
        within = _older(times.qs, self.before) if self.before else times.qs
        newest = within.order_by("-created", "-id").values_list("pk", "created")
        last = next(iter(newest[LOOKED_THROUGH : LOOKED_THROUGH + 1]), None)
        if last is None:
            return found
        self.further = last[0]
        return found.filter(created__gt=last[1])

    @property
    def before(self) -> int:
        """The number of an execution; 0: from the newest on."""
        text = (_texts(self.used_parameters.get(BEFORE, [])) or [""])[-1]
        return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0

    @property
    def is_unbounded(self) -> bool:
        used = {name for name in NAMES if any(self.given.getlist(name))}
        return bool(used & UNINDEXED) and not used & _INDEXED

    # --- the bar ---
    def value(self, name: str) -> str:
        texts: list[str] = self.given.getlist(name)
        return texts[-1] if texts else ""

    def fields(self) -> list[Field]:
        return [
            self._choice("status", "state", Status.values, str.lower),
            Field("job_name", "job", self.value("job_name"), [], "jobs"),
            Field("job_type_name", "job type", self.value("job_type_name"), [], "job-types"),
            Field("error_name", "error", self.value("error_name"), [], "errors"),
            Field("worker", "worker", self.value("worker"), [], "workers"),
            self._choice("trigger", "started by", Trigger.values),
            self._choice("door", "door", Door.values),
            self._choice("reason", "reason", Reason.values),
            self._spans(),
        ]

    @property
    def ended(self) -> str:
        return self.value("ended")

    def kept(self) -> list[tuple[str, str]]:
        """What is filtered by and has no field in the bar: it goes along, unseen."""
        shown = {field.name for field in self.fields()} | {"ended"}  # which has a place of its own
        rest = [(name, text) for name in NAMES if name not in shown for text in self.given.getlist(name)]
        several = [("status", text) for text in self.given.getlist("status")[:-1]]
        return [(name, text) for name, text in [*rest, *several] if text]

    def _choice(self, name: str, label: str, values: list[str], word: Any = str) -> Field:
        present = self.value(name)
        return Field(name, label, present, [(value, word(value), value == present) for value in values])

    def _spans(self) -> Field:
        present = self.value("started")
        choices = [(span, words, span == present) for span, words in SPANS]
        if present and present not in dict(SPANS):
            choices.append((present, f"since {present[:16].replace('T', ' ')}", True))
        return Field("started", "created", present, choices)

    @property
    def asked(self) -> dict[str, list[str]]:
        """The filters that are set, without ``before``: what a bulk action, a call and a saved view go by."""
        return {name: texts for name in NAMES if (texts := [text for text in self.given.getlist(name) if text])}


def _texts(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _first(messages: Any) -> ErrorDetail | str:
    return next(iter(messages), "") if not isinstance(messages, Mapping) else str(messages)


def _older(found: QuerySet[Execution], key: int) -> QuerySet[Execution]:
    """Those of `found` that come after execution `key` in a list that begins with the newest."""
    created = Execution.objects.filter(pk=key).values_list("created", flat=True).first()
    if created is None:
        return found.filter(pk__lt=key)
    return found.filter(created__lte=created).filter(Q(created__lt=created) | Q(pk__lt=key))
