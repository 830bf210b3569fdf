"""/v6/job-types/status/, pending/, running/, system-failures/ (Scale, 8), /v6/failures/ and counts of errors."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from errors.api.values import iso
from errors.models import Error
from executions import clock, tally
from executions.states import Status
from jobtypes.models import JobType
from tests.builders import HOUR, MINUTE, SECOND, a_client, a_job, an_execution

pytestmark = pytest.mark.django_db
BASE = {
    "id", "name", "version", "title", "description", "is_active", "is_system", "is_paused", "is_published", "icon_code",
    "unmet_resources",
}  # fmt: skip
ERROR = {
    "id", "name", "title", "description", "job_type_name", "category", "is_builtin", "should_be_retried", "created",
    "last_modified",
}  # fmt: skip


@pytest.fixture
def client():
    return a_client("reader")


@pytest.fixture
def now():
    return clock.now()


@pytest.fixture
def job(db):
    return a_job()


def results(client, path):
    answer = client.get(f"/v6/{path}")
    assert answer.status_code == 200, answer.json()
    return answer.json()["results"]


def counts(client, query="", name="shell"):
    (row,) = [row for row in results(client, f"job-types/status/?{query}") if row["job_type"]["name"] == name]
    return {(one["status"], one["category"]): one["count"] for one in row["job_counts"]}


def failed(job, name, ended, **fields):
    error = Error.objects.get(name=name, job_type_name=fields.pop("of", None))
    return an_execution(job, status=Status.FAILED, created=ended - MINUTE, ended=ended, error=error, **fields)


def completed(job, ended):
    return an_execution(job, status=Status.COMPLETED, created=ended - MINUTE, ended=ended)


# --- status -----------------------------------------------------------------------------------------------------------
def test_every_job_type_has_a_row_also_without_runs(client):
    answer = client.get("/v6/job-types/status/").json()

    assert set(answer) == {"count", "next", "previous", "results"}
    assert answer["count"] == JobType.objects.count()
    assert all(set(row) == {"job_type", "job_counts"} and row["job_counts"] == [] for row in answer["results"])
    assert all(set(row["job_type"]) == BASE for row in answer["results"])


def test_a_count_has_scales_fields(client, job, now):
    last = completed(job, now - HOUR)
    completed(job, now - 2 * HOUR)

    (row,) = [row for row in results(client, "job-types/status/") if row["job_counts"]]

    assert row["job_type"]["is_system"] is True
    assert row["job_counts"] == [
        {
            "status": "COMPLETED",
            "count": 2,
            "most_recent": last.ended.isoformat().replace("+00:00", "Z"),
            "category": None,
        }
    ]


def test_failures_are_split_by_category(client, job, now):
    Error.objects.create(name="bad-data", job_type_name="shell", category="DATA")
    failed(job, "unknown", now - HOUR)
    failed(job, "database", now - HOUR)
    failed(job, "timeout", now - HOUR)
    failed(job, "bad-data", now - HOUR, of="shell")
    completed(job, now - HOUR)

    assert counts(client) == {
        ("FAILED", "SYSTEM"): 2,
        ("FAILED", "ALGORITHM"): 1,
        ("FAILED", "DATA"): 1,
        ("COMPLETED", None): 1,
    }


def test_the_window_is_the_last_three_hours_unless_it_is_given(client, job, now):
    completed(job, now - 2 * HOUR)
    completed(job, now - 4 * HOUR)

    assert counts(client) == {("COMPLETED", None): 1}
    tally.merge(now)
    assert counts(client, "started=PT5H") == {("COMPLETED", None): 2}
    assert counts(client, "started=P1DT12H&ended=PT3H") == {("COMPLETED", None): 1}
    moment = (now - 3 * HOUR).isoformat().replace("+00:00", "Z")
    assert counts(client, f"started=2015-01-01T00:00:00Z&ended={moment}") == {("COMPLETED", None): 1}


def test_what_is_running_counts_whatever_the_window(client, job, now):
    an_execution(job, status=Status.RUNNING, created=now - 9 * HOUR)
    an_execution(job, status=Status.QUEUED, created=now - 9 * HOUR)

    assert counts(client) == {("RUNNING", None): 1}
    assert counts(client, "started=PT10H") == {("RUNNING", None): 1, ("QUEUED", None): 1}


def test_ends_that_are_reversed_leave_what_is_running(client, job, now):
    completed(job, now - HOUR)
    an_execution(job, status=Status.RUNNING, created=now - HOUR)

    assert counts(client, "started=PT1H&ended=PT3H") == {("RUNNING", None): 1}
    assert counts(client, "started=PT1H&ended=PT1H")[("RUNNING", None)] == 1


def test_only_the_latest_try_of_a_run_counts(client, job, now):
    first = failed(job, "unknown", now - HOUR)
    an_execution(of=first, status=Status.COMPLETED, created=now - HOUR)

    assert counts(client) == {("COMPLETED", None): 1}


def test_the_most_recent_failure_is_none_that_was_tried_again(client, job, now):
    failed(job, "database", now - HOUR)
    first = failed(job, "database", now - MINUTE)
    an_execution(of=first, status=Status.RUNNING, created=now)

    (row,) = [row for row in results(client, "job-types/status/") if row["job_type"]["name"] == "shell"]
    (failures,) = [one for one in row["job_counts"] if one["status"] == "FAILED"]

    assert (failures["count"], failures["most_recent"]) == (1, iso(now - HOUR))


def test_is_active_filters_the_rows(client):
    JobType.objects.filter(name="http").update(is_active=False)

    assert [row["job_type"]["name"] for row in results(client, "job-types/status/?is_active=false")] == ["http"]
    assert "http" not in [row["job_type"]["name"] for row in results(client, "job-types/status/?is_active=true")]


def test_rows_come_by_last_modified(client):
    JobType.objects.filter(name="http").first().save()

    assert results(client, "job-types/status/")[-1]["job_type"]["name"] == "http"


def test_status_is_paged(client):
    answer = client.get("/v6/job-types/status/?page_size=1&page=2&started=PT1H").json()

    assert len(answer["results"]) == 1
    assert "started=PT1H" in answer["next"]
    assert client.get("/v6/job-types/status/?page=9999").status_code == 404


@pytest.mark.parametrize("path", ["job-types/status/", "failures/"])
@pytest.mark.parametrize("name", ["started", "ended"])
@pytest.mark.parametrize(
    "text", ["", "yesterday", "P1W", "P1M", "P1Y", "PT", "2015-01-01T00:00:00", "2015-01-01", "P99999999999D"]
)
def test_what_is_no_moment_is_400_and_named(client, path, name, text):
    answer = client.get(f"/v6/{path}?{name}={text}")

    assert (answer.status_code, answer.json()["detail"]) == (400, f"Invalid ISO timestamp format for parameter: {name}")


@pytest.mark.parametrize(
    "text", ["2015-01-01T00:00:00Z", "2015-01-01T00:00:00%2B02:00", "2015-01-01T00:00:00-02:00", "PT3H0M0S", "P1.5D"]
)
def test_moments_and_durations(client, text):
    assert client.get(f"/v6/job-types/status/?started={text}&ended={text}").status_code == 200


def test_a_flag_that_is_none_is_400(client):
    assert client.get("/v6/job-types/status/?is_active=maybe").status_code == 400


def test_the_page_costs_the_same_queries_whatever_there_is(client, job, now):
    client.get("/v6/job-types/status/")
    with CaptureQueriesContext(
        connection,
    ) as before:
        client.get("/v6/job-types/status/")
    for number in range(10):
        failed(job, "unknown", now - number * MINUTE)
    with CaptureQueriesContext(connection) as after:
        client.get("/v6/job-types/status/")

    assert len(after) <= len(before) + 1  # the errors' categories, and the newest of each


# --- pending and running ----------------------------------------------------------------------------------------------
def test_pending_lists_types_with_something_pending_the_oldest_first(client, now):
    shell, http = a_job(), a_job(executor="http")
    an_execution(shell, status=Status.PENDING, created=now - HOUR, ready_at=now + HOUR)
    oldest = an_execution(http, status=Status.PENDING, created=now - 2 * HOUR, ready_at=now + HOUR)
    an_execution(http, status=Status.PENDING, created=now - HOUR, ready_at=now + HOUR)
    an_execution(shell, status=Status.QUEUED, created=now - 9 * HOUR)

    first, second = results(client, "job-types/pending/")

    assert (first["job_type"]["name"], first["count"]) == ("http", 2)
    assert first["longest_pending"] == oldest.created.isoformat().replace("+00:00", "Z")
    assert (second["job_type"]["name"], second["count"]) == ("shell", 1)
    assert set(first) == {"job_type", "count", "longest_pending"}
    assert set(first["job_type"]) == BASE


def test_running_lists_types_with_something_running_the_longest_first(client, now):
    shell, http = a_job(), a_job(executor="http")
    an_execution(shell, status=Status.RUNNING, created=now - HOUR)
    longest = an_execution(http, status=Status.RUNNING, created=now - 30 * HOUR)

    first, second = results(client, "job-types/running/")

    assert (first["job_type"]["name"], first["count"], second["job_type"]["name"]) == ("http", 1, "shell")
    assert first["longest_running"] == longest.started.isoformat().replace("+00:00", "Z")
    assert set(first) == {"job_type", "count", "longest_running"}


@pytest.mark.parametrize("path", ["pending", "running", "system-failures"])
def test_where_there_is_nothing_the_list_is_empty(client, path):
    answer = client.get(f"/v6/job-types/{path}/")

    assert answer.json() == {"count": 0, "next": None, "previous": None, "results": []}
    assert client.get(f"/v6/job-types/{path}/?page=2").status_code == 404


@pytest.mark.parametrize("path", ["status", "pending", "running", "system-failures"])
def test_statistics_are_only_read(path):
    editor = a_client("editor")

    for method in ("post", "put", "patch", "delete"):
        assert getattr(editor, method)(f"/v6/job-types/{path}/").status_code == 405


# --- failures ---------------------------------------------------------------------------------------------------------
def test_system_failures_are_listed_by_type_and_error_the_newest_first(client, now):
    shell, http = a_job(), a_job(executor="http")
    first = failed(shell, "unknown", now - 90 * HOUR)
    last = failed(shell, "unknown", now - HOUR)
    failed(shell, "database", now - 2 * HOUR)
    failed(http, "unknown", now - 3 * HOUR)
    failed(http, "timeout", now)  # ALGORITHM

    tally.merge(now)
    rows = results(client, "job-types/system-failures/")

    assert [(row["job_type"]["name"], row["error"]["name"], row["count"]) for row in rows] == [
        ("shell", "unknown", 2),
        ("shell", "database", 1),
        ("http", "unknown", 1),
    ]
    assert set(rows[0]) == {"job_type", "error", "count", "first_error", "last_error"}
    assert rows[0]["first_error"] == first.ended.isoformat().replace("+00:00", "Z")
    assert rows[0]["last_error"] == last.ended.isoformat().replace("+00:00", "Z")


def test_type_and_error_of_a_system_failure_are_whole_and_true(client, job, now):
    failed(job, "unknown", now)

    (row,) = results(client, "job-types/system-failures/")

    assert (set(row["job_type"]), set(row["error"])) == (BASE, ERROR)
    assert (row["job_type"]["is_system"], row["error"]["is_builtin"], row["error"]["should_be_retried"]) == (True,) * 3
    assert row["error"] == client.get(f"/v6/errors/{row['error']['id']}/").json()


def test_what_was_tried_again_is_no_system_failure_any_more(client, job, now):
    first = failed(job, "unknown", now)
    an_execution(of=first, status=Status.RUNNING, created=now)

    assert results(client, "job-types/system-failures/") == []


def test_failures_are_grouped_by_error_and_type(client, now):
    shell, http = a_job(), a_job(executor="http")
    for number in range(3):
        failed(shell, "timeout", now - number * MINUTE)
    failed(http, "timeout", now - HOUR)
    failed(http, "unknown", now - 5 * HOUR)

    rows = results(client, "failures/")

    assert [(row["error"]["name"], row["job_type"]["name"], row["count"]) for row in rows] == [
        ("timeout", "shell", 3),
        ("timeout", "http", 1),
        ("unknown", "http", 1),
    ]
    assert set(rows[0]) == {"job_type", "error", "count", "first", "last"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("started=PT2H", ["timeout/shell"]),
        ("ended=PT2H", ["unknown/http"]),
        ("job_type_name=http", ["unknown/http"]),
        ("job_type_name=http&job_type_name=shell&order=last", ["unknown/http", "timeout/shell"]),
        ("error_name=timeout", ["timeout/shell"]),
        ("error_category=SYSTEM", ["unknown/http"]),
        ("job_type_version=9.9.9", []),
        ("error_id=0", []),
        ("order=-last", ["timeout/shell", "unknown/http"]),
        ("order=count&order=nonsense", ["unknown/http", "timeout/shell"]),
    ],
)
def test_failures_are_filtered_and_ordered(client, now, query, expected):
    shell, http = a_job(), a_job(executor="http")
    failed(shell, "timeout", now - MINUTE)
    failed(shell, "timeout", now - MINUTE)
    failed(http, "unknown", now - 5 * HOUR)

    rows = results(client, f"failures/?{query}")

    assert [f"{row['error']['name']}/{row['job_type']['name']}" for row in rows] == expected


@pytest.mark.parametrize(
    "query", ["started=PT1H&ended=PT2H", "job_type_id=x", "error_id=1.5", "&".join(["order=count"] * 6)]
)
def test_what_cannot_be_asked_of_failures_is_400(client, query):
    assert client.get(f"/v6/failures/?{query}").status_code == 400


def test_the_bounds_of_a_failure_are_those_within_the_window(client, job, now):
    failed(job, "timeout", now - 5 * HOUR)
    within = failed(job, "timeout", now - HOUR)

    (row,) = results(client, "failures/?started=PT2H")

    assert row["count"] == 1
    assert row["first"] == row["last"] == within.ended.isoformat().replace("+00:00", "Z")


# --- errors with counts -----------------------------------------------------------------------------------------------
def test_errors_tell_how_often_they_struck_when_asked(client, job, now):
    for number in range(2):
        failed(job, "timeout", now - timedelta(days=number))
    failed(job, "unknown", now - SECOND)

    for _ in range(2):
        rows = results(client, "errors/?counts=true&order=-count&order=name")
        tally.merge(now)  # changes nothing

    assert [(row["name"], row["count"]) for row in rows[:3]] == [
        ("timeout", 2),
        ("unknown", 1),
        ("algorithm-unknown", 0),
    ]
    assert set(rows[0]) == ERROR | {"count"}


def test_errors_are_scales_when_nobody_asks(client):
    for query in ("", "?counts=false", "?order=-count"):
        assert set(results(client, f"errors/{query}")[0]) == ERROR
    assert client.get("/v6/errors/?counts=maybe").status_code == 400
