"""The tables behind the console's pages, as they are: for whoever has to look closely."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.text import Truncator

from errors.console import Deed, FactsAdmin, preformatted, pretty_json
from executions import clock, house
from executions.models import ExecutionResult, House, OutputChunk


@admin.register(OutputChunk)
class OutputChunkAdmin(FactsAdmin):
    """The pieces as they were stored; an execution's page shows them together. A search is for the number of one."""

    list_display = ("id", "execution_id", "seq", "lines", "time", "stream", "begins")
    list_filter = ("stream",)
    search_fields = ("execution__id",)
    ordering = ("-id",)
    sortable_by = ()
    fields = ("execution_id", "seq", "lines", "time", "stream", "shown_text")
    readonly_fields = fields

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        numbers = [int(word) for word in search_term.split() if word.isdecimal() and len(word) < 19]
        return (queryset.filter(execution__in=numbers) if search_term.strip() else queryset), False

    @admin.display(description="text")
    def begins(self, chunk: OutputChunk) -> str:
        return Truncator(chunk.text.strip()).chars(80)

    @admin.display(description="text")
    def shown_text(self, chunk: OutputChunk) -> str:
        return preformatted(chunk.text)


@admin.register(ExecutionResult)
class ExecutionResultAdmin(FactsAdmin):
    list_display = ("execution_id", "exception")
    search_fields = ("execution__id",)
    ordering = ("-execution",)
    fields = ("execution_id", "shown_outputs", "exception", "shown_traceback")
    readonly_fields = fields

    @admin.display(description="outputs")
    def shown_outputs(self, result: ExecutionResult) -> str:
        return pretty_json(result.outputs)

    @admin.display(description="traceback")
    def shown_traceback(self, result: ExecutionResult) -> str:
        return preformatted(result.traceback)


def _pause_house(request: HttpRequest, _house: House) -> str:
    house.pause(request.user.get_username(), "", clock.now())
    return "The house is paused: nothing starts any more, what runs goes on."


def _resume_house(request: HttpRequest, _house: House) -> str:
    house.resume(request.user.get_username(), clock.now())
    return "The house goes on."


@admin.register(House)
class HouseStateAdmin(FactsAdmin):
    list_display = ("__str__", "paused_at", "paused_by", "last_tick", "last_sweep", "leader", "started")
    fields = ("paused_at", "paused_by", "pause_note", "last_tick", "last_sweep", "leader", "leader_until", "started")
    readonly_fields = fields

    def deeds(self) -> Sequence[Deed]:
        return (
            Deed("pause", "Pause the whole house", "", _pause_house, lambda row: not row.paused_at),
            Deed("resume", "Resume", "", _resume_house, lambda row: bool(row.paused_at)),
        )
