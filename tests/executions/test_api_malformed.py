"""Whatever is sent, the answer is a refusal that says why, or the thing asked for: never a 5xx."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.utils import timezone

from jobs.validation import WRITABLE
from tests.builders import a_client, a_job, an_execution, job_fields

pytestmark = pytest.mark.django_db

ODD: list[Any] = [
    None,
    True,
    -1,
    2**31,
    2**63,
    10**39,
    1.5,
    1e308,
    "",
    " ",
    "x" * 300,
    "\u202e\u0301",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-12:00",
    "9999-12-31T23:59:59Z",
    "@every 9999999999999h",
    "@at 9999-12-31T23:59:59-12:00",
    "@at 9999-12-31T23:59:59Z",
    "@at 0001-01-01T00:00:00Z",
    "0 0 30 2 *",
    [],
    [None],
    [[]],
    ["x"] * 100,
    {},
    {"": ""},
    {"a": None},
    {"name": "shell", "version": {}},
    {"name": ["shell"]},
    {"id": None, "name": 5},
    {"json": [], "files": None},
    {"args": [1], "kwargs": {"a": 1}, "json": {"b": 2}},
    {"command": ["x", None], "env": {"A": 1}, "secret_env": "********"},
    {"command": "********", "secret_env": {"A": "********"}},
]


@pytest.mark.parametrize("field", sorted(WRITABLE))
def test_odd_values_of_a_jobs_field(field):
    editor = a_client("editor")
    a_job("present", schedule="@daily", timezone="Pacific/Kiritimati")

    for value in ODD:
        asked = editor.post("/v6/jobs/validation/", job_fields(**{field: value}))
        changed = editor.patch("/v6/jobs/present/", {field: value})

        assert asked.status_code == 200, value
        assert changed.status_code in (200, 400), value
        if changed.status_code == 200:
            assert editor.get("/v6/jobs/present/upcoming/").status_code == 200, value


@pytest.mark.parametrize("field", ["job_type", "input", "configuration", "at", "nonsense"])
def test_odd_values_of_a_runs_field(field):
    editor = a_client("editor")
    a_job("present", now=timezone.now())

    for value in ODD:
        run = editor.post("/v6/jobs/present/run/", {field: value})
        single = editor.post("/v6/executions/", {"job_type": {"name": "shell"}, field: value})

        assert run.status_code in (201, 400, 409), value
        assert single.status_code in (201, 400, 409), value


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"5", b'"x"', b"{", b"\xff", b'{"a":1}', b"[" * 100_000])
def test_bodies_that_are_no_object(body):
    root = a_client("superuser")
    a_job("present")
    pk = an_execution().pk
    addresses = [
        *("/v6/jobs/", "/v6/jobs/validation/", "/v6/jobs/present/run/", "/v6/jobs/present/pause/"),
        *("/v6/jobs/present/resume/", "/v6/executions/", f"/v6/executions/{pk}/retry/", "/v6/house/pause/"),
    ]

    for address in addresses:
        answer = root.generic("POST", address, body, content_type="application/json")
        assert answer.status_code < 500, address
        assert answer.status_code < 400 or answer.json()["detail"], address


@pytest.mark.parametrize("value", ["", "x", "-1", "0", str(2**70), "1e5", "%00", "%F0%9F%92%A9", "last", "a" * 5000])
def test_odd_values_of_parameters(value):
    reader = a_client("reader")
    an_execution(a_job("present"))
    jobs = (
        "id name keyword job_type_name is_enabled is_paused status next_before metadata[a] tags[] order page page_size"
    )
    executions = "id job_name status worker group is_last_try started error_category order page page_size"

    for address, parameters in (
        ("/v6/jobs/", jobs),
        ("/v6/executions/", executions),
        ("/v6/jobs/present/executions/", executions),
        ("/v6/jobs/present/upcoming/", "count"),
        ("/v6/schedules/preview/", "schedule timezone count"),
        ("/v6/queue/", "page page_size"),
        ("/v6/workers/", "order page"),
    ):
        for parameter in parameters.split():
            answer = reader.get(f"{address}?{parameter}={value}")
            assert answer.status_code in (200, 400, 404), (address, parameter)


@pytest.mark.parametrize(
    "fields",
    [
        {"parents": [""] * 300_000},
        {"configuration": {"command": [1] * 400_000}},
        {
            "job_type": {"name": "http"},
            "configuration": {"url": "http://a/", "expected_body": "(?i)" + "[ -\uffff]" * 8_000},
        },
    ],
)
def test_what_is_large_in_a_small_body_costs_little(fields):
    reader = a_client("reader")
    begun = time.monotonic()

    answer = reader.post("/v6/jobs/validation/", job_fields(**fields))

    assert answer.json()["is_valid"] is False
    assert len(answer.content) < 10_000
    assert time.monotonic() - begun < 3


@pytest.mark.parametrize("field", ["concurrency", "misfire_policy", "timezone", "schedule", "job_type"])
def test_a_refusal_does_not_repeat_all_that_was_sent(field):
    value: Any = {"name": "x" * 100_000, "version": "y" * 100_000} if field == "job_type" else "x" * 100_000

    answer = a_client("editor").post("/v6/jobs/", job_fields(**{field: value}))

    assert answer.status_code == 400
    assert len(answer.content) < 2_000
