"""What a client of udata's API does, in a word each."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from jobs.models import Job
from tests.builders import a_client, a_name

BASE = "/api/1/workers"
JOBS = f"{BASE}/jobs/"
DAILY = {"minute": "0", "hour": "3"}
NO_ID = "0123456789abcdef01234567"


def an_admin() -> APIClient:
    """A client in the role in which udata's administrators come."""
    return a_client("editor")


def fields(**said: Any) -> dict[str, Any]:
    """A job as a client sends it: every night, unless it says when."""
    timing = {} if {"crontab", "interval"} & said.keys() else {"crontab": DAILY}
    return {"name": a_name("Job"), "task": "test-log", **timing, **said}


def made(client: APIClient, **said: Any) -> dict[str, Any]:
    answer = client.post(JOBS, fields(**said))
    assert answer.status_code == 201, answer.content
    return answer.json()


def refused(client: APIClient, **said: Any) -> dict[str, Any]:
    """The errors of a job that is not made."""
    answer = client.post(JOBS, fields(**said))
    assert answer.status_code == 400, answer.content
    assert isinstance(answer.json()["message"], str)
    return answer.json()["errors"]


def put(client: APIClient, job: dict[str, Any], **said: Any) -> dict[str, Any]:
    answer = client.put(at(job), said)
    assert answer.status_code == 200, answer.content
    return answer.json()


def shown(client: APIClient, job: dict[str, Any]) -> dict[str, Any]:
    answer = client.get(at(job))
    assert answer.status_code == 200, answer.content
    return answer.json()


def listed(client: APIClient) -> list[dict[str, Any]]:
    answer = client.get(JOBS)
    assert answer.status_code == 200, answer.content
    return answer.json()


def at(job: dict[str, Any]) -> str:
    return f"{JOBS}{job['id']}"


def ours(job: dict[str, Any]) -> Job:
    """The house's own row of it."""
    return Job.objects.select_related("job_type", "payload").get(pk=int(job["id"][8:], 16))
