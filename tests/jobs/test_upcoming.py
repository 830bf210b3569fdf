"""When a job is due next. No database: decisions are pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from jobs.models import Job
from jobs.schedule import ScheduleError
from jobs.upcoming import instants, next_run, overdue
from tests.builders import HOUR, MINUTE, NOON, SECOND


def job(schedule: str = "@hourly", **fields: Any) -> Job:
    return Job(name="nightly", schedule=schedule, **{"timezone": "UTC", "schedule_anchor": NOON, **fields})


def test_it_is_the_first_instant_after_now():
    assert next_run(job(), NOON - SECOND) == NOON
    assert next_run(job(), NOON) == NOON + HOUR


def test_it_comes_after_the_last_instant_that_was_dealt_with_even_when_the_clock_was_set_back():
    assert next_run(job(last_scheduled_for=NOON + HOUR), NOON) == NOON + 2 * HOUR


def test_the_moment_of_starts_at_counts_itself():
    assert next_run(job(starts_at=NOON + 2 * HOUR), NOON) == NOON + 2 * HOUR
    assert next_run(job(starts_at=NOON + 2 * HOUR + SECOND / 2), NOON) == NOON + 3 * HOUR
    assert next_run(job(starts_at=NOON - HOUR), NOON) == NOON + HOUR


def test_nothing_comes_beyond_expires_at():
    assert next_run(job(expires_at=NOON + HOUR), NOON) == NOON + HOUR
    assert next_run(job(expires_at=NOON + HOUR - SECOND), NOON) is None


@pytest.mark.parametrize("fields", [{"is_enabled": False}, {"archived": NOON}, {"schedule": "@manually"}])
def test_a_job_that_does_not_run_by_itself_has_none(fields: dict[str, Any]):
    assert next_run(job(**fields), NOON) is None


def test_a_pause_does_not_count():
    assert next_run(job(paused_at=NOON), NOON) == NOON + HOUR


def test_one_moment_is_due_once():
    once = job("@at 2026-11-21T13:00:00Z")

    assert next_run(once, NOON) == NOON + HOUR
    once.last_scheduled_for = NOON + HOUR
    assert next_run(once, NOON + HOUR) is None


def test_an_interval_counts_from_its_anchor():
    assert next_run(job("@every 25m"), NOON + HOUR) == NOON + 75 * MINUTE


def test_a_text_that_is_no_schedule_any_more_is_said_to_be_none():
    with pytest.raises(ScheduleError):
        next_run(job("nonsense"), NOON)


def test_the_next_instants_end_with_the_schedule():
    def ends(count: int, **fields: Any) -> list[datetime]:
        return instants(job(**fields), NOON, count)

    assert ends(3) == [NOON + HOUR, NOON + 2 * HOUR, NOON + 3 * HOUR]
    assert ends(3, expires_at=NOON + 2 * HOUR) == [NOON + HOUR, NOON + 2 * HOUR]
    assert ends(3, schedule="@at 2026-11-21T13:00:00Z") == [NOON + HOUR]
    assert ends(3, is_enabled=False) == []
    assert ends(0) == []


def test_what_came_and_was_not_dealt_with_is_overdue():
    waiting = job("@every 1m", next_run_at=NOON + MINUTE)

    assert overdue(waiting, NOON + 59 * SECOND) == 0
    assert overdue(waiting, NOON + MINUTE) == 1
    assert overdue(waiting, NOON + HOUR) == 60
    waiting.expires_at = NOON + 10 * MINUTE
    assert overdue(waiting, NOON + HOUR) == 10
