"""Adverity's list of jobs: what it holds, by which range, in which order, on which page; and by how many queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.dialects import runs
from executions.engine import cancel
from executions.states import LIVE, Reason, Status, Trigger
from tests.builders import HOUR, MINUTE, SECOND, a_client, a_job, a_worker, an_execution
from tests.dialects.adverity.fetching import completed, listed, running
from tests.executions import acts

pytestmark = pytest.mark.django_db

DAY = datetime(2022, 10, 31, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
THE_DAY = "?start=2022-10-31&end=2022-10-31"


def started(moment: datetime, **fields):
    """A run that has completed and started at that moment."""
    made = moment - SECOND
    return an_execution(status=Status.COMPLETED, created=made, started=moment, ended=moment + SECOND, **fields)


def test_without_a_range_it_holds_what_is_scheduled_or_runs():
    made = {status: an_execution(status=status) for status in Status}

    assert set(listed(a_client())) == {made[status].group for status in LIVE}


def test_a_house_where_nothing_runs_has_an_empty_list():
    assert a_client().get("/api/jobs/").json() == {"count": 0, "next": None, "previous": None, "results": []}


def test_the_path_answers_without_its_slash_and_without_a_redirect():
    run = running(a_job())

    answer = a_client().get("/api/jobs")

    assert answer.status_code == 200
    assert [one["id"] for one in answer.json()["results"]] == [run.group]


def test_a_run_that_waits_for_its_next_try_is_listed_once_under_its_first_id():
    job = a_job(retries=1, retry_delay=0)
    first = completed(job, error=acts.BAD)

    assert listed(a_client()) == [first.pk]


def test_newest_come_first_unless_another_order_is_asked_for():
    one, two, three = (acts.ask(a_job()).group for _ in range(3))
    client = a_client()

    assert listed(client) == listed(client, "?ordering=-id") == [three, two, one]
    assert listed(client, "?ordering=id") == [one, two, three]
    assert listed(client, "?ordering=nothing") == listed(client, "?ordering=--id") == [three, two, one]


def test_a_retried_run_keeps_its_place():
    job = a_job(retries=1, retry_delay=0)
    first = completed(job, error=acts.BAD)
    other = acts.ask(a_job())

    assert listed(a_client()) == [other.group, first.group]


# --- By datastream ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["{}", "{}/", "%20{}%20"])
def test_the_jobs_of_one_datastream_also_with_the_slash_of_the_published_example(form):
    job = a_job()
    run = acts.ask(job)
    acts.ask(a_job())

    assert listed(a_client(), f"?datastream_id={form.format(job.pk)}") == [run.group]


@pytest.mark.parametrize("query", ["?datastream_id=", "?datastream_id=/", "?nothing=1"])
def test_an_empty_or_unknown_parameter_filters_nothing(query):
    run = acts.ask(a_job())

    assert listed(a_client(), query) == [run.group]


@pytest.mark.parametrize("unknown", ["999999", "0", "9" * 30])
def test_an_unknown_datastream_has_no_jobs(unknown):
    acts.ask(a_job())

    assert listed(a_client(), f"?datastream_id={unknown}") == []


@pytest.mark.parametrize("wrong", ["sales", "1//", "-1", "1.0", "\u0661", "½"])
def test_a_datastream_that_is_no_number_is_refused_by_name(wrong):
    answer = a_client().get("/api/jobs/", {"datastream_id": wrong})

    assert answer.status_code == 400
    assert answer.json().keys() == {"detail", "errors", "datastream_id"}
    assert answer.json()["errors"]["datastream_id"] == answer.json()["datastream_id"]


def test_the_jobs_of_a_datastream_have_a_path_of_their_own():
    job = a_job()
    live, ended = acts.ask(job), an_execution(job, status=Status.COMPLETED, created=DAY)
    acts.ask(a_job())
    client = a_client()
    path = f"/api/datastreams/{job.pk}/jobs/"

    assert [one["id"] for one in client.get(path).json()["results"]] == [live.group]
    assert [one["id"] for one in client.get(f"{path}{THE_DAY}").json()["results"]] == [ended.group]
    assert client.get("/api/datastreams/999999/jobs/").status_code == 404


def test_datastream_and_range_hold_together():
    job = a_job()
    wanted = started(DAY + HOUR, job=job)
    started(DAY + HOUR)
    started(DAY - HOUR, job=job)

    assert listed(a_client(), f"{THE_DAY}&datastream_id={job.pk}/") == [wanted.group]


# --- By range ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", Status)
def test_with_a_range_it_holds_every_state(status):
    run = an_execution(status=status, created=DAY + HOUR)

    assert listed(a_client(), THE_DAY) == [run.group]


@pytest.mark.parametrize(
    ("moment", "is_in"),
    [
        (DAY - timedelta(microseconds=1), False),
        (DAY, True),
        (DAY + 12 * HOUR, True),
        (DAY + ONE_DAY - 0.3 * SECOND, True),
        (DAY + ONE_DAY, False),
    ],
)
@pytest.mark.parametrize("query", [THE_DAY, "?start=2022-10-31T00:00:00Z&end=2022-10-31T23:59:59Z"])
def test_both_bounds_are_inclusive_to_the_last_split_second_of_the_day(moment, is_in, query):
    run = started(moment)

    assert listed(a_client(), query) == [run.group] * is_in


def test_either_bound_may_be_missing():
    early, late = started(DAY), started(DAY + 2 * ONE_DAY)
    client = a_client()

    assert listed(client, "?start=2022-11-01") == [late.group]
    assert listed(client, "?end=2022-11-01") == [early.group]
    assert listed(client, "?start=2022-10-31&end=") == [late.group, early.group]


@pytest.mark.parametrize(
    "query",
    [
        "?start=2022-10-31T12:00:00Z&end=2022-10-31T12:00:00Z",
        "?start=2022-10-31T14:00:00%2B02:00&end=2022-10-31T14:00:00%2B02:00",
        "?start=2022-10-31T14:00:00+02:00&end=2022-10-31T14:00:00+02:00",
        "?start=2022-10-31T12:00:00&end=2022-10-31T12:00:00",
        "?start=2022-10-31T12:00:00.9Z&end=2022-10-31T12:00:00.1Z",
    ],
)
def test_a_second_has_its_jobs_in_any_zone_also_where_the_plus_became_a_blank(query):
    run = started(DAY + 12 * HOUR + 0.7 * SECOND)
    started(DAY + 12 * HOUR + SECOND)

    assert listed(a_client(), query) == [run.group]


def test_a_range_that_ends_before_it_starts_is_empty():
    started(DAY)

    assert listed(a_client(), "?start=2022-11-01&end=2022-10-30") == []


@pytest.mark.parametrize("end", ["9999-12-31", "9999-12-31T23:59:59Z"])
def test_the_end_of_time_is_a_bound(end):
    run = started(DAY)

    assert listed(a_client(), f"?start=0001-01-01&end={end}") == [run.group]


@pytest.mark.parametrize("name", ["start", "end"])
@pytest.mark.parametrize(
    "text", ["yesterday", "2022-02-30", "2022-10-31T99:00:00Z", "31.10.2022", "0001-01-01T00:00:00+14:00", "x" * 2000]
)
def test_a_bound_that_cannot_be_read_is_refused_by_name(name, text):
    answer = a_client().get("/api/jobs/", {name: text})

    assert answer.status_code == 400
    body = answer.json()
    assert isinstance(body["detail"], str)
    assert body["errors"] == {name: body[name]}
    assert len(answer.content) < 2000


def test_all_that_is_wrong_is_told_at_once():
    body = a_client().get("/api/jobs/?start=x&end=y&datastream_id=z").json()

    assert body["errors"].keys() == {"start", "end", "datastream_id"}


def test_a_run_that_never_started_counts_by_when_it_was_due():
    job = a_job()
    due = an_execution(job, created=DAY, scheduled_for=DAY - ONE_DAY, trigger=Trigger.SCHEDULE)
    by_hand = an_execution(job, status=Status.CANCELED, reason=Reason.USER, created=DAY)
    client = a_client()

    assert listed(client, THE_DAY) == [by_hand.group]
    assert listed(client, "?start=2022-10-30&end=2022-10-30") == [due.group]


def test_a_retried_run_is_found_once_by_its_latest_try():
    first = an_execution(status=Status.FAILED, created=DAY)
    an_execution(status=Status.COMPLETED, created=DAY + ONE_DAY, of=first)
    client = a_client()

    assert listed(client, "?start=2022-10-31") == [first.pk]
    assert listed(client, "?start=2022-11-01") == [first.pk]
    assert listed(client, THE_DAY) == []


def test_a_range_can_be_ordered_by_start():
    late, early = started(DAY + HOUR), started(DAY)
    waiting = an_execution(created=DAY)
    client = a_client()

    assert listed(client, f"{THE_DAY}&ordering=job_start") == [waiting.group, early.group, late.group]
    assert listed(client, f"{THE_DAY}&ordering=-job_start") == [late.group, early.group, waiting.group]
    assert listed(client, f"{THE_DAY}&ordering=-id") == [waiting.group, early.group, late.group]


@pytest.mark.parametrize("order", ["id", "-id", "job_start", "-job_start"])
def test_a_range_with_very_many_jobs_is_listed_the_same(order, monkeypatch):
    for moment in (DAY, DAY - ONE_DAY, DAY + HOUR):
        started(moment)
    cancel.cancel(an_execution(created=DAY + HOUR), by="ada", now=DAY + HOUR)
    client = a_client()
    few = set(listed(client, f"{THE_DAY}&ordering={order}"))
    in_order = [one for one in listed(client, f"{THE_DAY}&ordering={order}") if one != max(few)]

    monkeypatch.setattr(runs, "EXACT", 1)

    assert set(listed(client, f"{THE_DAY}&ordering={order}")) == few
    assert [one for one in listed(client, f"{THE_DAY}&ordering={order}") if one != max(few)] == in_order


# --- Pages ------------------------------------------------------------------------------------------------------------


def test_next_is_absolute_keeps_the_filters_and_is_null_at_the_end():
    job = a_job()
    made = [started(DAY + n * MINUTE, job=job).group for n in range(5)]
    client = a_client()
    query = f"{THE_DAY}&datastream_id={job.pk}&page_size=2"

    seen, url = [], f"http://testserver/api/jobs/{query}"
    while url:
        page = client.get(url).json()
        assert page["count"] == 5
        seen += [one["id"] for one in page["results"]]
        url = page["next"]
        assert url is None or url.startswith("http://testserver/api/jobs/?")

    assert seen == made[::-1]
    assert page["previous"].startswith("http://testserver/api/jobs/?")


def test_live_jobs_are_paged_likewise():
    made = [acts.ask(a_job()).group for _ in range(3)]
    client = a_client()

    first = client.get("/api/jobs/?page_size=2").json()
    second = client.get(first["next"]).json()

    assert first["count"] == second["count"] == 3
    assert [one["id"] for one in first["results"] + second["results"]] == made[::-1]
    assert (first["previous"], second["next"]) == (None, None)


@pytest.mark.parametrize("page", ["2", "99999", "9" * 30, "0", "-1", "x", "1.5"])
@pytest.mark.parametrize("query", ["", THE_DAY])
def test_a_page_that_is_not_there_is_404(page, query):
    answer = a_client().get(f"/api/jobs/{query}{'&' if query else '?'}page={page}")

    assert answer.status_code == 404
    assert answer.json() == {"detail": "Invalid page."}


@pytest.mark.parametrize("size", ["0", "-1", "x", "1000000", ""])
def test_a_page_size_is_never_an_error(size):
    acts.ask(a_job())

    assert a_client().get(f"/api/jobs/?page_size={size}").json()["count"] == 1


# --- Cost -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?datastream_id={}", THE_DAY, THE_DAY + "&datastream_id={}"])
def test_a_page_takes_the_same_few_queries_however_many_jobs_it_shows(query):
    job, client, worker = a_job(), a_client(), a_worker()
    path = f"/api/jobs/{query.format(job.pk)}"

    def queries(made: int) -> int:
        for _ in range(made):
            an_execution(job, created=DAY, status=Status.RUNNING, worker=worker)
            an_execution(job, created=DAY, status=Status.FAILED, worker=worker)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(path).status_code == 200
        return len(captured)

    client.get(path)
    few = queries(1)

    assert queries(10) == few <= 5
