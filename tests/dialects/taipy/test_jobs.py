"""Taipy's jobs: list, create, show."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from config.dialects.taipy import names, records
from errors.models import Error
from executions.engine import cancel, sweep
from executions.engine.archive import archive
from executions.models import Execution
from executions.states import Door, Reason, Status, Trigger
from tests.builders import NOON, SECOND, a_client, a_job, a_job_type, a_revision, a_worker, an_execution
from tests.executions import acts

pytestmark = pytest.mark.django_db

KEYS = {"id", "task_id", "status", "force", "creation_date", "stacktrace"}
OPTIONAL = {"subscribers"}
UUID = "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


def job_id(execution: Execution) -> str:
    return names.write(names.JOB, execution.job_type.name, execution.group)


def shown(client: APIClient, execution: Execution) -> dict[str, Any]:
    answer = client.get(f"/api/v1/jobs/{job_id(execution)}/")
    assert answer.status_code == 200, answer.content
    assert answer.json().keys() == {"job"}
    return answer.json()["job"]


def status(execution: Execution) -> str:
    return shown(a_client(), execution)["status"]


def fits_taipys_schema(job: dict[str, Any]) -> bool:
    """Whether Taipy's own schema, which is strict, would load `job`: known keys only, none of them null."""
    return (
        KEYS <= job.keys() <= KEYS | OPTIONAL
        and all(isinstance(job[name], str) for name in ("id", "task_id", "status", "creation_date"))
        and isinstance(job["force"], bool)
        and isinstance(job["stacktrace"], list)
        and all(isinstance(text, str) for text in job["stacktrace"])
    )


# --- One job, and its state -------------------------------------------------------------------------------------------


def test_a_job_is_wrapped_and_has_the_keys_that_taipys_schema_knows():
    run = acts.ask(a_job())

    job = shown(a_client(), run)

    assert fits_taipys_schema(job)
    assert re.fullmatch(f"JOB_shell_{UUID}", job["id"])
    assert re.fullmatch(f"TASK_shell_{UUID}", job["task_id"])
    assert (job["force"], job["stacktrace"]) == (False, [])
    assert job["creation_date"] == "2026-11-21 12:00:00"


@pytest.mark.parametrize("state", Status)
@pytest.mark.parametrize("reason", [None, *Reason])
def test_in_every_state_taipys_schema_reads_it(state, reason):
    run = an_execution(status=state, reason=reason)
    client = a_client()

    assert fits_taipys_schema(shown(client, run))
    assert client.get("/api/v1/jobs/").json() == [shown(client, run)]


def test_the_path_answers_with_and_without_its_slash_and_without_a_redirect():
    run = acts.ask(a_job())
    client = a_client()

    with_slash = client.get(f"/api/v1/jobs/{job_id(run)}/")
    without = client.get(f"/api/v1/jobs/{job_id(run)}")

    assert without.status_code == with_slash.status_code == 200
    assert without.json() == with_slash.json()
    assert client.get("/api/v1/jobs").json() == client.get("/api/v1/jobs/").json()


def test_a_run_goes_from_pending_over_running_to_completed():
    job = a_job()
    run = acts.ask(job)
    seen = [status(run)]
    taken = acts.take_one(a_worker())
    seen.append(status(run))
    acts.end(taken)

    assert [*seen, status(run)] == ["Status.PENDING", "Status.RUNNING", "Status.COMPLETED"]


def test_a_run_that_is_to_start_later_is_submitted():
    assert status(acts.ask(a_job(), at=NOON + SECOND)) == "Status.SUBMITTED"


def test_a_run_that_waits_for_another_is_blocked_and_abandoned_with_it():
    parent = a_job()
    child = a_job(parents=[parent.name])
    grandchild = a_job(parents=[child.name])
    acts.ask(parent)
    before = status(acts.newest(child))
    acts.end(acts.take_one(a_worker()), error=acts.BAD)

    assert before == "Status.BLOCKED"
    assert {status(acts.newest(job)) for job in (child, grandchild)} == {"Status.ABANDONED"}


def test_a_run_that_was_never_started_is_abandoned():
    run = acts.ask(a_job(deadline=1))
    sweep.expire(NOON + 5 * SECOND)

    assert status(run) == "Status.ABANDONED"


def test_a_run_that_the_house_canceled_is_canceled():
    job = a_job()
    run = acts.ask(job)
    archive(job, by="ada", now=NOON, cancel_running=True)

    assert status(run) == "Status.CANCELED"


def test_the_tries_of_a_run_are_one_job():
    job = a_job(retries=1, retry_delay=0)
    acts.ask(job)
    acts.end(acts.take_one(a_worker()), error=acts.BAD)
    first, second = acts.of(job)
    client = a_client()

    (listed,) = client.get("/api/v1/jobs/").json()

    assert listed == shown(client, first)
    assert (listed["status"], listed["stacktrace"]) == ("Status.PENDING", [])
    assert listed["creation_date"] == "2026-11-21 12:00:00"
    assert client.get(f"/api/v1/jobs/{names.write('JOB', 'shell', second.pk)}/").status_code == 404


def test_a_failed_job_shows_the_traceback_of_its_code():
    trace = 'Traceback (most recent call last):\n  File "x.py"\nValueError: broken input\n'
    run = an_execution(status=Status.FAILED, exception="ValueError", traceback=trace)
    client = a_client()

    assert shown(client, run)["stacktrace"] == [trace]
    assert client.get("/api/v1/jobs/").json()[0]["stacktrace"] == [trace]


@pytest.mark.parametrize("error", ["worker-lost", "invalid-input", "timeout"])
def test_a_failure_without_a_traceback_is_told_in_words(error):
    known = Error.objects.get(name=error)
    run = an_execution(status=Status.FAILED, error=known, message="It was so.")

    (told,) = shown(a_client(), run)["stacktrace"]

    assert told == f"{known.title or known.name}: It was so."


def test_a_failure_of_which_nothing_is_known_says_at_least_that():
    run = an_execution(status=Status.FAILED, error=None)

    assert shown(a_client(), run)["stacktrace"] == ["The run failed."]


def test_a_warning_of_a_job_that_completed_is_no_stacktrace():
    run = an_execution(status=Status.COMPLETED, traceback="Traceback")

    assert shown(a_client(), run)["stacktrace"] == []


def test_a_name_with_underscores_and_dashes_is_found_again():
    job_type = a_job_type("my_long-task_config")
    run = an_execution(a_job(job_type=job_type, configuration={}))
    client = a_client()

    job = shown(client, run)

    assert job["id"].startswith("JOB_my_long-task_config_")
    assert client.get(f"/api/v1/jobs/{job['id']}").json() == {"job": job}


@pytest.mark.parametrize(
    "unknown",
    [
        "cancel",
        "nothing",
        "1",
        "JOB_my_task_config_75750ed8-4e09-4e00-958d-e352ee426cc9",
        names.write("JOB", "shell", 999_999),
        names.write("JOB", "shell", 2**62 - 1),
        names.write("TASK", "shell", 1),
        "x" * 5_000,
        "JOB_%EF%BF%BD_" + str(names.uuid_of(1)),
    ],
)
@pytest.mark.parametrize("method", ["get", "delete"])
def test_an_unknown_job_is_404_and_named(unknown, method):
    answer = getattr(a_client("editor"), method)(f"/api/v1/jobs/{unknown}/")

    assert answer.status_code == 404
    (message,) = answer.json().values()
    assert re.fullmatch(r"Job: .{0,200} does not exist\.", message)
    assert answer.json().keys() == {"message"}


def test_a_message_names_the_missing_job():
    answer = a_client().get("/api/v1/jobs/JOB_fast_75750ed8-4e09-4e00-958d-e352ee426cc9")

    assert answer.json() == {"message": "Job: JOB_fast_75750ed8-4e09-4e00-958d-e352ee426cc9 does not exist."}


def test_the_number_of_a_run_under_another_name_is_no_job():
    run = acts.ask(a_job())

    assert a_client().get(f"/api/v1/jobs/{names.write('JOB', 'other', run.group)}/").status_code == 404


# --- The list ---------------------------------------------------------------------------------------------------------


def test_a_house_without_runs_has_an_empty_array():
    answer = a_client().get("/api/v1/jobs/")

    assert (answer.status_code, answer.json()) == (200, [])


def test_the_list_is_a_bare_array_newest_first_of_all_runs_whoever_started_them():
    made = [
        acts.ask(a_job()),
        an_execution(trigger=Trigger.SCHEDULE, door=Door.SCHEDULER),
        an_execution(status=Status.COMPLETED, door=Door.DKRON),
    ]

    listed = a_client().get("/api/v1/jobs/").json()

    assert [job["id"] for job in listed] == [job_id(run) for run in reversed(made)]


def test_parameters_of_the_list_are_ignored():
    acts.ask(a_job())

    assert len(a_client().get("/api/v1/jobs/?page=7&page_size=0&status=x&task_id=").json()) == 1


def test_a_list_that_is_very_long_ends(monkeypatch):
    made = [acts.ask(a_job()) for _ in range(3)]
    monkeypatch.setattr(records, "MOST", 2)

    assert [job["id"] for job in a_client().get("/api/v1/jobs/").json()] == [job_id(made[2]), job_id(made[1])]


def test_very_many_tracebacks_are_not_all_shown_whole(monkeypatch):
    for n in range(3):
        an_execution(status=Status.FAILED, traceback=f"Traceback {n}", message="ValueError: x")
    monkeypatch.setattr(records, "_TRACEBACKS", 12)
    monkeypatch.setattr(records, "_AT_ONCE", 1)

    texts = [job["stacktrace"][0] for job in a_client().get("/api/v1/jobs/").json()]

    assert texts[:2] == ["Traceback 2", "Traceback 1"]
    assert texts[2].endswith(": ValueError: x")


def test_a_list_takes_the_same_few_queries_however_long_it_is():
    client = a_client()

    def queries(made: int) -> int:
        for _ in range(made):
            an_execution(status=Status.FAILED, traceback="Traceback")
            an_execution()
        with CaptureQueriesContext(connection) as captured:
            client.get("/api/v1/jobs/")
        return len(captured)

    client.get("/api/v1/jobs/")

    assert queries(1) == queries(5) <= 5


# --- Create -----------------------------------------------------------------------------------------------------------


def created(task_id: str, **how: Any) -> Any:
    return a_client("editor").post(f"/api/v1/jobs/?task_id={task_id}", **how)


def test_a_job_is_made_of_a_task_config_and_starts():
    answer = created("test-log")

    assert answer.status_code == 201
    assert answer.json().keys() == {"message", "job"}
    assert answer.json()["message"] == "Job was created."
    job = answer.json()["job"]
    assert fits_taipys_schema(job)
    assert re.fullmatch(f"JOB_test-log_{UUID}", job["id"])
    assert (job["status"], job["force"], job["stacktrace"]) == ("Status.SUBMITTED", False, [])
    run = Execution.objects.get()
    assert (run.status, run.door, run.trigger) == (Status.QUEUED, Door.TAIPY, Trigger.MANUAL)
    assert (run.job.name, run.job.is_ad_hoc) == ("test-log@1.0.0", True)


def test_a_client_that_polls_sees_its_job_complete():
    client = a_client("editor")
    made = client.post("/api/v1/jobs?task_id=test-log").json()["job"]
    run = Execution.objects.get()
    acts.run(run, a_worker(), run.created)

    assert client.get(f"/api/v1/jobs/{made['id']}").json()["job"]["status"] == "Status.COMPLETED"
    assert made["creation_date"] == client.get(f"/api/v1/jobs/{made['id']}").json()["job"]["creation_date"]


def test_the_same_call_twice_makes_two_jobs_of_one_task():
    one, two = (created("test-log").json()["job"] for _ in range(2))

    assert one["id"] != two["id"]
    assert one["task_id"] == two["task_id"]


def test_an_instance_id_as_in_the_published_example_is_accepted():
    a_job_type("my_config")

    answer = created("TASK_my_config_75750ed8-4e09-4e00-958d-e352ee426cc9")

    assert answer.status_code == 201
    assert answer.json()["job"]["id"].startswith("JOB_my_config_")


def test_the_task_of_a_job_can_be_run_again():
    first = created("test-log").json()["job"]

    again = created(first["task_id"]).json()["job"]

    assert again["task_id"] == first["task_id"]
    assert Execution.objects.count() == 2


def test_the_task_of_a_job_of_ours_runs_that_job():
    job = a_job()
    task = shown(a_client(), acts.ask(job))["task_id"]

    answer = created(task)

    assert answer.status_code == 201
    assert len(acts.of(job)) == 2
    assert answer.json()["job"]["task_id"] == task


def test_an_exact_name_comes_before_what_looks_like_an_instance_id(monkeypatch):
    name = "TASK_a_75750ed8-4e09-4e00-958d-e352ee426cc9"
    a_job_type(name)
    a_job_type("a")

    assert created(name).json()["job"]["id"].startswith(f"JOB_{name}_")


def test_the_newest_active_version_runs():
    a_job_type("many", version="1.0.0")
    a_job_type("many", version="2.0.0")
    a_job_type("many", version="3.0.0", is_active=False)

    created("many")

    assert Execution.objects.get().job_type.version == "2.0.0"


@pytest.mark.parametrize(
    "unknown",
    ["nope", "TASK_nope_75750ed8-4e09-4e00-958d-e352ee426cc9", "JOB_test-log_x", "x" * 3_000, "%EF%BF%BD", "%20"],
)
def test_an_unknown_task_config_is_404_and_named(unknown):
    answer = created(unknown)

    assert answer.status_code == 404
    assert answer.json().keys() == {"message"}
    assert re.fullmatch(r"Task config: .{1,200} does not exist\.", answer.json()["message"])


def test_the_message_names_the_unknown_task_config():
    assert created("nope").json() == {"message": "Task config: nope does not exist."}


def test_a_task_config_of_which_no_version_is_active_does_not_exist():
    a_job_type("old", is_active=False)

    assert created("old").status_code == 404


@pytest.mark.parametrize(
    ("query", "body"),
    [("", {}), ("?task_id=", {}), ("", {"task_id": "test-log"}), ("?task_id=&task_id=test-log", {}), ("?task", {})],
)
def test_without_a_task_id_in_the_query_it_is_400(query, body):
    answer = a_client("editor").post(f"/api/v1/jobs/{query}", body, format="json")

    assert (answer.status_code, answer.json()) == (400, {"message": "Config id is missing."})
    assert not Execution.objects.exists()


def test_of_several_task_ids_the_first_counts():
    assert created("test-log&task_id=nope").status_code == 201


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"{not json", "application/json"), (b"task_id=nope", "application/x-www-form-urlencoded"), (b"\xff", "x/y")],
)
def test_a_body_is_ignored(body, kind):
    assert created("test-log", data=body, content_type=kind).status_code == 201


def test_a_type_with_a_required_input_is_refused_instead_of_failing():
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    a_job_type("needs", input_schema=schema)

    answer = created("needs")

    assert answer.status_code == 400
    assert "n" in answer.json()["message"]
    assert answer.json().keys() == {"message"}
    assert not Execution.objects.exists()


def test_a_type_that_must_be_configured_is_refused_likewise():
    answer = created("shell")

    assert answer.status_code == 400
    assert "command" in answer.json()["message"]


def test_the_defaults_of_a_type_are_its_input():
    job_type = a_job_type("defaults", input_schema={"type": "object", "properties": {"n": {"default": 1}}})
    a_revision(job_type, number=2)

    assert created("defaults").status_code == 201
    assert Execution.objects.get().payload.input == {}


def test_a_canceled_job_stays_readable():
    run = acts.ask(a_job())
    cancel.cancel(run, by="ada", now=NOON)

    assert status(run) == "Status.CANCELED"
