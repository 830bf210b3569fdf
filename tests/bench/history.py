"""A house with a history, made in the database itself; and how long its pages take beside the bare SQL of their question.

Run inside a stage. Pages are asked for as programs ask, through all middleware, with a token, in this process.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from statistics import median
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from rest_framework.test import APIClient

from config.access import tokens
from executions import clock, tally
from executions.models import Execution
from executions.states import Status
from executions.tally import Window
from jobs.models import Job, Payload
from jobtypes.models import JobType, JobTypeRevision

DAYS = 30
TYPES, JOBS, LIVE = 20, 200, 200
_INTO = 'INSERT INTO executions_execution (id, "group", origin, job_id, job_type_id, revision_id, payload_id, trigger, door, '
_NAMED = "SELECT n, n, n, {job} + n % {jobs}, {type} + n % {types}, {revision} + n % {types}, {payload}, 'schedule', 'scheduler', "


def fill(count: int) -> int:
    """`count` ends, even over the last 30 days, of 20 types and 200 jobs: 8 % failed, 2 % canceled; and 200 queued.

    Returns how many rows the tally has.
    """
    payload = Payload.objects.create()
    types = [JobType.objects.create(name=f"type-{n}", version="1.0.0", executor="container") for n in range(TYPES)]
    revisions = [JobTypeRevision.objects.create(job_type=job_type, revision_num=1) for job_type in types]
    jobs = [Job.objects.create(name=f"job-{n}", job_type=types[n % TYPES], payload=payload) for n in range(JOBS)]
    names = _NAMED.format(
        job=jobs[0].pk, jobs=JOBS, type=types[0].pk, types=TYPES, revision=revisions[0].pk, payload=payload.pk
    )
    ago = f"now() - interval '{DAYS} days' / {count} * ({count} - n + 1)"
    errors = "(SELECT array_agg(id ORDER BY id) FROM errors_error WHERE is_builtin)"
    statements = (
        "SET statement_timeout = 0",
        "ALTER TABLE executions_execution DISABLE TRIGGER USER",
        (
            f"{_INTO} status, created, queued, started, ended, error_id) {names} "
            "CASE WHEN n % 101 < 8 THEN 'FAILED' WHEN n % 101 < 10 THEN 'CANCELED' ELSE 'COMPLETED' END, "
            f"{ago}, {ago}, {ago}, {ago} + interval '1 second', "
            f"CASE WHEN n % 101 < 8 THEN ({errors})[1 + n % 7] END FROM generate_series(1, {count}) n"
        ),
        (
            f"{_INTO} status, created, queued) {names} 'QUEUED', now(), now() "
            f"FROM generate_series({count} + 1, {count + LIVE}) n"
        ),
        f"SELECT setval(pg_get_serial_sequence('executions_execution', 'id'), {count + LIVE})",
        "ALTER TABLE executions_execution ENABLE TRIGGER USER",
    )
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
        tally.rebuild()
        tally.merge(clock.now())
        cursor.execute("VACUUM ANALYZE")
        cursor.execute("SELECT count(*) FROM executions_tally")
        rows: int = cursor.fetchone()[0]
    return rows


def pages(paths: dict[str, str], repeat: int) -> dict[str, float]:
    """Milliseconds of each page; medians. ``{type}`` in a path is the id of a job type with a history."""
    client = APIClient(SERVER_NAME="localhost", HTTP_AUTHORIZATION=f"Token {tokens.create(_user())[1]}")
    job_type = JobType.objects.get(name="type-0").pk
    return {
        name: _milliseconds(partial(_asked, client, path), repeat)
        for name, path in ((name, path.format(type=job_type)) for name, path in paths.items())
    }


def bare(repeat: int) -> dict[str, float]:
    """Milliseconds of bare questions, their rows fetched: a page of executions with all that is shown of one, by the
    index, and the roll-up of three hours; medians.
    """
    job_type = JobType.objects.get(name="type-0")
    page = Execution.objects.with_names().filter(job_type=job_type).order_by("-created", "-id")
    sql = {status: page.filter(status=status)[:100].query.sql_with_params() for status in ("COMPLETED", "FAILED")}
    found = {status: _milliseconds(partial(_fetched, *one), repeat) for status, one in sql.items()}
    window = Window(clock.now() - timedelta(hours=3))
    return found | {"roll-up": _milliseconds(lambda: tally.ended_and_live(window, clock.now()), repeat)}


def bounds(repeat: int) -> float:
    """Milliseconds of the roll-up of all failures."""
    return _milliseconds(lambda: tally.ended(Window(), clock.now(), status=Status.FAILED), repeat)


def _user() -> User:
    return User.objects.filter(username="bench").first() or User.objects.create_superuser("bench")


def _asked(client: APIClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200, answer.content


def _fetched(sql: str, parameters: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        cursor.fetchall()


def _milliseconds(deed: Callable[[], object], repeat: int) -> float:
    for _ in range(3):
        deed()
    times = []
    for _ in range(repeat):
        begun = time.perf_counter()
        deed()
        times.append((time.perf_counter() - begun) * 1000)
    return median(times)
