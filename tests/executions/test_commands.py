"""The shell commands. Most are called in this process; how one leaves is seen from outside."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from executions.management.follow import exit_code
from executions.models import Execution, OutputChunk
from executions.states import Status
from tests.builders import a_client, a_job, an_execution

pytestmark = pytest.mark.django_db


def manage(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=out)
    return out.getvalue()


def answer(*words: str) -> Any:
    return json.loads(manage(*words, "--json"))


def leaves_with(*words: str) -> tuple[int, str, str]:
    """The exit code of a command, and what it wrote to either stream."""
    out, err = StringIO(), StringIO()
    try:
        call_command(*words, stdout=out, stderr=err)
    except SystemExit as leave:
        return int(leave.code or 0), out.getvalue(), err.getvalue()
    return 0, out.getvalue(), err.getvalue()


def test_jobs_lists_each_with_its_schedule_in_words():
    now = timezone.now()
    a_job("nightly", schedule="0 3 * * *", now=now)
    held = a_job("hourly", schedule="@hourly", is_enabled=False, now=now)
    an_execution(held, status=Status.FAILED, created=now - timedelta(minutes=5))

    lines = manage("jobs").splitlines()

    assert lines[0].split() == ["NAME", "STATE", "SCHEDULE", "NEXT", "LAST", "RUN"]
    assert lines[1].startswith("hourly   off ")
    assert lines[1].endswith("FAILED 4 min ago")
    assert lines[2].startswith("nightly  on     At 03:00 every day ")
    assert " in " in lines[2]


def test_jobs_says_what_the_api_says():
    a_job("nightly", schedule="0 3 * * *", parents=[a_job("first").name])

    assert answer("jobs") == a_client().get("/v6/jobs/?order=name").json()["results"]


def test_jobs_can_be_looked_for():
    an_execution(a_job("copy-files", description="to the archive"), status=Status.COMPLETED)
    a_job("ask", executor="http")

    assert [job["name"] for job in answer("jobs", "--search", "archive")] == ["copy-files"]
    assert [job["name"] for job in answer("jobs", "--type", "http")] == ["ask"]
    assert [job["name"] for job in answer("jobs", "--status", "completed")] == ["copy-files"]
    assert manage("jobs", "--search", "nothing like it") == "No jobs.\n"


def test_a_name_that_is_nearly_right_gets_a_hint():
    a_job("nightly-copy")

    with pytest.raises(CommandError) as refusal:
        manage("run_job", "nighty-copy")

    assert str(refusal.value) == (
        "No job named 'nighty-copy'. Did you mean 'nightly-copy'? `manage.py jobs` lists them."
    )


def test_run_job_queues_a_run():
    job = a_job("copy")

    said = manage("run_job", "copy")

    execution = Execution.objects.get()
    assert (execution.job, execution.door, execution.trigger, execution.status) == (job, "shell", "manual", "QUEUED")
    assert execution.requested_by
    assert said.startswith(f"Execution {execution.pk} of copy is QUEUED.")
    assert f"`manage.py output {execution.pk} --follow`" in said


def test_run_job_answers_in_the_fields_of_the_api():
    a_job("copy")

    shown = answer("run_job", "copy")

    assert shown == a_client().get("/v6/executions/").json()["results"][0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--input", "{"], "--input: this is not JSON"),
        (["--input", "[1]"], "--input: expected an object"),
        (["--configuration", '{"comand": "true"}'], "comand"),
    ],
)
def test_run_job_says_what_is_wrong_with_what_it_was_given(words: list[str], message: str):
    a_job("copy")

    with pytest.raises(CommandError, match=message):
        manage("run_job", "copy", *words)
    assert not Execution.objects.exists()


def test_following_shows_each_stream_where_it_belongs_and_leaves_with_the_jobs_code(monkeypatch):
    a_job("copy")

    def perform(job, **given):
        execution = an_execution(job, status=Status.FAILED, output="one\ntwo\n", message="exit status 3")
        Execution.objects.filter(pk=execution.pk).update(exit_code=3)
        OutputChunk.objects.create(
            execution=execution, seq=3, lines=1, time=timezone.now(), stream="stderr", text="oh\n"
        )
        return Execution.objects.get(pk=execution.pk)

    monkeypatch.setattr("executions.management.commands.run_job.submit", perform)

    code, out, err = leaves_with("run_job", "copy", "--follow")

    assert (code, out) == (3, "one\ntwo\n")
    assert err.startswith("oh\n")


def test_following_goes_on_with_the_next_try(monkeypatch):
    job = a_job("copy")
    first = an_execution(job, status=Status.FAILED, output="first\n")
    an_execution(of=first, status=Status.COMPLETED, output="second\n")
    first.refresh_from_db()
    monkeypatch.setattr("executions.management.commands.run_job.submit", lambda *_, **__: first)

    assert leaves_with("run_job", "copy", "--follow")[:2] == (0, "first\nsecond\n")


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ({"status": "COMPLETED"}, 0),
        ({"status": "FAILED", "exit_code": 7}, 7),
        ({"status": "FAILED", "signal": 9}, 137),
        ({"status": "FAILED"}, 1),
        ({"status": "CANCELED"}, 130),
    ],
)
def test_how_a_run_ended_is_an_exit_code(end: dict[str, Any], code: int):
    assert exit_code(Execution(**end)) == code


def test_executions_are_listed_newest_first():
    now = timezone.now()
    older = an_execution(a_job("copy"), status=Status.COMPLETED, created=now - timedelta(minutes=10))
    newer = an_execution(a_job("move"), status=Status.FAILED, created=now, message="exit status 1")

    lines = manage("executions").splitlines()

    assert [line.split()[0] for line in lines] == ["ID", str(newer.pk), str(older.pk)]
    assert lines[1].endswith("exit status 1")
    assert [row["id"] for row in answer("executions", "--job", "copy")] == [older.pk]
    assert [row["id"] for row in answer("executions", "--status", "failed")] == [newer.pk]
    assert len(answer("executions", "--limit", "1")) == 1
    assert set(answer("executions")[0]) == set(a_client().get("/v6/executions/").json()["results"][0])


def test_lists_fit_a_terminal_of_80_columns(monkeypatch):
    job = a_job("a-name-that-goes-on-and-on-and-on-and-on", schedule="*/7 3-9 1,15 * mon")
    an_execution(job, status=Status.FAILED, message="a message that goes on " * 10)
    monkeypatch.setattr("executions.management.base.HouseCommand.width", 80)

    for command in ("jobs", "executions"):
        assert max(map(len, manage(command).splitlines())) <= 80


def test_cancel_says_what_becomes_of_it():
    waiting, running = an_execution(), an_execution(status=Status.RUNNING)

    assert manage("cancel", str(waiting.pk)) == f"Execution {waiting.pk} is canceled; it never started.\n"
    assert manage("cancel", str(running.pk)) == f"Execution {running.pk} is being stopped.\n"
    with pytest.raises(CommandError, match="has already ended"):
        manage("cancel", str(waiting.pk))
    with pytest.raises(CommandError, match="No execution 999999"):
        manage("cancel", "999999")


def test_why_answers_for_executions_and_jobs():
    job = a_job("copy", is_enabled=False)
    execution = an_execution(a_job("move"))
    done = an_execution(a_job("done"), status=Status.FAILED, message="exit status 1")

    assert manage("why", "copy") == "It is disabled.\n"
    assert manage("why", str(execution.pk)) == "No worker is alive.\n"
    assert answer("why", job.name) == {"why": "It is disabled."}
    assert manage("why", str(done.pk)) == (f"Nothing keeps execution {done.pk} waiting. It is FAILED: exit status 1.\n")


def test_output_shows_what_was_kept():
    execution = an_execution(status=Status.COMPLETED, output="one\ntwo\n")

    assert manage("output", str(execution.pk)) == "one\ntwo\n"
    assert manage("output", str(execution.pk), "--follow") == "one\ntwo\n"


def test_a_gap_in_an_output_is_told():
    execution = an_execution(status=Status.COMPLETED, output="one\n")
    OutputChunk.objects.create(
        execution=execution, seq=90, lines=1, time=timezone.now(), stream="stdout", text="last\n"
    )

    assert manage("output", str(execution.pk)).splitlines() == ["one", "[… some output was not kept …]", "last"]


def test_schedule_preview_explains():
    shown = manage("schedule", "preview", "30 2 * * *", "--tz", "Europe/Paris", "--count", "2").splitlines()

    assert shown[0] == "At 02:30 every day (Europe/Paris; 1 a day)"
    assert len([line for line in shown if "02:30:00 CE" in line]) == 2


def test_schedule_preview_points_at_what_is_wrong():
    with pytest.raises(CommandError, match="minute"):
        manage("schedule", "preview", "61 * * * *", "--tz", "UTC")
    assert leaves_with("schedule", "preview", "61 * * * *", "--json")[0] == 1


def test_schedule_preview_says_what_the_api_says():
    words = ["preview", "@hourly", "--tz", "UTC"]
    out = StringIO()
    call_command("schedule", *words, "--json", stdout=out)

    said = a_client().get("/v6/schedules/preview/", {"schedule": "@hourly", "timezone": "UTC"}).json()

    assert json.loads(out.getvalue()) == said
