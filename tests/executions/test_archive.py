"""A deleted job's name is free at once, its history stays readable."""

from __future__ import annotations

import pytest

from executions.engine.archive import HasChildren, StillRunning, archive
from executions.states import Reason, Status
from jobs.models import Job
from tests.builders import NOON, a_job, a_worker, an_execution
from tests.executions.acts import LATER, ask, end, loaded, of, statuses, take_one

pytestmark = pytest.mark.django_db


def test_an_archived_job_gives_its_name_back_and_is_due_no_more():
    job = a_job("daily", schedule="@daily")
    an_execution(job, status=Status.COMPLETED)

    archive(job, by="ada", now=LATER, cancel_running=False)

    job.refresh_from_db()
    assert (job.archived, job.next_run_at, job.is_enabled) == (LATER, None, False)
    assert len(of(job)) == 1
    assert a_job("daily").pk != job.pk


def test_what_waits_of_it_is_canceled():
    job = a_job(concurrency="forbid")
    ask(job), ask(job)

    archive(job, by="ada", now=LATER, cancel_running=False)

    assert statuses(job) == ["CANCELED system", "CANCELED system"]
    assert of(job)[0].message == "Its job was deleted."


def test_a_job_that_runs_is_not_archived_unasked():
    job = a_job()
    an_execution(job, status=Status.RUNNING)

    with pytest.raises(StillRunning):
        archive(job, by="ada", now=LATER, cancel_running=False)

    assert Job.objects.living().filter(pk=job.pk).exists()


def test_a_job_that_runs_is_archived_and_stopped_when_asked_for():
    job = a_job(retries=3)
    ask(job)
    running = take_one(a_worker())

    archive(job, by="ada", now=LATER, cancel_running=True)

    assert (loaded(running).status, loaded(running).stop_reason) == (Status.RUNNING, Reason.SYSTEM)
    end(loaded(running), stopped=True, reason="system")
    assert statuses(job) == ["CANCELED system"]


def test_a_job_with_children_is_not_archived():
    job = a_job("parent")
    child = a_job("child", parents=["parent"])

    with pytest.raises(HasChildren):
        archive(job, by="ada", now=LATER, cancel_running=True)

    archive(child, by="ada", now=LATER, cancel_running=True)
    archive(job, by="ada", now=LATER, cancel_running=True)
    assert not Job.objects.living().filter(is_ad_hoc=False).exists()


def test_a_refused_deletion_changes_nothing():
    job = a_job("parent", schedule="@daily")
    a_job("child", parents=["parent"])
    ask(job)

    with pytest.raises(HasChildren):
        archive(job, by="ada", now=NOON, cancel_running=True)

    assert statuses(job) == ["QUEUED"]
