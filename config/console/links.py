"""Addresses of lists with their filters, in the words of the API; so every number can link to what it counts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse


def executions(**filters: Any) -> str:
    """The list of executions with these filters: ``executions(status="FAILED", started="P1D")``."""
    return _with(reverse("admin:executions_execution_changelist"), filters)


def execution(key: int) -> str:
    return reverse("admin:executions_execution_change", args=[key])


def job(key: int) -> str:
    return reverse("admin:jobs_job_change", args=[key])


def _with(address: str, filters: dict[str, Any]) -> str:
    given = {name: value for name, value in filters.items() if value not in (None, "")}
    return f"{address}?{urlencode(given, doseq=True)}" if given else address


def worker(key: int) -> str:
    return reverse("admin:executions_worker_change", args=[key])


def job_type(key: int) -> str:
    return reverse("admin:jobtypes_jobtype_change", args=[key])


def error(key: int) -> str:
    return reverse("admin:errors_error_change", args=[key])
