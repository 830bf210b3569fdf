"""Making and replacing jobs: POST and PATCH /v1/jobs, PUT /v1/jobs/{job}."""

from __future__ import annotations

from datetime import timedelta

import pytest

from executions import clock
from executions.states import Door, Trigger
from jobs.models import Job
from tests.builders import a_job, an_execution
from tests.dialects.dkron.acts import JOBS, KEYS, ZERO, body, job, names, refusal, runs_of, send, shown, store

pytestmark = pytest.mark.django_db

PUBLISHED = {
    "name": "job1",
    "displayname": "string",
    "schedule": "@every 10s",
    "timezone": "Europe/Berlin",
    "owner": "Platform Team",
    "disabled": True,
    "tags": {"server": "true"},
    "metadata": {"office": "Barcelona"},
    "retries": 2,
    "processors": {"files": {"forward": True}},
    "concurrency": "allow",
    "executor": "shell",
    "executor_config": {"command": "echo 'Hello from Dkron'"},
}
"""The example of Dkron's published page, without its parent."""


def test_the_published_example_is_taken_and_given_back(dkron):
    store(dkron, "parent_job")

    answer = send(dkron, {**PUBLISHED, "parent_job": "parent_job"})

    assert answer.status_code == 201
    assert {**PUBLISHED, "parent_job": "parent_job", "processors": {"files": {"forward": "true"}}}.items() <= (
        answer.json().items()
    )
    assert shown(dkron, "parent_job")["dependent_jobs"] == ["job1"]


def test_a_job_has_every_key_and_the_defaults(dkron):
    answer = store(dkron, "job1")

    assert answer.keys() == KEYS
    assert answer["id"] == answer["name"] == "job1"
    defaults = {name: answer[name] for name in KEYS - {"id", "name", "next", "executor", "executor_config", "schedule"}}
    assert defaults == {
        **dict.fromkeys(("displayname", "timezone", "owner", "owner_email", "parent_job", "status"), ""),
        **dict.fromkeys(("success_count", "error_count", "retries"), 0),
        **dict.fromkeys(("last_success", "last_error", "dependent_jobs", "starts_at", "expires_at"), None),
        **dict.fromkeys(("tags", "metadata"), None),
        **dict.fromkeys(("disabled", "ephemeral"), False),
        "processors": {},
        "concurrency": "allow",
    }


def test_the_answer_says_where_the_job_is_and_reading_it_back_says_the_same(dkron):
    answer = send(dkron, body(), "?runoncreate=true")

    assert answer.headers["Location"] == "/v1/jobs/job1"
    assert shown(dkron) == answer.json()


def test_the_address_of_a_job_is_one_whatever_letters_its_name_has(dkron):
    answer = send(dkron, body("привет"))

    assert answer.headers["Location"] == "/v1/jobs/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82"
    assert dkron.get(answer.headers["Location"]).json()["name"] == "привет"


@pytest.mark.parametrize("kind", ["encoding/json", "application/x-www-form-urlencoded", "text/plain", ""])
def test_a_body_is_json_whatever_it_is_called(dkron, kind):
    answer = dkron.generic("POST", JOBS, '{"name": "job1", "schedule": "@daily"}', content_type=kind)

    assert answer.status_code == 201


@pytest.mark.parametrize(("method", "path"), [("post", JOBS), ("patch", JOBS), ("put", f"{JOBS}/job1")])
def test_all_three_verbs_replace_the_whole_job(dkron, method, path):
    store(dkron, owner="ada", retries=3, tags={"a": "b"}, disabled=True)

    answer = send(dkron, body(displayname="New"), method=method, path=path)

    assert answer.status_code == 201
    assert (answer.json()["displayname"], answer.json()["owner"], answer.json()["retries"]) == ("New", "", 0)
    assert (answer.json()["tags"], answer.json()["disabled"]) == (None, False)


def test_put_goes_by_the_name_in_the_body(dkron):
    send(dkron, body("other"), method="put", path=f"{JOBS}/job1")

    assert names(dkron) == ["other"]


def test_null_means_the_default_for_every_field(dkron):
    given = dict.fromkeys(KEYS - {"name", "schedule", "id"})

    answer = send(dkron, {**given, "id": None, "name": "job1", "schedule": "@daily"})

    assert answer.status_code == 201
    assert (answer.json()["concurrency"], answer.json()["executor"]) == ("allow", "")


def test_unknown_and_read_only_fields_are_ignored(dkron):
    answer = store(
        dkron,
        command="echo",
        shell=True,
        environment_variables={"A": 1},
        success_count=99,
        last_success="2019-08-24T14:15:22.123456789Z",
        next="2019-08-24T14:15:22Z",
        status="success",
        dependent_jobs=["x"],
    )

    assert (answer["success_count"], answer["last_success"], answer["status"]) == (0, None, "")
    assert answer["dependent_jobs"] is None


def test_what_became_of_a_job_survives_its_replacement(dkron):
    store(dkron)
    an_execution(job(), status="COMPLETED", output="x\n")
    record = job().record
    record.success_count, record.last_success = 5, clock.now()
    record.save()
    store(dkron, "child", parent_job="job1", schedule="@manually")

    answer = store(dkron, schedule="@daily")

    assert (answer["success_count"], answer["status"], answer["dependent_jobs"]) == (5, "success", ["child"])
    assert len(dkron.get(f"{JOBS}/job1/executions").json()) == 1


# --- fields -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("displayname", "Ein schöner Name"),
        ("owner", "Platform Team"),
        ("owner_email", "no mail address"),
        ("timezone", "America/New_York"),
        ("timezone", "Local"),
        ("timezone", "UTC"),
        ("schedule", "TZ=Asia/Tokyo  0 0 ~ ? * MON"),
        ("schedule", "@every 500ms"),
        ("concurrency", "forbid"),
        ("concurrency", ""),
        ("tags", {"role": "web:2"}),
        ("tags", {}),
        ("metadata", {"a b": "c.d", "7": ""}),
        ("metadata", {}),
        ("retries", 7),
        ("disabled", True),
        ("ephemeral", True),
        ("executor", "docker"),
        ("executor", ""),
        ("executor_config", {"command": "echo  'x' ; y", "unknown": "kept", "shell": "yes"}),
        ("processors", {"log": {"forward": "true"}, "unknown": {"a": "b"}}),
        ("starts_at", "2030-01-01T00:00:00Z"),
        ("expires_at", "2030-01-01T00:00:00.123456Z"),
    ],
)
def test_what_is_sent_reads_back_to_the_letter(dkron, field, value):
    assert store(dkron, **{field: value})[field] == value
    assert shown(dkron)[field] == value


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("2030-01-01T10:30", "2030-01-01T10:30:00Z"),
        ("2030-01-01T10:30:00.000Z", "2030-01-01T10:30:00Z"),
        ("2030-01-01T12:30:00+02:00", "2030-01-01T10:30:00Z"),
        ("2030-01-01T10:30:00.120000789Z", "2030-01-01T10:30:00.12Z"),
        (ZERO, None),
        (None, None),
    ],
)
def test_times_are_rfc_3339_or_what_a_browsers_field_sends(dkron, sent, kept):
    assert store(dkron, starts_at=sent)["starts_at"] == kept


def test_a_time_that_ends_before_it_starts_is_taken_as_dkron_takes_it(dkron):
    answer = store(dkron, starts_at="2031-01-01T00:00:00Z", expires_at="2030-01-01T00:00:00Z")

    assert answer["expires_at"] == "2030-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("fields", "ours"),
    [
        ({"schedule": "0 0 3 * * *", "timezone": "Europe/Berlin"}, ("0 0 3 * * *", "Europe/Berlin")),
        ({"schedule": "@daily", "timezone": "Europe/Berlin"}, ("@daily", "")),
        ({"schedule": "CRON_TZ=Asia/Tokyo 0 0 3 ? * *"}, ("0 0 3 * * *", "Asia/Tokyo")),
        ({"schedule": "0 0 ~ * * *"}, ("0 0 4 * * *", "")),
    ],
)
def test_a_schedule_is_stored_in_the_houses_words(dkron, fields, ours):
    store(dkron, **fields)

    assert (job().schedule, job().timezone) == ours


# --- next -------------------------------------------------------------------------------------------------------------


def test_next_is_the_next_instant_in_utc_by_the_jobs_own_zone(dkron):
    answer = store(dkron, schedule="0 30 12 * * *", timezone="Asia/Tokyo")

    assert answer["next"].endswith("T03:30:00Z")


@pytest.mark.parametrize(
    "fields",
    [
        {"schedule": "@manually"},
        {"schedule": "@at 2018-01-01T00:00:00Z"},
        {"schedule": "0 0 0 30 2 *"},
        {"disabled": True},
    ],
)
def test_what_will_not_run_by_itself_has_the_zero_time_as_next(dkron, fields):
    assert store(dkron, **fields)["next"] == ZERO


def test_next_is_the_start_of_a_job_that_has_not_begun(dkron):
    assert store(dkron, starts_at="2040-05-06T07:08:09Z")["next"] == "2040-05-06T07:08:09Z"


def test_next_counts_from_a_change_of_the_schedule(dkron):
    store(dkron, schedule="@every 10h")
    before = clock.now()

    answer = store(dkron, schedule="@every 1h")

    due = job().next_run_at
    assert before + timedelta(minutes=59) < due <= clock.now() + timedelta(hours=1)
    assert answer["next"].startswith(due.strftime("%Y-%m-%dT%H:%M:%S"))


# --- runoncreate ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["?runoncreate", "?runoncreate=true", "?runoncreate=false"])
def test_runoncreate_starts_one_run_whatever_its_value(dkron, query):
    store(dkron, query=query, schedule="@manually")

    (run,) = runs_of("job1")
    assert (run.status, run.trigger, run.door) == ("QUEUED", Trigger.MANUAL, Door.DKRON)


def test_runoncreate_starts_one_run_after_a_change_too_and_none_of_a_disabled_job(dkron):
    store(dkron)
    store(dkron, query="?runoncreate=1")
    store(dkron, "job2", query="?runoncreate=1", disabled=True)

    assert len(runs_of("job1")) == 1
    assert runs_of("job2") == []


# --- parents ----------------------------------------------------------------------------------------------------------


def test_children_are_listed_by_their_parent_and_only_while_they_are_there(dkron):
    store(dkron, "parent_job")
    store(dkron, "b", parent_job="parent_job", schedule="")
    store(dkron, "a", parent_job="parent_job")
    assert shown(dkron, "parent_job")["dependent_jobs"] == ["a", "b"]

    store(dkron, "a")
    dkron.delete(f"{JOBS}/b")

    assert shown(dkron, "parent_job")["dependent_jobs"] is None


def test_posting_a_parent_again_keeps_its_children(dkron):
    store(dkron, "parent_job")
    store(dkron, "child", parent_job="parent_job")

    assert store(dkron, "parent_job", displayname="Again", dependent_jobs=None)["dependent_jobs"] == ["child"]


def test_a_childs_own_schedule_is_kept_and_never_fires(dkron):
    store(dkron, "parent_job")

    child = store(dkron, "child", parent_job="parent_job", schedule="0 0 1 * * *")

    assert (child["schedule"], child["next"]) == ("0 0 1 * * *", ZERO)
    assert store(dkron, "child", schedule="0 0 1 * * *")["next"] != ZERO


def test_a_missing_parent_is_404_and_nothing_is_stored(dkron):
    assert refusal(dkron, parent_job="nobody") == (404, "specified parent job not found")
    assert names(dkron) == []


def test_a_circle_of_parents_is_refused(dkron):
    store(dkron, "a")
    store(dkron, "b", parent_job="a")

    status, text = refusal(dkron, name="a", parent_job="b")

    assert status == 400
    assert "wait for itself" in text


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "reason"),
    [
        ("", "Unable to parse payload: "),
        ("{", "Unable to parse payload: "),
        ("[]", "Unable to parse payload: "),
        ("null", "Unable to parse payload: "),
        ('"job"', "Unable to parse payload: "),
        ("\xff", "Unable to parse payload: "),
        ('{"name": "a\\u0000b"}', "Unable to parse payload: "),
        ('{"name": "\\ud800"}', "Unable to parse payload: "),
        ("{}", "Job validation failed: name cannot be empty"),
    ],
)
def test_a_body_that_is_no_job_is_400_with_the_reason(dkron, sent, reason):
    answer = dkron.generic("POST", JOBS, sent.encode("latin-1"), content_type="application/json")

    assert (answer.status_code, answer.headers["Content-Type"]) == (400, "text/plain; charset=utf-8")
    assert answer.content.decode().startswith(reason)


@pytest.mark.parametrize(
    "fields",
    [
        {"name": 5},
        {"displayname": False},
        {"schedule": ["@daily"]},
        {"retries": "2"},
        {"retries": 2.0},
        {"retries": -1},
        {"retries": True},
        {"retries": 10**30},
        {"disabled": "true"},
        {"ephemeral": 1},
        {"tags": {"a": 1}},
        {"tags": ["a"]},
        {"metadata": {"a": True}},
        {"executor_config": {"shell": True}},
        {"executor_config": "echo"},
        {"processors": {"log": {"forward": 1}}},
        {"processors": {"log": "x"}},
        {"concurrency": 1},
        {"starts_at": ""},
        {"starts_at": "tomorrow"},
        {"expires_at": 5},
        {"expires_at": "2030-01-01"},
        {"success_count": "1"},
        {"last_error": "never"},
        {"dependent_jobs": "a"},
    ],
)
def test_a_value_of_another_type_is_400_and_nothing_is_coerced(dkron, fields):
    status, text = refusal(dkron, **fields)

    assert status == 400
    assert text.startswith(f"Unable to parse payload: {next(iter(fields))}")


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"name": ""}, "name"),
        ({"name": "Job"}, "'J'"),
        ({"name": "a.b"}, "'.'"),
        ({"name": "a b"}, "' '"),
        ({"name": "a/b"}, "'/'"),
        ({"name": "日本"}, "'日'"),
        ({"name": "x", "parent_job": "x"}, "the job can not have itself as parent"),
        ({"schedule": ""}, "schedule"),
        ({"schedule": None}, "schedule"),
        ({"schedule": "0 0 * * *"}, "schedule"),
        ({"schedule": "nonsense"}, "schedule"),
        ({"concurrency": "replace"}, "'allow' or 'forbid'"),
        ({"concurrency": "Allow"}, "'allow' or 'forbid'"),
        ({"timezone": "Mars/Phobos"}, "Mars/Phobos"),
        ({"timezone": "../etc/passwd"}, "unknown time zone"),
        ({"executor_config": {"command": "x", "timeout": "30"}}, "timeout"),
        ({"executor_config": {"command": "x", "timeout": "abc"}}, "timeout"),
        ({"executor_config": {"command": "x", "mem_limit": "lots"}}, "mem_limit"),
        ({"executor_config": {"command": "x", "mem_limit": "-5MB"}}, "mem_limit"),
        ({"executor_config": {"command": "x", "mem_limit": "0"}}, "mem_limit"),
        ({"executor_config": {"command": "x", "mem_limit": "5XB"}}, "mem_limit"),
        ({"retries": 101}, "retries"),
        ({"name": "x" * 129}, "name"),
        ({"displayname": "x" * 251}, "displayname: "),
        ({"schedule": "1," * 200 + "1 * * * * *"}, "schedule"),
        ({"metadata": {"x": "y" * 2000}}, "metadata"),
        ({"executor_config": {"command": "x" * 100_000}}, "executor_config: "),
    ],
)
def test_a_broken_rule_is_400_with_the_reason(dkron, fields, word):
    status, text = refusal(dkron, **fields)

    assert status == 400
    assert text.startswith("Job validation failed: ")
    assert word in text
    assert names(dkron) == []


@pytest.mark.parametrize("name", ["job_1-a", "größe", "ñandú", "a" * 128, "0", "_"])
def test_names_are_lower_case_letters_of_any_script_digits_underscore_and_dash(dkron, name):
    store(dkron, name)

    assert dkron.get(f"{JOBS}/{name}").json()["name"] == name


@pytest.mark.parametrize("timeout", ["90s", "1h30m", "500ms", "1.5h"])
def test_a_shell_timeout_is_a_go_duration(dkron, timeout):
    store(dkron, executor_config={"command": "x", "timeout": timeout})


@pytest.mark.parametrize(
    ("size", "mebibytes"), [("1", 1), ("512kb", 1), ("50M", 50), ("1.5GB", 1536), ("2t", 2 * 1024**2), ("100 MB", 100)]
)
def test_a_memory_limit_has_units_in_powers_of_1024(dkron, size, mebibytes):
    store(dkron, executor_config={"command": "x", "mem_limit": size})

    assert job().payload.configuration["memory_limit"] == mebibytes


def test_the_limits_of_other_executors_are_not_looked_at(dkron):
    store(dkron, executor="http", executor_config={"timeout": "soon", "mem_limit": "lots"})


def test_a_body_of_more_than_a_mebibyte_is_413(dkron):
    assert send(dkron, body(displayname="x" * 1_100_000)).status_code == 413


# --- jobs of other doors ----------------------------------------------------------------------------------------------


def test_a_job_of_the_house_sent_back_as_it_was_shown_stays_what_it_was(dkron):
    ours = a_job(
        "native",
        schedule="30 2 * * 7",
        timezone="Europe/Berlin",
        concurrency="replace",
        priority=7,
        configuration={"command": ["echo", "a b"], "secret_env": {"TOKEN": "hidden one"}},
        now=clock.now(),
    )
    before = shown(dkron, "native")
    assert (before["executor"], before["executor_config"]["command"]) == ("shell", "echo 'a b'")

    answer = send(dkron, {**before, "owner": "ada"})

    assert answer.status_code == 201
    now = Job.objects.get(pk=ours.pk)
    assert (now.owner, now.schedule, now.concurrency, now.priority) == ("ada", "30 2 * * 7", "replace", 7)
    assert now.payload == ours.payload


def test_an_edit_at_another_door_takes_the_place_of_the_clients_words(dkron, db):
    store(dkron, schedule="0 0 3 ? * *", executor_config={"command": "echo  one", "unknown": "x"})
    dkron.patch("/v6/jobs/job1/", {"configuration": {"command": "echo two"}, "schedule": "0 4 * * *"}, format="json")

    answer = shown(dkron)

    assert (answer["schedule"], answer["executor_config"]) == ("0 0 4 * * *", {"command": "echo two"})


def test_a_job_that_is_stored_keeps_what_dkron_has_no_word_for(dkron):
    store(dkron)
    Job.objects.filter(name="job1").update(priority=3, description="why", misfire_policy="skip")

    store(dkron, displayname="New")

    assert (job().priority, job().description, job().misfire_policy) == (3, "why", "skip")
