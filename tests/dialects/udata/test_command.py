"""`manage.py job`, udata's commands."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from executions.models import Execution
from executions.states import Door, Status
from jobs.models import Job
from jobtypes.models import JobType
from tests.builders import a_job, an_execution
from tests.dialects.udata.asking import an_admin, listed, made

pytestmark = pytest.mark.django_db


def job(*words: str) -> str:
    out = StringIO()
    call_command("job", *words, stdout=out, stderr=out)
    return out.getvalue()


def answer(*words: str) -> Any:
    return json.loads(job(*words, "--json"))


def refusal(*words: str) -> CommandError:
    with pytest.raises(CommandError) as refused:
        job(*words)
    return refused.value


def test_list_shows_what_can_be_scheduled_sorted_one_a_line():
    names = job("list").splitlines()

    assert names == sorted(names) == answer("list")
    assert {"test-log", "test-error"} <= set(names)


# --- schedule ---------------------------------------------------------------------------------------------------------
def test_schedule_makes_an_enabled_job_of_its_label():
    said = job("schedule", "0 3 * * mon-fri", "test-log", "a", "key=value")

    assert said == "Scheduled test-log(a, key=value) with the following crontab: 0 3 * * mon-fri\n"
    (made,) = listed(an_admin())
    assert made | {"id": ""} == {
        "id": "",
        "name": "Job test-log(a, key=value)",
        "description": "Periodic test-log job",
        "task": "test-log",
        "crontab": {
            "minute": "0",
            "hour": "3",
            "day_of_month": "*",
            "month_of_year": "*",
            "day_of_week": "mon-fri",
        },
        "interval": None,
        "args": ["a"],
        "kwargs": {"key": "value"},
        "schedule": "0 3 * * mon-fri",
        "last_run_at": None,
        "last_run_id": None,
        "enabled": True,
    }


def test_schedule_changes_the_crontab_of_the_job_with_these_parameters_and_nothing_else():
    client = an_admin()
    present = made(client, name="Nightly", args=["a"], interval={"every": 1, "period": "days"}, description="mine")

    job("schedule", "0 4 * * *", "test-log", "a")

    assert listed(client) == [
        present | {"crontab": listed(client)[0]["crontab"], "interval": None, "schedule": "0 4 * * *"}
    ]


def test_other_parameters_are_another_job():
    for words in (["a"], ["a", "b"], ["key=a"], []):
        job("schedule", "0 4 * * *", "test-log", *words)

    assert len(listed(an_admin())) == 4


def test_parameters_are_texts_and_split_at_their_first_equals_sign():
    made = answer("schedule", "0 4 * * *", "test-log", "5", "true", "key=a=b", "empty=")

    assert (made["args"], made["kwargs"]) == (["5", "true"], {"key": "a=b", "empty": ""})


def test_a_parameter_that_takes_no_text_gets_what_the_text_writes():
    made = answer("schedule", "0 4 * * *", "purge-history", "30", "per_job=100")
    again = answer("schedule", "0 5 * * *", "test-low-queue", "raises=True")

    assert (made["args"], made["kwargs"]) == ([30], {"per_job": 100})
    assert again["kwargs"] == {"raises": True}


@pytest.mark.parametrize("cron", ["", "0", "0 3 * *", "0 3 * * * *", "* " * 40])
def test_a_crontab_of_another_length_is_refused_with_the_order_of_its_members(cron):
    error = refusal("schedule", cron, "test-log")

    assert "members, not five: minute hour day-of-month month day-of-week." in str(error)
    assert len(str(error)) < 250


def test_a_member_that_is_nonsense_is_named():
    assert "crontab.day_of_week: 7 is not within 0-6" in str(refusal("schedule", "0 3 * * 7", "test-log"))


def test_what_nobody_knows_is_255():
    for words in (("schedule", "0 3 * * *", "nope"), ("run", "nope"), ("run", "-d", "nope"), ("unschedule", "nope")):
        assert refusal(*words).returncode == 255


def test_parameters_that_the_task_does_not_take_are_stored_with_a_warning():
    said = job("schedule", "0 3 * * *", "purge-history", "days=many")

    assert "Note: its runs will fail: input.json.days: 'many' is not of type integer or null" in said
    assert listed(an_admin())[0]["kwargs"] == {"days": "many"}


def test_a_name_that_is_taken_is_said():
    made(an_admin(), name="Job test-log", args=[1])

    assert "name: belongs to another job already" in str(refusal("schedule", "0 3 * * *", "test-log"))


# --- unschedule and scheduled -----------------------------------------------------------------------------------------
def test_unschedule_deletes_the_job_with_exactly_these_parameters():
    job("schedule", "0 4 * * *", "test-log", "a")
    job("schedule", "0 4 * * *", "test-log", "a", "key=b")

    assert job("unschedule", "test-log", "a") == "Unscheduled test-log(a)\n"

    assert [one["args"] + list(one["kwargs"]) for one in listed(an_admin())] == [["a", "key"]]


def test_unschedule_says_when_nothing_matches():
    job("schedule", "0 4 * * *", "test-log", "a")

    error = refusal("unschedule", "test-log", "b")

    assert str(error).startswith("No scheduled job match test-log(b).")
    assert Job.objects.living().count() == 1


def test_a_job_of_a_task_that_is_gone_is_flagged_and_can_be_unscheduled():
    job("schedule", "0 4 * * *", "purge-history", "days=30")
    JobType.objects.filter(name="purge-history").update(is_active=False)

    assert job("scheduled") == ("Job purge-history(days=30): purge-history(days=30) ↦ 0 4 * * * (unknown job)\n")
    job("unschedule", "purge-history", "days=30")
    assert job("scheduled") == ""


def test_scheduled_lists_jobs_by_task():
    client = an_admin()
    made(client, name="Z", task="test-log", interval={"every": 1, "period": "minutes"})
    made(client, name="A", task="test-log", kwargs={"b": 1, "a": None})
    made(client, name="B", task="test-error")

    assert job("scheduled").splitlines() == [
        "B: test-error ↦ 0 3 * * *",
        "A: test-log(a=None, b=1) ↦ 0 3 * * *",
        "Z: test-log ↦ every minute",
    ]
    assert answer("scheduled") == listed(client)


# --- run --------------------------------------------------------------------------------------------------------------
def test_run_calls_the_task_here_and_leaves_no_execution(capsys):
    job("run", "test-log", "a", "key=value")

    assert "INFO an info message" in capsys.readouterr().out
    assert not Execution.objects.exists()


def test_what_a_task_raises_ends_the_command():
    with pytest.raises(RuntimeError, match="asked to fail"):
        job("run", "test-low-queue", "raises=true")


def test_parameters_that_do_not_fit_are_said_without_calling():
    assert "got an unexpected keyword argument 'nope'" in str(refusal("run", "test-low-queue", "nope=1"))


def test_what_is_no_python_task_is_not_run_here():
    assert "--delay" in str(refusal("run", "shell"))


def test_run_with_delay_leaves_it_to_a_worker():
    said = job("run", "--delay", "test-log", "a", "key=b")

    (execution,) = Execution.objects.select_related("payload", "job")
    assert said.startswith(f"test-log(a, key=b) was sent as {execution.pk}.")
    assert (execution.status, execution.door) == (Status.QUEUED, Door.SHELL)
    assert execution.payload.input == {"args": ["a"], "kwargs": {"key": "b"}}
    assert execution.job.is_ad_hoc


# --- status -----------------------------------------------------------------------------------------------------------
def test_status_tells_how_a_run_stands():
    execution = an_execution(status=Status.COMPLETED, outputs={"json": {"result": 3}})

    assert job("status", str(execution.pk)) == f"id: {execution.pk}\nstatus: SUCCESS\nresult: 3\n"
    assert answer("status", "nonsense")["status"] == "PENDING"


def test_status_alone_tells_what_waits_and_runs_by_task():
    assert job("status") == "Nothing waits or runs.\n"
    task, shell = a_job(executor="test-log"), a_job()
    for one, status in ((task, Status.QUEUED), (task, Status.RUNNING), (shell, Status.PENDING), (shell, Status.FAILED)):
        an_execution(one, status=status)

    assert job("status").splitlines() == ["shell: 1 waiting, 0 running", "test-log: 1 waiting, 1 running"]
    assert answer("status") == {"shell": {"waiting": 1, "running": 0}, "test-log": {"waiting": 1, "running": 1}}
