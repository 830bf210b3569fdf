"""The first page: its numbers, their links, what is wrong with the house, and its pause."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.urls import reverse

from config.console import dashboard
from executions import clock
from executions.models import Execution, House
from executions.states import Status
from jobs.models import Job
from tests.builders import HOUR, MINUTE, SECOND, a_job, a_worker, an_execution
from tests.console.visits import browser, page, queries

pytestmark = pytest.mark.django_db
INDEX = "/admin/"


@pytest.fixture(autouse=True)
def _fresh():
    """What other tests left in the cache is not of this house."""
    cache.clear()


def read() -> dashboard.Dashboard:
    cache.clear()
    return dashboard.read(clock.now())


def tile(name: str) -> dashboard.Tile:
    return next(one for one in read().tiles if one.name.startswith(name))


def test_a_new_house_says_what_to_do_first():
    shown = page(browser(), INDEX)

    assert "Nothing has run here yet" in shown
    assert reverse("admin:jobs_job_add") in shown
    assert "No worker is there" in shown


def test_a_reader_of_a_new_house_is_not_told_to_make_a_job():
    assert reverse("admin:jobs_job_add") not in page(browser("reader"), INDEX)


def test_tiles_count_what_runs_waits_and_ended_within_the_day():
    now = clock.now()
    for status in (Status.RUNNING, Status.QUEUED, Status.BLOCKED, Status.COMPLETED, Status.COMPLETED, Status.FAILED):
        an_execution(status=status, created=now - 30 * SECOND)
    an_execution(status=Status.CANCELED, created=now - 30 * HOUR)

    figures = {one.name: one.figure for one in read().tiles}

    assert (figures["Running"], figures["Waiting"]) == ("1", "2")
    assert (figures["Succeeded"], figures["Failed"], figures["Canceled"]) == ("2", "1", "0")


@pytest.mark.parametrize("name", ["Running", "Waiting", "Succeeded", "Failed", "Canceled"])
def test_a_tile_leads_to_the_list_that_it_counts(name: str):
    now = clock.now()
    for status in Status.values:
        an_execution(status=status, created=now - MINUTE)
    shown = tile(name)

    listed = browser().get(shown.url).context["cl"].result_list

    assert str(len(listed)) == shown.figure


def test_a_run_is_measured_against_what_its_job_usually_takes():
    now = clock.now()
    job = a_job("copy")
    for _ in range(3):
        an_execution(job, status=Status.COMPLETED, created=now - HOUR)  # 2 s each
    an_execution(job, status=Status.RUNNING, created=now - 2 * MINUTE)

    (running,) = read().present.running

    assert running.usual == 2
    assert running.is_over
    assert "usually 2 s" in page(browser(), INDEX)


def test_what_is_due_within_the_hour_is_one_line_for_each_job():
    now = clock.now()
    a_job("often", schedule="@every 1m", now=now)
    a_job("soon", schedule="@every 50m", now=now)
    a_job("later", schedule="@every 3h", now=now)

    coming = read().coming

    assert [lane.label for lane in coming.timeline.lanes] == ["often", "soon"]
    assert len(coming.timeline.lanes[0].stretches) > 50
    assert coming.jobs == 2


def test_a_job_whose_time_has_passed_is_late():
    a_job("overdue", schedule="@every 1h", now=clock.now() - 2 * HOUR)

    assert [job.name for job in read().coming.late] == ["overdue"]
    assert tile("Late").figure == "1"
    assert "overdue" in page(browser(), INDEX)


def test_a_paused_job_is_not_late():
    job = a_job("held", schedule="@every 1h", now=clock.now() - 2 * HOUR)
    Job.objects.filter(pk=job.pk).update(paused_at=clock.now())

    assert read().coming.late == []


def test_runs_that_lost_their_worker_or_do_not_stop_are_stuck():
    now = clock.now()
    an_execution(a_job("lost"), status=Status.RUNNING, created=now - HOUR)
    an_execution(
        a_job("deaf"),
        status=Status.RUNNING,
        created=now,
        stop_requested=now - MINUTE,
        stop_by="ada",
    )

    told = {one.what.split(",")[0]: one.why for one in read().present.stuck}

    assert "lease" in told["lost"]
    assert "ada" in told["deaf"]


def test_failures_are_told_by_job_and_by_error():
    now = clock.now()
    broken, other = a_job("broken"), a_job("other")
    for _ in range(3):
        an_execution(broken, status=Status.FAILED, created=now - MINUTE, message="no disk")
    an_execution(other, status=Status.FAILED, created=now - HOUR)

    past = read().past

    assert [(job.name, job.failures, len(job.strip)) for job in past.failing] == [("broken", 3, 3), ("other", 1, 1)]
    assert past.errors[0].count == 4
    assert sum(past.errors[0].trend) == 4
    assert past.success_rate == 0
    shown = page(browser(), INDEX)
    assert "no disk" in shown


def test_a_silent_scheduler_is_seen():
    House.row()
    House.objects.update(last_tick=clock.now() - MINUTE)
    assert read().present.is_ticking is False

    House.objects.update(last_tick=clock.now())
    assert read().present.is_ticking is True


def test_workers_are_shown_with_their_load_the_lost_ones_first():
    now = clock.now()
    a_worker("well", seen=now, slots=4)
    a_worker("gone", seen=now - HOUR)
    an_execution(status=Status.RUNNING, worker=a_worker("busy", seen=now, slots=2), created=now)

    workers = read().present.workers

    assert [(one.name, one.status, one.busy) for one in workers] == [
        *(("gone", "lost", 0), ("busy", "alive", 1), ("well", "alive", 0))
    ]
    assert tile("Late").name == "Late, stuck or lost"


def test_the_queue_is_told_by_priority():
    an_execution(priority=10, created=clock.now() - MINUTE)
    an_execution(priority=100)
    an_execution(priority=100)

    assert [(one.priority, one.count) for one in read().present.waiting] == [(10, 1), (100, 2)]


def test_the_dashboard_asks_no_more_for_fifty_of_everything_than_for_one():
    client = browser()
    now = clock.now()

    def more(count: int) -> None:
        for number in range(count):
            for status in (Status.RUNNING, Status.QUEUED, Status.FAILED, Status.COMPLETED):
                an_execution(
                    a_job(schedule="@every 20m", now=now - number % 2 * HOUR), status=status, created=now - MINUTE
                )

    more(1)
    few = queries(client, INDEX)
    more(49)

    assert queries(client, INDEX) == few


def test_what_was_read_serves_all_who_look_for_a_moment(django_assert_num_queries):
    now = clock.now()
    first = dashboard.read(now)

    with django_assert_num_queries(0):
        again = dashboard.read(now + SECOND)
    later = dashboard.read(now + 10 * SECOND)

    assert again.read_at == first.read_at
    assert later.read_at > first.read_at


# --- the house's own pause --------------------------------------------------------------------------------------------
def test_a_superuser_pauses_the_house_with_a_reason_that_every_page_shows():
    client = browser(username="grace")

    client.post(reverse("admin:pause-house"), {"note": "moving <the> disks"})

    row = House.row()
    assert (row.paused_by, row.pause_note) == ("grace", "moving <the> disks")
    reader = browser("reader")
    for address in (INDEX, "executions_execution_changelist", "queue", "jobs_job_changelist"):
        shown = page(reader, address)
        assert "The house is paused" in shown
        assert "moving &lt;the&gt; disks" in shown
        assert reverse("admin:resume-house") not in shown


def test_resuming_leads_back_to_the_page_and_nowhere_else():
    client = browser()
    for there, expected in (("/admin/queue/", "/admin/queue/"), ("https://evil.example/", INDEX), ("//evil", INDEX)):
        client.post(reverse("admin:pause-house"), {"note": "x"})
        answer = client.post(reverse("admin:resume-house"), {"next": there})
        assert answer["Location"] == expected
        assert House.row().paused_at is None


def test_a_pause_without_a_reason_is_refused():
    answer = browser().post(reverse("admin:pause-house"), {"note": "  \x00"}, follow=True)

    assert House.row().paused_at is None
    assert "Say why" in answer.content.decode()


@pytest.mark.parametrize("role", ["reader", "executor", "editor"])
def test_only_a_superuser_pauses_the_house(role: str):
    client = browser(role)

    assert client.post(reverse("admin:pause-house"), {"note": "x"}).status_code == 403
    assert client.post(reverse("admin:resume-house")).status_code == 403
    assert client.get(reverse("admin:pause-house")).status_code == 405
    assert "Pause the house" not in page(client, INDEX)
    assert House.row().paused_at is None


def test_whoever_may_not_see_executions_gets_the_tables():
    client = browser("nobody")

    assert "All tables" in page(client, INDEX)
    assert client.get(reverse("admin:queue")).status_code == 403
    assert Execution.objects.count() == 0
