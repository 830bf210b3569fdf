"""Creating and changing jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from errors.exceptions import Conflict, Invalid, NotFound
from jobs import services
from jobs.api.serializers import JobSerializer
from jobs.models import Job, JobRecord, Payload
from jobs.rules import FIELDS
from jobs.validation import WRITABLE
from tests.builders import HOUR, MINUTE, NOON, SECOND, a_job, a_job_type, a_revision, job_fields

pytestmark = pytest.mark.django_db

SECRETIVE = {
    "type": "object",
    "properties": {"url": {"type": "string"}, "password": {"type": "string", "writeOnly": True}},
    "required": ["url"],
    "additionalProperties": False,
}
COUNTING = {
    "type": "object",
    "properties": {"count": {"type": "integer"}},
    "required": ["count"],
    "additionalProperties": False,
}


def change(job: Job, now: datetime = NOON, **fields: object) -> Job:
    return services.update(job, fields, by="ada", now=now, partial=True)


def replace(job: Job, now: datetime = NOON, **fields: object) -> Job:
    return services.update(job, fields, by="ada", now=now, partial=False)


def refusal(**fields: object) -> dict[str, list[str]]:
    """What is said, by field, about a job that cannot be made."""
    with pytest.raises(Invalid) as refused:
        services.create(job_fields(**fields), by="ada", now=NOON)
    assert not Job.objects.filter(archived=None, name=fields.get("name", "")).exists()
    return dict(refused.value.fields)


# --- Creating ---------------------------------------------------------------------------------------------------------
def test_a_job_of_name_type_and_configuration_gets_the_default_of_everything_else():
    job = services.create(job_fields("nightly"), by="ada", now=NOON)

    job.refresh_from_db()
    assert (job.name, job.created_by, job.schedule, job.timezone) == ("nightly", "ada", "@manually", "")
    assert {name: getattr(job, name) for name in FIELDS} == {name: rule.default for name, rule in FIELDS.items()}
    assert job.next_run_at is None
    assert job.record.success_count == 0


def test_what_may_be_written_is_what_the_api_takes():
    taken = {name for name, field in JobSerializer().fields.items() if not field.read_only}

    assert taken == WRITABLE


@pytest.mark.parametrize("name", ["nightly", "ünïcode-jøb_1", "страница", "0", "-", "a" * 128])
def test_a_name_has_lower_case_letters_of_any_script_digits_dashes_and_underscores(name):
    assert a_job(name).name == name


@pytest.mark.parametrize(
    "name",
    ["", "Nightly", "two words", "a.b", "a/b", "日本", "\N{ARABIC-INDIC DIGIT ONE}", "a\x00", "a" * 129, "validation"],
)
def test_any_other_name_is_refused(name):
    with pytest.raises(Invalid) as refused:
        services.create({**job_fields(), "name": name}, by="ada", now=NOON)

    assert set(refused.value.fields) == {"name"}


def test_a_name_may_be_used_again_once_its_job_is_archived():
    first = a_job("nightly")
    Job.objects.filter(pk=first.pk).update(archived=NOON)

    assert a_job("nightly").pk != first.pk


def test_a_second_job_of_one_name_is_refused():
    a_job("nightly")

    with pytest.raises(Invalid) as refused:
        a_job("nightly")

    assert refused.value.fields == {"name": ["belongs to another job already"]}


def test_all_that_is_wrong_is_said_at_once():
    wrong = refusal(
        name="Bad Name",
        title="x" * 251,
        retries=101,
        schedule="61 * * * *",
        configuration={},
        concurrency="maybe",
        nonsense=1,
    )

    assert set(wrong) == {"name", "title", "retries", "schedule", "configuration.command", "concurrency", "nonsense"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", "x" * 251),
        ("title", 5),
        ("title", "a\x00b"),
        ("title", "half \ud800"),
        ("description", "x" * 10_001),
        ("owner_email", "nobody"),
        ("is_enabled", "yes"),
        ("starts_at", "2026-11-21T10:00:00Z"),
        ("starts_at", NOON.replace(tzinfo=None)),
        ("priority", 0),
        ("priority", True),
        ("priority", 2**31),
        ("timeout", 0),
        ("timeout", 7 * 24 * 3600 + 1),
        ("retries", -1),
        ("retry_delay", 3601),
        ("deadline", 0),
        ("misfire_policy", "never"),
        ("misfire_grace", -1),
        ("tags", {str(number): "x" for number in range(51)}),
        ("tags", {"role": 1}),
        ("tags", ["role"]),
        ("metadata", {"": "x"}),
        ("metadata", {"a": "\x00"}),
        ("configuration", [1]),
        ("configuration", {"command": "x" * 65_536}),
        ("input", {"json": {"x": "y" * 262_144}}),
        ("input", "text"),
        ("job_type", "shell"),
        ("job_type", {"name": "nobody-knows"}),
        ("job_type", {"name": "shell", "version": "9.9.9"}),
        ("job_type", 2**70),
        ("job_type", True),
        ("job_type_revision", 1),
        ("parents", "nightly"),
        ("parents", ["nobody-knows"]),
        ("parents", [f"job-{number}" for number in range(21)]),
        ("timezone", "Mars/Olympus"),
        ("timezone", 5),
        ("schedule", 5),
        ("schedule", "@every 100ms"),
        ("schedule", "* * * * * * *"),
        ("schedule", "x" * 256),
        ("schedule", "@daily\x00"),
    ],
)
def test_a_value_beyond_its_limit_is_refused_and_its_field_named(field, value):
    wrong = refusal(**{field: value})

    assert {name.partition(".")[0] for name in wrong} == {field}


def test_a_job_may_not_expire_before_it_starts():
    assert set(refusal(starts_at=NOON, expires_at=NOON)) == {"expires_at"}


def test_the_environment_of_a_job_has_a_hundred_names_at_most():
    configuration = {"command": "env", "env": {f"A{number}": "x" for number in range(60)}}

    assert a_job(configuration=configuration)
    configuration["secret_env"] = {f"B{number}": "x" for number in range(60)}
    assert "configuration.env" in refusal(configuration=configuration)


# --- What is run ------------------------------------------------------------------------------------------------------
def test_without_a_version_a_job_follows_the_newest_active_one():
    a_job_type("report", version="1.2.0")
    a_job_type("report", version="1.10.0")
    a_job_type("report", version="2.0.0", is_active=False)

    job = a_job(job_type={"name": "report"}, configuration={})

    assert (job.job_type.version, job.follows_newest) == ("1.10.0", True)


def test_a_version_or_an_id_pins_a_job():
    old = a_job_type("report", version="1.0.0")
    a_job_type("report", version="2.0.0")

    by_version = a_job(job_type={"name": "report", "version": "1.0.0"}, configuration={})
    by_id = a_job(job_type=old.pk, configuration={})

    assert [(job.job_type, job.follows_newest) for job in (by_version, by_id)] == [(old, False)] * 2


def test_a_revision_of_a_pinned_version_decides_what_is_valid():
    job_type = a_job_type("report", input_schema={})
    a_revision(job_type, number=2, input_schema=COUNTING)
    pinned = {"job_type": job_type.pk, "configuration": {}, "input": {"json": {}}}

    job = a_job(**pinned, job_type_revision=1)

    assert job.job_type_revision is not None
    assert job.job_type_revision.revision_num == 1
    assert "input.json.count" in refusal(**pinned)
    assert "job_type_revision" in refusal(**pinned, job_type_revision=3)


def test_an_inactive_type_gets_no_new_jobs_and_keeps_those_it_has():
    job_type = a_job_type("report")
    job = a_job(job_type=job_type.pk, configuration={})
    job_type.is_active = False
    job_type.save()

    assert refusal(job_type=job_type.pk, configuration={})["job_type"] == ["report 1.0.0 is not active"]
    assert refusal(job_type={"name": "report"}, configuration={})["job_type"] == ["no version of report is active"]
    assert replace(job, job_type={"name": "report", "version": "1.0.0"}, title="Still here").title == "Still here"


def test_an_executor_that_the_house_does_not_allow_is_refused(settings):
    settings.EXECUTORS_ALLOWED = ["http"]

    assert refusal(executor="shell")["job_type"] == ["the executor shell is not allowed in this house"]


def test_an_input_must_fit_the_interface_of_its_type():
    job_type = a_job_type("report", input_schema=COUNTING)

    wrong = refusal(job_type=job_type.pk, configuration={}, input={"json": {"count": "many", "colour": "red"}})

    assert set(wrong) == {"input.json.count", "input.json.colour"}


# --- Payloads and secrets ---------------------------------------------------------------------------------------------
def test_a_secret_is_kept_apart_and_masked():
    job_type = a_job_type(configuration_schema=SECRETIVE)

    job = a_job(job_type=job_type.pk, configuration={"url": "x", "password": "hunter2"})

    payload = Payload.objects.get(pk=job.payload_id)
    assert payload.configuration == {"url": "x", "password": "********"}
    assert list(payload.secrets.values()) == ["hunter2"]


def test_a_mask_that_is_sent_back_keeps_the_secret():
    job_type = a_job_type(configuration_schema=SECRETIVE)
    job = a_job(job_type=job_type.pk, configuration={"url": "x", "password": "hunter2"})

    job = change(job, configuration={"url": "y", "password": "********"})

    assert job.payload.configuration == {"url": "y", "password": "********"}
    assert list(job.payload.secrets.values()) == ["hunter2"]


def test_a_mask_for_which_nothing_is_stored_is_refused():
    job_type = a_job_type(configuration_schema=SECRETIVE)

    assert "configuration.password" in refusal(job_type=job_type.pk, configuration={"url": "x", "password": "********"})


def test_a_changed_secret_makes_another_payload_and_the_old_one_stays():
    job_type = a_job_type(configuration_schema=SECRETIVE)
    job = a_job(job_type=job_type.pk, configuration={"url": "x", "password": "hunter2"})
    before = job.payload

    job = change(job, configuration={"url": "x", "password": "hunter3"})

    assert job.payload_id != before.pk
    assert list(Payload.objects.get(pk=before.pk).secrets.values()) == ["hunter2"]


def test_an_edit_that_tells_runs_the_same_keeps_the_payload():
    job = a_job(configuration={"command": "true"})
    payloads = Payload.objects.count()

    changed = change(job, configuration={"command": "true"}, title="Other")

    assert changed.payload_id == job.payload_id
    assert Payload.objects.count() == payloads


# --- When it runs -----------------------------------------------------------------------------------------------------
def test_a_new_job_knows_its_next_instant():
    assert a_job(schedule="30 12 * * *").next_run_at == NOON + 30 * MINUTE


def test_a_schedule_is_read_in_its_own_zone_and_in_the_houses_without_one(settings):
    settings.TIME_ZONE = "Europe/Berlin"

    assert a_job(schedule="0 14 * * *").next_run_at == NOON + HOUR
    assert a_job(schedule="0 14 * * *", timezone="UTC").next_run_at == NOON + 2 * HOUR


def test_an_interval_counts_from_the_whole_second_of_its_making():
    job = a_job(schedule="@every 90s", now=NOON + timedelta(milliseconds=700))

    assert job.next_run_at == NOON + 90 * SECOND


def test_a_schedule_begins_at_starts_at_and_ends_with_expires_at_and_both_moments_count():
    job = a_job(schedule="@hourly", starts_at=NOON + 2 * HOUR, expires_at=NOON + 3 * HOUR)

    assert job.next_run_at == NOON + 2 * HOUR
    job = change(job, starts_at=NOON + 2 * HOUR + SECOND)
    assert job.next_run_at == NOON + 3 * HOUR
    assert change(job, expires_at=NOON + 3 * HOUR - SECOND).next_run_at is None


@pytest.mark.parametrize(
    "fields", [{"is_enabled": False}, {"expires_at": NOON}, {"schedule": "@at 2020-01-01T00:00:00Z"}]
)
def test_what_will_not_run_by_itself_has_no_next_instant(fields):
    assert a_job(**{"schedule": "@hourly", **fields}).next_run_at is None


def test_an_edit_takes_effect_in_its_own_transaction():
    job = a_job(schedule="@hourly")

    assert change(job, schedule="15 * * * *").next_run_at == NOON + 15 * MINUTE
    assert change(job, timezone="Asia/Kathmandu").next_run_at == NOON + 30 * MINUTE
    assert change(job, starts_at=NOON + 2 * HOUR).next_run_at == NOON + 2 * HOUR + 30 * MINUTE
    assert change(job, is_enabled=False).next_run_at is None


def test_an_edit_of_something_else_leaves_the_next_instant_alone():
    job = a_job(schedule="@every 1h")

    changed = change(job, title="Other", now=NOON + 30 * MINUTE)

    assert changed.next_run_at == NOON + HOUR


def test_an_instant_is_never_given_out_twice():
    job = a_job(schedule="@hourly")
    Job.objects.filter(pk=job.pk).update(last_scheduled_for=NOON + HOUR, next_run_at=NOON + 2 * HOUR)

    changed = change(job, schedule="0 * * * *", now=NOON + 59 * MINUTE)

    assert changed.next_run_at == NOON + 2 * HOUR


def test_a_new_schedule_or_a_new_beginning_anchors_an_interval_anew():
    job = a_job(schedule="@every 1h")

    assert change(job, schedule="@every 2h", now=NOON + MINUTE).next_run_at == NOON + 2 * HOUR + MINUTE
    services.disable(job, by="ada", now=NOON + 2 * MINUTE)
    assert services.enable(job, by="ada", now=NOON + 3 * MINUTE).next_run_at == NOON + 2 * HOUR + 3 * MINUTE
    assert services.enable(job, by="ada", now=NOON + 4 * MINUTE).next_run_at == NOON + 2 * HOUR + 3 * MINUTE


def test_what_was_due_and_not_fired_when_a_job_is_changed_counts_as_missed():
    job = a_job(schedule="@every 1m")

    change(job, schedule="@daily", now=NOON + 3 * MINUTE + SECOND)

    record = JobRecord.objects.get(job=job)
    assert (record.missed_count, record.missed_reason[:13]) == (3, "3 due instant")


def test_a_job_whose_stored_schedule_is_no_longer_valid_can_be_mended():
    job = a_job(schedule="@hourly")
    Job.objects.filter(pk=job.pk).update(schedule="nonsense", next_run_at=NOON - HOUR)

    assert change(job, schedule="@hourly").next_run_at == NOON + HOUR


# --- Replacing, merging -----------------------------------------------------------------------------------------------
def test_a_replacement_gives_what_is_not_said_its_default():
    job = a_job(title="Nightly", schedule="@daily", retries=3, tags={"role": "web"})

    replaced = replace(job, job_type={"name": "shell"}, configuration={"command": "true"})

    assert (replaced.title, replaced.schedule, replaced.retries, replaced.tags) == ("", "@manually", 0, {})
    assert replaced.name == job.name


def test_a_partial_change_leaves_what_is_not_said():
    job = a_job(title="Nightly", retries=3)

    changed = change(job, retries=4)

    assert (changed.title, changed.retries, changed.payload_id) == ("Nightly", 4, job.payload_id)


def test_the_type_that_was_answered_sent_back_leaves_a_job_following_the_newest():
    job_type = a_job_type("report")
    job = a_job(job_type={"name": "report"}, configuration={})
    answered = {"id": job_type.pk, "name": "report", "version": "1.0.0", "title": "", "is_active": True}

    assert replace(job, job_type=answered).follows_newest
    assert not replace(job, job_type={"name": "report", "version": "1.0.0"}).follows_newest


def test_a_name_cannot_be_changed():
    job = a_job("nightly")

    with pytest.raises(Invalid) as refused:
        change(job, name="daily")

    assert set(refused.value.fields) == {"name"}
    assert change(job, name="nightly", title="Same name").title == "Same name"


def test_a_refused_change_changes_nothing():
    job = a_job(title="Nightly", schedule="@daily")

    with pytest.raises(Invalid):
        change(job, title="Other", schedule="never")

    job.refresh_from_db()
    assert (job.title, job.schedule) == ("Nightly", "@daily")


def test_an_archived_job_and_the_houses_own_cannot_be_changed():
    archived, own = a_job(), a_job()
    Job.objects.filter(pk=archived.pk).update(archived=NOON)
    Job.objects.filter(pk=own.pk).update(is_ad_hoc=True)

    with pytest.raises(NotFound):
        change(archived, title="x")
    with pytest.raises(Conflict):
        change(own, title="x")


# --- Pauses -----------------------------------------------------------------------------------------------------------
def test_a_pause_says_who_when_why_and_until_and_keeps_the_next_instant():
    job = a_job(schedule="@hourly")

    paused = services.pause(job, by="ada", now=NOON, note="release", until=NOON + 3 * HOUR)

    assert (paused.is_paused, paused.paused_by, paused.paused_at, paused.pause_note) == (True, "ada", NOON, "release")
    assert (paused.paused_until, paused.next_run_at) == (NOON + 3 * HOUR, NOON + HOUR)


def test_after_a_pause_what_came_meanwhile_is_still_due():
    job = services.pause(a_job(schedule="@hourly"), by="ada", now=NOON)

    resumed = services.resume(job, by="eve", now=NOON + 5 * HOUR)

    assert not resumed.is_paused
    assert resumed.next_run_at == NOON + HOUR
    assert Job.objects.due(NOON + 5 * HOUR).get() == job


def test_pausing_again_renews_the_note_and_keeps_the_beginning():
    job = services.pause(a_job(), by="ada", now=NOON, note="one")

    again = services.pause(job, by="eve", now=NOON + HOUR, note="two")

    assert (again.paused_at, again.paused_by, again.pause_note) == (NOON, "eve", "two")


def test_a_pause_ends_in_the_future_or_is_refused():
    with pytest.raises(Invalid):
        services.pause(a_job(), by="ada", now=NOON, until=NOON)
    with pytest.raises(Invalid):
        services.pause(a_job(), by="ada", now=NOON, note="x" * 251)


# --- Problems and warnings --------------------------------------------------------------------------------------------
def test_problems_of_a_good_job_are_none():
    assert services.problems(job_fields(), now=NOON) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"schedule": "@at 2020-01-01T00:00:00Z"}, "schedule"),
        ({"schedule": "0 0 30 2 *"}, "schedule"),
        ({"schedule": "@daily", "expires_at": NOON + HOUR}, "schedule"),
        ({"schedule": "@daily", "expires_at": NOON - HOUR}, "expires_at"),
    ],
)
def test_what_is_allowed_and_hardly_meant_is_a_warning(fields, field):
    (problem,) = services.problems(job_fields(**fields), now=NOON)

    assert (problem.path, problem.is_warning) == (field, True)


def test_a_year_at_either_end_of_the_calendar_is_no_trouble():
    first, last = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

    job = a_job(schedule="@hourly", starts_at=first, expires_at=last)

    assert job.next_run_at == NOON + HOUR
    assert change(job, starts_at=last - SECOND).next_run_at is None
