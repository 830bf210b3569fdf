"""The Failures page, and the errors' own pages."""

from __future__ import annotations

import pytest
from django.urls import reverse

from config.console import failures
from errors.models import Error
from executions import clock
from executions.models import Execution
from executions.states import Status
from tests.builders import MINUTE, a_job, an_execution
from tests.console.visits import browser, page, queries

pytestmark = pytest.mark.django_db
FAILURES = "/admin/failures/"


def a_failure(message: str = "exit code 3", job: str = "", error: str = "algorithm-unknown", ago: int = 5) -> Execution:
    return an_execution(
        a_job(job),
        status=Status.FAILED,
        created=clock.now() - ago * MINUTE,
        message=message,
        error=Error.objects.get(name=error),
    )


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("exit code 3", "exit code [n]"),
        ("no route to 10.0.0.7:8080 after 30 s", "no route to [n].[n].[n].[n]:[n] after [n] s"),
        ("order 8c5a1d2e-0b1f-4a5e-9d3c-2f1e0d9c8b7a is gone", "order [id] is gone"),
        ("at 2026-11-22T05:00:01.5Z: 0xDEADbeef", "at [time]: [hex]"),
        ("commit 9fceb02d0ae5 is bad", "commit [hex] is bad"),
        ("  two\n lines ", "two lines"),
        ("defaced facade", "defaced facade"),
        ("", ""),
    ],
)
def test_what_differs_each_time_is_left_out_of_a_message(message: str, words: str):
    assert failures.normalised(message) == words


def test_failures_are_grouped_by_error_and_by_message():
    a_failure("exit code 3", "copy")
    a_failure("exit code 4", "move", ago=3)
    a_failure("no disk", "copy-more")
    a_failure("gone", "poll", error="worker-lost")

    read = failures.read(clock.now())

    found = {str(group.error): [(one.words, one.count) for one in group.messages] for group in read.groups}
    assert found == {"algorithm-unknown": [("exit code [n]", 2), ("no disk", 1)], "worker-lost": [("gone", 1)]}
    assert (read.total, [group.count for group in read.groups]) == (4, [3, 1])
    first = read.groups[0].messages[0]
    assert sorted(job.name for job in first.jobs) == ["copy", "move"]
    assert round((first.last - first.first) / MINUTE) == 2
    assert sum(read.groups[0].trend) == 3


def test_what_was_tried_again_counts_no_more():
    an_execution(of=a_failure(), status=Status.COMPLETED, created=clock.now())

    assert failures.read(clock.now()).groups == []


def test_retry_all_leads_to_the_page_that_counts_them_first():
    for number in range(3):
        a_failure(f"exit code {number}")
    a_failure("no disk")
    client = browser("executor")
    group = failures.read(clock.now()).groups[0]

    assert "Retry 4 executions" in page(client, group.retry_url)
    assert "Retry 3 executions" in page(client, group.messages[0].retry_url)


def test_only_so_many_runs_are_named_by_one_link():
    for _ in range(3):
        a_failure()
    few = failures.RETRIED_BY_NUMBER
    try:
        failures.RETRIED_BY_NUMBER = 2
        shown = page(browser(), FAILURES)
    finally:
        failures.RETRIED_BY_NUMBER = few

    assert "Retry the newest 2…" in shown


def test_a_reader_sees_failures_and_finds_no_button():
    a_failure("<b>boom</b>", "copy")

    shown = page(browser("reader"), FAILURES)

    assert "&lt;b&gt;boom&lt;/b&gt;" in shown
    assert "<b>boom" not in shown
    assert "Retry all of these" not in shown
    assert "/bulk/retry/" not in shown


def test_one_error_can_be_looked_at_alone():
    a_failure("one", error="worker-lost")
    a_failure("two")
    error = Error.objects.get(name="worker-lost")

    read = failures.read(clock.now(), "P7D", error.pk)

    assert [str(group.error) for group in read.groups] == ["worker-lost"]
    assert read.only == error
    assert read.total == 1


@pytest.mark.parametrize("query", [{"span": "P9X"}, {"error": "x"}, {"error": "9" * 40}, {"error": "9" * 18}])
def test_an_address_that_says_nothing_shows_no_failure_of_the_server(query: dict[str, str]):
    assert "Failures" in page(browser(), FAILURES, **query)


def test_an_empty_page_says_what_belongs_here():
    assert "Nothing failed, last 30 days" in page(browser(), FAILURES, span="P30D")


def test_failures_cost_no_more_for_fifty_than_for_one():
    client = browser()
    a_failure()
    few = queries(client, FAILURES)
    for number in range(49):
        a_failure(f"{'x' * (number + 1)} failed", error="worker-lost" if number % 2 else "algorithm-unknown")

    assert queries(client, FAILURES) == few


def test_whoever_may_not_see_errors_is_refused():
    assert browser("nobody").get(reverse("admin:failures")).status_code == 403


# --- the errors themselves --------------------------------------------------------------------------------------------
ERRORS = "/admin/errors/error/"


def an_error() -> Error:
    return Error.objects.create(
        name="no-disk", job_type_name="copy", title="No disk", category="DATA", is_builtin=False
    )


def test_the_list_of_errors_tells_their_last_week():
    for _ in range(3):
        a_failure(error="worker-lost")

    shown = page(browser("reader"), ERRORS)

    assert f"?span=P7D&error={Error.objects.get(name='worker-lost').pk}" in shown.replace("&amp;", "&")
    assert shown.count('class="chart spark') == 1


def test_the_list_of_errors_costs_no_more_for_many_than_for_one():
    client = browser()
    a_failure()
    few = queries(client, ERRORS)
    for number in range(20):
        Error.objects.create(name=f"own-{number}", job_type_name="copy", category="DATA", is_builtin=False)
        a_failure(error=f"own-{number}")

    assert queries(client, ERRORS) == few


def test_an_editor_decides_that_a_retry_helps_and_the_audit_tells_how_it_was():
    error = an_error()
    fields = {"title": "No disk", "description": "Full.", "category": "DATA", "should_be_retried": "on"}

    answer = browser("editor").post(f"{ERRORS}{error.pk}/change/", fields)

    assert answer.status_code == 302
    error.refresh_from_db()
    assert (error.should_be_retried, error.description) == (True, "Full.")
    told = page(browser("reader"), "audit", object_type="error")
    assert "should_be_retried</small> <del>no</del> → <ins>yes</ins>" in told


def test_a_reader_sees_an_error_with_its_trend_and_changes_nothing():
    error = an_error()
    a_failure(error="no-disk")
    client = browser("reader")

    shown = page(client, f"{ERRORS}{error.pk}/change/")

    assert "1 run failed with it, last 7 days" in shown
    assert 'name="_save"' not in shown
    assert client.post(f"{ERRORS}{error.pk}/change/", {"category": "DATA"}).status_code == 403
