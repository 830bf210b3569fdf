"""The house's own state: its pause, and its figures."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions import house
from executions.models import House
from executions.states import Status
from tests.builders import HOUR, NOON, SECOND, a_job, a_worker, an_execution
from tests.executions.acts import LATER

pytestmark = pytest.mark.django_db


def test_a_pause_says_by_whom_and_why():
    paused = house.pause("ada", "moving", NOON)

    assert (paused.paused_by, paused.pause_note, paused.paused_at) == ("ada", "moving", NOON)
    assert house.status(NOON).paused == {"by": "ada", "at": NOON, "note": "moving"}


def test_a_second_pause_leaves_the_first_one_as_it_is():
    house.pause("ada", "moving", NOON)

    assert house.pause("eve", "again", LATER).paused_by == "ada"


def test_a_house_that_goes_on_has_no_pause():
    house.pause("ada", "", NOON)

    resumed = house.resume("eve", LATER)

    assert (resumed.paused_at, resumed.paused_by, resumed.pause_note) == (None, "", "")
    assert house.status(LATER).paused is None


def test_the_figures_count_what_lives_and_what_happened_in_the_last_minute():
    job, gone = a_job(), a_worker(slots=4, stopped=NOON)
    an_execution(job, created=NOON - HOUR, status=Status.COMPLETED, worker=gone)
    an_execution(job, created=NOON - 30 * SECOND, status=Status.COMPLETED, worker=gone, trigger="schedule")
    an_execution(job, created=NOON - 20 * SECOND)
    an_execution(job, created=NOON - 10 * SECOND)
    an_execution(job, created=NOON - 10 * SECOND, status=Status.RUNNING, worker=gone)
    a_worker(slots=8)
    a_worker(slots=3, seen=NOON - HOUR)

    found = house.status(NOON)

    assert (found.queued, found.oldest_queued, found.running) == (2, NOON - 20 * SECOND, 1)
    assert (found.fired_last_minute, found.finished_last_minute) == (1, 1)
    assert (found.workers, found.slots) == (1, 8)


def test_lag_is_how_long_no_scheduler_has_looked():
    House.row()
    assert house.status(NOON).lag is None

    House.objects.update(last_tick=NOON)

    assert house.status(NOON + 7 * SECOND).lag == 7
    assert house.status(NOON - SECOND).lag == 0


def test_a_leader_leads_until_its_lease_has_passed():
    House.row()
    House.objects.update(leader="one", leader_until=NOON + SECOND)

    assert house.status(NOON).leader == "one"
    assert house.status(NOON + SECOND).leader is None


def test_the_figures_are_five_queries():
    House.row()

    with CaptureQueriesContext(connection) as captured:
        house.status(NOON)

    assert len(captured) <= 6
