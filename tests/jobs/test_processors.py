"""What may be said of the processors of a job, at the native API."""

from __future__ import annotations

import json

import pytest

from jobs.models import Job
from tests.builders import a_client, a_job, job_fields

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor():
    return a_client("editor", "ada")


def test_a_job_has_none_unless_it_is_given_some(editor):
    assert editor.post("/v6/jobs/", job_fields("plain")).json()["processors"] == {}


def test_true_and_false_become_texts(editor):
    said = {"files": {"forward": True, "log_dir": "/srv/logs"}, "log": {"forward": False}, "syslog": {}}

    answer = editor.post("/v6/jobs/", job_fields("loud", processors=said))

    assert answer.status_code == 201, answer.content
    kept = {"files": {"forward": "true", "log_dir": "/srv/logs"}, "log": {"forward": "false"}, "syslog": {}}
    assert answer.json()["processors"] == kept
    assert Job.objects.get(name="loud").processors == kept


def test_a_change_of_something_else_leaves_them_and_a_replacement_takes_them_away(editor):
    a_job("loud", processors={"log": {}})

    patched = editor.patch("/v6/jobs/loud/", {"title": "Loud"})
    replaced = editor.put("/v6/jobs/loud/", job_fields("loud"))

    assert patched.json()["processors"] == {"log": {}}
    assert replaced.json()["processors"] == {}


@pytest.mark.parametrize(
    "wrong",
    [
        "log",
        ["log"],
        {"log": "true"},
        {"log": None},
        {"log": {"forward": 1}},
        {"log": {"forward": None}},
        {"log": {"forward": ["true"]}},
        {"": {}},
        {"x" * 251: {}},
        {"log": {"": "x"}},
        {"log": {"k": "x" * 4097}},
        {"log": {"k": "a\0b"}},
        {"log": {"\ud800": "x"}},
        {f"name-{number}": {} for number in range(21)},
        {"log": {f"k{number}": "" for number in range(51)}},
    ],
    ids=range(15),
)
def test_anything_else_is_refused_and_the_field_named(editor, wrong):
    body = json.dumps(job_fields("loud", processors=wrong))  # with escapes for what UTF-8 cannot hold

    answer = editor.post("/v6/jobs/", body, content_type="application/json")

    assert answer.status_code == 400
    assert "\\u" in body or "processors" in str(answer.json())
    assert not Job.objects.exists()
