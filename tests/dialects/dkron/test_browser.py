"""A page that asks what Dkron's web UI asks, in a real browser, served by the house."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from executions.states import Status
from jobs.models import Job
from tests.browser.conftest import (  # noqa: F401 -- fixtures, used by their names
    _allow_database_beside_the_browsers_loop,
    browser_type_launch_args,
)
from tests.builders import a_user, an_execution
from tests.config.callers import key_of
from tests.dialects.dkron.acts import body, job, runs_of, send
from tests.dialects.dkron.test_transfer import EVERYTHING

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(live_server, browser, settings) -> Iterator[Any]:
    """An open page whose errors fail the test."""
    settings.DKRON_UI_DIR = str(Path(__file__).with_name("ui"))
    context = browser.new_context(base_url=live_server.url)
    context.set_default_timeout(15_000)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda told: told.type in ("error", "warning") and complaints.append(told.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert complaints == []


@pytest.fixture
def sign_in(page, live_server) -> Callable:
    def sign_in(role: str = "editor") -> None:
        page.goto("/")
        expect(page).to_have_url(f"{live_server.url}/ui/")
        page.get_by_label("Token").fill(key_of(a_user(role)))
        page.get_by_role("button", name="Sign in").click()

    return sign_in


def test_jobs_are_listed_shown_run_toggled_saved_and_deleted(page, sign_in, dkron):
    for one in EVERYTHING[2:4]:
        send(dkron, one)
    send(dkron, body("job1", executor_config={"command": "seq 100"}))
    long = "".join(f"line {number}\n" for number in range(200))
    an_execution(job("job1"), status=Status.COMPLETED, output=long, output_bytes=len(long))
    an_execution(job("job1"), status=Status.RUNNING)

    sign_in()

    row = page.locator("#job1")
    expect(page.locator("#numbers")).to_contain_text("3 jobs, alive true")
    expect(row).to_contain_text("enabled")
    row.get_by_role("button", name="Show").click()
    expect(page.locator("#message")).to_have_text("job1 : 2 executions")
    expect(page.locator("#executions tr")).to_contain_text(["running", "success"])
    expect(page.locator("#executions tr").nth(1)).to_contain_text("cut")
    page.locator("#executions tr").nth(1).get_by_role("button").click()
    expect(page.locator("#output")).to_have_text(re.compile("line 0.*line 199", re.DOTALL))
    row.get_by_role("button", name="Toggle").click()
    expect(row).to_contain_text("disabled")
    row.get_by_role("button", name="Toggle").click()
    expect(row).to_contain_text("enabled")
    row.get_by_role("button", name="Save").click()
    row.get_by_role("button", name="Show").click()
    expect(page.locator("#message")).to_have_text("job1 Saved: 2 executions")
    with page.expect_response(lambda answer: answer.request.method == "POST") as started:
        row.get_by_role("button", name="Run").click()
    assert started.value.status == 202
    row.get_by_role("button", name="Delete").click()
    expect(page.locator("#job1")).to_have_count(0)
    assert len(runs_of("job1")) == 3
    assert not Job.objects.living().filter(name="job1").exists()
