"""Admin pages: lists that stay fast, rows that are facts, and buttons that do something.

A button is a POST to an address of its own; it asks for the right of its deed, calls one service, and words what came
of it. The same deeds are offered on the list, for the rows that are ticked.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from errors.console import export
from errors.console.history import WithHistory
from errors.exceptions import Refused

MOST_COUNTED = 10_000
MOST_EXPORTED = 100_000
"""Rows in one export; more than that is a matter for the API, page by page."""
_AT_ONCE = 500
MOST_SAID = 3
"""Messages of one kind about a deed that was done to many."""


class CappedPaginator(Paginator):
    """Counts 10,000 rows at most, and shows no more: beyond that, filters find what is wanted."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        if isinstance(rows, QuerySet):
            return rows.order_by()[:MOST_COUNTED].count()
        return len(rows)


@dataclass(frozen=True)
class Deed:
    """Something that can be done to an object by a button."""

    name: str
    label: str
    permission: str
    """The Django permission it needs; empty: only a superuser may."""
    do: Callable[[HttpRequest, Any], str]
    """Called with the request and the object; returns what to say, raises Refused."""
    fits: Callable[[Any], bool] = lambda _: True
    """Whether the button makes sense for an object as it is."""

    def may(self, request: HttpRequest) -> bool:
        user = request.user
        return user.has_perm(self.permission) if self.permission else bool(user.is_active and user.is_superuser)


@dataclass(frozen=True)
class Call:
    """What a list shows, in the words of the API and of the shell."""

    api: str
    """Path and query."""
    shell: str = ""
    """What stands after ``manage.py``; empty: there is no such command."""


class HouseAdmin(WithHistory):
    """A list that costs the same for a thousand rows and for a million, its export, and the buttons of `deeds`."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    empty_value_display = ""
    change_form_template = "admin/house_change_form.html"
    prefix_of: ClassVar[str] = ""
    """The indexed name with which a word of a search begins; digits are a primary key."""
    exported: ClassVar[tuple[str, ...]] = ()
    """The columns of an export, as lookups: ``job__name``. Without any there is none."""
    empty_words: ClassVar[str] = ""
    """What an empty list says to a newcomer: what belongs here, and what to do next."""

    def call(self, request: HttpRequest) -> Call | None:
        """The list in view as a call of the API and as a line for a shell; None: it is not in the API."""
        return None

    def deeds(self) -> Sequence[Deed]:
        """The buttons of this page."""
        return ()

    # --- searching ---
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        for word in search_term.split()[:5]:
            if word.isdecimal() and len(word) < 19:
                queryset = queryset.filter(pk=int(word))
            elif self.prefix_of:
                queryset = queryset.filter(**{f"{self.prefix_of}__startswith": word.lower()})
            else:
                queryset = queryset.none()
        return queryset, False

    # --- buttons ---
    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        view = self.admin_site.admin_view
        mine = [
            path("<path:object_id>/do/<str:name>/", view(self._do), name=f"{name}_do"),
            path("export/<str:kind>/", view(self._export), name=f"{name}_export"),
        ]
        return [*mine, *super().get_urls()]

    # --- lists ---
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        more = {
            "title": capfirst(str(self.opts.verbose_name_plural)),
            "call": self.call(request),
            "exports": list(export.FORMATS) if self.exported else [],
            "empty_words": self.empty_words,
        }
        return super().changelist_view(request, {**more, **(extra_context or {})})

    def _export(self, request: HttpRequest, kind: str) -> Any:
        """The rows of the list in view, not only those of its page: as many as MOST_EXPORTED, in its order."""
        if kind not in export.FORMATS or not self.exported:
            raise Http404
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            rows = self.get_changelist_instance(request).get_queryset(request)
        except IncorrectLookupParameters:
            raise Http404 from None
        name = str(self.opts.verbose_name_plural).replace(" ", "-")
        return export.answer(kind, name, self.exported, self._exported_rows(rows))

    def _exported_rows(self, rows: QuerySet[Any]) -> Iterator[dict[str, Any]]:
        """Read in pieces, by key: no cursor stays open while a slow client reads."""
        keys = list(rows.values_list("pk", flat=True)[:MOST_EXPORTED])
        for start in range(0, len(keys), _AT_ONCE):
            chunk = keys[start : start + _AT_ONCE]
            found = {
                row["pk"]: row for row in self.model._default_manager.filter(pk__in=chunk).values("pk", *self.exported)
            }
            yield from ({name: found[key][name] for name in self.exported} for key in chunk if key in found)

    def _do(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        deed = next((deed for deed in self.deeds() if deed.name == name), None)
        target = self.get_object(request, unquote(object_id))
        if deed is None or target is None:
            raise Http404
        if not deed.may(request):
            raise PermissionDenied
        self._carry_out(request, deed, [target])
        return HttpResponseRedirect(
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_change", args=[target.pk])
        )

    def _carry_out(self, request: HttpRequest, deed: Deed, targets: Iterable[Model]) -> None:
        """Do it to each of `targets`, each on its own, and say what came of it."""
        done, refused = [], []
        for target in targets:
            try:
                said = deed.do(request, target)
            except Refused as refusal:
                refused.append(f"{target}: {refusal.message}")
            else:
                self.log_change(request, target, said)
                done.append(said)
        if len(done) > MOST_SAID:
            done = [f"{deed.label}: done for {len(done)} {self.opts.verbose_name_plural}."]
        if len(refused) > MOST_SAID:
            refused[MOST_SAID:] = [f"… and {len(refused) - MOST_SAID} more were refused."]
        for text in done:
            self.message_user(request, text, messages.SUCCESS)
        for text in refused:
            self.message_user(request, text, messages.ERROR)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """The deeds that this user may do, for the rows that are ticked; nothing is deleted in bulk."""
        found: dict[str, Any] = dict(super().get_actions(request))
        found.pop("delete_selected", None)
        for deed in self.deeds():
            if deed.may(request):
                found[deed.name] = (
                    self._for_all(deed),
                    deed.name,
                    f"{deed.label} the selected {self.opts.verbose_name_plural}",
                )
        return found

    @staticmethod
    def _for_all(deed: Deed) -> Callable[[HouseAdmin, HttpRequest, QuerySet[Any]], None]:
        def do(self: HouseAdmin, request: HttpRequest, queryset: QuerySet[Any]) -> None:
            if not deed.may(request):
                raise PermissionDenied
            self._carry_out(request, deed, queryset)

        return do

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        target = self.get_object(request, unquote(object_id)) if self.deeds() else None
        offered = [deed for deed in self.deeds() if target and deed.may(request) and deed.fits(target)]
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "deeds": offered})


class FactsAdmin(HouseAdmin):
    """Rows that say what happened: everybody with the right to see them sees them, nobody writes them here."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def pretty_json(value: Any) -> SafeString:
    """`value` as indented JSON, for a read-only field."""
    text = json.dumps(value, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False, sort_keys=True)
    return preformatted(text)


def preformatted(text: str) -> SafeString:
    """`text` as it is, escaped, with its line breaks."""
    return format_html("<pre>{}</pre>", text)


def link(target: Model | None, text: object = "") -> SafeString | str:
    """A link to the page of `target`; empty for None."""
    if target is None:
        return ""
    address = reverse(f"admin:{target._meta.app_label}_{target._meta.model_name}_change", args=[target.pk])
    return format_html('<a href="{}">{}</a>', address, text or target)
