"""Jobs and job types in a real browser: a schedule explained while it is written, and pages that are for everybody."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe

from executions import clock
from jobs.models import Job
from tests.browser.visits import a_day
from tests.builders import a_job, a_job_type, a_revision

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
JOBS, TYPES = "/admin/jobs/job/", "/admin/jobtypes/jobtype/"
INTERFACE = {"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]}


@pytest.fixture
def addresses() -> dict[str, str]:
    job = a_day(clock.now())["failed"].job
    a_job("invoice-mail", parents=[job.name], now=clock.now())
    job_type = a_job_type("word-counter", input_schema=INTERFACE)
    job_type.manifest = {**job_type.manifest, "changed": True}
    a_revision(job_type, number=2, input_schema=INTERFACE)
    return {
        "jobs": JOBS,
        "job": f"{JOBS}{job.pk}/change/",
        "run": f"{JOBS}{job.pk}/run/",
        "edit": f"{JOBS}{job.pk}/edit/",
        "add": f"{JOBS}add/?job_type={job_type.pk}",
        "types": TYPES,
        "type": f"{TYPES}{job.job_type_id}/change/",
        "diff": f"{TYPES}{job_type.pk}/diff/",
        "editor": f"{TYPES}{job_type.pk}/edit/",
    }


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_keeps_anybody_out(visit: Callable, addresses: dict[str, str], scheme: str):
    page, found = visit(scheme=scheme), []
    for name, address in addresses.items():
        page.goto(address)
        # Its own preloading of style sheets would break the page policy, which is what the fixture complains about.
        for violation in Axe().run(page, options={"preload": False}).response["violations"]:
            if violation["impact"] in ("serious", "critical"):
                places = [node["html"][:120] for node in violation["nodes"][:3]]
                found.append(f"{name}: {violation['id']}: {places}")

    assert not found, "\n".join(found)


def test_every_page_fits_a_phone(visit: Callable, addresses: dict[str, str]):
    page, wide = visit(width=390, height=844), []
    for name, address in addresses.items():
        page.goto(address)
        excess = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if excess > 0:
            wide.append((name, excess))

    assert wide == []


def test_a_job_is_made_with_its_types_fields_and_its_schedule_explained(
    visit: Callable, addresses: dict[str, str], picture: Callable
):
    page = visit("editor")
    page.goto(JOBS)
    page.get_by_role("link", name="Add job").click()
    page.locator("#id_name").fill("count")
    page.locator("#id_job_type").select_option(label="word-counter 1.0.0")
    page.locator('[name="value-path"]').fill("/in")
    page.locator("#id_schedule").fill("*/5 * * * *")
    page.locator("#schedule-preview").get_by_text("288 times a day").wait_for()
    picture(page, "job-form", full=True)
    page.locator('[name="_save"]').click()

    page.get_by_role("heading", name="count").wait_for()
    job = Job.objects.get(name="count")
    assert (job.schedule, job.payload.input["json"]) == ("*/5 * * * *", {"path": "/in"})


def test_a_job_is_paused_with_a_note_and_goes_on(visit: Callable, addresses: dict[str, str], picture: Callable):
    page = visit("executor")
    page.goto(addresses["job"])
    picture(page, "job", full=True)
    page.get_by_text("Pause…").click()
    page.get_by_label("Why").fill("disk full")
    page.get_by_role("button", name="Pause", exact=True).click()
    page.locator("#head").get_by_text("disk full").wait_for()

    page.get_by_role("button", name="Resume").click()
    page.locator("#head").get_by_text("failed").or_(page.locator("#head").get_by_text("active")).first.wait_for()
    assert not Job.objects.filter(paused_at__isnull=False).exists()
