"""Showing, running, toggling and deleting a job."""

from __future__ import annotations

import pytest
from django.conf import settings as django_settings

from executions import clock
from executions.states import Door, Status, Trigger
from jobs.models import Job
from jobtypes.models import JobType
from tests.builders import a_job, a_worker, an_execution
from tests.dialects.dkron.acts import JOBS, KEYS, ZERO, job, names, runs_of, shown, store

pytestmark = pytest.mark.django_db


def test_a_job_is_shown_whole(dkron):
    store(dkron)

    answer = dkron.get(f"{JOBS}/job1")

    assert answer.status_code == 200
    assert answer.json().keys() == KEYS


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", ""),
        ("delete", ""),
        ("post", ""),
        ("post", "/run"),
        ("post", "/toggle"),
        ("get", "/executions"),
        ("delete", "/executions"),
        ("get", "/executions/1-x"),
    ],
)
@pytest.mark.parametrize("name", ["nothing", "UPPER", "a%20b", "%F0%9F%98%80", "x" * 3000])
def test_whatever_is_asked_of_a_job_that_is_not_there_is_404_without_a_body(dkron, method, path, name):
    answer = getattr(dkron, method)(f"{JOBS}/{name}{path}")

    assert (answer.status_code, answer.content) == (404, b"")


# --- run --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/", "/run", "/run/"])
def test_a_run_is_queued_and_the_answer_does_not_wait_for_it(dkron, path):
    store(dkron)

    answer = dkron.post(f"{JOBS}/job1{path}")

    (run,) = runs_of("job1")
    assert (run.status, run.trigger, run.door) == (Status.QUEUED, Trigger.MANUAL, Door.DKRON)
    assert (answer.status_code, answer.headers["Location"]) == (202, f"{JOBS}/job1{path}")
    assert answer.json() == shown(dkron)
    assert answer.json()["next"] != ZERO


def test_the_status_of_a_run_is_a_setting_for_clients_that_want_200(dkron, settings):
    settings.DKRON_RUN_STATUS = 200
    store(dkron)

    assert dkron.post(f"{JOBS}/job1").status_code == 200


def test_a_run_needs_no_body_and_reads_none(dkron):
    store(dkron)

    assert dkron.generic("POST", f"{JOBS}/job1", b"not json", content_type="text/weird").status_code == 202


def test_a_disabled_job_is_404_unless_it_is_a_child(dkron):
    store(dkron)
    store(dkron, "child", parent_job="job1", disabled=True)
    store(dkron, "off", disabled=True)

    assert dkron.post(f"{JOBS}/off").status_code == 404
    assert dkron.post(f"{JOBS}/child").status_code == 202


def test_a_run_goes_around_start_end_and_pause(dkron):
    store(dkron, "early", starts_at="2050-01-01T00:00:00Z")
    store(dkron, "late", expires_at="2001-01-01T00:00:00Z")
    dkron.post("/v1/pause")

    assert dkron.post(f"{JOBS}/early").status_code == 202
    assert dkron.post(f"{JOBS}/late").status_code == 202


def test_a_run_of_a_parent_makes_those_of_its_children(dkron):
    store(dkron)
    store(dkron, "child", parent_job="job1")

    dkron.post(f"{JOBS}/job1")

    assert [run.status for run in runs_of("child")] == [Status.BLOCKED]


@pytest.mark.parametrize(
    "tags", [{"server": "true"}, {"role": "dkron"}, {"role": "dkron:1"}, {"dc": "dc1", "region": "global"}]
)
def test_tags_of_every_server_of_dkron_choose_any_worker(dkron, tags):
    store(dkron, tags=tags)
    assert dkron.post(f"{JOBS}/job1").status_code == 202, "nobody is there yet"
    a_worker(seen=clock.now())

    assert dkron.post(f"{JOBS}/job1").status_code == 202
    assert runs_of("job1")[-1].chosen_worker is not None


def test_tags_that_choose_nobody_are_404_and_no_run_is_made(dkron):
    a_worker(seen=clock.now(), tags={"vmclass": "web"})
    store(dkron, "web", tags={"vmclass": "web:1"})
    store(dkron, "db", tags={"vmclass": "db:1"})

    assert dkron.post(f"{JOBS}/web").status_code == 202
    assert dkron.post(f"{JOBS}/db").status_code == 404
    assert runs_of("db") == []


@pytest.mark.parametrize("count", ["0", "x", "", "-1", "1.5"])
def test_a_count_of_none_or_one_that_is_no_number_chooses_nobody(dkron, count):
    a_worker(seen=clock.now(), tags={"vmclass": "web", "dc": "dc1"})
    store(dkron, tags={"vmclass": f"web:{count}", "dc": "dc1:2"})

    assert dkron.post(f"{JOBS}/job1").status_code == 404
    assert runs_of("job1") == []


def test_without_a_count_every_worker_with_the_tag_gets_an_execution(dkron):
    for _ in range(3):
        a_worker(seen=clock.now(), tags={"vmclass": "web"})
    store(dkron, "all", tags={"vmclass": "web"})
    store(dkron, "two", tags={"vmclass": "web:2"})

    dkron.post(f"{JOBS}/all")
    dkron.post(f"{JOBS}/two")

    assert (len(runs_of("all")), len(runs_of("two"))) == (3, 2)


def test_a_job_whose_type_is_switched_off_cannot_run(dkron):
    store(dkron)
    JobType.objects.filter(name="shell").update(is_active=False)

    assert dkron.post(f"{JOBS}/job1").status_code == 404


# --- toggle -----------------------------------------------------------------------------------------------------------


def test_toggle_flips_disabled_and_nothing_else(dkron):
    before = store(dkron)

    answer = dkron.post(f"{JOBS}/job1/toggle")

    assert (answer.status_code, answer.headers["Location"]) == (200, f"{JOBS}/job1/toggle")
    assert answer.json() == {**before, "disabled": True, "next": ZERO}
    again = dkron.post(f"{JOBS}/job1/toggle/").json()
    assert (again["disabled"], again["next"] != ZERO) == (False, True)


# --- delete -----------------------------------------------------------------------------------------------------------


def test_delete_answers_with_the_job_and_frees_its_name(dkron):
    before = store(dkron)

    answer = dkron.delete(f"{JOBS}/job1")

    assert (answer.status_code, answer.json()) == (200, before)
    assert dkron.get(f"{JOBS}/job1").status_code == 404
    assert store(dkron)["success_count"] == 0


def test_a_parent_with_children_is_not_deleted(dkron):
    store(dkron)
    store(dkron, "child", parent_job="job1")

    answer = dkron.delete(f"{JOBS}/job1")

    assert (answer.status_code, answer.content) == (404, b"")
    assert names(dkron) == ["child", "job1"]
    assert dkron.delete(f"{JOBS}/child").status_code == 200
    assert dkron.delete(f"{JOBS}/job1").status_code == 200


def test_what_runs_goes_on_when_its_job_is_deleted_and_what_waits_does_not(dkron):
    store(dkron)
    running = an_execution(job(), status="RUNNING")
    waiting = an_execution(job(), status="QUEUED")

    assert dkron.delete(f"{JOBS}/job1").status_code == 200

    running.refresh_from_db()
    waiting.refresh_from_db()
    assert (running.status, running.stop_requested, waiting.status) == ("RUNNING", None, "CANCELED")


def test_executions_go_with_their_job_and_those_of_a_longer_name_stay(dkron):
    store(dkron, "job")
    store(dkron, "job-two")
    an_execution(job("job"), status="COMPLETED")
    an_execution(job("job-two"), status="COMPLETED")

    dkron.delete(f"{JOBS}/job")
    store(dkron, "job")

    assert dkron.get(f"{JOBS}/job/executions").json() == []
    assert len(dkron.get(f"{JOBS}/job-two/executions").json()) == 1


def test_a_house_job_can_be_run_toggled_and_deleted_at_this_door(dkron):
    a_job("native")

    assert dkron.post(f"{JOBS}/native/toggle").json()["disabled"] is True
    assert dkron.delete(f"{JOBS}/native").status_code == 200
    assert not Job.objects.living().filter(name="native").exists()


def test_the_usual_status_of_a_run_is_the_published_one():
    assert django_settings.DKRON_RUN_STATUS == 202
