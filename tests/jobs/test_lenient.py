"""What foreign doors may store: configurations and inputs that a job type refuses, and words of their own."""

from __future__ import annotations

import pytest

from errors.exceptions import Invalid
from executions.engine.run import Run, _problems
from jobs import services
from jobs.models import Job
from tests.builders import HOUR, NOON, a_job, an_execution, job_fields

pytestmark = pytest.mark.django_db

NO_COMMAND = {"configuration": {"nonsense": True}}


def test_what_a_type_refuses_is_stored_where_its_door_is_lenient():
    with pytest.raises(Invalid):
        services.create(job_fields("a", **NO_COMMAND), by="ada", now=NOON)

    made = services.create(job_fields("a", **NO_COMMAND), by="ada", now=NOON, lenient=True)

    assert made.payload.configuration == {"nonsense": True}


def test_a_run_with_it_fails_with_a_data_error_that_says_what_is_wrong():
    _problems.cache_clear()
    made = services.create(job_fields("a", **NO_COMMAND), by="ada", now=NOON, lenient=True)

    outcome = Run(an_execution(made, status="RUNNING")).perform(runner=None)

    assert (outcome.ok, outcome.error) == (False, "invalid-input")
    assert outcome.message.startswith("The configuration is refused: configuration.")
    assert "configuration.command: is required" in outcome.message


def test_an_input_that_is_refused_is_stored_too():
    wrong = {"args": [1], "json": {"a": 1}}

    made = services.create(job_fields("a", input=wrong), by="ada", now=NOON, lenient=True)

    assert made.payload.input == wrong


@pytest.mark.parametrize(
    "fields", [{"owner_email": "no address"}, {"starts_at": NOON + HOUR, "expires_at": NOON}, {"owner_email": ""}]
)
def test_mail_addresses_and_windows_are_not_looked_at(fields):
    made = services.create(job_fields("a", **fields), by="ada", now=NOON, lenient=True)

    assert {name: getattr(made, name) for name in fields} == fields


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "Bad Name"},
        {"schedule": "nonsense"},
        {"parents": ["nobody"]},
        {"retries": 101},
        {"owner_email": "x" * 251},
        {"configuration": {"command": "x" * 100_000}},
        {"configuration": {"command": "a\x00b"}},
        {"configuration": {"command": "x", "secret_env": {"A": "********"}}},
        {"configuration": "no object"},
    ],
)
def test_names_schedules_parents_and_sizes_are_checked_as_ever(fields):
    with pytest.raises(Invalid):
        services.create({**job_fields("a"), **fields}, by="ada", now=NOON, lenient=True)


def test_secrets_are_taken_out_of_what_is_stored_leniently():
    fields = job_fields("a", configuration={"secret_env": {"TOKEN": "hidden"}})

    made = services.create(fields, by="ada", now=NOON, lenient=True)

    assert made.payload.configuration == {"secret_env": {"TOKEN": "********"}}
    assert made.payload.secrets == {"/secret_env/TOKEN": "hidden"}


def test_what_a_door_keeps_takes_the_place_of_its_own_and_leaves_that_of_others():
    made = services.create(job_fields("a"), by="ada", now=NOON, foreign={"dkron": {"a": 1}, "udata": {"b": 2}})

    services.update(made, {"owner": "bob"}, by="bob", now=NOON, partial=True, foreign={"dkron": {"c": 3}})
    services.update(made, {"owner": "eve"}, by="eve", now=NOON, partial=True)

    assert Job.objects.get(name="a").foreign == {"dkron": {"c": 3}, "udata": {"b": 2}}


def test_an_update_is_lenient_only_where_it_says_so():
    made = a_job("a")

    with pytest.raises(Invalid):
        services.update(made, NO_COMMAND, by="ada", now=NOON, partial=True)
    services.update(made, NO_COMMAND, by="ada", now=NOON, partial=True, lenient=True)

    assert Job.objects.get(name="a").payload.configuration == {"nonsense": True}
