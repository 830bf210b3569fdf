"""Several who merge the tally while others end."""

from __future__ import annotations

from functools import partial

import pytest

from executions import tally
from executions.models import Execution, Tally
from executions.states import Status
from executions.tally import Window
from tests.builders import NOON, SECOND, a_job, an_execution
from tests.jobs.test_races import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def test_merging_at_once_loses_and_doubles_nothing():
    job = a_job()
    for number in range(60):
        an_execution(job, status=Status.CANCELED, created=NOON + number * SECOND)
    waiting = [an_execution(job).pk for _ in range(6)]

    def merge_and_end(key: int) -> None:
        tally.merge(NOON)
        Execution.objects.filter(pk=key).move(Status.CANCELED, ended=NOON)
        tally.merge(NOON)

    at_once([partial(merge_and_end, key) for key in waiting])
    tally.merge(NOON)

    assert [one.count for one in tally.ended(Window(), NOON)] == [66]
    assert not Tally.objects.filter(grain=Tally.Grain.APPENDED).exists()
