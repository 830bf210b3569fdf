"""What udata's API turns down, row by row, and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.models import Job
from jobtypes.limits import MAX_INPUT
from jobtypes.models import JobType
from tests.builders import a_job, a_name
from tests.dialects.udata.asking import BASE, DAILY, JOBS, an_admin, at, fields, listed, made, ours, put, refused, shown

pytestmark = pytest.mark.django_db

REQUIRED = ["This field is required."]
INTERVAL = {"every": 1, "period": "days"}
BOTH = "Cannot define both interval and crontab schedule"


@pytest.mark.parametrize("name", ["name", "task"])
@pytest.mark.parametrize("value", [None, "", "   "])
def test_name_and_task_are_required(name, value):
    assert refused(an_admin(), **{name: value}) == {name: REQUIRED}


@pytest.mark.parametrize("name", ["name", "task"])
def test_name_and_task_cannot_be_left_out(name):
    said = fields()
    del said[name]

    answer = an_admin().post(JOBS, said)

    assert (answer.status_code, answer.json()["errors"]) == (400, {name: REQUIRED})


@pytest.mark.parametrize(
    ("said", "errors"),
    [
        ({"name": 5}, {"name": ["must be a text"]}),
        ({"name": ["a"]}, {"name": ["must be a text"]}),
        ({"name": "a" * 251}, {"name": ["must have at most 250 characters, not 251"]}),
        ({"task": "no-such-task"}, {"task": ["'no-such-task' is not one of the schedulables"]}),
        ({"task": {"name": "test-log"}}, {"task": ["must be a text"]}),
        ({"description": 5}, {"description": ["must be a text"]}),
        ({"enabled": "yes"}, {"enabled": ["must be true or false"]}),
        ({"enabled": 1}, {"enabled": ["must be true or false"]}),
        ({"args": {"a": 1}}, {"args": ["must be a list"]}),
        ({"args": "a"}, {"args": ["must be a list"]}),
        ({"kwargs": ["a"]}, {"kwargs": ["must be an object"]}),
        ({"kwargs": 1}, {"kwargs": ["must be an object"]}),
        ({"crontab": None}, {"__all__": ["Either a crontab or an interval is required"]}),
        ({"crontab": DAILY, "interval": INTERVAL}, {"__all__": [BOTH]}),
        ({"crontab": "0 3 * * *"}, {"crontab": ["Expected an object"]}),
        ({"crontab": ["0"]}, {"crontab": ["Expected an object"]}),
        ({"interval": 5}, {"interval": ["Expected an object"]}),
        ({"interval": {}}, {"interval": {"every": REQUIRED, "period": REQUIRED}}),
        ({"interval": {"every": 3}}, {"interval": {"period": REQUIRED}}),
        ({"interval": {"period": "days"}}, {"interval": {"every": REQUIRED}}),
        ({"interval": {"every": -1, "period": "days"}}, {"interval": {"every": ["must be 1 or more"]}}),
        ({"interval": {"every": 0, "period": "days"}}, {"interval": {"every": ["must be 1 or more"]}}),
        ({"interval": {"every": "abc", "period": "days"}}, {"interval": {"every": ["must be a whole number"]}}),
        ({"interval": {"every": 1.5, "period": "days"}}, {"interval": {"every": ["must be a whole number"]}}),
        ({"interval": {"every": True, "period": "days"}}, {"interval": {"every": ["must be a whole number"]}}),
        (
            {"interval": {"every": 10**30, "period": "days"}},
            {"interval": {"every": ["is too long: 290 years at most"]}},
        ),
        ({"crontab": {"minute": "99"}}, {"crontab": {"minute": ["99 is not within 0-59"]}}),
        ({"crontab": {"hour": "zzz"}}, {"crontab": {"hour": ["'zzz' is not a number within 0-23"]}}),
        ({"crontab": {"hour": ""}}, {"crontab": {"hour": ["must not be empty"]}}),
        ({"crontab": {"day_of_week": "7"}}, {"crontab": {"day_of_week": ["7 is not within 0-6"]}}),
        ({"crontab": {"day_of_month": 0}}, {"crontab": {"day_of_month": ["0 is not within 1-31"]}}),
        ({"crontab": {"month_of_year": "0"}}, {"crontab": {"month_of_year": ["0 is not within 1-12"]}}),
        ({"crontab": {"minute": ["0"]}}, {"crontab": {"minute": ["only accepts string values"]}}),
        ({"crontab": {"minute": True}}, {"crontab": {"minute": ["only accepts string values"]}}),
        ({"crontab": {"minute": 10**30}}, {"crontab": {"minute": ["1" + "0" * 29 + " is not within 0-59"]}}),
    ],
)
def test_each_wrong_field_is_named(said, errors):
    client = an_admin()

    assert refused(client, **said) == errors
    assert listed(client) == []


@pytest.mark.parametrize("period", ["weeks", "day", "", 5, ["days"]])
def test_an_unknown_period_is_refused(period):
    told = refused(an_admin(), interval={"every": 1, "period": period})

    assert told == {"interval": {"period": ["must be one of days, hours, minutes, seconds, microseconds"]}}


@pytest.mark.parametrize("crontab", [{}, {"color": "red"}, {"minute": None}])
def test_a_crontab_without_members_is_refused(crontab):
    (message,) = refused(an_admin(), crontab=crontab)["crontab"]

    assert message.startswith("must have at least one of minute, hour, ")


def test_all_that_is_wrong_is_said_at_once():
    told = refused(an_admin(), name="", task=None, enabled=5, crontab={"minute": "x", "hour": "y"})

    assert told.keys() == {"name", "task", "enabled", "crontab"}
    assert told["crontab"].keys() == {"minute", "hour"}


def test_both_schedules_have_a_message_that_clients_look_for():
    assert an_admin().post(JOBS, fields(crontab=DAILY, interval=INTERVAL)).json()["message"] == BOTH


def test_a_name_that_is_taken_is_refused_whoever_has_it():
    client = an_admin()
    made(client, name="Nightly")
    a_job("backup")

    for name in ("Nightly", "backup"):
        assert refused(client, name=name) == {"name": ["belongs to another job already"]}


def test_an_inactive_task_is_refused_and_a_job_that_has_it_may_keep_it():
    client = an_admin()
    job = made(client, task="test-sleep")
    JobType.objects.filter(name="test-sleep").update(is_active=False)

    assert refused(client, task="test-sleep") == {"task": ["'test-sleep' is not one of the schedulables"]}
    assert put(client, job, **job | {"description": "still here"})["description"] == "still here"


def test_a_task_that_needs_a_configuration_is_refused_with_the_reason():
    (message,) = refused(an_admin(), task="shell")["task"]

    assert "configuration.command" in message


def test_more_than_the_house_keeps_is_refused_where_it_stands():
    client = an_admin()

    assert refused(client, args=["a" * MAX_INPUT]) == {"args": ["is larger than 256 KiB"]}
    assert refused(client, kwargs={"a": "a" * MAX_INPUT}) == {"kwargs": ["is larger than 256 KiB"]}
    assert refused(client, description="a" * 10_001).keys() == {"description"}


# --- The body itself --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("body", ["[]", '"text"', "5", "null", "true"])
def test_a_body_that_is_no_object_is_refused(body):
    client = an_admin()

    for answer in (
        client.post(JOBS, body, content_type="application/json"),
        client.put(at(made(client)), body, content_type="application/json"),
    ):
        assert answer.status_code == 400
        assert answer.json()["errors"] == {"request": ["expecting a JSON object"]}


@pytest.mark.parametrize(
    "body", ["", "{", "{'a': 1}", '{"a": NaN}', '{"name": "\\u0000"}', '{"name": "\\ud800"}', "[" * 9_999]
)
def test_what_is_no_json_is_refused_with_a_message(body):
    answer = an_admin().post(JOBS, body, content_type="application/json")

    assert answer.status_code == 400
    assert answer.json().keys() == {"message"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml", ""])
def test_another_content_type_is_415(content_type):
    client = an_admin()
    said = '{"name": "x"}'

    for answer in (
        client.generic("POST", JOBS, said, content_type=content_type),
        client.generic("PUT", at(made(client)), said, content_type=content_type),
    ):
        assert answer.status_code == 415
        assert answer.json().keys() == {"message"}


def test_a_post_that_sends_nothing_is_415():
    assert an_admin().post(JOBS).status_code == 415


def test_a_charset_beside_the_content_type_is_no_matter():
    answer = an_admin().generic(
        "POST",
        JOBS,
        '{"name": "x", "task": "test-log", "crontab": {"hour": "1"}}',
        content_type="Application/JSON; charset=utf-8",
    )

    assert answer.status_code == 201


# --- Changes ----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("said", "errors"),
    [
        ({"name": None}, {"name": REQUIRED}),
        ({"task": ""}, {"task": REQUIRED}),
        ({"task": "no-such-task"}, {"task": ["'no-such-task' is not one of the schedulables"]}),
        ({"crontab": DAILY, "interval": INTERVAL}, {"__all__": [BOTH]}),
        ({"crontab": None}, {"__all__": ["Either a crontab or an interval is required"]}),
        ({"crontab": None, "interval": None}, {"__all__": ["Either a crontab or an interval is required"]}),
        ({"crontab": {"hour": "25"}}, {"crontab": {"hour": ["25 is not within 0-23"]}}),
        ({"enabled": "no"}, {"enabled": ["must be true or false"]}),
        ({"args": "x"}, {"args": ["must be a list"]}),
    ],
)
def test_a_change_that_is_wrong_changes_nothing(said, errors):
    client = an_admin()
    job = made(client)

    answer = client.put(at(job), {"description": "changed", **said})

    assert (answer.status_code, answer.json()["errors"]) == (400, errors)
    assert shown(client, job) == job


def test_the_schedule_that_a_job_has_not_may_be_sent_as_null():
    client = an_admin()
    job = made(client)

    assert put(client, job, interval=None) == job


def test_a_new_name_that_is_taken_is_refused_and_nothing_is_changed():
    client = an_admin()
    made(client, name="Nightly")
    job = made(client, name="Weekly")

    answer = client.put(at(job), {"name": "Nightly", "description": "changed"})

    assert (answer.status_code, answer.json()["errors"]) == (400, {"name": ["belongs to another job already"]})
    assert shown(client, job) == job
    assert ours(job).description == ""


def test_a_job_after_which_others_run_cannot_be_deleted():
    client = an_admin()
    job = made(client, name="first")
    a_job(parents=["first"])

    answer = client.delete(at(job))

    assert answer.status_code == 409
    assert answer.json().keys() == {"message"}


# --- Verbs ------------------------------------------------------------------------------------------------------------
def test_a_verb_that_is_not_there_is_405_with_a_message():
    client = an_admin()
    job = made(client)

    for answer in (client.patch(at(job), {}), client.post(f"{BASE}/tasks/1", {}), client.delete(JOBS)):
        assert answer.status_code == 405
        assert answer.json().keys() == {"message"}


# --- Hostile input ----------------------------------------------------------------------------------------------------
HOSTILE: list[Any] = [None, True, -1, 10**39, 1.5, "", "x" * 5_000, "\u202e", [], [[]], {}, {"a": {"b": []}}]


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value)[:20])
def test_no_value_in_any_field_is_more_than_a_refusal(value):
    client = an_admin()
    job = made(client)
    places = [
        {name: value} for name in ("name", "task", "description", "enabled", "args", "kwargs", "crontab", "interval")
    ]
    places += [
        {"crontab": {name: value}} for name in ("minute", "hour", "day_of_week", "day_of_month", "month_of_year")
    ]
    places += [{"interval": {"every": value, "period": "days"}}, {"interval": {"every": 1, "period": value}}]

    answers = [client.post(JOBS, fields(**place)) for place in places] + [
        client.put(at(job), place) for place in places
    ]

    assert {answer.status_code for answer in answers} <= {200, 201, 400}


def test_what_the_database_holds_is_never_shown_by_a_refusal():
    client = an_admin()
    a_job(
        a_name("secret"), configuration={"command": "true", "secret_env": {"PASSWORD": "hunter22"}}, schedule="@daily"
    )

    assert "hunter22" not in client.get(JOBS).content.decode()
    assert Job.objects.count() == 1
