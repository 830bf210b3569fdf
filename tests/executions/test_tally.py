"""The tally says what counting all executions would say, whoever changed them, merged or not."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django.db.models import F

from errors.models import Error
from executions import housekeeping, tally
from executions.engine import sweep
from executions.engine.cancel import cancel
from executions.engine.submit import retry, submit
from executions.models import Execution, Tally
from executions.states import FINAL, Door, Status
from executions.tally import Window
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_job_type, an_execution

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ALWAYS = Window()


def tallied(window: Window = ALWAYS, now=NOON) -> Counter:
    return Counter({(one.job_type, one.status, one.error): one.count for one in tally.ended(window, now)})


def scanned(window: Window = ALWAYS) -> Counter:
    rows = Execution.objects.filter(is_last_try=True, status__in=FINAL)
    if window.start:
        rows = rows.filter(ended__gte=window.start)
    if window.end:
        rows = rows.filter(ended__lte=window.end)
    return Counter((row.job_type_id, row.status, row.error_id or 0) for row in rows)


@pytest.fixture
def history():
    """Ends every 37 minutes and 7.5 seconds for two days before noon, of two types."""
    jobs = [a_job(), a_job(executor="http")]
    moment, number = NOON - 2 * DAY, 0
    while moment < NOON:
        status = [Status.COMPLETED, Status.FAILED, Status.CANCELED, Status.COMPLETED][number % 4]
        an_execution(jobs[number % 2], status=status, created=moment - HOUR, ended=moment)
        moment, number = moment + timedelta(minutes=37, seconds=7.5), number + 1
    return jobs


WINDOWS = [
    Window(),
    Window(start=NOON - 3 * HOUR),
    Window(start=NOON - 3 * HOUR + 17 * SECOND),
    Window(end=NOON - 90 * SECOND),
    Window(start=NOON - 40 * HOUR - 13 * MINUTE, end=NOON - 30 * HOUR + 11 * SECOND),
    Window(start=NOON - 30 * HOUR, end=NOON - 30 * HOUR + 20 * MINUTE),
    Window(start=NOON - 20 * SECOND, end=NOON - 10 * SECOND),
    Window(start=NOON - 14 * HOUR - 13 * MINUTE, end=NOON - 11 * HOUR),
    Window(start=NOON, end=NOON - HOUR),
    Window(start=NOON - 47 * HOUR - 7 * SECOND, end=NOON - 2 * HOUR - 7 * SECOND),
    Window(start=NOON - 36 * HOUR, end=NOON - 12 * HOUR),
    Window(start=NOON - 36 * HOUR - SECOND, end=NOON - 12 * HOUR + SECOND),
    Window(start=NOON - 2 * HOUR, end=NOON - HOUR),
]


@pytest.mark.parametrize("window", WINDOWS)
def test_any_window_is_right_before_and_after_merging(history, window):
    expected = scanned(window)

    assert tallied(window) == expected
    tally.merge(NOON)
    assert tallied(window) == expected
    tally.merge(NOON)
    assert tallied(window) == expected


def test_an_edge_is_part_of_the_window(history):
    moment = Execution.objects.order_by("ended")[30].ended

    assert tallied(Window(moment, moment)).total() == 1


def test_merging_keeps_sums_by_day_hour_and_of_late_by_minute(history):
    tally.merge(NOON)

    rows = Tally.objects.all()
    assert not rows.filter(grain=Tally.Grain.APPENDED).exists()
    assert not rows.filter(grain=Tally.Grain.MINUTE, since__lt=NOON - 12 * HOUR).exists()
    for grain, size in ((Tally.Grain.HOUR, timedelta(hours=1)), (Tally.Grain.DAY, DAY)):
        sums = rows.filter(grain=grain)
        assert sum(row.count for row in sums) == Execution.objects.count()
        assert all(row.since <= row.oldest <= row.newest < row.since + size for row in sums)


def test_no_window_reads_many_sums_of_one_grain():
    """At most 59 minutes and 23 hours at either edge, and days."""
    window = Window(NOON - 20 * DAY - 3 * HOUR - 17 * MINUTE, NOON - 5 * MINUTE - SECOND)

    sums, edges = tally.split(window, NOON)

    length = {grain: timedelta() for grain in Tally.Grain}
    for grain, part in sums:
        length[grain] += part.end - part.start
    assert length[Tally.Grain.MINUTE] < 2 * HOUR
    assert length[Tally.Grain.HOUR] < 2 * DAY
    assert sum(((edge.end - edge.start) for edge, _ in edges), timedelta()) <= HOUR + MINUTE


def test_making_it_anew_changes_no_number(history):
    before = tallied()

    tally.rebuild()

    assert tallied() == before == scanned()


def test_only_the_latest_try_of_a_run_counts(db):
    first = an_execution(status=Status.FAILED)
    an_execution(of=first, status=Status.COMPLETED)

    assert tallied() == scanned()
    assert [key[1] for key in tallied()] == ["COMPLETED"]


def test_a_run_that_is_tried_again_by_hand_is_failed_no_more(db):
    failed = an_execution(status=Status.FAILED)
    tally.merge(NOON)

    retry(failed, by="ada", door=Door.NATIVE, now=NOON)

    assert tallied() == scanned() == Counter()
    tally.merge(NOON)
    assert tallied() == Counter()


def test_every_way_to_an_end_is_counted(db):
    job = a_job()
    waiting = submit(job, by="ada", door=Door.NATIVE, now=NOON)
    cancel(waiting, by="ada", now=NOON)
    expired = submit(job, by="ada", door=Door.NATIVE, now=NOON)
    sweep.expire(NOON + 3 * DAY)
    lost = an_execution(job, status=Status.RUNNING)
    sweep.fail_lost(NOON + HOUR)

    expired.refresh_from_db()
    assert expired.status == Status.CANCELED
    assert Execution.objects.get(pk=lost.pk).status == Status.FAILED
    assert (
        tallied() == scanned() == Counter({(job.job_type_id, "CANCELED", 0): 2})
    )  # the lost run waits for its next try


def test_what_is_purged_is_counted_no_more(history):
    housekeeping.purge_history(days=0)

    assert tallied() == scanned()


def test_other_changes_of_executions_do_not_count(history):
    before = tallied()

    Execution.objects.update(message="changed", priority=F("priority") + 1)

    assert tallied() == before


def test_what_lives_is_counted_by_when_it_came_to_its_state(db):
    job = a_job()
    an_execution(job, status=Status.RUNNING, created=NOON - 9 * HOUR)
    an_execution(job, status=Status.QUEUED, created=NOON - 9 * HOUR)
    an_execution(job, status=Status.QUEUED, created=NOON - HOUR)

    found = {one.status: (one.count, one.oldest) for one in tally.ended_and_live(Window(NOON - 2 * HOUR), NOON)}

    assert found == {"RUNNING": (1, NOON - 9 * HOUR + SECOND), "QUEUED": (1, NOON - HOUR)}


def test_the_bounds_of_failures_are_exact_after_a_retry(db):
    job = a_job()
    early = an_execution(job, status=Status.FAILED, created=NOON - HOUR)
    middle = an_execution(job, status=Status.FAILED, created=NOON - HOUR + 10 * SECOND)
    an_execution(job, status=Status.FAILED, created=NOON - HOUR + 20 * SECOND)
    retry(early, by="ada", door=Door.NATIVE, now=NOON)

    (failure,) = tally.ended(Window(), NOON, status=Status.FAILED)
    first, last = tally.bounds_of([failure], Window())[failure.job_type, failure.error]

    assert failure.count == 2
    assert (first, last) == (middle.ended, middle.ended + 10 * SECOND)


@pytest.mark.parametrize("merged", [True, False])
@pytest.mark.parametrize("status", [Status.COMPLETED, Status.CANCELED, Status.FAILED])
def test_the_newest_end_is_of_a_run_that_was_not_tried_again(db, status, merged):
    job = a_job()
    ends = [NOON - 3 * HOUR, NOON - HOUR, NOON - HOUR + 10 * SECOND, NOON - MINUTE]
    runs = [an_execution(job, status=status, created=end, ended=end) for end in ends]

    for expected in (ends[2], ends[1], ends[0]):
        if merged:
            tally.merge(NOON)
        retry(runs.pop(), by="ada", door=Door.NATIVE, now=NOON)
        window = Window(NOON - 4 * HOUR, NOON)
        (one,) = tally.ended(window, NOON, status=status)
        failed = tally.failures([one], window)
        _, newest = failed.get((one.job_type, one.error), ("", one.newest))

        assert (one.count, newest) == (len(runs), expected)


def test_types_and_errors_are_kept_apart(db):
    error = Error.objects.create(name="mine", job_type_name="x", category="DATA")
    job_type = a_job_type()
    job = a_job()
    an_execution(job, status=Status.FAILED, error=error)
    an_execution(job, status=Status.FAILED)
    Execution.objects.filter(error=error).update(message="x")

    assert {key[2] for key in tallied()} == set(Execution.objects.values_list("error", flat=True))
    assert job_type.pk not in {key[0] for key in tallied()}
