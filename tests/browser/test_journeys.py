"""The ways an operator takes through the console, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from executions import clock
from executions.models import Execution, House
from executions.states import Status
from tests.browser.visits import EXECUTIONS, a_day, end, print_lines
from tests.builders import a_job, a_job_type, a_user, a_worker, an_execution

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def test_sign_in_and_see_whether_the_house_is_well(visit: Callable, picture: Callable):
    a_day(clock.now())
    a_user("superuser", "grace")
    page = visit(role="")

    page.goto("/")
    page.get_by_label("Username").fill("grace")
    page.get_by_label("Password").fill("a long enough password")
    page.get_by_role("button", name="Log in").click()

    expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
    expect(page.locator("a.tile", has_text="Running").locator(".figure")).to_have_text("2")
    expect(page.locator("#trouble")).to_contain_text("No job is late")
    picture(page, "dashboard", full=True)
    page.locator("a.tile", has_text="Running").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(2)


def test_from_the_dashboard_to_the_cause_of_a_failure_in_two_clicks(visit: Callable, picture: Callable):
    a_day(clock.now())
    page = visit("reader")
    page.goto("/admin/")

    page.locator("section", has_text="Jobs that fail").get_by_role("link", name="invoice-import").click()
    picture(page, "executions")
    page.locator("#result_list tbody tr").first.get_by_role("link").first.click()

    expect(page.locator(".problem")).to_contain_text("cannot parse line 17")
    expect(page.locator("#log .stderr .ansi-red")).to_have_text("cannot parse line 17")
    expect(page.get_by_text("What changed since it last went well")).to_be_visible()
    picture(page, "execution", full=True)


def test_a_log_is_read_as_it_comes(visit: Callable, picture: Callable):
    execution = an_execution(a_job("nightly-backup"), status=Status.RUNNING, created=clock.now())
    print_lines(execution, [f"line {number}" for number in range(1, 101)], 1)
    page = visit("reader")
    page.goto(f"{EXECUTIONS}{execution.pk}/change/")
    log = page.locator("#log")

    print_lines(execution, ["<b>comes</b> \x1b[32mlater\x1b[0m"], 101)

    expect(log.locator("#L101 .t")).to_have_text("<b>comes</b> later")
    expect(log.locator("#L101 .ansi-green")).to_have_text("later")
    assert log.evaluate("pane => pane.scrollHeight - pane.scrollTop - pane.clientHeight") < 30  # it follows
    log.evaluate("pane => { pane.scrollTop = 200 }")
    expect(page.get_by_label("follow")).not_to_be_checked()
    print_lines(execution, ["the end"], 102)
    end(execution)
    expect(log.locator("#L102")).to_be_attached()
    expect(page.locator("#head .badge")).to_have_text("completed")
    expect(log).not_to_have_attribute("data-tail", "")


def test_a_log_of_thousands_of_lines_is_read_backwards_and_by_line(visit: Callable):
    execution = an_execution(status=Status.COMPLETED)
    for first in range(1, 4_000, 500):
        print_lines(execution, [f"line {number}" for number in range(first, first + 500)], first)
    page = visit("reader")
    page.goto(f"{EXECUTIONS}{execution.pk}/change/")

    page.locator("#log").scroll_into_view_if_needed()
    expect(page.locator("#L4000")).to_be_in_viewport()
    expect(page.locator("#L3400")).to_have_count(0)
    page.locator("#log").evaluate("pane => { pane.scrollTop = 0 }")
    expect(page.locator("#L3400")).to_be_attached()
    page.goto(f"{EXECUTIONS}{execution.pk}/change/?line=1234#L1234")
    expect(page.locator("#L1234")).to_be_in_viewport()
    page.get_by_label("Lines with").fill("1200")
    expect(page.locator("#L1200")).to_be_visible()
    expect(page.locator("#L1201")).to_be_hidden()
    page.get_by_role("button", name="Find in all of it").click()
    expect(page.locator("#log li[data-n]")).to_have_count(1)


def test_a_run_is_stopped(visit: Callable):
    execution = an_execution(a_job("runs-away"), status=Status.RUNNING, created=clock.now())
    page = visit("executor")
    page.goto(f"{EXECUTIONS}{execution.pk}/change/")

    page.get_by_role("button", name="Cancel").click()

    expect(page.locator(".messagelist")).to_contain_text("is being stopped")
    expect(page.locator("#head")).to_contain_text("asked to stop")
    end(execution, Status.CANCELED)
    expect(page.locator("#head")).to_contain_text("stopped")
    expect(page.locator("#head .badge")).to_have_text(re.compile("canceled"))


def test_all_failures_of_a_job_are_tried_again(visit: Callable, picture: Callable):
    day = a_day(clock.now())
    before = Execution.objects.count()
    page = visit("executor")
    page.goto(EXECUTIONS)

    page.locator(".filter-bar").get_by_label("job", exact=True).fill("invoice-import")
    page.get_by_role("button", name="Filter").click()
    page.locator(".pills").get_by_role("link", name="failed").click()
    page.get_by_role("link", name="Retry all of these").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Retry 2 executions")
    picture(page, "bulk")
    page.get_by_role("button", name="Retry 2 executions").click()

    expect(page.locator("#progress")).to_contain_text("2 of 2")
    assert Execution.objects.count() == before + 2
    assert Execution.objects.filter(group=day["failed"].group).count() == 2


def test_a_run_is_made_again_with_other_input(visit: Callable, picture: Callable):
    schema = {
        "type": "object",
        "properties": {"size": {"type": "integer"}, "name": {"type": "string"}},
        "required": ["size"],
    }
    job_type = a_job_type("resize", input_schema=schema)
    job = a_job(
        "resize-images",
        job_type={"name": job_type.name, "version": job_type.version},
        configuration={},
        input={"json": {"size": 800, "name": "thumb"}},
    )
    execution = an_execution(job, status=Status.COMPLETED)
    page = visit("executor")
    page.goto(f"{EXECUTIONS}{execution.pk}/change/")

    page.get_by_role("link", name="Run again").click()
    expect(page.get_by_label("size")).to_have_value("800")
    picture(page, "run-again")
    page.get_by_label("size").fill("1024")
    page.get_by_role("button", name="Run now").click()

    expect(page.locator(".messagelist")).to_contain_text("is queued")
    assert Execution.objects.exclude(pk=execution.pk).get().payload.input["json"] == {"size": 1024, "name": "thumb"}
    expect(page.get_by_text("No worker is alive.")).to_be_visible()


def test_the_house_is_paused_and_goes_on(visit: Callable, picture: Callable):
    a_day(clock.now())
    page = visit("superuser")
    page.goto("/admin/")

    page.get_by_text("Pause the house…").click()
    page.get_by_label("Why").fill("disks are being moved")
    page.get_by_role("button", name="Pause the house").click()

    expect(page.get_by_role("alert")).to_contain_text("disks are being moved")
    page.goto("/admin/queue/")
    expect(page.get_by_role("alert")).to_contain_text("The house is paused")
    expect(page.get_by_role("cell", name=re.compile("The whole house was paused"))).to_be_visible()
    picture(page, "queue")
    page.get_by_role("button", name="Resume the house").click()
    expect(page).to_have_url(re.compile("/admin/queue/$"))
    expect(page.get_by_role("alert")).to_have_count(0)
    assert House.row().paused_at is None


def test_everything_is_reached_from_the_keyboard(visit: Callable):
    day = a_day(clock.now())
    page = visit("reader")
    page.goto("/admin/")

    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("e")
    expect(page).to_have_url(re.compile("/executions/execution/"))
    expect(page.get_by_role("button", name="Keys: ?")).to_be_visible()  # the script hears by now
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("#result_list tbody tr").nth(1)).to_have_class(re.compile(r"\bat\b"))
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/execution/\d+/change/"))
    page.keyboard.press("/")
    page.keyboard.type(str(day["failed"].pk))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(f"/execution/{day['failed'].pk}/change/"))


def test_a_filter_is_kept_under_a_name(visit: Callable):
    a_day(clock.now())
    page = visit("reader")
    page.goto(EXECUTIONS)

    page.locator(".filter-bar").get_by_label("state").select_option("FAILED")
    expect(page).to_have_url(re.compile(r"\?status=FAILED$"))  # what is not set stays out of the address
    page.get_by_text("Save this view").click()
    page.get_by_placeholder("Name of the view").fill("red ones")
    page.get_by_role("button", name="Save").click()
    page.goto(EXECUTIONS)
    page.locator(".saved").get_by_role("link", name="red ones").click()

    expect(page.locator(".filter-bar").get_by_label("state")).to_have_value("FAILED")


def test_the_dashboard_goes_on_without_being_loaded_again(visit: Callable):
    a_worker(seen=clock.now())
    page = visit("reader")
    page.goto("/admin/")
    page.evaluate("window.wasHere = true")
    expect(page.locator("a.tile", has_text="Waiting").locator(".figure")).to_have_text("0")

    an_execution(a_job("comes-late"), created=clock.now())

    expect(page.locator("a.tile", has_text="Waiting").locator(".figure")).to_have_text("1", timeout=15_000)
    assert page.evaluate("window.wasHere") is True


def test_everything_works_without_a_script(visit: Callable):
    day = a_day(clock.now())
    page = visit("executor", script=False)
    page.goto(EXECUTIONS)

    page.locator(".filter-bar").get_by_label("state").select_option("QUEUED")
    page.get_by_role("button", name="Filter").click()
    page.locator("#result_list tbody tr").first.get_by_role("link").first.click()
    expect(page.locator(".problem")).to_contain_text("Why it is not running")
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".messagelist")).to_contain_text("is canceled")
    page.goto(f"{EXECUTIONS}{day['failed'].pk}/change/?find=invoices")
    expect(page.locator("#log li[data-n]")).to_have_count(1)
    assert Execution.objects.get(pk=day["queued"].pk).status == Status.CANCELED
