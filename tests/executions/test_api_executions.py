"""`/v6/executions/`: what ran, runs and waits; and what is done with one execution."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from errors.api.pagination import CappedPagination
from errors.models import Error
from executions.models import Execution, OutputChunk
from executions.states import Reason, Status, Trigger
from jobs.models import Job, Payload
from jobtypes.models import JobType
from tests.builders import (
    CONFIGURATIONS,
    HOUR,
    NOON,
    SECOND,
    a_client,
    a_job,
    a_job_type,
    a_worker,
    an_execution,
)

pytestmark = pytest.mark.django_db

# fmt: off
FIELDS = [
    "id", "group", "slot", "attempt", "origin", "is_last_try", "job", "job_type", "job_type_revision", "status",
    "reason", "trigger", "door", "requested_by", "scheduled_for", "created", "queued", "started", "ended", "duration",
    "priority", "worker", "exit_code", "signal", "error", "message", "output_bytes", "output_truncated", "used",
]
DETAILS = [
    "configuration", "input", "outputs", "exception", "traceback", "why", "tries", "timeline",
]
# fmt: on


@pytest.fixture
def executor():
    return a_client("executor", "ada")


def ids(answer) -> list[int]:
    assert answer.status_code == 200, answer.content
    return [execution["id"] for execution in answer.json()["results"]]


# --- One execution ----------------------------------------------------------------------------------------------------
def test_an_execution_shows_these_fields_in_this_order(executor):
    execution = an_execution(status=Status.COMPLETED, max_rss_bytes=5, cpu_seconds=0.5, output_lost_bytes=1)

    (listed,) = executor.get("/v6/executions/").json()["results"]
    detailed = executor.get(f"/v6/executions/{execution.pk}/").json()

    assert list(listed) == FIELDS
    assert list(detailed) == FIELDS + DETAILS
    assert listed == {name: detailed[name] for name in FIELDS}
    assert listed["job"] == {"id": execution.job.pk, "name": execution.job.name, "title": ""}
    assert (listed["job_type"]["name"], listed["job_type_revision"]) == ("shell", 1)
    assert (listed["duration"], listed["exit_code"], listed["error"]) == (2.0, 0, None)
    assert (listed["worker"], listed["requested_by"]) == (execution.worker.name, "ada")
    assert listed["used"] == {"max_rss_bytes": 5, "cpu_seconds": 0.5}
    assert listed["output_truncated"] is True
    assert listed["started"] == "2026-11-21T12:00:01Z"


def test_a_failure_shows_its_error_and_what_its_code_raised(executor):
    Error.objects.get_or_create(name="algorithm-unknown", defaults={"category": "ALGORITHM", "is_builtin": True})
    failed = an_execution(status=Status.FAILED, message="exit status 1", exception="ValueError", traceback="Trace…")

    shown = executor.get(f"/v6/executions/{failed.pk}/").json()

    assert (shown["error"]["name"], shown["error"]["category"]) == ("algorithm-unknown", "ALGORITHM")
    assert (shown["message"], shown["exception"], shown["traceback"]) == ("exit status 1", "ValueError", "Trace…")
    assert shown["outputs"] == {"json": {}, "files": []}


def test_what_a_run_was_told_and_handed_over_is_shown_without_secrets(executor):
    configuration = {"command": "env", "secret_env": {"PASSWORD": "hunter2hunter2"}}
    job = a_job(configuration=configuration, input={"json": {"x": 1}})
    execution = an_execution(job, status=Status.COMPLETED, outputs={"json": {"result": 42}})

    with CaptureQueriesContext(connection) as asked:
        answer = executor.get(f"/v6/executions/{execution.pk}/")

    assert b"hunter2" not in answer.content
    assert not any("secrets" in query["sql"] for query in asked.captured_queries)
    shown = answer.json()
    assert shown["configuration"]["secret_env"] == {"PASSWORD": "********"}
    assert shown["input"] == {"json": {"x": 1}}
    assert shown["outputs"]["json"] == {"result": 42}


def test_the_other_tries_of_a_run_are_shown_beside_it(executor):
    first = an_execution(status=Status.FAILED)
    second = an_execution(of=first, status=Status.FAILED, created=NOON + HOUR)
    third = an_execution(of=second, created=NOON + 2 * HOUR)

    shown = executor.get(f"/v6/executions/{second.pk}/").json()

    assert [(other["id"], other["attempt"], other["status"]) for other in shown["tries"]] == [
        (first.pk, 1, "FAILED"),
        (third.pk, 3, "QUEUED"),
    ]


def test_what_waits_says_why_and_what_does_not_says_nothing(executor):
    waiting = an_execution(created=timezone.now())
    ended = an_execution(status=Status.COMPLETED)

    assert executor.get(f"/v6/executions/{waiting.pk}/").json()["why"]
    assert executor.get(f"/v6/executions/{ended.pk}/").json()["why"] is None


def test_the_timeline_tells_each_state_and_the_reason_of_each_wait(executor):
    retried = an_execution(
        of=an_execution(status=Status.FAILED),
        status=Status.COMPLETED,
        ready_at=NOON + SECOND,
        queued=NOON + SECOND,
        started=NOON + 2 * SECOND,
    )

    timeline = executor.get(f"/v6/executions/{retried.pk}/").json()["timeline"]

    assert [(step["status"], step["since"][17:19], step["reason"]) for step in timeline] == [
        ("PENDING", "00", "Waited before trying again."),
        ("QUEUED", "01", "Waited for a free slot."),
        ("RUNNING", "02", None),
        ("COMPLETED", "03", None),
    ]


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({"status": Status.QUEUED}, ["QUEUED"]),
        ({"status": Status.BLOCKED, "trigger": Trigger.PARENT}, ["BLOCKED"]),
        ({"status": Status.BLOCKED, "reason": Reason.CONCURRENCY}, ["BLOCKED"]),
        ({"status": Status.PENDING, "ready_at": NOON + HOUR}, ["PENDING"]),
        ({"status": Status.CANCELED, "trigger": Trigger.PARENT, "reason": Reason.UPSTREAM}, ["BLOCKED", "CANCELED"]),
        ({"status": Status.RUNNING}, ["QUEUED", "RUNNING"]),
    ],
)
def test_every_state_has_its_timeline(executor, fields, steps):
    execution = an_execution(**fields)

    timeline = executor.get(f"/v6/executions/{execution.pk}/").json()["timeline"]

    assert [step["status"] for step in timeline] == steps
    assert timeline[-1]["until"] is None


def test_an_execution_that_is_not_there_is_a_404(executor):
    for number in (1, 2**63, 10**30):
        assert executor.get(f"/v6/executions/{number}/").status_code == 404
        assert executor.post(f"/v6/executions/{number}/cancel/", {}).status_code == 404
        assert executor.get(f"/v6/executions/{number}/output/").status_code == 404


# --- What is done with an execution -----------------------------------------------------------------------------------
def test_one_that_waits_is_canceled_at_once_and_one_that_is_over_is_not(executor):
    waiting = an_execution()

    answer = executor.post(f"/v6/executions/{waiting.pk}/cancel/", {})

    assert answer.status_code == 202
    assert (answer.json()["status"], answer.json()["reason"]) == ("CANCELED", "user")
    assert executor.post(f"/v6/executions/{waiting.pk}/cancel/", {}).status_code == 409


def test_one_that_runs_is_asked_to_stop(executor):
    running = an_execution(status=Status.RUNNING)

    answer = executor.post(f"/v6/executions/{running.pk}/cancel/")

    assert (answer.status_code, answer.json()["status"]) == (202, "RUNNING")
    running.refresh_from_db()
    assert running.stop_by == "ada"


def test_what_has_ended_is_tried_again_as_another_try_of_its_run(executor):
    failed = an_execution(status=Status.FAILED)

    answer = executor.post(f"/v6/executions/{failed.pk}/retry/", {})

    assert answer.status_code == 201
    made = answer.json()
    assert (made["group"], made["attempt"], made["trigger"]) == (failed.pk, 2, "retry")
    assert answer.headers["Location"] == f"http://testserver/v6/executions/{made['id']}/"


def test_what_has_not_ended_is_not_tried_again(executor):
    assert executor.post(f"/v6/executions/{an_execution().pk}/retry/", {}).status_code == 409


def test_a_body_where_none_belongs_is_refused(executor):
    assert executor.post(f"/v6/executions/{an_execution().pk}/cancel/", {"force": True}).status_code == 400


# --- Single runs ------------------------------------------------------------------------------------------------------
def test_a_type_is_run_once_for_a_job_of_the_houses_own():
    editor = a_client("editor")

    answer = editor.post("/v6/executions/", {"job_type": {"name": "shell"}, "configuration": CONFIGURATIONS["shell"]})

    assert answer.status_code == 201
    made = answer.json()
    assert Job.objects.get(pk=made["job"]["id"]).is_ad_hoc
    assert editor.get(f"/v6/executions/{made['id']}/").json()["configuration"] == CONFIGURATIONS["shell"]


def test_an_executor_runs_once_what_needs_no_configuration(executor):
    job_type = a_job_type()

    assert executor.post("/v6/executions/", {"job_type": job_type.pk}).status_code == 201
    assert executor.post("/v6/executions/", {"job_type": job_type.pk, "configuration": {}}).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"job_type": "shell"},
        {"job_type": {"name": "nobody-knows"}},
        {"job_type": {"name": "shell"}},
        {"job": 1},
        [],
    ],
)
def test_a_single_run_that_cannot_be_made_is_refused(executor, body):
    assert executor.post("/v6/executions/", body).status_code == 400
    assert not Execution.objects.exists()


# --- Output -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def talkative():
    """An execution that said three lines on one stream and one on the other."""
    execution = an_execution(status=Status.COMPLETED, output="one\ntwo\nthree\n")
    OutputChunk.objects.create(execution=execution, seq=4, lines=1, time=NOON, stream="stderr", text="four\n")
    return execution


def test_output_is_read_line_by_line_from_where_the_reader_was(executor, talkative):
    address = f"/v6/executions/{talkative.pk}/output/"

    first = executor.get(address, {"limit": "2"}).json()
    rest = executor.get(address, {"after": first["after"]}).json()

    assert [line["text"] for line in first["lines"]] == ["one", "two"]
    assert (first["after"], first["done"], first["lost_bytes"]) == (2, False, 0)
    assert [(line["seq"], line["stream"], line["text"]) for line in rest["lines"]] == [
        (3, "stdout", "three"),
        (4, "stderr", "four"),
    ]
    assert rest["done"] is True
    assert list(rest["lines"][0]) == ["seq", "time", "stream", "text"]


def test_output_as_text_comes_whole(executor, talkative):
    answer = executor.get(f"/v6/executions/{talkative.pk}/output/", HTTP_ACCEPT="text/plain")

    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert b"".join(answer.streaming_content) == b"one\ntwo\nthree\nfour\n"


def test_a_refusal_is_text_where_text_was_asked_for(executor):
    answer = executor.get("/v6/executions/1/output/", HTTP_ACCEPT="text/plain")

    assert answer.status_code == 404
    assert answer.headers["Content-Type"].startswith("text/plain")


@pytest.mark.parametrize("query", [{"after": "x"}, {"limit": "x"}])
def test_a_place_in_the_output_that_is_no_number_is_refused(executor, talkative, query):
    assert executor.get(f"/v6/executions/{talkative.pk}/output/", query).status_code == 400


@pytest.mark.parametrize("query", [{"after": "-5", "limit": "100000"}, {"limit": "0"}, {"after": str(2**70)}])
def test_a_place_beyond_the_output_is_brought_within_bounds(executor, talkative, query):
    assert executor.get(f"/v6/executions/{talkative.pk}/output/", query).status_code == 200


# --- Lists ------------------------------------------------------------------------------------------------------------
def test_executions_are_listed_newest_first(executor):
    old, new = an_execution(), an_execution(created=NOON + HOUR)
    same = an_execution(created=NOON + HOUR)

    assert ids(executor.get("/v6/executions/")) == [same.pk, new.pk, old.pk]


@pytest.fixture
def failed():
    """The one execution that each filter below is to find."""
    Error.objects.get_or_create(name="algorithm-unknown", defaults={"category": "ALGORITHM", "is_builtin": True})
    job = a_job("nightly", executor="http")
    first = an_execution(job, status=Status.CANCELED)
    return an_execution(
        of=first,
        status=Status.FAILED,
        reason=Reason.TIMEOUT,
        created=NOON + HOUR,
        door="dkron",
        worker=a_worker("worker-one"),
    )


@pytest.mark.parametrize(
    "query",
    [
        "id={id}",
        "job_id={job}&status=FAILED",
        "job_name=nightly&status=FAILED",
        "job_type_id={job_type}&status=FAILED",
        "job_type_name=http&status=FAILED",
        "status=FAILED",
        "status=FAILED&status=RUNNING",
        "reason=timeout",
        "trigger=retry",
        "door=dkron",
        "worker=worker-one",
        "error_id={error}",
        "error_name=algorithm-unknown",
        "error_category=ALGORITHM",
        "group={group}&is_last_try=true",
        "started=2026-11-21T12:30:00Z",
        "started=2026-11-21T12:30:00Z&ended=2026-11-21T13:30:00Z",
    ],
)
def test_executions_are_filtered(executor, failed, query):
    an_execution(a_job())
    given = {
        "id": failed.pk,
        "job": failed.job.pk,
        "job_type": failed.job_type.pk,
        "error": failed.error.pk,
        "group": failed.group,
    }

    assert ids(executor.get(f"/v6/executions/?{query.format(**given)}")) == [failed.pk]


@pytest.mark.parametrize(
    "query", ["job_name=nobody", "job_type_version=9", "worker=nobody", "status=SLEEPING", "id=99999999999999999999"]
)
def test_a_filter_that_nothing_meets_finds_nothing(executor, failed, query):
    assert ids(executor.get(f"/v6/executions/?{query}")) == []


@pytest.mark.parametrize(
    "query", ["id=x", "is_last_try=maybe", "started=soon", "started=2026-11-21T12:00:00Z&ended=2026-11-21T12:00:00Z"]
)
def test_a_filter_that_cannot_be_read_is_refused_and_named(executor, query):
    answer = executor.get(f"/v6/executions/?{query}")

    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["detail"]


@pytest.mark.parametrize("field", ["id", "created", "started", "ended", "duration", "job_name", "priority", "status"])
def test_executions_are_ordered_by_each_offered_field(executor, field):
    expected = []
    for number, status in enumerate([Status.COMPLETED, Status.FAILED, Status.RUNNING]):
        start = NOON + number * HOUR
        end = {} if status == Status.RUNNING else {"ended": start + (number + 5) * SECOND}
        job = a_job(f"job-{number}")
        expected.append(an_execution(job, status=status, created=start, priority=number + 1, **end).pk)

    answer = ids(executor.get(f"/v6/executions/?order={field}&status=COMPLETED&status=FAILED&status=RUNNING"))
    reversed_ = ids(executor.get(f"/v6/executions/?order=-{field}&status=COMPLETED&status=FAILED&status=RUNNING"))

    assert [pk for pk in answer if pk != expected[2]] == expected[:2]
    assert [pk for pk in reversed_ if pk != expected[2]] == expected[1::-1]


@pytest.mark.parametrize("query", ["", "?order=status", "?order=-duration", "?job_name=nightly&error_category=SYSTEM"])
def test_a_list_of_fifty_takes_as_many_queries_as_a_list_of_one(executor, query):
    job = a_job("nightly")

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert executor.get(f"/v6/executions/{query}").status_code == 200
        return len(queries)

    an_execution(job, status=Status.FAILED)
    executor.get("/v6/executions/")  # the token notes its use
    one = asked()
    for _ in range(49):
        an_execution(job, status=Status.FAILED)

    assert asked() == one
    assert one <= 5


def test_a_list_never_loads_output_input_or_tracebacks(executor):
    an_execution(status=Status.FAILED, output="x\n", traceback="Trace…")

    with CaptureQueriesContext(connection) as asked:
        executor.get("/v6/executions/")

    tables = (model._meta.db_table for model in (OutputChunk, Payload))
    said = " ".join(query["sql"] for query in asked.captured_queries)
    assert not any(f'"{table}"' in said for table in tables)
    assert "traceback" not in said
    assert "manifest" not in said


def test_beyond_ten_thousand_the_count_is_said_to_be_an_estimate(executor, monkeypatch):
    monkeypatch.setattr(CappedPagination, "exact_up_to", 5)
    job = a_job()
    for _ in range(7):
        an_execution(job)

    few = executor.get("/v6/executions/?page_size=3&id=1").json()
    many = executor.get("/v6/executions/?page_size=3").json()

    assert "count_is_estimate" not in few
    assert many["count_is_estimate"] is True
    assert many["count"] >= 6
    assert many["next"]


def test_the_type_of_an_execution_is_the_version_that_ran(executor):
    job_type = a_job_type("report", version="1.0.0")
    an_execution(a_job(job_type={"name": "report"}, configuration={}))
    a_job_type("report", version="2.0.0")

    (shown,) = executor.get("/v6/executions/?job_type_name=report").json()["results"]

    assert shown["job_type"]["id"] == job_type.pk
    assert JobType.objects.filter(name="report").count() == 2
