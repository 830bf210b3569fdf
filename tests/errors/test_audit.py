"""The audit: every change that people answer for is on record, with its change or not at all, and without secrets."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from errors import acting, audit
from errors.models import Error
from executions import house
from executions.engine import archive, cancel, fire, submit
from executions.housekeeping import purge_history
from executions.states import Door, Status
from jobs import services
from jobs.models import Job
from jobtypes import services as type_services
from jobtypes import workspaces
from tests.builders import (
    HOUR,
    MINUTE,
    NOON,
    a_client,
    a_job,
    a_job_type,
    a_user,
    a_worker,
    an_execution,
    job_fields,
)
from tests.executions.acts import end, of, take

pytestmark = pytest.mark.django_db


def last() -> audit.Told:
    return audit.told(LogEntry.objects.select_related("user").order_by("-pk")[0])


def count() -> int:
    return LogEntry.objects.count()


# --- What is recorded -------------------------------------------------------------------------------------------------
def test_a_new_job_is_recorded_with_what_was_said_of_it():
    a_job("nightly", schedule="@daily", by="ada")

    told = last()

    assert (told.action, told.by) == ("create", "ada")
    assert told.after["schedule"] == "@daily"
    assert told.after["job_type"] == "shell"
    assert "retries" not in told.after


def test_an_edit_is_recorded_with_what_it_changed_and_nothing_else():
    job = a_job(schedule="@daily")

    services.update(job, {"schedule": "@hourly", "retries": 0, "tags": {"role": "web"}}, by="", now=NOON, partial=True)

    assert last().action == "update"
    assert last().before == {"schedule": "@daily", "tags": {}}
    assert last().after == {"schedule": "@hourly", "tags": {"role": "web"}}


def test_an_edit_that_changes_nothing_is_no_event():
    job = a_job(schedule="@daily")
    before = count()

    services.update(job, {"schedule": "@daily"}, by="", now=NOON, partial=True)
    services.resume(job, by="", now=NOON)

    assert count() == before


def test_new_parents_are_recorded_by_name():
    one, job = a_job("one"), a_job("two")

    services.update(job, {"parents": [one.name]}, by="", now=NOON, partial=True)

    assert (last().before, last().after) == ({"parents": []}, {"parents": ["one"]})


def test_pausing_and_resuming_a_job_are_recorded():
    job = a_job()

    services.pause(job, by="ada", now=NOON, note="for the move", until=NOON + HOUR)
    paused = last()
    services.resume(job, by="ben", now=NOON)

    assert (paused.action, paused.by) == ("pause", "ada")
    assert paused.after == {"is_paused": True, "until": "2026-11-21T13:00:00Z", "note": "for the move"}
    assert (last().action, last().by, last().after["is_paused"]) == ("resume", "ben", False)


def test_enabling_and_disabling_are_recorded():
    job = a_job(schedule="@daily")

    services.disable(job, by="ada", now=NOON)

    assert (last().before, last().after) == ({"is_enabled": True}, {"is_enabled": False})


def test_deleting_a_job_is_recorded_once():
    job = a_job("gone")

    archive.archive(job, by="ada", now=NOON, cancel_running=False)
    archive.archive(job, by="ben", now=NOON, cancel_running=False)

    entries = [audit.told(entry) for entry in LogEntry.objects.filter(object_repr="gone").select_related("user")]
    assert [(told.action, told.by) for told in entries if told.action == "delete"] == [("delete", "ada")]


def test_a_run_by_hand_is_recorded_on_its_job():
    job = a_job()

    made = submit.submit(job, by="ada", door=Door.DKRON, now=NOON)

    entry = LogEntry.objects.order_by("-pk")[0]
    assert (entry.object_id, entry.content_type.model) == (str(job.pk), "job")
    assert (last().action, last().door, last().after) == ("run", "dkron", {"execution": made.pk})


def test_what_a_schedule_starts_is_not_recorded():
    a_job(schedule="@every 1m")
    before = count()

    fired = fire.fire_due(NOON + MINUTE)

    assert fired.executions == 1
    assert count() == before


def test_canceling_and_retrying_are_recorded_on_the_execution():
    waiting, failed = an_execution(), an_execution(status=Status.FAILED)

    cancel.cancel(waiting, by="ada", now=NOON)
    canceled = last()
    again = submit.retry(failed, by="ada", door=Door.CONSOLE, now=NOON)

    assert (canceled.action, canceled.before, canceled.after) == (
        "cancel",
        {"status": "QUEUED"},
        {"status": "CANCELED"},
    )
    assert (last().action, last().door) == ("retry", "console")
    assert last().after == {"execution": again.pk, "attempt": 2}


def test_asking_a_running_execution_twice_to_stop_is_recorded_once():
    running = an_execution(status=Status.RUNNING)

    cancel.cancel(running, by="ada", now=NOON)
    before = count()
    cancel.cancel(running, by="ben", now=NOON)

    assert last().after == {"status": "stopping"}
    assert count() == before


def test_holding_a_job_type_back_is_recorded_once():
    job_type = a_job_type("render")

    type_services.pause(job_type, NOON)
    before = count()
    type_services.pause(job_type, NOON)

    assert count() == before
    assert (last().action, last().after) == ("pause", {"is_paused": True})


def test_workspaces_and_decisions_about_errors_are_recorded():
    made = workspaces.create("Raw data", {"broker": {"type": "host", "host_path": "/data"}}, now=NOON)
    workspaces.change(made.pk, {"is_active": False}, now=NOON)
    of_workspace = last()
    error = Error.objects.create(name="bad-tile", job_type_name="render", category="DATA")

    answer = a_client("editor").patch(f"/v6/errors/{error.pk}/", {"should_be_retried": True})

    assert answer.status_code == 200
    assert (of_workspace.before, of_workspace.after) == ({"is_active": True}, {"is_active": False})
    assert (last().before, last().after) == ({"should_be_retried": False}, {"should_be_retried": True})


def test_pausing_the_house_is_recorded():
    house.pause("root", "for the move", NOON)

    assert (last().action, last().by, last().after) == ("pause", "root", {"is_paused": True, "note": "for the move"})


def test_publishing_and_editing_a_job_type_are_recorded():
    editor = a_client("editor", "eve")
    manifest = {
        "seedVersion": "1.0.0",
        "job": {
            "name": "tiles",
            "jobVersion": "1.0.0",
            "packageVersion": "1.0.0",
            "title": "Tiles",
            "description": "Makes tiles",
            "maintainer": {"name": "Ada", "email": "ada@example.org"},
            "timeout": 60,
            "interface": {"command": "make", "settings": [{"name": "KEY", "secret": True}]},
        },
    }
    told = []

    for method, path, body in (
        ("post", "/v6/job-types/", {"manifest": manifest, "docker_image": "tiles:1", "configuration": {}}),
        ("patch", "/v6/job-types/tiles/1.0.0/", {"docker_image": "tiles:2"}),
        ("patch", "/v6/job-types/tiles/1.0.0/", {"configuration": {"settings": {"KEY": "a secret word"}}}),
        ("patch", "/v6/job-types/tiles/1.0.0/", {"is_active": False}),
    ):
        answer = getattr(editor, method)(path, body)
        assert answer.status_code < 300, answer.content
        told.append(last())

    assert [one.action for one in told] == ["create", "revise", "update", "deprecate"]
    assert {one.by for one in told} == {"eve"}
    assert (told[1].before["docker_image"], told[1].after["docker_image"]) == ("tiles:1", "tiles:2")
    assert told[2].after["secrets"] == "changed"
    assert not LogEntry.objects.filter(change_message__contains="a secret word").exists()


def test_firing_claiming_and_finishing_never_look_at_the_audit():
    job, worker = a_job(schedule="@every 1m"), a_worker()

    with CaptureQueriesContext(connection) as queries:
        fire.fire_due(NOON + MINUTE)
        (execution,) = take(worker, NOON + MINUTE)
        end(execution, NOON + 2 * MINUTE)

    assert of(job)[0].status == Status.COMPLETED
    assert not [query for query in queries.captured_queries if "django_admin_log" in query["sql"]]


# --- Secrets ----------------------------------------------------------------------------------------------------------
def test_a_secret_is_in_no_entry_and_its_change_is():
    job = a_job(configuration={"command": "true", "secret_env": {"KEY": "correct horse"}})

    services.update(
        job,
        {"configuration": {"command": "true", "secret_env": {"KEY": "battery staple"}}},
        by="",
        now=NOON,
        partial=True,
    )

    assert last().after == {"secrets": "changed"}
    for word in ("correct horse", "battery staple"):
        assert not LogEntry.objects.filter(change_message__contains=word).exists()


def test_of_a_long_value_its_length_is_kept():
    job = a_job()

    services.update(job, {"description": "x" * 5_000}, by="", now=NOON, partial=True)

    assert last().after == {"description": "… 5,002 characters"}


# --- With the change or not at all ------------------------------------------------------------------------------------
def test_an_entry_goes_with_the_change_that_is_rolled_back():
    job, before = a_job(), count()

    with transaction.atomic():
        services.pause(job, by="ada", now=NOON)
        transaction.set_rollback(True)

    assert count() == before


def test_an_entry_costs_one_insert():
    job, user = a_job(), a_user("editor", "ada")
    services.pause(job, by="ada", now=NOON)  # the content types are known by now

    with (
        acting.bound(lambda: acting.Actor("native", "ada", user.pk)),
        CaptureQueriesContext(connection) as queries,
    ):
        audit.record(job, "pause", by="ada", before={"is_paused": False}, after={"is_paused": True})

    assert [query["sql"].split()[0] for query in queries.captured_queries] == ["INSERT"]


# --- Who, and through which door --------------------------------------------------------------------------------------
def test_a_caller_of_the_api_is_known_with_their_token():
    client = a_client("editor", "ada")

    client.post("/v6/jobs/", job_fields())

    entry = LogEntry.objects.select_related("user").order_by("-pk")[0]
    assert entry.user.username == "ada"
    assert (last().door, last().by) == ("native", "ada")
    assert last().token == User.objects.get(username="ada").tokens.get().prefix


def test_the_admin_is_the_door_console_and_tells_nothing_twice():
    client, job = Client(), a_job()
    client.force_login(a_user("superuser", "root"))
    before = count()

    client.post(reverse("admin:jobs_job_do", args=[job.pk, "pause"]))

    assert count() == before + 1
    assert (last().action, last().door, last().by) == ("pause", "console", "root")


def test_deleting_in_the_admin_is_told_once():
    client, job = Client(), a_job("unwanted")
    client.force_login(a_user("superuser", "root"))
    before = count()

    client.post(reverse("admin:jobs_job_delete", args=[job.pk]), {"post": "yes"})

    assert Job.objects.get(pk=job.pk).archived
    assert count() == before + 1
    assert (last().action, last().door) == ("delete", "console")


def test_what_only_the_admin_changes_it_tells_itself():
    client, job_type = Client(), a_job_type("render")
    client.force_login(a_user("superuser", "root"))
    fields = {"title": "Render", "description": "", "max_scheduled": "3", "max_tries": "2"}

    answer = client.post(reverse("admin:jobtypes_jobtype_change", args=[job_type.pk]), fields)

    assert answer.status_code == 302
    assert (last().action, last().door, last().by) == ("change", "console", "root")
    assert "Max scheduled" in last().after["message"]


def test_a_shell_command_is_the_door_shell_and_needs_no_account():
    execution = an_execution()

    call_command("cancel", str(execution.pk))

    entry = LogEntry.objects.select_related("user").order_by("-pk")[0]
    assert (last().action, last().door) == ("cancel", "shell")
    assert last().by
    assert entry.user.username == audit.HOUSE


def test_the_houses_own_account_opens_nothing():
    call_command("cancel", str(an_execution().pk))

    own = User.objects.get(username=audit.HOUSE)

    assert not own.is_active
    assert not own.has_usable_password()


def test_a_job_that_the_scheduler_disables_is_recorded_as_its_deed():
    job = a_job(schedule="@every 1m")

    fire.disable(job.pk, "Its schedule cannot be computed: a comet", NOON)

    assert (last().action, last().door, last().by) == ("disable", "scheduler", "")
    assert "comet" in last().after["reason"]


def test_a_new_anchor_after_the_clock_was_set_back_is_recorded():
    a_job(schedule="@every 1m", now=NOON + HOUR)

    assert fire.reanchor(NOON) == 1
    assert (last().action, last().door) == ("reanchor", "scheduler")
    assert last().before["next_run_at"] > last().after["next_run_at"]


def test_what_the_scheduler_does_within_a_request_is_not_the_callers_deed():
    job, user = a_job(), a_user("editor", "ada")

    with acting.bound(lambda: acting.Actor("native", "ada", user.pk)):
        fire.disable(job.pk, "why not", NOON)

    assert (last().door, last().by) == ("scheduler", "")
    assert LogEntry.objects.order_by("-pk")[0].user.username == audit.HOUSE


def test_nobody_is_bound_after_a_request():
    a_client("reader", "ada").get("/v6/jobs/")

    assert acting.present() == acting.Actor(acting.SHELL)


def test_what_a_user_did_stays_on_record_when_they_are_deleted():
    a_client("editor", "ada").post("/v6/jobs/", job_fields("hers"))

    User.objects.get(username="ada").delete()

    entry = LogEntry.objects.select_related("user").get(object_repr="hers")
    assert (audit.told(entry).by, entry.user.username) == ("ada", audit.HOUSE)


def test_rotating_the_keys_is_recorded():
    call_command("rotate_keys")

    assert last().action == "rotate-keys"
    assert {"jobs": 0, "job types": 0}.items() <= last().after.items()


def test_entries_are_kept_for_a_year_or_as_long_as_is_said(settings):
    a_job()
    LogEntry.objects.update(action_time=timezone.now() - timedelta(days=400))
    a_job("new")

    settings.AUDIT_DAYS = 0
    kept = purge_history()["audit"], count()
    settings.AUDIT_DAYS = 365
    purged = purge_history()["audit"], count()

    assert kept == (0, 2)
    assert purged == (1, 1)


# --- Where it is shown ------------------------------------------------------------------------------------------------
def test_the_history_page_of_an_object_shows_door_and_difference():
    job, client = a_job(), Client()
    services.pause(job, by="ada", now=NOON, note="<b>move</b>")
    client.force_login(a_user("superuser"))

    page = client.get(reverse("admin:jobs_job_history", args=[job.pk])).content.decode()

    assert "ada" in page
    assert "note nothing → &lt;b&gt;move&lt;/b&gt;" in page
    assert "is_paused no → yes" in page


def test_the_history_page_of_what_nobody_changed_says_so():
    client, execution = Client(), an_execution()
    client.force_login(a_user("superuser"))

    page = client.get(reverse("admin:executions_execution_history", args=[execution.pk])).content.decode()

    assert "Nobody has changed this" in page


def test_what_django_words_by_itself_reads_well():
    services.pause(a_job(), by="ada", now=NOON)

    message = LogEntry.objects.order_by("-pk")[0].get_change_message()

    assert message == "Changed is_paused."


def test_texts_of_any_kind_are_stored_and_read_back():
    job = a_job()

    audit.record(job, "update", before={"a": 'x", "action": "delete'}, after={"a": "\x00 \ud800 é"})

    assert json.loads(json.dumps(last().after)) == {"a": "\x00 \ud800 é"}
    assert last().action == "update"
