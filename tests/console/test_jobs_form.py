"""The form of a job: fields made from the interface of its type, the schedule explained, clones."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from executions import clock
from jobs.models import Job
from jobtypes.models import JobType
from tests.builders import a_job, a_job_type
from tests.console.visits import browser, page

pytestmark = pytest.mark.django_db
ADD, PREVIEW = "/admin/jobs/job/add/", "/admin/jobs/job/schedule-preview/"
INTERFACE = {
    "type": "object",
    "properties": {
        "path": {"type": "string", "description": "What is read."},
        "size": {"type": "integer", "default": 10, "maximum": 99},
        "key": {"type": "string", "writeOnly": True},
    },
    "required": ["path"],
    "additionalProperties": False,
}


def edit(job: Job) -> str:
    return f"/admin/jobs/job/{job.pk}/edit/"


def a_reading_type() -> JobType:
    return a_job_type("reader-type", input_schema=INTERFACE)


def sent(client: Client, address: str, **changes: Any) -> Any:
    """The answer to the form at `address`, sent off as it was shown, with `changes`."""
    form = client.get(address).context["adminform"].form
    data: dict[str, Any] = {}
    for part in (form, *([form.inputs] if form.inputs else [])):
        for field in part:
            value = field.value()
            if value is None or value is False:
                continue
            shown = field.field.prepare_value(value)
            data[field.html_name] = "on" if shown is True else shown
    if form.inputs:
        data["inputs-of"] = form.revision.pk
    return client.post(address, {name: value for name, value in {**data, **changes}.items() if value is not None})


def test_the_fields_of_the_input_are_those_of_the_interface():
    job_type = a_reading_type()

    shown = page(browser(), ADD, job_type=job_type.pk)

    assert 'name="value-path"' in shown
    assert "What is read." in shown
    assert 'name="value-size" value="10"' in shown
    assert 'type="password" name="value-key"' in shown
    assert 'name="input"' not in shown


def test_what_is_written_into_them_is_the_jobs_input():
    job_type = a_reading_type()

    answer = sent(browser(), f"{ADD}?job_type={job_type.pk}", name="copy", **{"value-path": "/in"})

    job = Job.objects.get(name="copy")
    assert answer["Location"] == f"/admin/jobs/job/{job.pk}/change/"
    assert job.payload.input["json"] == {"path": "/in", "size": 10}


@pytest.mark.parametrize(("value", "words"), [("", "This field is required."), ("x", "Enter a whole number.")])
def test_what_does_not_fit_is_said_at_its_field_and_nothing_is_saved(value: str, words: str):
    job_type = a_reading_type()
    wrong = {"value-path": value} if not value else {"value-path": "/in", "value-size": value}

    answer = sent(browser(), f"{ADD}?job_type={job_type.pk}", name="copy", **wrong)

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Job.objects.filter(name="copy").exists()


def test_looking_saves_nothing_and_brings_the_fields_of_the_chosen_type():
    job_type = a_reading_type()

    answer = sent(browser(), ADD, name="copy", job_type=job_type.pk, schedule="*/5 * * * *", _look="1")

    shown = answer.content.decode()
    assert 'name="value-path"' in shown
    assert "Please correct" not in shown
    assert "288 times a day" in shown
    assert not Job.objects.exists()


def test_an_edit_of_something_else_leaves_the_input_as_it_is():
    job = a_job(executor="shell", input={"json": {"path": "/in"}, "files": {}})
    before = job.payload_id

    answer = sent(browser(), edit(job), title="Copies")

    job.refresh_from_db()
    assert answer.status_code == 302
    assert (job.title, job.payload_id) == ("Copies", before)


def test_the_form_says_what_the_type_understands_in_a_configuration():
    shown = page(browser(), edit(a_job()))

    assert "<code>command</code>" in shown
    assert "string or array" in shown


def test_a_clone_begins_with_all_of_it_but_name_and_secrets():
    parent = a_job("first")
    job = a_job(
        "copy",
        schedule="@daily",
        parents=[parent.name],
        configuration={"command": "echo 1", "secret_env": {"KEY": "s3same"}},
    )

    client = browser()
    answer = sent(client, f"{ADD}?clone={job.pk}", name="copy-2")

    made = Job.objects.get(name="copy-2")
    assert answer.status_code == 302
    assert (made.schedule, list(made.parents.all())) == ("@daily", [parent])
    assert made.payload.configuration["command"] == "echo 1"
    assert made.payload.secrets == {}
    assert "s3same" not in page(client, ADD, clone=str(job.pk))


@pytest.mark.parametrize("query", [{"clone": "x"}, {"clone": "9" * 40}, {"job_type": "x"}, {"job_type": "9" * 40}])
def test_an_address_that_names_nothing_shows_an_empty_form(query: dict[str, str]):
    assert 'name="name"' in page(browser(), ADD, **query)


# --- the schedule -----------------------------------------------------------------------------------------------------
def test_a_schedule_is_explained_with_its_next_ten_instants_in_its_zone():
    shown = page(browser(), PREVIEW, schedule="30 2 * * *", timezone="Europe/Berlin")

    assert "<b>" in shown
    assert shown.count("<li>") == 10
    assert "02:30:00 CE" in shown
    assert "once a day" in shown
    assert "does not exist in Europe/Berlin" in shown


def test_it_says_how_many_others_start_at_that_instant():
    now = clock.now()
    crowd = [a_job(schedule="0 0 1 1 *", now=now) for _ in range(3)]

    assert "3 other jobs start at" in page(browser(), PREVIEW, schedule="0 0 1 1 *")
    assert "2 other jobs start at" in page(browser(), PREVIEW, schedule="0 0 1 1 *", job=crowd[0].pk)


@pytest.mark.parametrize(
    "query",
    [
        {"schedule": "every now and then"},
        {"schedule": "@daily", "timezone": "Nowhere/Land"},
        {"schedule": "x" * 100_000},
        {"schedule": "<script>", "job": "9" * 99},
        {"schedule": "@daily", "timezone": "../" * 9000},
    ],
)
def test_what_is_no_schedule_is_told_why(query: dict[str, str]):
    shown = page(browser(), PREVIEW, **query)

    assert "problem-words" in shown
    assert "<script>" not in shown


def test_nothing_but_words_is_there_for_a_job_that_runs_when_asked():
    assert "It does not run by itself." in page(browser(), PREVIEW, schedule="")


def test_who_may_not_see_jobs_may_not_ask():
    assert browser("nobody").get(PREVIEW).status_code == 403
