"""The list of jobs and a job's page: how each stands, its last runs, its year, what it depends on; and the buttons."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from executions import clock
from executions.models import Execution
from executions.states import Door, Status
from jobs import services
from jobs.models import Job, JobRecord
from tests.builders import HOUR, MINUTE, a_job, an_execution
from tests.console.visits import browser, page, queries

pytestmark = pytest.mark.django_db
LIST = "/admin/jobs/job/"
DAY = 24 * HOUR


@pytest.fixture(autouse=True)
def _nothing_kept_of_another_house() -> None:
    cache.clear()


def listed(**query: str) -> list[str]:
    return [job.name for job in browser().get(LIST, query).context["cl"].result_list]


def at(job: Job, rest: str = "change/") -> str:
    return f"{LIST}{job.pk}/{rest}"


# --- the list ---------------------------------------------------------------------------------------------------------
def test_a_row_says_how_the_job_stands_when_it_is_next_due_and_how_its_runs_went():
    now = clock.now()
    job = a_job("copy", schedule="0 3 * * *", timezone="Asia/Tokyo", now=now)
    an_execution(job, status=Status.COMPLETED, created=now - HOUR)
    failed = an_execution(job, status=Status.FAILED, created=now - MINUTE)

    shown = page(browser(), LIST)

    assert "state-failing" in shown
    assert "JST" in shown
    assert "03:00" in shown
    assert f"#{failed.pk} failed, 2 s" in shown
    assert re.search(r'field-usually[^>]*">2 s<', shown)


@pytest.mark.parametrize(
    ("word", "fields"),
    [
        ("active", {"schedule": "@daily"}),
        ("disabled", {"schedule": "@daily", "is_enabled": False}),
        ("late", {"schedule": "@every 1h"}),
        ("runs when asked", {}),
    ],
)
def test_the_state_of_a_job_is_a_word(word: str, fields: dict):
    a_job(now=clock.now() - (DAY if word == "late" else 0 * DAY), **fields)

    assert word in page(browser(), LIST)


def test_a_pause_shows_who_and_why_in_the_list():
    job = a_job("copy")
    services.pause(job, by="grace", now=clock.now(), note="disk <full>")

    assert "by grace: disk &lt;full&gt;" in page(browser(), LIST)


def test_the_list_takes_as_many_queries_for_one_job_as_for_fifty():
    client = browser()
    an_execution(a_job(), status=Status.COMPLETED)
    one = queries(client, LIST)
    for _ in range(49):
        an_execution(a_job(schedule="@hourly"), status=Status.FAILED)

    assert queries(client, LIST) == one


@pytest.mark.parametrize(
    "query",
    [{"last": "failed"}, {"paused": "yes"}, {"scheduled": "yes"}, {"q": "wan"}, {"is_enabled__exact": "0"}],
)
def test_each_filter_finds_what_it_says(query: dict[str, str]):
    now = clock.now()
    wanted = a_job("wanted", schedule="@daily", is_enabled="is_enabled__exact" not in query, now=now)
    an_execution(wanted, status=Status.FAILED)
    services.pause(wanted, by="ada", now=now)
    a_job("other")

    assert listed(**query) == ["wanted"]


def test_an_empty_list_says_what_to_do():
    assert "There is no job yet" in page(browser(), LIST)


def test_the_list_is_exported_and_told_as_a_call():
    a_job("copy", schedule="@daily")
    client = browser()

    rows = list(csv.DictReader(io.StringIO(b"".join(client.get(f"{LIST}export/csv/")).decode())))

    assert [(row["name"], row["schedule"]) for row in rows] == [("copy", "'@daily")]  # no formula
    assert "/v6/jobs/?keyword=copy" in page(client, LIST, q="copy")
    assert "manage.py jobs --search copy" in page(client, LIST, q="copy")


def test_ticked_jobs_run_pause_and_go_on_together():
    jobs = [a_job(), a_job()]
    client, keys = browser(), [job.pk for job in jobs]

    for action in ("run", "pause"):
        client.post(LIST, {"action": action, "_selected_action": keys})
    assert Execution.objects.filter(job__in=jobs, door=Door.CONSOLE).count() == 2
    assert Job.objects.filter(paused_at__isnull=False).count() == 2

    client.post(LIST, {"action": "resume", "_selected_action": keys})
    assert Job.objects.filter(paused_at__isnull=False).count() == 0


def test_ticked_jobs_are_deleted_after_a_page_that_names_them():
    job, kept = a_job("gone"), a_job("kept")
    client = browser()
    ticked = {"action": "delete", "_selected_action": [job.pk]}

    asked = client.post(LIST, ticked)
    assert "gone" in asked.content.decode()
    assert Job.objects.living().count() == 2

    client.post(LIST, {**ticked, "sure": "yes"})
    assert list(Job.objects.living()) == [kept]


# --- the page ---------------------------------------------------------------------------------------------------------
def test_the_page_says_why_it_is_silent_what_comes_and_how_it_went():
    now = clock.now()
    job = a_job("copy", schedule="@every 1h", description="Copies <files>.", now=now)
    run = an_execution(job, status=Status.FAILED, created=now - MINUTE, message="no such file")
    JobRecord.objects.filter(job=job).update(success_count=3, error_count=1, last_success=now - HOUR)

    shown = page(browser(), at(job))

    assert "It is next due in" in shown
    assert "Copies &lt;files&gt;." in shown
    assert f"#{run.pk}" in shown
    assert "no such file" in shown
    assert "75.0 %" in shown
    assert 'class="chart durations"' in shown


def test_the_year_counts_the_tries_of_each_day_in_the_jobs_zone():
    now = clock.now()
    job = a_job(timezone="UTC")
    day = (now - 3 * DAY).replace(hour=12)
    an_execution(job, status=Status.COMPLETED, created=day)
    an_execution(job, status=Status.FAILED, created=day + MINUTE)

    assert f"{day:%a %Y-%m-%d}: 1 completed, 1 failed" in page(browser(), at(job))


def test_the_picture_shows_parents_and_children_with_how_they_ended():
    first = a_job("extract")
    middle = a_job("load", parents=["extract"])
    last = a_job("report", parents=["load"])
    an_execution(first, status=Status.FAILED, created=clock.now() - MINUTE)

    shown = page(browser(), at(middle))

    for job, state in ((first, "failed"), (middle, "never ran"), (last, "never ran")):
        assert re.search(rf'href="{at(job)}" aria-label="{job.name}: {state}', shown), job.name
    assert shown.count('class="edge"') == 2


def test_a_large_family_is_cut_and_says_so():
    centre = a_job("centre")
    for number in range(70):
        a_job(f"child-{number}", parents=[centre.name])

    shown = page(browser(), at(centre))

    assert "the nearest 60 jobs" in shown
    assert shown.count('class="node') == 60


def test_the_page_takes_as_many_queries_for_one_run_as_for_fifty():
    client, job = browser(), a_job()
    an_execution(job, status=Status.COMPLETED)
    one = queries(client, at(job))
    for _ in range(49):
        an_execution(job, status=Status.COMPLETED)

    assert queries(client, at(job)) == one


def test_the_page_tells_who_changed_what():
    job, client = a_job("copy"), browser("editor", "grace")
    client.post(at(job, "do/pause/"))

    shown = page(client, at(job))

    assert re.search(r"grace <small[^>]*>console</small></td><td>pause</td>", shown)


# --- its buttons ------------------------------------------------------------------------------------------------------
def test_a_pause_takes_a_note_and_an_end():
    job, client = a_job(), browser("executor", "grace")

    client.post(at(job, "pause/"), {"note": "move", "until": "2999-01-02T03:04"})

    job.refresh_from_db()
    assert (job.pause_note, job.paused_by, job.paused_until.year) == ("move", "grace", 2999)
    assert "2999-01-02" in page(client, at(job))


@pytest.mark.parametrize("until", ["soon", "2001-01-01T00:00", "9" * 5000])
def test_a_pause_with_an_end_that_is_none_is_refused(until: str):
    job = a_job()

    answer = browser().post(at(job, "pause/"), {"until": until}, follow=True)

    assert answer.status_code < 500
    assert "Enter a valid date" in answer.content.decode() or "must be in the future" in answer.content.decode()
    assert not Job.objects.get(pk=job.pk).paused_at


def test_a_run_with_another_input_leaves_the_job_as_it_is():
    job, client = a_job(input={"json": {"size": 1}, "files": {}}), browser("executor")

    answer = client.post(at(job, "run/"), {"more": '{"size": 2}', "whole": '{"json": {"size": 2}, "files": {}}'})

    made = Execution.objects.get()
    assert answer["Location"] == reverse("admin:executions_execution_change", args=[made.pk])
    assert made.payload.input["json"] == {"size": 2}
    job.refresh_from_db()
    assert job.payload.input["json"] == {"size": 1}


def test_a_reader_sees_the_page_and_none_of_its_buttons():
    job, client = a_job(), browser("reader")
    shown = page(client, at(job))

    for rest in ("run/", "pause/", "do/run/", "do/delete/"):
        assert client.post(at(job, rest)).status_code == 403, rest
        assert at(job, rest) not in shown
    assert at(job, "edit/") not in shown
    assert "?clone=" not in shown
    assert client.post(at(job, "edit/"), {"name": "x"}).status_code == 403


@pytest.mark.parametrize("rest", ["999999999999999999999999/change/", "0/change/", "x/change/"])
def test_a_job_that_is_not_there_leads_back(rest: str):
    assert browser().get(f"{LIST}{rest}").status_code == 302


def test_a_deleted_job_still_has_a_page():
    job, client = a_job("copy"), browser()
    client.post(at(job, "do/delete/"))

    shown = page(client, at(job))

    assert "It was deleted" in shown
    assert at(job, "run/") not in shown
    assert client.get(at(job, "run/")).status_code == 404


def test_a_refresh_does_not_count_the_year_again():
    job, client = a_job(), browser()
    client.get(at(job))

    with CaptureQueriesContext(connection) as asked:
        client.get(at(job))

    assert not [one for one in asked if "LIMIT 10000" in one["sql"]]
