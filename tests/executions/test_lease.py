"""A worker's grip on what it runs."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.engine import lease
from executions.engine.cancel import cancel
from executions.models import HEARTBEAT, LEASE
from executions.states import Reason, Status
from tests.builders import NOON, SECOND, a_job, a_worker, an_execution
from tests.executions.acts import LATER, end, loaded, take

pytestmark = pytest.mark.django_db


def test_all_leases_of_a_worker_are_renewed_in_one_statement():
    job, worker = a_job(), a_worker()
    for _ in range(5):
        an_execution(job)
    taken = take(worker, room=5)

    with CaptureQueriesContext(connection) as captured:
        lease.renew(worker, LATER)

    assert {loaded(execution).lease_until for execution in taken} == {LATER + LEASE}
    assert sum("executions_execution" in query["sql"] for query in captured) == 1
    worker.refresh_from_db()
    assert worker.last_seen == LATER


def test_nobody_elses_lease_is_renewed():
    other = an_execution(status=Status.RUNNING)

    lease.renew(a_worker(), LATER)

    assert loaded(other).lease_until == other.lease_until


def test_what_has_ended_gets_no_lease_again():
    an_execution()
    worker = a_worker()
    (execution,) = take(worker)
    end(execution)

    lease.renew(worker, LATER)

    assert loaded(execution).lease_until is None


def test_a_worker_learns_what_it_holds_and_what_it_must_stop():
    job, worker = a_job(), a_worker()
    for _ in range(3):
        an_execution(job)
    one, two, three = take(worker, room=3)
    cancel(two, by="ada", now=LATER, reason=Reason.SYSTEM)
    end(three)

    assert sorted(lease.held(worker)) == [(one.pk, None), (two.pk, Reason.SYSTEM)]


def test_a_worker_that_cannot_renew_stops_its_jobs_before_a_lease_can_pass():
    looks = lease.RENEW_SECONDS + 1  # the renewal that failed first, and the look that finds it out

    assert HEARTBEAT.total_seconds() == lease.RENEW_SECONDS
    assert lease.GIVE_UP_SECONDS + looks < LEASE.total_seconds()


def test_a_worker_is_lost_when_it_was_not_seen_for_a_lease():
    worker = a_worker()

    assert worker.status(NOON + LEASE) == "alive"
    assert worker.status(NOON + LEASE + SECOND) == "lost"
    worker.is_stopping = True
    assert worker.status(NOON) == "stopping"
    worker.stopped = NOON
    assert worker.status(NOON + LEASE + SECOND) == "stopped"
