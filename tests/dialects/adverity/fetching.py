"""Fetches for tests: made by the house's own engine, asked for through Adverity's door."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from executions.models import Execution
from jobs.models import Job
from tests.builders import a_worker
from tests.executions import acts


def shown(client: APIClient, execution: Execution) -> dict[str, Any]:
    """The job of that run as the door shows it."""
    answer = client.get(f"/api/jobs/{execution.group}/")
    assert answer.status_code == 200, answer.content
    return answer.json()


def listed(client: APIClient, query: str = "") -> list[int]:
    """The ids in the list of jobs."""
    answer = client.get(f"/api/jobs/{query}")
    assert answer.status_code == 200, answer.content
    return [one["id"] for one in answer.json()["results"]]


def completed(job: Job, **how: Any) -> Execution:
    taken = acts.ask(job)
    return acts.run(taken, a_worker(), **how)


def failed(job: Job) -> Execution:
    return completed(job, error=acts.BAD)


def running(job: Job) -> Execution:
    acts.ask(job)
    return acts.take_one(a_worker())
