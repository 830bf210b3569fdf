"""Many rows in one statement: executions.bulk."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DataError, IntegrityError, transaction

from executions import bulk
from executions.models import OutputChunk
from jobs.models import Job, JobRecord
from tests.builders import NOON, SECOND, a_job, an_execution

pytestmark = pytest.mark.django_db
FIELDS = ("execution", "seq", "lines", "time", "stream", "text")


@pytest.mark.parametrize("count", [1, 3])
def test_rows_are_stored_as_they_were_given(count):
    execution = an_execution()
    moment = NOON + timedelta(microseconds=123_456)

    bulk.insert_each(
        OutputChunk, FIELDS, [(execution.pk, seq, 1, moment, "stdout", 'a "b" \\ é 猫\n\t') for seq in range(count)]
    )

    chunks = list(OutputChunk.objects.filter(execution=execution))
    assert [(chunk.seq, chunk.time, chunk.text) for chunk in chunks] == [
        (seq, moment, 'a "b" \\ é 猫\n\t') for seq in range(count)
    ]


def test_a_row_that_stands_there_already_is_left_as_it_is():
    execution = an_execution()
    bulk.insert_each(OutputChunk, FIELDS, [(execution.pk, 1, 1, NOON, "stdout", "first")])

    rows = [(execution.pk, seq, 1, NOON, "stdout", "second") for seq in (1, 2)]
    bulk.insert_each(OutputChunk, FIELDS, rows, again=True)

    assert list(OutputChunk.objects.values_list("text", flat=True)) == ["first", "second"]
    with pytest.raises(IntegrityError), transaction.atomic():
        bulk.insert_each(OutputChunk, FIELDS, rows)


@pytest.mark.postgres
@pytest.mark.parametrize("count", [1, 2])
def test_a_text_that_is_too_long_is_refused_and_not_cut(count):
    execution = an_execution()

    with pytest.raises(DataError), transaction.atomic():
        bulk.insert_each(OutputChunk, FIELDS, [(execution.pk, seq, 1, NOON, "stdouts", "x") for seq in range(count)])


def test_each_row_gets_its_own_values_and_those_that_do_not_meet_the_condition_none():
    early, late, other = (a_job(schedule="@every 1h") for _ in range(3))
    Job.objects.filter(pk=other.pk).update(is_enabled=False)

    moved = bulk.update_each(
        Job,
        ("next_run_at", "last_scheduled_for"),
        [(early.pk, NOON + SECOND, NOON), (late.pk, None, NOON + SECOND), (other.pk, None, NOON)],
        where="t.is_enabled",
    )

    assert sorted(moved) == [early.pk, late.pk]
    assert list(Job.objects.order_by("pk").values_list("next_run_at", "last_scheduled_for")) == [
        (NOON + SECOND, NOON),
        (None, NOON + SECOND),
        (other.next_run_at, None),
    ]


def test_a_value_may_come_from_what_the_row_had():
    job = a_job()
    JobRecord.objects.filter(job=job).update(missed_count=40)

    for _ in range(2):
        bulk.update_each(
            JobRecord,
            ("missed_count", "missed_reason"),
            [(job.pk, 1, "late")],
            expressions={"missed_count": "t.missed_count + v.missed_count"},
        )

    assert list(JobRecord.objects.values_list("missed_count", "missed_reason")) == [(42, "late")]


def test_many_rows_are_one_statement(django_assert_num_queries):
    execution = an_execution()

    with django_assert_num_queries(1):
        bulk.insert_each(OutputChunk, FIELDS, [(execution.pk, seq, 1, NOON, "stdout", "x") for seq in range(2_000)])

    assert OutputChunk.objects.count() == 2_000
