"""`/metrics`: the house in numbers, for Prometheus. Every number is read from the database when it is asked for.

No process counts anything itself, so the numbers are the same whichever of them answers, and survive its restart. Each
costs a look at live rows or at one narrow row a job, never at the history.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, Min, Sum
from drf_spectacular.utils import extend_schema
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from config.dialects.dkron.metrics import DkronCollector
from executions import clock
from executions.models import LEASE, Execution, House, Worker
from executions.states import LIVE, Status
from jobs.models import Job, JobRecord


class HouseCollector(Collector):
    """Reads the house's numbers as of `now`."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def collect(self) -> Iterator[Metric]:
        yield from self._executions()
        yield from self._workers()
        yield from self._scheduler()
        yield from self._jobs()

    def _executions(self) -> Iterator[Metric]:
        counted = {
            row["status"]: row["count"]
            for row in Execution.objects.filter(status__in=LIVE).order_by().values("status").annotate(count=Count("id"))
        }
        states = GaugeMetricFamily("jobhouse_executions", "Executions that are not final, by state.", labels=["state"])
        for status in sorted(LIVE):
            states.add_metric([status.lower()], counted.get(status, 0))
        yield states
        oldest = Execution.objects.filter(status=Status.QUEUED).aggregate(oldest=Min("queued"))["oldest"]
        age = (self.now - oldest).total_seconds() if oldest else 0
        yield _gauge("jobhouse_queue_age_seconds", "How long the execution that waits longest has been queued.", age)

    def _workers(self) -> Iterator[Metric]:
        alive = Worker.objects.alive(self.now, LEASE).aggregate(count=Count("id"), slots=Sum("slots"))
        yield _gauge("jobhouse_workers", "Workers that are alive.", alive["count"])
        yield _gauge(
            "jobhouse_worker_slots", "Executions that the living workers can run at once.", alive["slots"] or 0
        )

    def _scheduler(self) -> Iterator[Metric]:
        house = House.objects.filter(id=1).first()
        if house and house.last_tick:
            lag = max(0.0, (self.now - house.last_tick).total_seconds())
            yield _gauge("jobhouse_scheduler_lag_seconds", "Time since a scheduler last looked for due jobs.", lag)
        yield _gauge("jobhouse_paused", "1 while the whole house is paused.", int(bool(house and house.paused_at)))

    def _jobs(self) -> Iterator[Metric]:
        living = Job.objects.living().order_by()
        kinds = GaugeMetricFamily("jobhouse_jobs", "Jobs, by whether they are enabled.", labels=["enabled"])
        enabled = {row["is_enabled"]: row["count"] for row in living.values("is_enabled").annotate(count=Count("id"))}
        for flag in (True, False):
            kinds.add_metric([str(flag).lower()], enabled.get(flag, 0))
        yield kinds
        sums = JobRecord.objects.aggregate(
            completed=Sum("success_count"), failed=Sum("error_count"), missed=Sum("missed_count")
        )
        ended = CounterMetricFamily("jobhouse_runs", "Runs that ended, by how.", labels=["outcome"])
        for outcome in ("completed", "failed"):
            ended.add_metric([outcome], sums[outcome] or 0)
        yield ended
        yield CounterMetricFamily("jobhouse_missed", "Due instants that were not run.", value=sums["missed"] or 0)


def _gauge(name: str, help_text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_text, value=value)


class PrometheusText(BaseRenderer):
    """Prometheus' text format, whatever a scraper prefers."""

    media_type = "text/plain"
    format = "prometheus"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return data if isinstance(data, bytes) else str(data.get("detail", data)).encode()


class MetricsView(APIView):
    """The house in numbers, in Prometheus' text format."""

    renderer_classes = [PrometheusText]

    @extend_schema(responses={(200, "text/plain"): str}, tags=["house"])
    def get(self, request: Request) -> Response:
        registry = CollectorRegistry()
        registry.register(HouseCollector(clock.now()))
        registry.register(DkronCollector())
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        """Scrapers name versions of the format that we need not know; all of them read this one."""
        renderer = PrometheusText()
        return renderer, renderer.media_type
