"""The plain admin: every page opens for those who may see it, and what is done there goes through the services."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config.access import tokens
from config.access.models import Token
from config.access.roles import SEEN
from errors.console import MOST_COUNTED, CappedPaginator
from errors.models import Error
from executions.models import BulkAction, Execution, ExecutionResult, House, OutputChunk, Worker
from executions.notifications import outbox
from executions.notifications.models import NotificationRule, NotificationTarget, NotificationTry
from executions.notifications.services import create_rule, create_target
from executions.states import Status
from jobs.models import Job, JobRecord, Payload
from jobtypes.models import JobType, JobTypeRevision, Workspace
from tests.builders import NOON, a_job, a_job_type, a_user, an_execution

pytestmark = pytest.mark.django_db

OURS = (
    Error,
    JobType,
    JobTypeRevision,
    Workspace,
    Job,
    Payload,
    JobRecord,
    Execution,
    ExecutionResult,
    OutputChunk,
    Worker,
    House,
    BulkAction,
    NotificationTarget,
    NotificationRule,
    NotificationTry,
)
SECRET = "a-very-secret-value"


def browser(role: str = "superuser") -> Client:
    """The browser of somebody in `role` who may enter the console."""
    user = a_user(role)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client


@pytest.fixture
def full_house() -> dict[type, int]:
    """One row of everything, by its model."""
    job = a_job(
        "copy", configuration={"command": "true", "secret_env": {"TOKEN": SECRET}}, parents=[a_job("first").name]
    )
    execution = an_execution(job, status=Status.FAILED, output="<b>out</b>\n", exception="a.B", traceback="line")
    rows: dict[type, Any] = {
        Error: Error.objects.filter(is_builtin=True).first(),
        JobType: job.job_type,
        JobTypeRevision: JobTypeRevision.objects.first(),
        Workspace: Workspace.objects.first(),
        Job: job,
        Payload: job.payload,
        JobRecord: job.record,
        Execution: execution,
        ExecutionResult: execution.result,
        OutputChunk: OutputChunk.objects.first(),
        Worker: Worker.objects.first(),
        House: House.row(),
        BulkAction: BulkAction.objects.create(action="cancel", count=0, door="console"),
        NotificationTarget: create_target("hook", f"https://hooks.example.org/{SECRET}", by="ada"),
        NotificationRule: create_rule({"event": "failure", "target": "hook"}, by="ada"),
        NotificationTry: outbox.test(create_target("mail", "ops@example.org", by="ada"), NOON),
    }
    return {model: row.pk for model, row in rows.items()}


def address(model: Any, page: str, *arguments: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


def do(client: Client, row: Any, deed: str) -> str:
    """Press a button; return what the next page says."""
    answer = client.post(address(type(row), "do", row.pk, deed), follow=True)
    assert answer.status_code == 200
    return "\n".join(str(message) for message in answer.context["messages"])


@pytest.mark.parametrize("role", ["superuser", "editor", "executor", "reader"])
@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_every_list_and_every_page_opens(full_house: dict[type, int], role: str, model: type):
    client = browser(role)

    listed = client.get(address(model, "changelist"))
    shown = client.get(address(model, "change", full_house[model]))

    assert (listed.status_code, shown.status_code) == (200, 200)
    assert SECRET not in listed.content.decode() + shown.content.decode()


def test_no_model_of_ours_is_left_out():
    registered = {model for model in admin.site._registry if model._meta.app_label in SEEN}

    assert registered == set(OURS)


@pytest.mark.parametrize("model", [Error, Job, Token, User], ids=lambda model: model.__name__)
def test_the_forms_for_new_ones_open(model: type):
    assert browser().get(address(model, "add")).status_code == 200


def test_a_reader_finds_no_button_and_no_field(full_house: dict[type, int]):
    page = browser("reader").get(address(Job, "change", full_house[Job])).content.decode()

    assert "/do/" not in page
    assert 'name="_save"' not in page
    assert "********" in page


@pytest.mark.parametrize("model", [Execution, OutputChunk, JobTypeRevision, Worker, Payload, House])
def test_facts_are_read_only_even_for_a_superuser(full_house: dict[type, int], model: type):
    client = browser()

    assert client.get(address(model, "add")).status_code == 403
    assert client.get(address(model, "delete", full_house[model])).status_code == 403
    assert 'name="_save"' not in client.get(address(model, "change", full_house[model])).content.decode()
    assert b"delete_selected" not in client.get(address(model, "changelist")).content


@pytest.mark.parametrize("model", [Execution, Job, Worker, OutputChunk, JobType], ids=lambda model: model.__name__)
def test_a_list_asks_no_more_for_fifty_rows_than_for_two(model: type):
    client = browser()
    client.get(address(model, "changelist"))

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(address(model, "changelist")).status_code == 200
        return len(asked)

    def more(count: int) -> None:
        for _ in range(count):
            an_execution(a_job(), status=Status.COMPLETED, output="x\n")

    more(2)
    few = queries()
    more(48)
    assert queries() == few


def test_a_count_stops_at_ten_thousand():
    rows = Execution.objects.all()
    with CaptureQueriesContext(connection) as asked:
        assert CappedPaginator(rows, 50).count == 0

    assert f"LIMIT {MOST_COUNTED}" in asked[0]["sql"]


def test_a_search_is_a_number_or_the_beginning_of_a_name():
    client = browser()
    copy, move = an_execution(a_job("copy-files")), an_execution(a_job("move-files"))

    def found(term: str) -> list[int]:
        return [row.pk for row in client.get(address(Execution, "changelist"), {"q": term}).context["cl"].result_list]

    assert found("copy") == [copy.pk]
    assert found(str(move.pk)) == [move.pk]
    assert found("files") == []


def form(**fields: Any) -> dict[str, Any]:
    """What a browser sends for a job."""
    return {
        "name": "nightly",
        "job_type": JobType.objects.get(name="shell").pk,
        "follows_newest": "on",
        "configuration": '{"command": "true"}',
        "input": "",
        "schedule": "0 3 * * *",
        "is_enabled": "on",
        "misfire_policy": "once",
        "retries": 0,
        "retry_delay": 1,
        "deadline": 172_800,
        "concurrency": "allow",
        **fields,
    }


def test_a_job_is_made_through_the_services():
    client = browser("editor")
    parent = a_job("first")

    answer = client.post(address(Job, "add"), form(parents=[parent.pk], tags='{"role": "web"}'))

    assert answer.status_code == 302, answer.context["errors"]
    job = Job.objects.get(name="nightly")
    assert job.next_run_at
    assert job.created_by
    assert job.follows_newest
    assert (job.payload.configuration, job.tags) == ({"command": "true"}, {"role": "web"})
    assert list(job.parents.all()) == [parent]
    assert JobRecord.objects.filter(job=job).exists()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("schedule", "61 * * * *", "minute"),
        ("timezone", "Mars/Olympus", "Mars/Olympus"),
        ("name", "Not A Name", "lower-case"),
        ("configuration", "{}", "command"),
        ("configuration", "{", "JSON"),
        ("retries", 101, "100"),
        ("revision_num", 99, "version"),
        ("tags", '{"role": 1}', "must"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(field: str, value: Any, message: str):
    answer = browser("editor").post(address(Job, "add"), form(**{field: value}))

    assert answer.status_code == 200
    assert message in " ".join(answer.context["adminform"].form.errors[field])
    assert not Job.objects.exists()


def test_an_edit_keeps_the_secrets_and_moves_the_next_run():
    job = a_job("nightly", schedule="@manually", configuration={"command": "true", "secret_env": {"TOKEN": SECRET}})
    client = browser("editor")

    answer = client.post(
        address(Job, "change", job.pk),
        form(schedule="@hourly", configuration='{"command": "false", "secret_env": {"TOKEN": "********"}}'),
    )

    assert answer.status_code == 302, answer.context["errors"]
    job = Job.objects.select_related("payload").get()
    assert job.next_run_at
    assert job.payload.configuration["command"] == "false"
    assert SECRET in str(job.payload.secrets)


def test_saving_a_job_without_a_change_changes_nothing():
    job_type = a_job_type()
    job = a_job("nightly", job_type={"name": job_type.name, "version": job_type.version}, configuration={})
    client = browser("editor")
    page = client.get(address(Job, "edit", job.pk))
    fields = page.context["adminform"].form
    sent = {
        name: fields[name].value() if fields[name].value() is not None else ""
        for name in fields.fields
        if name not in ("starts_at", "expires_at") and fields[name].value() is not False
    }

    answer = client.post(address(Job, "change", job.pk), sent)

    assert answer.status_code == 302, answer.context["errors"]
    again = Job.objects.get()
    kept = (
        "name",
        "job_type_id",
        "follows_newest",
        "payload_id",
        "schedule",
        "next_run_at",
        "schedule_anchor",
        "retries",
    )
    assert [getattr(again, name) for name in kept] == [getattr(job, name) for name in kept]


def test_run_now_pause_and_resume():
    job = a_job("nightly")
    client = browser("executor")

    assert re.search(r"Execution \d+ of nightly is QUEUED", do(client, job, "run"))
    assert Execution.objects.get().door == "console"
    assert "nightly is paused" in do(client, job, "pause")
    job.refresh_from_db()
    assert job.paused_at
    assert "nightly goes on" in do(client, job, "resume")
    job.refresh_from_db()
    assert not job.paused_at


def test_cancel_and_retry():
    waiting = an_execution()
    client = browser("executor")

    assert "is canceled" in do(client, waiting, "cancel")
    assert "already ended" in do(client, waiting, "cancel")
    waiting.refresh_from_db()
    assert waiting.status == Status.CANCELED
    assert "is try 2 of run" in do(client, waiting, "retry")
    assert Execution.objects.count() == 2


def test_a_type_and_the_house_can_be_held_back():
    client, job_type = browser(), JobType.objects.get(name="shell")

    do(client, job_type, "pause")
    do(client, House.row(), "pause")

    job_type.refresh_from_db()
    assert job_type.is_paused
    assert job_type.paused
    assert House.row().paused_at
    do(client, job_type, "resume")
    do(client, House.row(), "resume")
    job_type.refresh_from_db()
    assert not job_type.is_paused
    assert not House.row().paused_at


@pytest.mark.parametrize(
    ("role", "make", "deed"),
    [
        ("reader", a_job, "run"),
        ("reader", a_job, "pause"),
        ("reader", an_execution, "cancel"),
        ("editor", House.row, "pause"),
    ],
)
def test_a_button_asks_for_its_right(role: str, make: Callable[[], Any], deed: str):
    row = make()
    client = browser(role)

    assert client.post(address(type(row), "do", row.pk, deed)).status_code == 403
    assert client.get(address(type(row), "do", row.pk, deed)).status_code == 405
    assert Execution.objects.exclude(status=Status.QUEUED).count() == 0


def test_the_same_deeds_are_done_to_ticked_rows():
    jobs = [a_job() for _ in range(5)]
    client = browser("executor")

    answer = client.post(
        address(Job, "changelist"), {"action": "run", "_selected_action": [job.pk for job in jobs]}, follow=True
    )

    assert Execution.objects.count() == 5
    assert "done for 5 jobs" in str(next(iter(answer.context["messages"])))
    assert b'value="run"' not in browser("reader").get(address(Job, "changelist")).content


def test_deleting_a_job_archives_it():
    job = a_job("nightly")
    waiting = an_execution(job)
    client = browser("editor")
    assert client.get(address(Job, "delete", job.pk)).status_code == 200

    assert client.post(address(Job, "delete", job.pk), {"post": "yes"}).status_code == 302

    job.refresh_from_db()
    waiting.refresh_from_db()
    assert job.archived
    assert waiting.status == Status.CANCELED
    assert "nightly" not in client.get(address(Job, "changelist")).content.decode().partition("result_list")[2]
    assert client.get(address(Job, "change", job.pk)).status_code == 200


def test_a_running_job_is_not_deleted():
    job = a_job("nightly")
    an_execution(job, status=Status.RUNNING)

    answer = browser("editor").post(address(Job, "delete", job.pk), {"post": "yes"}, follow=True)

    assert "The job is running" in str(next(iter(answer.context["messages"])))
    job.refresh_from_db()
    assert not job.archived


def test_a_new_tokens_key_is_shown_once():
    user, client = a_user("reader"), browser()

    answer = client.post(address(Token, "add"), {"user": user.pk, "name": "ci", "role": "reader"}, follow=True)

    key = re.search(r"jh_[\w-]{43}", answer.content.decode())
    assert key
    token = Token.objects.get()
    assert token.digest == tokens.digest(key[0])
    assert (token.user, token.name, token.role) == (user, "ci", "reader")
    assert key[0] not in client.get(address(Token, "change", token.pk)).content.decode()


def test_whoever_may_enter_sees_tokens_of_their_own_alone():
    tokens.create(a_user("reader", "grace"), name="for grace")

    shown = browser("editor").get(address(Token, "changelist")).content.decode()

    assert "You have no tokens yet" in shown
    assert "for grace" not in shown


def test_built_in_errors_and_system_types_are_not_edited(full_house: dict[type, int]):
    editor = browser("editor")

    assert 'name="_save"' not in editor.get(address(Error, "change", full_house[Error])).content.decode()
    assert 'name="_save"' not in editor.get(address(JobType, "change", full_house[JobType])).content.decode()
    assert editor.get(address(Error, "delete", full_house[Error])).status_code == 403


def test_an_error_of_a_job_type_is_made_and_changed():
    client = browser("editor")
    fields = {"name": "no-disk", "job_type_name": "copy", "category": "SYSTEM", "title": "No disk", "description": ""}

    assert client.post(address(Error, "add"), fields).status_code == 302
    error = Error.objects.get(name="no-disk")
    assert client.post(address(Error, "change", error.pk), {**fields, "should_be_retried": "on"}).status_code == 302
    error.refresh_from_db()
    assert (error.should_be_retried, error.is_builtin) == (True, False)
    assert client.post(address(Error, "add"), {**fields, "job_type_name": ""}).status_code == 200


def test_output_and_messages_are_text(full_house: dict[type, int]):
    page = browser().get(address(Execution, "change", full_house[Execution])).content.decode()

    assert "&lt;b&gt;out&lt;/b&gt;" in page
    assert "<b>out</b>" not in page


def test_the_console_is_called_by_its_name():
    assert "Jobhouse" in browser().get("/admin/").content.decode()


def test_an_execution_created_lately_is_found_by_time():
    execution = an_execution(created=timezone.now())
    an_execution()

    listed = browser().get(address(Execution, "changelist"), {"started": "PT1H"}).context["cl"].result_list

    assert [row.pk for row in listed] == [execution.pk]
