"""The one table of transitions, and the database that keeps to it."""

from __future__ import annotations

import pytest
from django.db import IntegrityError, transaction
from django.db.utils import DatabaseError

from executions.models import Execution, House
from executions.states import FINAL, LIVE, TRANSITIONS, WAITING, Reason, Status, sources
from jobs.models import Job
from jobtypes.models import JobType, JobTypeRevision
from tests.builders import NOON, SECOND, a_job, a_worker, an_execution

FORBIDDEN = [(a, b) for a in Status for b in Status if a != b and b not in TRANSITIONS[a]]
ALLOWED = [(a, b) for a, following in TRANSITIONS.items() for b in sorted(following)]


def columns(status: Status) -> dict[str, object]:
    """What the constraints want of a row in `status`."""
    return {
        "lease_until": NOON + 30 * SECOND if status == Status.RUNNING else None,
        "ended": NOON + SECOND if status in FINAL else None,
    }


def test_every_state_is_waiting_running_or_final():
    assert set(Status) == WAITING | {Status.RUNNING} | FINAL
    assert LIVE.isdisjoint(FINAL)


def test_final_states_have_no_way_out():
    assert {status for status, following in TRANSITIONS.items() if not following} == FINAL
    assert {Status.COMPLETED, Status.FAILED, Status.CANCELED} == FINAL


def test_running_is_entered_from_queued_only():
    assert sources(Status.RUNNING) == [Status.QUEUED]


@pytest.mark.django_db
@pytest.mark.parametrize(("before", "after"), FORBIDDEN)
def test_the_database_refuses_a_change_that_is_not_in_the_table(before, after):
    execution = an_execution(status=before)

    with pytest.raises(DatabaseError), transaction.atomic():
        Execution.objects.filter(pk=execution.pk).update(status=after, **columns(after))

    assert Execution.objects.get(pk=execution.pk).status == before


@pytest.mark.django_db
@pytest.mark.parametrize(("before", "after"), ALLOWED)
def test_the_database_takes_a_change_that_is_in_the_table(before, after):
    execution = an_execution(status=before)

    assert Execution.objects.filter(pk=execution.pk).move(after, **columns(after)) == 1

    assert Execution.objects.get(pk=execution.pk).status == after


@pytest.mark.django_db
@pytest.mark.parametrize(("before", "after"), FORBIDDEN)
def test_a_move_that_is_not_in_the_table_moves_nothing(before, after):
    execution = an_execution(status=before)

    assert Execution.objects.filter(pk=execution.pk).move(after, **columns(after)) == 0


@pytest.mark.django_db
def test_a_final_row_may_be_written_without_changing_its_state():
    execution = an_execution(status=Status.COMPLETED)

    assert Execution.objects.filter(pk=execution.pk).update(status=Status.COMPLETED, is_last_try=False) == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("status", "wrong"),
    [
        (Status.QUEUED, {"status": "ASLEEP"}),
        (Status.QUEUED, {"reason": "boredom"}),
        (Status.QUEUED, {"attempt": 0}),
        (Status.QUEUED, {"ended": NOON}),
        (Status.RUNNING, {"lease_until": None}),
        (Status.COMPLETED, {"ended": None}),
        (Status.QUEUED, {"priority": -1}),
    ],
)
def test_the_database_refuses_a_row_that_makes_no_sense(status, wrong):
    execution = an_execution(status=status)

    with pytest.raises(DatabaseError), transaction.atomic():
        Execution.objects.filter(pk=execution.pk).update(**wrong)


@pytest.mark.django_db
def test_a_try_of_a_slot_is_made_once():
    first = an_execution(status=Status.FAILED)
    an_execution(of=first)

    with pytest.raises(IntegrityError), transaction.atomic():
        an_execution(of=first)


@pytest.mark.django_db
def test_an_instant_fires_once():
    job = a_job()
    an_execution(job, trigger="schedule", scheduled_for=NOON)

    with pytest.raises(IntegrityError), transaction.atomic():
        an_execution(job, trigger="schedule", scheduled_for=NOON)


@pytest.mark.django_db
def test_an_instant_may_be_asked_for_by_hand_as_often_as_one_likes():
    job = a_job()

    for trigger in ("schedule", "manual", "manual", "backfill"):
        an_execution(job, trigger=trigger, scheduled_for=NOON)

    assert job.executions.count() == 4


@pytest.mark.django_db
def test_there_is_one_house():
    with pytest.raises(IntegrityError), transaction.atomic():
        House.objects.create(id=2)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"concurrency": "perhaps"},
        {"misfire_policy": "some"},
        {"retries": 101},
        {"retry_delay": 3601},
        {"timeout": 0},
        {"priority": 0},
        {"next_run_at": NOON, "last_scheduled_for": NOON},
    ],
)
def test_the_database_refuses_a_job_that_makes_no_sense(wrong):
    job = a_job()

    with pytest.raises(DatabaseError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**wrong)


@pytest.mark.django_db
def test_a_name_is_one_living_job_and_any_number_of_archived_ones():
    first, second = a_job("twin"), a_job("other")

    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=second.pk).update(name="twin")

    Job.objects.filter(pk=first.pk).update(archived=NOON)
    assert Job.objects.filter(pk=second.pk).update(name="twin") == 1


@pytest.mark.django_db
def test_job_types_and_revisions_have_their_numbers_once():
    shell = JobType.objects.get(name="shell")

    with pytest.raises(IntegrityError), transaction.atomic():
        JobType.objects.create(name="shell", version=shell.version, executor="shell")
    with pytest.raises(IntegrityError), transaction.atomic():
        JobTypeRevision.objects.create(job_type=shell, revision_num=shell.revision_num)


@pytest.mark.django_db
def test_a_worker_that_is_forgotten_leaves_its_executions_behind():
    worker = a_worker()
    execution = an_execution(status=Status.COMPLETED, worker=worker)

    worker.delete()

    assert Execution.objects.get(pk=execution.pk).worker is None


def test_reasons_and_states_fit_their_columns():
    for field, words in (("status", Status), ("reason", Reason)):
        column = Execution._meta.get_field(field)
        assert all(len(word) <= column.max_length for word in words)
