"""The workers: who is there, how full, in which version; and an hour of all of them, side by side."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Now
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html

from errors.console import Call, FactsAdmin, link
from errors.console.charts import Lane, Stretch, Timeline, meter
from errors.console.columns import badge, moment_column
from errors.console.words import span
from executions import clock
from executions.models import LEASE, Execution, Worker

HOUR = timedelta(hours=1)
MOST_RUNS, MOST_LANES = 2_000, 64
LONGEST_RUN = timedelta(days=7)
"""A run cannot be longer: what began earlier has ended."""


class LifeFilter(admin.SimpleListFilter):
    title = "life"
    parameter_name = "life"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("alive", "not stopped"), ("stopped", "stopped")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Worker]) -> QuerySet[Worker]:
        if self.value() in ("alive", "stopped"):
            return queryset.filter(stopped__isnull=self.value() == "alive")
        return queryset


@admin.register(Worker)
class WorkerAdmin(FactsAdmin):
    change_list_template = "admin/executions/worker/change_list.html"
    list_display = (
        "name",
        "state",
        "load",
        "host",
        "pid",
        "shown_version",
        "shown_tags",
        "seen",
        "started_at",
        "stopped_at",
    )
    list_filter = (LifeFilter,)
    search_fields = ("name",)
    prefix_of = "name"
    ordering = ("-started", "-id")
    sortable_by = ("name", "host", "started_at")
    exported: ClassVar[tuple[str, ...]] = (
        *("name", "host", "pid", "slots", "tags", "resources", "version"),
        *("started", "last_seen", "is_stopping", "stopped"),
    )
    empty_words = (
        "No worker has been here. Start one: manage.py up runs the whole house, celery -A config worker one more."
    )
    fields = (
        *("name", "state", "host", "pid", "slots", "now_running", "shown_tags", "resources", "engine", "shown_version"),
        *("started_at", "seen", "lease", "looked_at", "is_stopping", "stopped_at"),
    )
    readonly_fields = fields

    def call(self, request: HttpRequest) -> Call:
        return Call(reverse("workers"))

    def get_urls(self) -> list[URLPattern]:
        mine = path("hour/", self.admin_site.admin_view(self.hour), name="executions_worker_hour")
        return [mine, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Worker]:
        workers: QuerySet[Worker] = super().get_queryset(request)
        mine = Execution.objects.running().filter(worker=OuterRef("pk")).order_by().values("worker")
        busy = Coalesce(Subquery(mine.annotate(count=Count("pk")).values("count")), 0)
        return workers.annotate(now=Now(), busy=busy)  # the database's time, asked for once for all rows

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return super().changelist_view(request, {"skew": versions(clock.now()), **(extra_context or {})})

    # --- an hour of all of them ---
    def hour(self, request: HttpRequest) -> TemplateResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        start = _hour(request.GET.get("hour", ""), clock.now())
        context = {
            **self.admin_site.each_context(request),
            "title": f"Workers, {timezone.localtime(start):%Y-%m-%d %H:%M} to {timezone.localtime(start + HOUR):%H:%M}",
            "drawn": lanes(start, clock.now()),
            "start": start,
            "earlier": (start - HOUR).isoformat(),
            "later": (start + HOUR).isoformat() if start + HOUR <= clock.now() else "",
        }
        return TemplateResponse(request, "admin/executions/worker/hour.html", context)

    # --- columns ---
    started_at = moment_column("started")
    stopped_at = moment_column("stopped", ordering=None)
    seen = moment_column("last_seen", ordering=None)
    looked_at = moment_column("last_looked", ordering=None)

    @admin.display(description="state")
    def state(self, worker: Any) -> str:
        return badge(worker.status(worker.now))

    @admin.display(description="slots")
    def load(self, worker: Any) -> str:
        if worker.stopped:
            return ""
        share = worker.busy / worker.slots if worker.slots else 0.0
        return format_html("{} {}/{}", meter(share, title="slots taken"), worker.busy, worker.slots)

    @admin.display(description="version")
    def shown_version(self, worker: Worker) -> str:
        return worker.version

    @admin.display(description="tags")
    def shown_tags(self, worker: Worker) -> str:
        return ", ".join(f"{name}={value}" for name, value in worker.tags.items())

    @admin.display(description="leases")
    def lease(self, worker: Any) -> str:
        if worker.stopped:
            return "given up when it stopped"
        left = worker.last_seen + LEASE - worker.now
        return f"run out in {span(left)}" if left > timedelta() else f"ran out {span(-left)} ago"

    @admin.display(description="runs now")
    def now_running(self, worker: Worker) -> str:
        rows = Execution.objects.running_on(worker.pk).select_related("job").only("job__name", "started").order_by("pk")
        links = [link(row, f"{row.job.name} #{row.pk}") for row in rows[:100]]
        return _joined(links) if links else "nothing"


def _joined(links: list[Any]) -> str:
    text: str = links[0]
    for further in links[1:]:
        text = format_html("{}, {}", text, further)
    return text


def versions(now: datetime) -> list[tuple[str, int]]:
    """The versions of the workers that are alive with their numbers, where there are several."""
    counted = Counter(Worker.objects.alive(now, LEASE).values_list("version", flat=True))
    return sorted(counted.items()) if len(counted) > 1 else []


def lanes(start: datetime, now: datetime) -> Timeline:
    """What each worker ran within the hour from `start`: three queries, of MOST_RUNS rows at most."""
    end = min(start + HOUR, now)
    began = Execution.objects.filter(started__gte=start, started__lt=end)
    went_on = Execution.objects.filter(
        started__gte=start - LONGEST_RUN, started__lt=start, ended__gte=start, ended__lt=now
    )
    still = Execution.objects.running().filter(started__lt=start)
    by_worker: dict[int | None, list[Execution]] = defaultdict(list)
    for rows in (began.order_by("started"), went_on.order_by("-ended"), still):
        for row in rows.select_related("job").only("worker", "status", "started", "ended", "job__name")[:MOST_RUNS]:
            by_worker[row.worker_id].append(row)
    names = dict(Worker.objects.filter(pk__in=[key for key in by_worker if key]).values_list("pk", "name"))
    made = [
        Lane(
            names.get(key or 0, "a worker that is gone"),
            [_stretch(row, start, now) for row in rows],
            reverse("admin:executions_worker_change", args=[key]) if key in names else "",
            f"{len(rows)} runs",
        )
        for key, rows in by_worker.items()
    ]
    ticks = [f"{timezone.localtime(start + part * HOUR / 6):%H:%M}" for part in range(6)]
    made.sort(key=lambda lane: lane.label)
    return Timeline(made[:MOST_LANES], ticks, (now - start) / HOUR)


def _stretch(row: Execution, start: datetime, now: datetime) -> Stretch:
    begun, ended = row.started or start, row.ended or now
    title = f"{row.job.name} #{row.pk}, {row.status.lower()}, {span(ended - begun)}"
    url = reverse("admin:executions_execution_change", args=[row.pk])
    return Stretch(row.status, (begun - start) / HOUR, (ended - start) / HOUR, title, url)


def _hour(text: str, now: datetime) -> datetime:
    """The hour that `text` (ISO) lies in; without one, or with one that is none, the last sixty minutes."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or not 1970 < moment.year < 9000:
        return now - HOUR
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)
