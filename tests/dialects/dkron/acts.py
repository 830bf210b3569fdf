"""What Dkron's clients do, in a word each."""

from __future__ import annotations

import json
from typing import Any

from rest_framework.test import APIClient

from executions.models import Execution
from jobs.models import Job

JOBS = "/v1/jobs"
ZERO = "0001-01-01T00:00:00Z"
KEYS = {
    *("id", "name", "displayname", "timezone", "schedule", "owner", "owner_email", "success_count", "error_count"),
    *("last_success", "last_error", "disabled", "tags", "metadata", "retries", "dependent_jobs", "parent_job"),
    *("processors", "concurrency", "executor", "executor_config", "status", "next", "ephemeral"),
    *("starts_at", "expires_at"),
}
"""Every key that a job has, always."""


def body(name: str = "job1", **fields: Any) -> dict[str, Any]:
    """A job that Dkron takes."""
    shell = {"executor": "shell", "executor_config": {"command": "echo hello"}}
    return {"name": name, "schedule": "@every 1h", **shell, **fields}


def send(client: APIClient, value: Any, query: str = "", method: str = "post", path: str = JOBS) -> Any:
    """The answer to a job that is sent."""
    return client.generic(method.upper(), path + query, json.dumps(value), content_type="application/json")


def store(client: APIClient, name: str = "job1", query: str = "", **fields: Any) -> dict[str, Any]:
    """Store a job, which must go well; what was answered."""
    answer = send(client, body(name, **fields), query)
    assert answer.status_code == 201, answer.content
    return answer.json()


def shown(client: APIClient, name: str = "job1") -> dict[str, Any]:
    """The job as it is shown."""
    answer = client.get(f"{JOBS}/{name}")
    assert answer.status_code == 200
    return answer.json()


def names(client: APIClient, query: str = "") -> list[str]:
    """The names of the jobs that a list shows."""
    return [job["name"] for job in client.get(JOBS + query).json()]


def refusal(client: APIClient, **fields: Any) -> tuple[int, str]:
    """Status and text of the answer to a job that is not taken."""
    answer = send(client, body(**fields))
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    return answer.status_code, answer.content.decode()


def job(name: str = "job1") -> Job:
    """The living job of that name."""
    return Job.objects.living().select_related("job_type", "payload", "record").get(name=name)


def runs_of(name: str) -> list[Execution]:
    return list(Execution.objects.filter(job__name=name).order_by("pk"))
