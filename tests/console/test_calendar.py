"""The calendar of the house: what is planned by the hour, when it is quiet, when jobs bunch; and the days before."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from config.console import planned
from executions import clock
from executions.states import Status
from jobs import services
from jobs.models import Job
from tests.builders import HOUR, MINUTE, a_job, a_worker, an_execution
from tests.console.visits import browser, page, queries

pytestmark = pytest.mark.django_db
CALENDAR = "/admin/calendar/"
MONDAY = datetime(2026, 11, 23, 6, 20, tzinfo=UTC)


def starts(calendar: planned.Calendar) -> list[int]:
    return [cell.count for row in calendar.rows for cell in row.cells if cell]


def test_starts_are_counted_by_the_hour_over_all_jobs():
    for _ in range(2):
        a_job(schedule="30 9 * * *", timezone="UTC", now=MONDAY)
    a_job(schedule="*/10 * * * *", timezone="UTC", now=MONDAY)

    calendar = planned.read(MONDAY)

    counted = starts(calendar)
    assert len(counted) == planned.HOURS
    assert counted[:5] == [6, 6, 6, 8, 6]
    assert (calendar.starts, calendar.jobs) == (168 * 6 + 14, 3)


def test_intervals_count_from_their_anchor():
    a_job(schedule="@every 5h", now=MONDAY)

    assert starts(planned.read(MONDAY))[:11] == [0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]


def test_what_will_not_start_is_not_planned():
    services.pause(a_job(schedule="0 * * * *", now=MONDAY), by="ada", now=MONDAY)
    a_job(schedule="0 * * * *", is_enabled=False, now=MONDAY)
    a_job(now=MONDAY)
    a_job(schedule="0 * * * *", expires_at=MONDAY + 3 * HOUR, now=MONDAY)

    calendar = planned.read(MONDAY)

    assert calendar.jobs == 1
    assert sum(starts(calendar)[5:]) == 0


def test_jobs_that_start_together_are_told():
    for _ in range(4):
        a_job(schedule="0 * * * *", timezone="UTC", now=MONDAY)
    a_job(schedule="17 3 * * *", timezone="UTC", now=MONDAY)

    calendar = planned.read(MONDAY)

    assert calendar.minutes == [(0, 4)]
    assert {bunch.count for bunch in calendar.bunches} == {4}
    assert "4 jobs start at :00" in page(browser("reader"), CALENDAR)


def test_quiet_windows_are_the_longest_stretches_in_which_next_to_nothing_starts():
    by_hour = [10.0] * 5 + [0.0] * 3 + [10.0] * 2 + [1.0] * 6 + [10.0] * 8

    found = planned.quiet(by_hour, MONDAY)

    assert [(one.start, one.hours, one.count) for one in found] == [(MONDAY + 5 * HOUR, 3, 0)]
    assert planned.quiet([1.0] * 24, MONDAY) == []


def test_load_is_starts_times_what_a_run_usually_takes():
    job = a_job(schedule="0 * * * *", timezone="UTC", now=MONDAY)
    an_execution(job, status=Status.COMPLETED, created=MONDAY - HOUR, ended=MONDAY - 30 * MINUTE)
    a_worker(seen=MONDAY, slots=7)

    calendar = planned.read(MONDAY)

    assert calendar.peak == pytest.approx(0.5, abs=0.01)
    assert calendar.slots == 7


def test_an_hour_tells_its_jobs():
    now = clock.now()
    a_job("every-hour", schedule="0 * * * *", now=now)
    hour = (now + 2 * HOUR).astimezone(UTC)

    assert ">every-hour</a>" in page(browser("reader"), CALENDAR, hour=f"{hour:%Y-%m-%dT%H:00Z}")


@pytest.mark.parametrize("hour", ["x", "2001-01-01T00:00Z", "2026-11-23T06:00", "9" * 500, "9999-12-31T23:59:59-23:59"])
def test_an_hour_that_is_none_is_left_out(hour: str):
    assert "within this hour" not in page(browser(), CALENDAR, hour=hour)


def test_more_schedules_than_are_walked_are_spread_evenly_and_that_is_said(monkeypatch):
    monkeypatch.setattr(planned, "MOST_STEPS", 1)
    for minute in (0, 1, 2):
        a_job(schedule=f"{minute} * * * *", now=MONDAY)

    calendar = planned.read(MONDAY)

    assert calendar.spread == 2
    assert set(starts(calendar)) == {3}


def test_more_jobs_than_are_read_are_said(monkeypatch):
    monkeypatch.setattr(planned, "MOST_JOBS", 1)
    for _ in range(2):
        a_job(schedule="0 * * * *", now=clock.now())

    assert "Counted are the 1 jobs that are due first" in page(browser(), CALENDAR)


def test_a_schedule_that_is_none_any_more_is_left_out():
    Job.objects.filter(pk=a_job(schedule="0 * * * *", now=MONDAY).pk).update(schedule="61 * * * *")

    assert planned.read(MONDAY).jobs == 0


def test_the_days_before_are_told_by_outcome():
    now = clock.now()
    an_execution(status=Status.COMPLETED, created=now - MINUTE)
    an_execution(status=Status.FAILED, created=now - MINUTE)

    past = planned.read(now).past

    assert len(past) == planned.PAST_DAYS
    assert sum(past[-1].parts.values()) + sum(past[-2].parts.values()) == 2


def test_the_calendar_costs_no_more_for_fifty_than_for_one():
    client = browser()
    a_job(schedule="0 * * * *", now=clock.now())
    few = queries(client, CALENDAR)
    for minute in range(49):
        a_job(schedule=f"{minute} 3 * * *", now=clock.now())

    assert queries(client, CALENDAR) == few


def test_an_empty_calendar_says_what_belongs_there():
    assert "No job is due within the coming week" in page(browser("reader"), CALENDAR)
    assert browser("nobody").get(CALENDAR).status_code == 403
