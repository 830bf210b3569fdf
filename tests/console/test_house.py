"""Workers, queue, search, and what holds for every page."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from config.console import search
from executions import clock
from executions.models import Worker
from executions.states import Status
from jobs.models import Job
from jobtypes.models import JobType
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_worker, an_execution
from tests.console.visits import browser, page, queries

pytestmark = pytest.mark.django_db
WORKERS, QUEUE, SEARCH, HOURS = (
    "/admin/executions/worker/",
    "/admin/queue/",
    "/admin/search/",
    "/admin/executions/worker/hour/",
)


# --- workers ----------------------------------------------------------------------------------------------------------
def test_workers_show_their_slots_and_state():
    now = clock.now()
    an_execution(status=Status.RUNNING, worker=a_worker("busy", seen=now, slots=4), created=now)
    a_worker("gone", seen=now - HOUR)

    shown = page(browser("reader"), WORKERS, life="alive")

    assert "1/4" in shown
    assert "state-lost" in shown


def test_different_versions_are_told():
    now = clock.now()
    a_worker(seen=now, version="1.0")
    assert "different versions" not in page(browser(), WORKERS)

    a_worker(seen=now, version="1.1")
    assert re.search(r"<b>1.0</b> \S1,.*<b>1.1</b> \S1", page(browser(), WORKERS), re.DOTALL)


def test_the_page_of_a_worker_says_what_it_runs_and_how_long_its_leases_last():
    now = clock.now()
    execution = an_execution(a_job("copy"), status=Status.RUNNING, worker=a_worker(seen=now), created=now)

    shown = page(browser(), f"{WORKERS}{execution.worker_id}/change/")

    assert f"copy #{execution.pk}" in shown
    assert "run out in" in shown


def test_an_hour_of_all_workers_side_by_side():
    one, two = a_worker("one"), a_worker("two")
    within = an_execution(status=Status.COMPLETED, created=NOON + MINUTE, worker=one)
    failed = an_execution(status=Status.FAILED, created=NOON + 2 * MINUTE, worker=two)
    across = an_execution(status=Status.COMPLETED, created=NOON - MINUTE, worker=two)
    across.ended = NOON + MINUTE
    across.save()
    before = an_execution(status=Status.COMPLETED, created=NOON - HOUR, worker=one)

    shown = page(browser("reader"), HOURS, hour=NOON.isoformat())

    assert all(f"/execution/{row.pk}/" in shown for row in (within, failed, across))
    assert f"/execution/{before.pk}/" not in shown
    assert shown.index(">one</a>") < shown.index(">two</a>")


@pytest.mark.parametrize(
    "hour", ["", "x", "2026-13-45T00:00", "9999-12-31T23:59", "2026-11-21T12:00", "0001-01-01T00:00:00Z"]
)
def test_an_hour_that_is_none_is_the_last_one(hour: str):
    assert "Workers, 20" in page(browser(), HOURS, hour=hour)


@pytest.mark.parametrize("address", [WORKERS, HOURS])
def test_workers_cost_no_more_for_fifty_than_for_one(address: str):
    client = browser()
    now = clock.now()

    def more(count: int) -> None:
        for _ in range(count):
            an_execution(status=Status.RUNNING, worker=a_worker(seen=now), created=now - SECOND)

    more(1)
    few = queries(client, address)
    more(49)

    assert queries(client, address) == few


# --- the queue --------------------------------------------------------------------------------------------------------
def test_the_queue_says_what_waits_and_why():
    waiting = an_execution(priority=5)
    an_execution(priority=100)
    an_execution(executor_job("http"), priority=1)
    JobType.objects.filter(name="http").update(is_paused=True)

    shown = page(browser("reader"), QUEUE)

    assert "No worker is alive." in shown
    assert "Its job type http 1.0.0 is paused." in shown
    assert shown.index(f"/execution/{waiting.pk}/") < shown.index(">http 1.0.0<")  # a paused type stands last


def executor_job(executor: str) -> Job:
    return a_job(executor=executor)


def test_what_waits_for_something_else_is_counted_beside_it():
    an_execution(status=Status.PENDING, ready_at=clock.now() + HOUR)
    an_execution(status=Status.BLOCKED)

    shown = page(browser(), QUEUE)

    assert "1 pending" in shown
    assert "1 blocked" in shown
    assert "Nothing waits for a slot" in shown


def test_the_queue_costs_no_more_for_fifty_than_for_one():
    client = browser()
    an_execution()
    few = queries(client, QUEUE)
    for _ in range(49):
        an_execution()

    assert queries(client, QUEUE) == few


def test_the_queue_explains_a_bounded_number_of_lines():
    client = browser()
    for priority in range(10):
        an_execution(priority=priority + 1)
    few = queries(client, QUEUE)
    for priority in range(10, 40):
        an_execution(priority=priority + 1)

    assert queries(client, QUEUE) == few


# --- search -----------------------------------------------------------------------------------------------------------
def test_a_number_leads_to_the_execution():
    execution = an_execution()

    answer = browser("reader").get(SEARCH, {"q": str(execution.pk)})

    assert answer["Location"].endswith(f"/execution/{execution.pk}/change/")


def test_a_word_finds_what_begins_with_it():
    a_job("copy-files")
    a_job("copy-tables")
    a_job("the-copy")

    shown = page(browser("reader"), SEARCH, q="COPY")

    assert "copy-files" in shown
    assert "copy-tables" in shown
    assert "the-copy" not in shown


def test_one_hit_is_gone_to():
    job = a_job("only-one")

    assert browser().get(SEARCH, {"q": "only"})["Location"].endswith(f"/jobs/job/{job.pk}/change/")


@pytest.mark.parametrize(
    "term", ["", " ", "%00", "\x01", "99999999999999999999", "٣", "%", "_", "a" * 5_000, "<b>", "\ud83d"]
)
def test_strange_words_find_nothing(term: str):
    a_job("copy")

    assert search.find(browser_user(), term).groups == []


def browser_user():
    return type("Everybody", (), {"has_perm": lambda self, name: True})()


def test_what_is_searched_for_is_shown_as_text():
    shown = page(browser(), SEARCH, q="<script>x")

    assert "<script>x" not in shown
    assert "&lt;script&gt;x" in shown


def test_nobody_finds_what_they_may_not_see():
    execution = an_execution(a_job("copy"))
    client = browser("nobody")

    assert "copy" not in page(client, SEARCH, q="cop").partition("<main")[2].replace("“cop…”", "")
    assert client.get(SEARCH, {"q": str(execution.pk)}).status_code == 200


# --- every page -------------------------------------------------------------------------------------------------------
PAGES = (
    *("/admin/", QUEUE, WORKERS, HOURS, SEARCH, "/admin/tables/", "/admin/executions/execution/"),
    *("/admin/jobs/job/", "/admin/jobtypes/jobtype/", "/admin/errors/error/", "/admin/executions/bulkaction/"),
    *("/admin/executions/execution/?status=FAILED", "/admin/executions/execution/bulk/retry/?status=FAILED"),
)


@pytest.fixture
def full() -> list[str]:
    """The pages of a house in which something has happened, and is paused."""
    now = clock.now()
    failed = an_execution(
        a_job("copy", schedule="@every 10m"), status=Status.FAILED, created=now - MINUTE, output="x\n"
    )
    an_execution(failed.job, status=Status.RUNNING, created=now - MINUTE)
    an_execution(failed.job)
    one = f"/admin/executions/execution/{failed.pk}/"
    return [*PAGES, f"{one}change/", f"{one}again/", f"{WORKERS}{Worker.objects.first().pk}/change/"]


def test_no_page_has_a_script_or_a_style_of_its_own(full: list[str]):
    client = browser()
    client.post(reverse("admin:pause-house"), {"note": "x"})

    for address in full:
        shown = page(client, address)
        assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", shown), address
        assert not re.findall(r"<style|\sstyle=|\son\w+=|javascript:", shown), address
        assert not re.findall(r'(?:src|href|action)="(?:https?:)?//', shown), address


def test_every_page_has_one_heading_and_says_where_one_is(full: list[str]):
    client = browser()

    for address in full:
        shown = page(client, address)
        assert len(re.findall(r"<h1", shown)) == 1, address
        assert 'id="nav-filter"' in shown, address  # without it Django's own script throws


def test_a_reader_sees_every_page_and_can_change_nothing(full: list[str]):
    client = browser("reader")
    allowed = {"/admin/logout/", "/admin/views/save/", ""}

    for address in full:
        answer = client.get(address)
        if "bulk/" in address or "again/" in address:
            assert answer.status_code == 403, address
            continue
        assert answer.status_code == 200, address
        forms = re.findall(r"<form[^>]*method=\"post\"[^>]*>", answer.content.decode())
        actions = {(re.search(r'action="([^"]*)"', form) or ["", ""])[1] for form in forms}
        assert actions <= allowed, address
        assert 'name="action"' not in answer.content.decode(), address


def test_the_navigation_shows_what_one_may_see():
    def links(client: Client) -> str:
        shown = page(client, "/admin/")
        return shown[shown.index('<nav class="sticky" id="nav-sidebar"') : shown.index("</nav>")]

    assert "Users" in links(browser())
    assert "Users" not in links(browser("reader"))
    assert "Executions" in links(browser("reader"))
    assert "Executions" not in links(browser("nobody"))


def test_who_has_not_signed_in_sees_the_door_and_no_more():
    shown = Client().get("/admin/login/").content.decode()

    assert "Jobhouse" in shown
    assert "nav-sidebar" not in shown
    assert Client().get(QUEUE).status_code == 302


def test_every_moment_is_absolute_and_relative():
    execution = an_execution(status=Status.COMPLETED, created=clock.now() - timedelta(minutes=5))

    shown = page(browser(), f"/admin/executions/execution/{execution.pk}/change/")

    assert re.search(r'<time datetime="[^"]+\+00:00">5 min ago</time>', shown)
