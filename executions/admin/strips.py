"""Runs as bars of a strip."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone

from errors.console.charts import Bar
from errors.console.words import span
from executions.recent import Run


def bar(run: Run) -> Bar:
    """A run, with a link to its page."""
    took = f", {span(run.seconds)}" if run.seconds is not None else ""
    title = f"#{run.id} {run.status.lower()}{took}, {timezone.localtime(run.created):%m-%d %H:%M:%S}"
    return Bar(run.status, run.seconds, title, reverse("admin:executions_execution_change", args=[run.id]))
