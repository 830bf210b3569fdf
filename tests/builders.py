"""Objects for tests: valid and readable, each made as the house itself makes it wherever that is possible.

What a test does not care about has a default here; what it is about stands in the test.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.contrib.auth.models import Group, User
from rest_framework.test import APIClient

from config.access import tokens
from errors.models import Error
from executions.models import Execution, ExecutionResult, OutputChunk, Worker
from executions.states import FINAL, Door, Status, Trigger
from jobs import services
from jobs.models import Job, JobRecord
from jobtypes.models import JobType, JobTypeRevision

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

CONFIGURATIONS: Mapping[str, Mapping[str, Any]] = {
    "shell": {"command": "echo hello"},
    "http": {"url": "https://example.org/"},
}
"""What the system job types must be told at least."""

_numbers = count(1)


def a_name(word: str = "job") -> str:
    """A name that no other object of this test run has."""
    return f"{word}-{next(_numbers)}"


def job_fields(name: str = "", *, executor: str = "shell", **fields: Any) -> dict[str, Any]:
    """The fields of a job as a client sends them."""
    return {
        "name": name or a_name(),
        "job_type": {"name": executor},
        "configuration": dict(CONFIGURATIONS.get(executor, {})),
        **fields,
    }


def a_job(name: str = "", *, executor: str = "shell", by: str = "ada", now: datetime = NOON, **fields: Any) -> Job:
    """A job of the system type `executor`; more fields in the words of the native API."""
    return services.create(job_fields(name, executor=executor, **fields), by=by, now=now)


def a_job_type(
    name: str = "",
    *,
    version: str = "1.0.0",
    executor: str = "shell",
    input_schema: Mapping[str, Any] | None = None,
    configuration_schema: Mapping[str, Any] | None = None,
    **fields: Any,
) -> JobType:
    """A user's job type with its first revision."""
    name = name or a_name("type")
    manifest = {"seedVersion": "1.0.0", "job": {"name": name, "jobVersion": version, "title": name, "timeout": 60}}
    job_type = JobType.objects.create(name=name, version=version, executor=executor, manifest=manifest, **fields)
    a_revision(job_type, input_schema=input_schema, configuration_schema=configuration_schema)
    return job_type


def a_revision(
    job_type: JobType,
    *,
    number: int = 1,
    input_schema: Mapping[str, Any] | None = None,
    configuration_schema: Mapping[str, Any] | None = None,
) -> JobTypeRevision:
    """A revision of `job_type`, which becomes its current one."""
    if job_type.revision_num != number:
        job_type.revision_num = number
        job_type.save()
    return JobTypeRevision.objects.create(
        job_type=job_type,
        revision_num=number,
        manifest=job_type.manifest,
        input_schema=dict(input_schema or {}),
        configuration_schema=dict(configuration_schema or {}),
    )


def a_worker(name: str = "", *, seen: datetime = NOON, **fields: Any) -> Worker:
    return Worker.objects.create(
        **{
            "name": name or a_name("worker"),
            "host": "one.example",
            "pid": 4711,
            "started": seen,
            "last_seen": seen,
            **fields,
        }
    )


def an_execution(
    job: Job | None = None,
    *,
    status: str = Status.QUEUED,
    created: datetime = NOON,
    of: Execution | None = None,
    output: str = "",
    outputs: Mapping[str, Any] | None = None,
    exception: str = "",
    traceback: str = "",
    **fields: Any,
) -> Execution:
    """A try in `status` with all that such a try has; `of` makes it the next try of that one's run.

    A final one also stands in its job's record, as the engine leaves it.
    """
    job = job or (of.job if of else a_job())
    revision = job.job_type_revision or job.job_type.revisions.get(revision_num=job.job_type.revision_num)
    times: dict[str, Any] = {}
    if status in {Status.QUEUED, Status.RUNNING, Status.COMPLETED, Status.FAILED}:
        times["queued"] = created
    if status in {Status.RUNNING, Status.COMPLETED, Status.FAILED}:
        times |= {"started": created + SECOND, "worker": fields.pop("worker", None) or a_worker(seen=created)}
    if status == Status.RUNNING:
        times["lease_until"] = created + 30 * SECOND
    if status in FINAL:
        times["ended"] = created + 3 * SECOND
    if status == Status.COMPLETED:
        times["exit_code"] = 0
    if status == Status.FAILED:
        times |= {"exit_code": 1, "error": Error.objects.filter(name="algorithm-unknown").first()}
    execution = Execution.objects.create(
        **{
            "group": of.group if of else 0,
            "attempt": of.attempt + 1 if of else 1,
            "origin": of.origin if of else 0,
            "job": job,
            "job_type": job.job_type,
            "revision": revision,
            "payload": job.payload,
            "status": status,
            "trigger": Trigger.RETRY if of else Trigger.MANUAL,
            "door": Door.NATIVE,
            "requested_by": "ada",
            "created": created,
            "start_by": created + timedelta(days=2),
            **times,
            **fields,
        }
    )
    if of:
        Execution.objects.filter(pk=of.pk).update(is_last_try=False)
    else:
        execution.group = execution.origin = execution.pk
        execution.save(update_fields=["group", "origin"])
    if status in FINAL:
        JobRecord.objects.filter(job=job).update(last_status=status, last_execution=execution.pk)
    if outputs or exception or traceback:
        ExecutionResult.objects.create(
            execution=execution, outputs=dict(outputs or {}), exception=exception, traceback=traceback
        )
    if output:
        lines = output.count("\n") + (not output.endswith("\n"))
        OutputChunk.objects.create(
            execution=execution, seq=lines, lines=lines, time=created + SECOND, stream="stdout", text=output
        )
    return execution


def a_user(role: str = "reader", username: str = "") -> User:
    """A user in one of the roles reader, executor, editor; or a superuser."""
    username = username or a_name(role)
    if role == "superuser":
        return User.objects.create_superuser(username, password="a long enough password")
    user = User.objects.create_user(username)
    user.groups.add(Group.objects.get_or_create(name=role)[0])
    return user


def a_client(role: str = "reader", username: str = "") -> APIClient:
    """A program that calls the API with a token of a user in `role`."""
    _, key = tokens.create(a_user(role, username))
    return APIClient(HTTP_AUTHORIZATION=f"Token {key}")
