"""Scheduled jobs through udata's API: made, listed, shown, changed, deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.engine.fire import fire_due
from executions.housekeeping import purge_history
from jobs import services
from jobs.models import Job
from jobtypes.models import JobType
from tests.builders import NOON, SECOND, a_job, a_job_type, a_name, a_worker
from tests.dialects.udata.asking import BASE, DAILY, JOBS, NO_ID, an_admin, at, fields, listed, made, ours, put, shown
from tests.executions.acts import ask, end, loaded, newest, take_one
from tests.executions.acts import run as run_to_its_end

pytestmark = pytest.mark.django_db

KEYS = {
    *("id", "name", "description", "task", "crontab", "interval", "args", "kwargs", "schedule"),
    *("last_run_at", "last_run_id", "enabled"),
}


# --- Making -----------------------------------------------------------------------------------------------------------
def test_a_new_job_has_all_fields_and_does_not_run_unless_told_to():
    job = made(an_admin(), name="Nightly", crontab=DAILY)

    assert job.keys() == KEYS
    assert job | {"id": ""} == {
        "id": "",
        "name": "Nightly",
        "description": None,
        "task": "test-log",
        "crontab": {"minute": "0", "hour": "3", "day_of_week": "*", "day_of_month": "*", "month_of_year": "*"},
        "interval": None,
        "args": [],
        "kwargs": {},
        "schedule": "0 3 * * *",
        "last_run_at": None,
        "last_run_id": None,
        "enabled": False,
    }
    assert ours(job).next_run_at is None


def test_an_enabled_job_is_due_by_its_crontab_in_utc_whatever_the_houses_zone(settings):
    settings.TIME_ZONE = "Asia/Tokyo"

    job = ours(made(an_admin(), enabled=True, crontab={"minute": "30", "hour": "2"}))

    assert (job.zone, job.next_run_at.hour, job.next_run_at.minute) == ("UTC", 2, 30)


def test_members_are_shown_as_they_were_sent_and_the_display_has_crons_order():
    sent = {"minute": "*/5", "hour": "1-3", "day_of_week": "mon,tue", "day_of_month": "1", "month_of_year": "2"}

    job = made(an_admin(), crontab=sent)

    assert job["crontab"] == sent
    assert job["schedule"] == "*/5 1-3 1 2 mon,tue"


def test_what_the_house_writes_otherwise_is_shown_as_it_was_sent():
    sent = {"hour": "22-2", "day_of_week": "Monday"}

    job = made(an_admin(), crontab=sent)

    assert job["schedule"] == "* 22-2 * * Monday"
    assert ours(job).schedule == "* 0-2,22-23 * * 1"


@pytest.mark.parametrize("period", ["days", "hours", "minutes", "seconds", "microseconds"])
def test_an_interval_of_every_period_comes_back(period):
    job = made(an_admin(), interval={"every": 5, "period": period})

    assert job["interval"] == {"every": 5, "period": period}
    assert job["crontab"] is None
    assert job["schedule"] == f"every 5 {period}"


def test_an_interval_of_one_is_said_in_the_singular():
    assert made(an_admin(), interval={"every": 1, "period": "minutes"})["schedule"] == "every minute"


@pytest.mark.parametrize(("one", "other"), [("crontab", "interval"), ("interval", "crontab")])
def test_the_other_schedule_may_be_sent_as_null(one, other):
    said = {"crontab": DAILY, "interval": {"every": 1, "period": "days"}}

    assert made(an_admin(), **{one: said[one], other: None})[other] is None


def test_a_number_as_text_is_a_number_and_a_number_as_member_is_a_text():
    client = an_admin()

    assert made(client, interval={"every": "5", "period": "days"})["interval"] == {"every": 5, "period": "days"}
    assert made(client, crontab={"minute": 0, "hour": 7})["schedule"] == "0 7 * * *"


def test_arguments_keep_their_types_and_nulls():
    args, kwargs = ["a", 1, 1.5, True, None, {"x": [1, None]}], {"key": None, "deep": {"a": [1]}}

    job = made(an_admin(), args=args, kwargs=kwargs)

    assert (job["args"], job["kwargs"]) == (args, kwargs)
    assert shown(an_admin(), job)["args"] == args
    assert ours(job).payload.input == {"args": args, "kwargs": kwargs}


def test_arguments_that_the_task_does_not_take_are_stored_as_udata_does():
    job = made(an_admin(), task="test-low-queue", kwargs={"raises": "perhaps", "nonsense": 1})

    assert job["kwargs"] == {"raises": "perhaps", "nonsense": 1}


def test_what_is_only_shown_or_not_known_is_passed_over():
    job = made(an_admin(), id="x", schedule="hourly", last_run_at="2020-01-01", last_run_id="7", color="red")

    assert job["schedule"] == "0 3 * * *"
    assert job["last_run_at"] is job["last_run_id"] is None
    assert "color" not in job


@pytest.mark.parametrize("name", ["description", "enabled", "args", "kwargs"])
def test_null_stands_for_the_default(name):
    job = made(an_admin(), **{name: None})

    assert job[name] == {"description": None, "enabled": False, "args": [], "kwargs": {}}[name]


def test_any_text_is_a_name_and_the_house_has_one_of_its_own_for_it():
    job = made(an_admin(), name="Export du catalogue (été) \N{SNOWMAN}")

    assert job["name"] == "Export du catalogue (été) \N{SNOWMAN}"
    assert ours(job).title == job["name"]
    assert ours(job).name.startswith("export-du-catalogue-t-")


def test_a_name_of_the_houses_kind_is_the_same_there():
    assert ours(made(an_admin(), name="nightly-export")).name == "nightly-export"


def test_names_that_differ_only_in_case_are_different():
    client = an_admin()

    assert {made(client, name=name)["name"] for name in ("Nightly", "nightly", "NIGHTLY")} == {
        "Nightly",
        "nightly",
        "NIGHTLY",
    }


# --- Listing ----------------------------------------------------------------------------------------------------------
def test_the_list_is_a_bare_array_in_the_order_of_making_whatever_page_is_asked_for():
    client = an_admin()
    names = [made(client, name=name)["name"] for name in ("b", "a", "c")]

    answer = client.get(JOBS, {"page": 2, "page_size": 1})

    assert [job["name"] for job in answer.json()] == names
    assert answer["Content-Type"] == "application/json"


def test_an_empty_list_is_an_empty_array():
    assert listed(an_admin()) == []


def test_jobs_of_other_doors_are_listed_if_they_have_a_crontab_or_an_interval():
    a_job("cron", schedule="*/5 * * * *")
    a_job("daily", schedule="@daily", executor="test-log", input={"json": {"a": None}})
    a_job("often", schedule="@every 90s")
    for text in ("@manually", "@at 2030-01-01T00:00:00Z", "0 */5 * * * *", "0 0 L * *"):
        a_job(schedule=text)

    assert [(job["name"], job["task"], job["schedule"], job["kwargs"]) for job in listed(an_admin())] == [
        ("cron", "shell", "*/5 * * * *", {}),
        ("daily", "test-log", "0 0 * * *", {"a": None}),
        ("often", "shell", "every 90 seconds", {}),
    ]


def test_a_job_without_such_a_schedule_is_not_known_by_its_id_either():
    client = an_admin()
    job = made(client)
    services.update(ours(job), {"schedule": "@manually"}, by="ada", now=NOON, partial=True)

    assert client.get(at(job)).status_code == 404
    assert listed(client) == []


def test_deleted_jobs_and_those_of_single_runs_are_not_listed():
    client = an_admin()
    client.delete(at(made(client)))
    client.post("/v6/executions/", {"job_type": {"name": "test-log"}})

    assert listed(client) == []


def test_the_list_asks_the_database_as_often_for_many_jobs_as_for_one():
    client = an_admin()
    made(client)
    listed(client)
    with CaptureQueriesContext(connection) as one:
        listed(client)
    for _ in range(9):
        made(client, enabled=True, interval={"every": 1, "period": "hours"})

    with CaptureQueriesContext(connection) as ten:
        assert len(listed(client)) == 10

    assert len(ten) == len(one)


def test_a_mask_trims_the_answers():
    client = an_admin()
    job = client.post(JOBS, fields(name="Nightly"), headers={"X-Fields": "id,name"}).json()

    assert job.keys() == {"id", "name"}
    assert client.get(JOBS, headers={"X-Fields": "name,crontab{hour}"}).json() == [
        {"name": "Nightly", "crontab": {"hour": "3"}}
    ]
    assert client.get(at(job), headers={"X-Fields": "nothing"}).json() == {}
    assert client.get(f"{BASE}/tasks/x", headers={"X-Fields": "status"}).json() == {"status": "PENDING"}


def test_a_mask_that_cannot_be_read_is_refused_before_anything_is_done():
    client = an_admin()

    answer = client.post(JOBS, fields(), headers={"X-Fields": "{name"})

    assert answer.status_code == 400
    assert answer.json() == {"message": "X-Fields: Missing closing bracket"}
    assert listed(client) == []


# --- Schedulables -----------------------------------------------------------------------------------------------------
def test_schedulables_are_the_names_of_the_active_job_types_sorted():
    a_job_type("zonal-statistics", version="1.0.0")
    a_job_type("zonal-statistics", version="2.0.0")
    JobType.objects.filter(name="test-sleep").update(is_active=False)

    names = an_admin().get(f"{JOBS}schedulables").json()

    assert names == sorted(names)
    assert {"test-log", "test-low-queue", "test-default-queue", "test-high-queue", "test-error"} <= set(names)
    assert names.count("zonal-statistics") == 1
    assert "test-sleep" not in names


def test_a_job_follows_the_newest_active_version_of_its_task():
    a_job_type("zonal-statistics", version="1.0.0")
    job = made(an_admin(), task="zonal-statistics", enabled=True, interval={"every": 1, "period": "seconds"})
    newer = a_job_type("zonal-statistics", version="1.1.0")

    fire_due(ours(job).next_run_at)

    assert newest(ours(job)).job_type == newer


# --- Changing ---------------------------------------------------------------------------------------------------------
def test_what_is_not_sent_stays():
    client = an_admin()
    job = made(client, description="as ever", args=[1], kwargs={"a": None}, enabled=True)

    changed = put(client, job, name="Other")

    assert changed == job | {"name": "Other"}


@pytest.mark.parametrize("body", [{}, None])
def test_an_empty_change_changes_nothing(body):
    client = an_admin()
    job = made(client)

    answer = client.put(at(job), body) if body is not None else client.put(at(job))

    assert (answer.status_code, answer.json()) == (200, job)


def test_what_was_shown_may_be_sent_back_whole():
    client = an_admin()
    for timing in ({"crontab": {"hour": "22-2"}}, {"interval": {"every": 120, "period": "seconds"}}):
        job = made(client, args=["a"], kwargs={"b": None}, enabled=True, description="x", **timing)
        before = ours(job)

        assert put(client, job, **job) == job
        after = ours(job)
        assert (after.next_run_at, after.schedule_anchor, after.payload) == (
            before.next_run_at,
            before.schedule_anchor,
            before.payload,
        )


def test_a_job_of_another_door_keeps_its_own_when_it_is_sent_back_whole():
    client = an_admin()
    job = a_job("backup", schedule="5/20 * * * *", timezone="Europe/Paris", configuration={"command": "make backup"})
    (seen,) = listed(client)

    put(client, seen, **seen | {"description": "from udata"})

    job.refresh_from_db()
    assert (job.schedule, job.timezone, job.description) == ("5/20 * * * *", "Europe/Paris", "from udata")
    assert job.payload.configuration["command"] == "make backup"


def test_a_crontab_replaces_the_whole_crontab_and_the_interval():
    client = an_admin()
    job = made(client, interval={"every": 5, "period": "minutes"}, enabled=True)

    first = put(client, job, crontab={"hour": "4", "minute": "7"})
    second = put(client, job, crontab={"hour": "5"})

    assert (first["interval"], first["schedule"]) == (None, "7 4 * * *")
    assert second["schedule"] == "* 5 * * *"


def test_an_interval_replaces_the_crontab_and_counts_from_now():
    client = an_admin()
    job = put(client, made(client, enabled=True), interval={"every": 2, "period": "hours"}, crontab=None)

    assert (job["crontab"], job["schedule"]) == (None, "every 2 hours")
    row = ours(job)
    assert row.next_run_at - row.schedule_anchor == timedelta(hours=2)


def test_arguments_can_be_changed_one_by_one_and_emptied():
    client = an_admin()
    job = made(client, args=[1], kwargs={"a": 1})

    assert put(client, job, args=[True])["args"][0] is True  # which equals 1, for Python
    assert put(client, job, kwargs={"b": 2})["args"] == [True]
    emptied = put(client, job, args=[], kwargs={})
    assert (emptied["args"], emptied["kwargs"]) == ([], {})


def test_a_job_can_be_renamed_and_its_old_name_is_free():
    client = an_admin()
    job = made(client, name="Nightly")

    assert put(client, job, name="weekly")["name"] == "weekly"
    assert (ours(job).name, ours(job).title) == ("weekly", "")
    assert made(client, name="Nightly")["id"] != job["id"]


def test_a_title_that_an_operator_gave_outlives_a_new_name():
    client = an_admin()
    job = made(client, name="Nightly")
    services.update(ours(job), {"title": "Of great importance"}, by="ada", now=NOON, partial=True)

    put(client, job, name="Weekly")

    assert ours(job).title == "Of great importance"


def test_another_task_takes_over():
    client = an_admin()
    seen = listed(client) or ([a_job("backup", schedule="@daily")] and listed(client))

    job = put(client, seen[0], task="test-log")

    assert job["task"] == "test-log"
    assert ours(job).payload.configuration == {}


def test_disabling_stops_what_is_to_come_and_enabling_starts_it_again():
    client = an_admin()
    job = made(client, enabled=True)

    assert put(client, job, enabled=False)["enabled"] is False
    assert ours(job).next_run_at is None
    put(client, job, enabled=True)
    assert ours(job).next_run_at is not None


# --- Deleting ---------------------------------------------------------------------------------------------------------
def test_a_deleted_job_is_gone_for_every_verb_and_its_name_is_free():
    client = an_admin()
    job = made(client, name="Nightly")

    answer = client.delete(at(job))

    assert (answer.status_code, answer.content) == (204, b"")
    for again in (client.get(at(job)), client.put(at(job), {}), client.delete(at(job))):
        assert again.status_code == 404
        assert again.json().keys() == {"message"}
    assert made(client, name="Nightly")["id"] != job["id"]


def test_what_a_deleted_job_ran_stays_readable():
    client = an_admin()
    job = made(client)
    done = run_to_its_end(ask(ours(job)), a_worker())

    client.delete(at(job))

    assert client.get(f"{BASE}/tasks/{done.group}").json()["status"] == "SUCCESS"


def test_what_runs_of_a_deleted_job_goes_on_and_what_waits_is_canceled():
    client = an_admin()
    job = made(client)
    ask(ours(job))
    running = take_one(a_worker())
    waiting = ask(ours(job))

    assert client.delete(at(job)).status_code == 204

    assert client.get(f"{BASE}/tasks/{waiting.group}").json()["status"] == "REVOKED"
    assert loaded(running).stop_requested is None
    assert client.get(f"{BASE}/tasks/{running.group}").json()["status"] == "STARTED"
    assert end(running)
    assert client.get(f"{BASE}/tasks/{running.group}").json()["status"] == "SUCCESS"


@pytest.mark.parametrize("id", [NO_ID, "nonsense", "1", "6a6f6273" + "f" * 16, "%00", "é" * 24])
def test_an_unknown_id_is_404_for_every_verb(id):
    client = an_admin()

    for answer in (client.get(f"{JOBS}{id}"), client.put(f"{JOBS}{id}", {}), client.delete(f"{JOBS}{id}")):
        assert answer.status_code == (400 if id == "%00" else 404)


# --- The last run -----------------------------------------------------------------------------------------------------
def test_the_last_run_is_the_newest_that_the_schedule_sent_as_soon_as_it_is_sent():
    client = an_admin()
    job = made(client, enabled=True, interval={"every": 1, "period": "minutes"})
    due = ours(job).next_run_at
    sent = due + timedelta(seconds=1, microseconds=284_000)

    fire_due(sent)

    run = newest(ours(job))
    now = shown(client, job)
    assert now["last_run_id"] == str(run.group)
    assert now["last_run_at"] == sent.isoformat()
    assert now["last_run_at"].endswith(".284000+00:00")
    assert listed(client)[0] == now
    assert client.get(f"{BASE}/tasks/{now['last_run_id']}").json()["status"] == "PENDING"


def test_a_moment_without_a_fraction_has_none():
    client = an_admin()
    job = made(client, enabled=True, interval={"every": 1, "period": "minutes"})

    fire_due(ours(job).next_run_at)

    assert len(shown(client, job)["last_run_at"]) == len("2026-11-22T05:00:00+00:00")


def test_runs_by_hand_are_no_last_run():
    client = an_admin()
    job = made(client)
    run_to_its_end(ask(ours(job)), a_worker())

    assert shown(client, job)["last_run_at"] is shown(client, job)["last_run_id"] is None


def test_a_retry_keeps_the_id_under_which_the_run_was_sent():
    client = an_admin()
    job = made(client, enabled=True, interval={"every": 1, "period": "minutes"})
    services.update(ours(job), {"retries": 1}, by="ada", now=NOON, partial=True)
    fire_due(ours(job).next_run_at)
    first = newest(ours(job))
    now = first.created
    assert end(take_one(a_worker(seen=now), now), now + SECOND, error="filesystem-io")

    seen = shown(client, job)

    assert newest(ours(job)).attempt == 2
    assert seen["last_run_id"] == str(first.group)
    assert client.get(f"{BASE}/tasks/{seen['last_run_id']}").json()["status"] == "RETRY"


def test_of_a_run_that_was_purged_the_instant_stays():
    client = an_admin()
    job = made(client, enabled=True, interval={"every": 1, "period": "minutes"})
    due = ours(job).next_run_at - timedelta(days=300)
    Job.objects.filter(pk=ours(job).pk).update(next_run_at=due)
    fire_due(due + SECOND)
    assert end(take_one(a_worker(seen=due), due + SECOND), due + 2 * SECOND)

    assert purge_history(days=30)["executions"] == 1

    seen = shown(client, job)
    assert (seen["last_run_at"], seen["last_run_id"]) == (due.isoformat(), None)


def test_a_job_of_another_door_shows_the_name_that_it_has_there():
    a_job(name := a_name("backup"), title="The backup", schedule="@daily")

    assert listed(an_admin())[0]["name"] == name
