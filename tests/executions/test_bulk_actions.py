"""Bulk actions: each execution that was found is acted upon once, whoever dies where, and the receipt adds up."""

from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.test.utils import CaptureQueriesContext

from errors import audit
from executions.engine import bulk_actions
from executions.engine.bulk_actions import Action, Next
from executions.housekeeping import purge_history
from executions.models import BulkAction, BulkItem, Execution
from executions.states import Door, Status
from tests.builders import HOUR, NOON, SECOND, a_job, an_execution
from tests.executions.acts import at_once, loaded, of, statuses

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_the_background(monkeypatch):
    """Nothing is done before `start` returns: workers do it all."""
    monkeypatch.setattr(bulk_actions, "AT_ONCE", 0)
    monkeypatch.setattr(bulk_actions, "QUICKLY_RETRIED", 0)


def start(action: str = Action.CANCEL, found=None, *, now=NOON, by: str = "ada") -> BulkAction:
    found = Execution.objects.all() if found is None else found
    able = bulk_actions.able(Action(action), found, says_status=False)
    return bulk_actions.start(Action(action), able, filter={"job_name": ["x"]}, by=by, door=Door.NATIVE, now=now)


def figures(receipt: BulkAction) -> tuple[int, int, int, str]:
    """count, done, failed and state, as they stand now."""
    receipt.refresh_from_db()
    return receipt.count, receipt.done, receipt.failed, receipt.state


def work_off(receipt: BulkAction) -> int:
    """Work until it is over; how many portions that took."""
    portions = 0
    while not BulkAction.objects.get(pk=receipt.pk).is_over:
        bulk_actions.work(NOON)
        portions += 1
        assert portions < 100
    return portions


# --- Canceling --------------------------------------------------------------------------------------------------------
def test_all_that_live_are_canceled_and_the_receipt_says_so():
    job = a_job()
    waiting, running, over = (an_execution(job, status=s) for s in (Status.QUEUED, Status.RUNNING, Status.COMPLETED))

    receipt = start()

    assert figures(receipt) == (2, 2, 0, "completed")
    assert (loaded(waiting).status, loaded(waiting).reason, loaded(waiting).stop_by) == ("CANCELED", "user", "ada")
    assert loaded(running).stop_requested == NOON
    assert loaded(over).status == Status.COMPLETED


def test_what_a_chunk_costs_does_not_depend_on_how_many_are_in_it(in_the_background):
    counts = []
    for number in (5, 50):
        job = a_job()
        for _ in range(number):
            an_execution(job)
        receipt = start(found=Execution.objects.filter(job=job))
        with CaptureQueriesContext(connection) as queries:
            bulk_actions.work(NOON)
        assert figures(receipt) == (number, number, 0, "completed")
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_a_large_one_is_worked_off_in_chunks(in_the_background, monkeypatch):
    monkeypatch.setattr(bulk_actions, "CHUNK", 10)
    job = a_job()
    for _ in range(25):
        an_execution(job)

    receipt = start()
    seen = [figures(receipt)]
    for _ in range(3):
        bulk_actions.work(NOON)
        seen.append(figures(receipt))

    assert seen == [(25, 0, 0, "running"), (25, 10, 0, "running"), (25, 20, 0, "running"), (25, 25, 0, "completed")]
    assert BulkItem.objects.count() == 0


def test_what_is_queued_later_is_left_alone(in_the_background):
    job = a_job()
    an_execution(job)

    receipt = start()
    later = an_execution(job)
    work_off(receipt)

    assert loaded(later).status == Status.QUEUED


def test_what_ended_meanwhile_counts_as_failed(in_the_background):
    job = a_job()
    one, two = an_execution(job, status=Status.RUNNING), an_execution(job)

    receipt = start()
    Execution.objects.filter(pk=one.pk).move(Status.COMPLETED, ended=NOON)
    work_off(receipt)

    assert figures(receipt) == (2, 1, 1, "completed")
    assert loaded(one).status == Status.COMPLETED
    assert loaded(two).status == Status.CANCELED


def test_canceling_in_bulk_frees_those_who_waited_behind(in_the_background):
    job = a_job(concurrency="forbid")
    an_execution(job)
    behind = an_execution(job, status=Status.BLOCKED, reason="concurrency")

    work_off(start(found=Execution.objects.filter(status=Status.QUEUED)))

    assert statuses(job) == ["CANCELED user", "QUEUED"]
    assert loaded(behind).status == Status.QUEUED


# --- Retrying ---------------------------------------------------------------------------------------------------------
def test_failed_runs_are_tried_again_once_each():
    job = a_job()
    failed = [an_execution(job, status=Status.FAILED) for _ in range(3)]
    an_execution(job, status=Status.COMPLETED)

    receipt = start(Action.RETRY)

    assert figures(receipt) == (3, 3, 0, "completed")
    assert [made.attempt for made in of(job)[-3:]] == [2, 2, 2]
    assert all(made.requested_by == "ada" and made.trigger == "retry" for made in of(job)[-3:])
    assert not Execution.objects.filter(pk__in=[each.pk for each in failed], is_last_try=True).exists()


def test_a_try_that_fails_again_is_not_tried_again_by_the_same_action(in_the_background, monkeypatch):
    monkeypatch.setattr(bulk_actions, "RETRIES_AT_ONCE", 1)
    job = a_job()
    for _ in range(2):
        an_execution(job, status=Status.FAILED)

    receipt = start(Action.RETRY)
    bulk_actions.work(NOON)
    Execution.objects.filter(attempt=2).move(Status.CANCELED, ended=NOON)
    work_off(receipt)

    assert figures(receipt) == (2, 2, 0, "completed")
    assert sorted(made.attempt for made in of(job)) == [1, 1, 2, 2]


def test_a_run_that_somebody_else_retried_meanwhile_counts_as_failed(in_the_background):
    job = a_job()
    failed = an_execution(job, status=Status.FAILED)

    receipt = start(Action.RETRY)
    an_execution(of=failed)
    work_off(receipt)

    assert figures(receipt) == (1, 0, 1, "completed")
    assert len(of(job)) == 2


def test_one_that_cannot_be_retried_keeps_no_other_from_it(in_the_background, monkeypatch):
    broken, good = (an_execution(a_job(), status=Status.FAILED) for _ in range(2))
    honest = bulk_actions.try_again

    def spoilt(execution, **how):
        if execution.pk == broken.pk:
            raise ValueError("a comet")
        return honest(execution, **how)

    monkeypatch.setattr(bulk_actions, "try_again", spoilt)
    receipt = start(Action.RETRY)
    work_off(receipt)

    assert figures(receipt) == (2, 1, 1, "completed")
    assert Execution.objects.filter(group=good.group, attempt=2).exists()


# --- Crashes and races ------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_within_a_portion_has_done_nothing(in_the_background, monkeypatch):
    failed = an_execution(a_job(), status=Status.FAILED)
    receipt = start(Action.RETRY)

    def die(*_):
        raise SystemExit

    with monkeypatch.context() as dying:
        dying.setattr(bulk_actions, "_end_if_done", die)
        with pytest.raises(SystemExit):
            bulk_actions.work(NOON)
    after_the_crash = figures(receipt), Execution.objects.filter(group=failed.group).count()
    work_off(receipt)

    assert after_the_crash == ((1, 0, 0, "running"), 1)
    assert figures(receipt) == (1, 1, 0, "completed")
    assert Execution.objects.filter(group=failed.group).count() == 2


@pytest.mark.django_db(transaction=True)
def test_workers_that_work_at_once_do_nothing_twice(in_the_background, monkeypatch):
    monkeypatch.setattr(bulk_actions, "RETRIES_AT_ONCE", 3)
    job = a_job()
    for _ in range(12):
        an_execution(job, status=Status.FAILED)
    receipt = start(Action.RETRY)

    def busy() -> None:
        for _ in range(4):
            bulk_actions.work(NOON)

    at_once([busy] * 4)
    work_off(receipt)

    assert figures(receipt) == (12, 12, 0, "completed")
    assert sorted(made.attempt for made in of(job)) == [1] * 12 + [2] * 12


# --- Life -------------------------------------------------------------------------------------------------------------
def test_an_aborted_one_leaves_alone_what_it_has_not_done(in_the_background, monkeypatch):
    monkeypatch.setattr(bulk_actions, "CHUNK", 2)
    job = a_job()
    for _ in range(5):
        an_execution(job)
    receipt = start()
    bulk_actions.work(NOON)

    bulk_actions.abort(receipt.pk, by="ben", now=NOON + SECOND)
    bulk_actions.work(NOON)

    assert figures(receipt) == (5, 2, 0, "aborted")
    assert (receipt.ended, receipt.aborted_by) == (NOON + SECOND, "ben")
    assert statuses(job).count("QUEUED") == 3


def test_what_is_over_cannot_be_aborted():
    receipt = start()

    with pytest.raises(bulk_actions.Over, match="completed"):
        bulk_actions.abort(receipt.pk, by="ben", now=NOON)


def test_a_filter_that_finds_nothing_is_done_at_once():
    assert figures(start()) == (0, 0, 0, "completed")


def test_more_than_can_be_taken_is_refused_and_nothing_is_done(monkeypatch):
    monkeypatch.setattr(bulk_actions, "MOST", 2)
    job = a_job()
    for _ in range(3):
        an_execution(job)

    with pytest.raises(bulk_actions.TooMany, match="narrow it"):
        start()

    assert set(statuses(job)) == {"QUEUED"}
    assert BulkAction.objects.count() == 0


def test_where_nothing_is_to_be_done_workers_look_seldom_and_it_costs_one_query():
    with CaptureQueriesContext(connection) as queries:
        assert bulk_actions.work(NOON) == Next.LATER

    assert len(queries) == 1


def test_one_bulk_action_is_one_entry_in_the_audit():
    job = a_job()
    for _ in range(3):
        an_execution(job)
    before = LogEntry.objects.count()

    receipt = start()

    (entry,) = LogEntry.objects.select_related("user").order_by("pk")[before:]
    told = audit.told(entry)
    assert (entry.object_id, told.action, told.by) == (str(receipt.pk), "cancel", "ada")
    assert told.after == {"filter": {"job_name": ["x"]}, "count": 3}


def test_receipts_go_with_the_history():
    old, new = start(now=NOON), start(now=NOON)
    BulkAction.objects.filter(pk=old.pk).update(ended=NOON - 24 * 1000 * HOUR)

    purge_history()

    assert list(BulkAction.objects.values_list("pk", flat=True)) == [new.pk]
