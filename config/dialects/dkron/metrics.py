"""Dkron's own names for how often its jobs succeeded and failed, for alerts that were written for it."""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, Metric
from prometheus_client.registry import Collector

from config.dialects.dkron.words import DOOR
from jobs.models import JobRecord

MOST = 2_000
"""Jobs that are told one by one, those that failed most first: two lines each."""


class DkronCollector(Collector):
    """Counts of the jobs that came through Dkron's door; one query."""

    def collect(self) -> Iterator[Metric]:
        labels = ["job_name"]
        succeeded = CounterMetricFamily("dkron_job_executions_succeeded", "Executions that succeeded.", labels=labels)
        failed = CounterMetricFamily("dkron_job_executions_failed", "Executions that failed.", labels=labels)
        records = JobRecord.objects.filter(job__archived=None, job__foreign__has_key=DOOR)
        ordered = records.order_by("-error_count", "-success_count", "job_id")
        for name, good, bad in ordered.values_list("job__name", "success_count", "error_count")[:MOST]:
            succeeded.add_metric([name], good)
            failed.add_metric([name], bad)
        yield succeeded
        yield failed
