"""Adverity's errors: the runs that failed, and why."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.models import Execution
from executions.states import Reason, Status
from tests.builders import NOON, SECOND, a_client, a_job, an_execution
from tests.dialects.adverity.fetching import completed, failed, shown
from tests.executions import acts

pytestmark = pytest.mark.django_db

KEYS = {"id", "url", "start", "end", "message", "type_label", "datastream", "ack", "occurrences", "job"}
DATES = ("job_start", "job_end", "range_start", "range_end", "scheduled")


def errors(client, query: str = ""):
    answer = client.get(f"/api/errors/{query}")
    assert answer.status_code == 200
    return answer.json()


def test_a_failed_run_is_an_error_with_its_job():
    job = a_job()
    run = failed(job)
    client = a_client()

    page = errors(client)

    (error,) = page["results"]
    assert (page["count"], page["next"], page["previous"]) == (1, None, None)
    assert error.keys() == KEYS
    assert (error["id"], error["message"], error["type_label"]) == (run.pk, "It failed.", "ALGORITHM")
    assert (error["start"], error["end"]) == ("2026-11-21T12:00:00Z", "2026-11-21T12:00:01Z")
    assert (error["ack"], error["occurrences"], error["datastream"]["id"]) == (False, 1, job.pk)
    assert error["job"] == shown(client, run)


def test_the_job_of_an_error_has_five_dates():
    failed(a_job())

    (error,) = errors(a_client())["results"]

    assert all(isinstance(error["job"][name], str) for name in DATES)


def test_an_error_can_be_read_under_its_own_address():
    run = failed(a_job())
    client = a_client()

    assert client.get(f"/api/errors/{run.pk}/").json() == errors(client)["results"][0]
    assert shown(client, run)["issues"][0]["url"] == f"http://testserver/api/errors/{run.pk}/"


@pytest.mark.parametrize("pk", ["999999", "nothing", "9" * 30])
def test_an_unknown_error_is_404(pk):
    assert a_client().get(f"/api/errors/{pk}/").status_code == 404


def test_what_did_not_fail_is_no_error():
    runs = [an_execution(status=status) for status in Status if status != Status.FAILED]
    client = a_client()

    assert errors(client)["results"] == []
    assert {client.get(f"/api/errors/{run.pk}/").status_code for run in runs} == {404}


def test_a_try_that_was_followed_by_another_is_no_error():
    job = a_job(retries=1, retry_delay=0)
    completed(job, error=acts.BAD)

    assert errors(a_client())["results"] == []


def test_a_run_that_failed_in_all_its_tries_is_one_error_that_occurred_so_often():
    first = an_execution(status=Status.FAILED)
    last = an_execution(status=Status.FAILED, of=first, created=NOON + SECOND)

    (error,) = errors(a_client())["results"]

    assert (error["id"], error["occurrences"], error["job"]["id"]) == (last.pk, 2, first.pk)


def test_a_lost_worker_is_an_error_of_the_system():
    an_execution(status=Status.FAILED, reason=Reason.WORKER_LOST, error=None, message="")

    (error,) = errors(a_client())["results"]

    assert (error["type_label"], error["message"]) == ("SYSTEM", "The run failed.")


def test_errors_are_newest_first_in_pages():
    runs = [an_execution(status=Status.FAILED, created=NOON + n * SECOND) for n in range(3)]
    client = a_client()

    first = errors(client, "?page=1&page_size=2")
    second = client.get(first["next"]).json()

    assert [one["id"] for one in first["results"] + second["results"]] == [run.pk for run in runs[::-1]]
    assert client.get("/api/errors/?page=9").status_code == 404


def test_the_errors_of_one_datastream():
    job = a_job()
    mine = failed(job)
    failed(a_job())
    client = a_client()

    assert [one["id"] for one in errors(client, f"?datastream_id={job.pk}/")["results"]] == [mine.pk]
    assert client.get("/api/errors/?datastream_id=x").status_code == 400


def test_a_page_of_errors_takes_a_fixed_number_of_queries():
    client = a_client()

    def queries(made: int) -> int:
        for _ in range(made):
            an_execution(status=Status.FAILED)
        with CaptureQueriesContext(connection) as captured:
            errors(client)
        return len(captured)

    errors(client)

    assert queries(1) == queries(5) <= 5
    assert Execution.objects.count() == 6
