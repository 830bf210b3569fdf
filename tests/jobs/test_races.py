"""Several callers at once."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from errors.exceptions import Invalid
from jobs import services
from jobs.models import Job
from tests.builders import NOON, a_job, job_fields

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(calls: list[Callable[[], object]]) -> list[object]:
    """Make all `calls` at the same moment, each in a thread of its own; what each returned or raised."""
    start = Barrier(len(calls))

    def one(call: Callable[[], object]) -> object:
        try:
            connection.ensure_connection()
            start.wait(timeout=30)
            return call()
        except Invalid as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(one, calls, timeout=60))


def test_of_forty_that_create_one_name_one_does_and_the_others_are_told():
    fields = job_fields("wanted")

    results = at_once([lambda: services.create(fields, by="ada", now=NOON)] * 40)

    refusals = [result for result in results if isinstance(result, Invalid)]
    assert len(refusals) == 39
    assert {tuple(refusal.fields) for refusal in refusals} == {("name",)}
    assert Job.objects.living().filter(name="wanted").count() == 1


@pytest.mark.parametrize("round_", range(5))
def test_two_edits_that_close_a_circle_together_do_not_both_succeed(round_):
    a, b = a_job("a"), a_job("b")
    c, d = a_job("c", parents=["b"]), a_job("d", parents=["a"])

    results = at_once(
        [
            lambda: services.update(a, {"parents": ["c"]}, by="ada", now=NOON, partial=True),
            lambda: services.update(b, {"parents": ["d"]}, by="eve", now=NOON, partial=True),
        ]
    )

    assert sum(isinstance(result, Invalid) for result in results) == 1
    assert a.parents.count() + b.parents.count() == 1
    assert (c.parents.count(), d.parents.count()) == (1, 1)


def test_edits_of_one_job_follow_one_another():
    job = a_job("busy", schedule="@daily")

    at_once(
        [
            lambda: services.update(job, {"title": "Busy"}, by="ada", now=NOON, partial=True),
            lambda: services.update(job, {"retries": 3}, by="eve", now=NOON, partial=True),
            lambda: services.pause(job, by="ada", now=NOON),
            lambda: services.update(job, {"tags": {"role": "web"}}, by="ada", now=NOON, partial=True),
        ]
    )

    job.refresh_from_db()
    assert (job.title, job.retries, job.is_paused, job.tags) == ("Busy", 3, True, {"role": "web"})
