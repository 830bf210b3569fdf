"""What can be asked about a job before there is one."""

from __future__ import annotations

import pytest

from jobs.models import Job
from tests.builders import a_client, a_job, a_job_type, job_fields

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader():
    return a_client("reader")


def test_a_good_job_is_valid_and_is_not_made(reader):
    answer = reader.post("/v6/jobs/validation/", job_fields("nightly"))

    assert answer.status_code == 200
    assert answer.json() == {"is_valid": True, "errors": [], "warnings": []}
    assert not Job.objects.filter(name="nightly").exists()


def test_what_is_wrong_is_listed_by_field(reader):
    answer = reader.post("/v6/jobs/validation/", job_fields("Bad", schedule="99 * * * *", retries=101))

    assert answer.json()["is_valid"] is False
    assert {error["name"] for error in answer.json()["errors"]} == {"name", "schedule", "retries"}
    assert all(error["description"] for error in answer.json()["errors"])


def test_values_of_the_wrong_kind_and_unknown_fields_are_listed_too(reader):
    answer = reader.post("/v6/jobs/validation/", {"name": 5, "tags": {"role": 1}, "parents": [1]})
    unknown = reader.post("/v6/jobs/validation/", job_fields(colour="red"))

    assert {error["name"] for error in answer.json()["errors"]} == {"name", "tags", "parents"}
    assert unknown.json()["errors"] == [{"name": "colour", "description": "Unknown field."}]


def test_what_is_only_doubtful_is_a_warning_and_the_job_is_valid(reader):
    answer = reader.post("/v6/jobs/validation/", job_fields(schedule="@at 2020-01-01T00:00:00Z")).json()

    assert answer["is_valid"] is True
    assert [warning["name"] for warning in answer["warnings"]] == ["schedule"]


def test_a_paused_type_is_a_warning(reader):
    job_type = a_job_type(is_paused=True)

    answer = reader.post("/v6/jobs/validation/", job_fields(job_type=job_type.pk, configuration={})).json()

    assert [warning["name"] for warning in answer["warnings"]] == ["job_type"]


def test_a_taken_name_is_an_error(reader):
    a_job("nightly")

    answer = reader.post("/v6/jobs/validation/", job_fields("nightly")).json()

    assert answer["errors"] == [{"name": "name", "description": "belongs to another job already"}]


@pytest.mark.parametrize("body", [[], "text", None, 5])
def test_a_body_that_is_no_object_is_answered_and_not_with_a_5xx(reader, body):
    answer = reader.post("/v6/jobs/validation/", body)

    assert answer.status_code in (200, 400)


# --- Preview of a schedule --------------------------------------------------------------------------------------------
def test_a_schedule_is_explained(reader):
    answer = reader.get(
        "/v6/schedules/preview/", {"schedule": "30 2 * * *", "timezone": "Europe/Berlin", "count": "3"}
    ).json()

    assert list(answer) == ["is_valid", "error", "words", "timezone", "next", "notes", "per_day"]
    assert (answer["is_valid"], answer["error"], answer["timezone"], answer["per_day"]) == (
        True,
        None,
        "Europe/Berlin",
        1,
    )
    assert len(answer["next"]) == 3
    assert all(instant.endswith("Z") for instant in answer["next"])


def test_a_schedule_without_a_zone_is_read_in_the_houses(reader, settings):
    settings.TIME_ZONE = "Asia/Kathmandu"

    assert reader.get("/v6/schedules/preview/", {"schedule": "@daily"}).json()["timezone"] == "Asia/Kathmandu"


def test_a_schedule_that_is_none_says_why(reader):
    answer = reader.get("/v6/schedules/preview/", {"schedule": "99 * * * *"})

    assert answer.status_code == 200
    assert answer.json()["is_valid"] is False
    assert "minute" in answer.json()["error"]


@pytest.mark.parametrize(("query", "named"), [({}, "schedule"), ({"schedule": "@daily", "count": "many"}, "count")])
def test_a_parameter_that_is_missing_or_malformed_is_named(reader, query, named):
    answer = reader.get("/v6/schedules/preview/", query)

    assert answer.status_code == 400
    assert named in answer.json()["detail"]


@pytest.mark.parametrize(("count", "shown"), [("0", 0), ("-5", 0), ("100000", 100)])
def test_the_count_of_instants_stays_within_bounds(reader, count, shown):
    answer = reader.get("/v6/schedules/preview/", {"schedule": "* * * * * *", "count": count})

    assert len(answer.json()["next"]) == shown
