"""`/v6/jobs/`: jobs, their lists, and what is done with one."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from executions.api.throttle import RunsByHand
from executions.models import Execution
from executions.states import LIVE, Status
from jobs.models import Job, JobRecord
from tests.builders import (
    HOUR,
    NOON,
    SECOND,
    a_client,
    a_job,
    a_job_type,
    a_revision,
    an_execution,
    job_fields,
)

pytestmark = pytest.mark.django_db

# fmt: off
FIELDS = [
    "id", "created", "last_modified", "created_by", "name", "title", "description", "owner", "owner_email", "job_type",
    "job_type_revision", "configuration", "input", "schedule", "timezone", "is_enabled", "pause", "starts_at",
    "expires_at", "priority", "timeout", "retries", "retry_delay", "deadline", "concurrency", "misfire_policy",
    "misfire_grace", "at_most_once", "is_ephemeral", "parents", "tags", "metadata", "processors", "status",
    "next_run_at", "last_scheduled_for", "last_run", "counts", "missed_reason",
]
COMPOSED = {"configuration", "input", "pause", "parents", "tags", "metadata", "processors", "last_run", "counts"}
BASE_OF_A_TYPE = [
    "id", "name", "version", "title", "description", "is_active", "is_system", "is_paused", "is_published", "icon_code",
    "unmet_resources",
]
# fmt: on


@pytest.fixture
def editor():
    return a_client("editor", "ada")


def names(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return [job["name"] for job in answer.json()["results"]]


# --- One job ----------------------------------------------------------------------------------------------------------
def test_a_job_is_made_and_its_address_given(editor):
    answer = editor.post("/v6/jobs/", job_fields("nightly", schedule="@daily", metadata={"team": "core"}))

    assert answer.status_code == 201
    assert answer.headers["Location"] == "http://testserver/v6/jobs/nightly/"
    assert editor.get(answer.headers["Location"]).json() == answer.json()


def test_a_job_shows_these_fields_in_this_order(editor):
    job = editor.post("/v6/jobs/", job_fields("nightly")).json()

    assert list(job) == FIELDS
    assert list(job["job_type"]) == BASE_OF_A_TYPE
    assert job["created_by"] == "ada"
    assert (job["schedule"], job["timezone"], job["input"]) == ("@manually", "", {"json": {}, "files": {}})
    assert job["counts"] == {"success": 0, "error": 0, "missed": 0}
    assert [job[name] for name in ("pause", "status", "next_run_at", "last_run", "missed_reason")] == [None] * 5


def test_secrets_are_never_shown(editor):
    configuration = {"command": "env", "secret_env": {"PASSWORD": "hunter2hunter2"}}
    editor.post("/v6/jobs/", job_fields("secretive", configuration=configuration))

    shown = editor.get("/v6/jobs/secretive/")

    assert b"hunter2" not in shown.content + editor.get("/v6/jobs/").content
    assert shown.json()["configuration"]["secret_env"] == {"PASSWORD": "********"}


def test_a_revision_is_shown_by_its_number(editor):
    job_type = a_job_type()
    a_revision(job_type, number=2)

    made = editor.post("/v6/jobs/", job_fields(job_type=job_type.pk, configuration={}, job_type_revision=1))

    assert made.json()["job_type_revision"] == 1


def test_a_name_in_any_script_has_its_address(editor):
    editor.post("/v6/jobs/", job_fields("ночью"))

    assert editor.get(f"/v6/jobs/{quote('ночью')}/").json()["name"] == "ночью"


def test_a_job_that_is_not_there_is_a_404(editor):
    assert editor.get("/v6/jobs/nobody/").status_code == 404
    assert editor.patch("/v6/jobs/nobody/", {}).status_code == 404
    assert editor.post("/v6/jobs/nobody/run/", {}).status_code == 404
    assert editor.get("/v6/jobs/nobody/executions/").status_code == 404


def test_what_is_wrong_is_named_field_by_field(editor):
    answer = editor.post("/v6/jobs/", job_fields("nightly", schedule="99 * * * *", timeout=0))

    assert answer.status_code == 400
    assert set(answer.json()) == {"detail", "schedule", "timeout"}


def test_unknown_fields_are_named(editor):
    answer = editor.post("/v6/jobs/", job_fields(colour="red"))

    assert answer.status_code == 400
    assert answer.json()["colour"] == ["Unknown field."]


def test_what_cannot_be_written_is_ignored_when_an_object_is_sent_back_whole(editor):
    job = editor.post("/v6/jobs/", job_fields("nightly", retries=2)).json()

    again = editor.put("/v6/jobs/nightly/", {**job, "title": "Nightly", "created_by": "eve", "id": 5})

    assert again.status_code == 200
    assert {**again.json(), "last_modified": None} == {**job, "title": "Nightly", "last_modified": None}


def test_put_replaces_and_patch_merges(editor):
    editor.post("/v6/jobs/", job_fields("nightly", title="Nightly", retries=2))

    patched = editor.patch("/v6/jobs/nightly/", {"retries": 3}).json()
    put = editor.put("/v6/jobs/nightly/", {"job_type": {"name": "shell"}, "configuration": {"command": "true"}}).json()

    assert (patched["title"], patched["retries"]) == ("Nightly", 3)
    assert (put["title"], put["retries"], put["configuration"]) == ("", 0, {"command": "true"})


def test_a_job_that_is_deleted_frees_its_name_and_keeps_its_history(editor):
    job = a_job("nightly")
    an_execution(job, status=Status.COMPLETED)

    assert editor.delete("/v6/jobs/nightly/").status_code == 204

    assert editor.get("/v6/jobs/nightly/").status_code == 404
    assert editor.post("/v6/jobs/", job_fields("nightly")).status_code == 201
    assert editor.get("/v6/executions/", {"job_id": job.pk}).json()["count"] == 1


def test_a_job_that_runs_is_deleted_only_when_that_may_cancel_it(editor):
    running = an_execution(a_job("busy"), status=Status.RUNNING)

    assert editor.delete("/v6/jobs/busy/").status_code == 409
    assert editor.delete("/v6/jobs/busy/?cancel=maybe").status_code == 400
    assert editor.delete("/v6/jobs/busy/?cancel=true").status_code == 204
    running.refresh_from_db()
    assert running.stop_requested is not None


# --- What is done with a job ------------------------------------------------------------------------------------------
def test_a_run_is_made_and_told_where_it_is(editor):
    a_job("nightly", now=timezone.now())

    answer = editor.post("/v6/jobs/nightly/run/", {})

    assert answer.status_code == 201
    made = answer.json()
    assert answer.headers["Location"] == f"http://testserver/v6/executions/{made['id']}/"
    assert (made["job"]["name"], made["status"], made["trigger"]) == ("nightly", "QUEUED", "manual")
    assert (made["requested_by"], made["door"], made["group"]) == ("ada", "native", made["id"])


def test_a_run_may_wait_for_its_moment(editor):
    a_job("nightly")
    moment = (timezone.now() + HOUR).isoformat()

    assert editor.post("/v6/jobs/nightly/run/", {"at": moment}).json()["status"] == "PENDING"


def test_a_run_may_be_given_an_input_of_its_own_which_must_fit(editor):
    schema = {"type": "object", "properties": {"count": {"type": "integer"}}, "additionalProperties": False}
    a_job("nightly", job_type=a_job_type(input_schema=schema).pk, configuration={})

    good = editor.post("/v6/jobs/nightly/run/", {"input": {"json": {"count": 5}}})
    bad = editor.post("/v6/jobs/nightly/run/", {"input": {"json": {"count": "five"}}})

    assert good.status_code == 201
    assert editor.get(f"/v6/executions/{good.json()['id']}/").json()["input"] == {"json": {"count": 5}}
    assert bad.status_code == 400
    assert "input.json.count" in bad.json()


def test_an_input_that_is_too_large_is_refused(editor):
    a_job("nightly")

    assert editor.post("/v6/jobs/nightly/run/", {"input": {"json": {"x": "y" * 262_144}}}).status_code == 400


def test_only_an_editor_gives_a_run_a_configuration_of_its_own(editor):
    a_job("nightly")
    given = {"configuration": {"command": "id"}}

    assert a_client("executor").post("/v6/jobs/nightly/run/", given).status_code == 403
    assert a_client("executor").post("/v6/jobs/nightly/run/", {"input": {"json": {}}}).status_code == 201
    assert editor.post("/v6/jobs/nightly/run/", given).status_code == 201


def test_a_user_who_runs_too_much_in_a_minute_is_told_to_wait_and_others_are_not(editor, monkeypatch):
    monkeypatch.setattr(RunsByHand, "limit", 2)
    a_job("nightly")
    answers = [editor.post("/v6/jobs/nightly/run/", {}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert answers[2].headers["Retry-After"] == "60"
    assert a_client("executor").post("/v6/jobs/nightly/run/", {}).status_code == 201
    assert editor.post(f"/v6/executions/{answers[0].json()['id']}/retry/", {}).status_code == 429
    assert editor.get("/v6/jobs/nightly/").status_code == 200


def test_a_job_is_paused_with_a_note_and_resumed(editor):
    a_job("nightly")
    until = (timezone.now() + HOUR).replace(microsecond=0)

    paused = editor.post("/v6/jobs/nightly/pause/", {"note": "release", "until": until.isoformat()})

    assert paused.status_code == 200
    pause = paused.json()["pause"]
    assert (pause["by"], pause["note"], pause["until"]) == ("ada", "release", f"{until:%Y-%m-%dT%H:%M:%SZ}")
    assert editor.post("/v6/jobs/nightly/resume/", {}).json()["pause"] is None


def test_a_pause_into_the_past_is_refused(editor):
    a_job("nightly")

    assert editor.post("/v6/jobs/nightly/pause/", {"until": "2020-01-01T00:00:00Z"}).status_code == 400


def test_the_next_instants_of_a_job_are_told(editor):
    a_job("nightly", schedule="@hourly", timezone="Europe/Berlin", now=timezone.now())

    answer = editor.get("/v6/jobs/nightly/upcoming/", {"count": "3"}).json()

    assert answer["timezone"] == "Europe/Berlin"
    assert len(answer["next"]) == 3
    assert len(editor.get("/v6/jobs/nightly/upcoming/").json()["next"]) == 10


def test_the_executions_of_a_job_are_its_own(editor):
    mine, _ = an_execution(a_job("mine")), an_execution(a_job("other"))

    answer = editor.get("/v6/jobs/mine/executions/").json()

    assert [execution["id"] for execution in answer["results"]] == [mine.pk]


# --- The newest run ---------------------------------------------------------------------------------------------------
def test_the_last_run_is_the_newest_that_ended(editor):
    job = a_job("nightly")
    an_execution(job, status=Status.COMPLETED)
    newest = an_execution(job, status=Status.FAILED, created=NOON + HOUR)

    shown = editor.get("/v6/jobs/nightly/").json()

    assert shown["status"] == "FAILED"
    assert shown["last_run"] == {
        "id": newest.pk,
        "status": "FAILED",
        "started": "2026-11-21T13:00:01Z",
        "ended": "2026-11-21T13:00:03Z",
    }


def test_a_newer_one_that_lives_is_the_last_run_and_an_older_one_is_not(editor):
    job, other = a_job("nightly"), a_job("other")
    an_execution(job, status=Status.COMPLETED)
    running = an_execution(job, status=Status.RUNNING)
    an_execution(other, status=Status.RUNNING)
    an_execution(other, status=Status.COMPLETED)

    shown = {job["name"]: job for job in editor.get("/v6/jobs/").json()["results"]}

    assert (shown["nightly"]["status"], shown["nightly"]["last_run"]["id"]) == ("RUNNING", running.pk)
    assert shown["other"]["status"] == "COMPLETED"


def test_a_last_run_that_was_purged_is_still_told_of(editor):
    job = a_job("nightly")
    gone = an_execution(job, status=Status.COMPLETED)
    JobRecord.objects.filter(job=job).update(last_success=NOON)
    Execution.objects.all().delete()

    shown = editor.get("/v6/jobs/nightly/").json()

    assert shown["last_run"] == {
        "id": gone.pk,
        "status": "COMPLETED",
        "started": None,
        "ended": "2026-11-21T12:00:00Z",
    }


@pytest.fixture
def one_job_in_each_state():
    """Jobs named after the state of their newest run, of which some have an older run in another state; and `never`."""
    a_job("never")
    for status in Status.values:
        job = a_job(status.lower())
        an_execution(job, status=Status.FAILED if status in LIVE else Status.RUNNING)
        an_execution(job, status=status)
    JobRecord.objects.filter(job__name__in=["completed", "failed"]).update(missed_reason="late", missed_count=2)


@pytest.mark.parametrize("status", Status.values)
def test_jobs_are_found_by_the_status_of_their_newest_run(editor, one_job_in_each_state, status):
    assert names(editor.get("/v6/jobs/", {"status": status})) == [status.lower()]


def test_several_statuses_are_alternatives_and_unknown_ones_find_nothing(editor, one_job_in_each_state):
    assert names(editor.get("/v6/jobs/?status=RUNNING&status=FAILED")) == ["failed", "running"]
    assert names(editor.get("/v6/jobs/?status=SLEEPING")) == []


def test_jobs_are_ordered_by_the_status_they_show(editor, one_job_in_each_state):
    shown = [job["status"] for job in editor.get("/v6/jobs/?order=status").json()["results"] if job["status"]]

    assert shown == sorted(Status.values)


# --- Lists ------------------------------------------------------------------------------------------------------------
def test_jobs_are_listed_by_name_page_by_page(editor):
    for name in ("c", "a", "b"):
        a_job(name)

    assert names(editor.get("/v6/jobs/")) == ["a", "b", "c"]
    assert names(editor.get("/v6/jobs/?page=2&page_size=2")) == ["c"]
    assert editor.get("/v6/jobs/?page=3&page_size=2").status_code == 404


def test_archived_jobs_and_the_houses_own_are_not_listed(editor):
    gone, own, _ = a_job("gone"), a_job("own"), a_job("mine")
    Job.objects.filter(pk=gone.pk).update(archived=NOON)
    Job.objects.filter(pk=own.pk).update(is_ad_hoc=True)

    assert names(editor.get("/v6/jobs/")) == ["mine"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("keyword=HOURLY", ["hourly"]),
        ("keyword=report", ["hourly", "nightly"]),
        ("keyword=100%25", []),
        ("name=nightly&name=paused", ["nightly", "paused"]),
        ("job_type_name=http", ["paused"]),
        ("job_type_version=9", []),
        ("is_enabled=false", ["off"]),
        ("is_paused=true", ["paused"]),
        ("owner=ada", ["hourly"]),
        ("metadata[team]=core", ["nightly"]),
        ("metadata[team]=core&tags[role]=web", []),
        ("tags[role]=web", ["hourly"]),
        ("next_before=2026-11-21T13:00:00Z", ["hourly"]),
        ("page=1&unknown=1", ["hourly", "nightly", "off", "paused"]),
    ],
)
def test_jobs_are_filtered(editor, query, found):
    a_job("hourly", schedule="@hourly", owner="ada", title="Report", tags={"role": "web"})
    a_job("nightly", schedule="@daily", description="the report", metadata={"team": "core"})
    a_job("off", schedule="@hourly", is_enabled=False)
    Job.objects.filter(pk=a_job("paused", executor="http").pk).update(paused_at=NOON)

    assert names(editor.get(f"/v6/jobs/?{query}")) == found


@pytest.mark.parametrize("query", ["is_enabled=maybe", "id=one", "next_before=soon", "is_paused="])
def test_a_filter_that_cannot_be_read_is_named(editor, query):
    answer = editor.get(f"/v6/jobs/?{query}")

    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["detail"]


@pytest.mark.parametrize("field", [name for name in FIELDS if name not in COMPOSED])
def test_jobs_are_ordered_by_any_scalar_field(editor, field):
    for number in range(3):
        a_job(f"job-{number}", retries=number, now=NOON + number * SECOND)

    forward = names(editor.get(f"/v6/jobs/?order={field}"))
    backward = names(editor.get(f"/v6/jobs/?order=-{field}"))

    assert forward == backward[::-1]


def test_by_its_next_instant_the_soonest_comes_first_and_jobs_without_one_last(editor):
    a_job("manual")
    a_job("late", schedule="@daily")
    a_job("soon", schedule="@hourly")

    assert names(editor.get("/v6/jobs/?order=next_run_at")) == ["soon", "late", "manual"]


@pytest.mark.parametrize("query", ["", "?order=status", "?status=RUNNING&status=FAILED"])
def test_a_list_of_fifty_takes_as_many_queries_as_a_list_of_one(editor, django_assert_num_queries, query):
    parents = [a_job(f"parent-{number}", is_enabled=False) for number in range(2)]

    def grow(count: int) -> None:
        for _ in range(count):
            job = a_job(parents=[parent.name for parent in parents])
            an_execution(job, status=Status.FAILED)
            an_execution(job, status=Status.RUNNING)

    grow(1)
    editor.get("/v6/jobs/")  # the token notes its use
    with django_assert_num_queries(6):  # token, keys, rows, parents, live runs, newest runs
        editor.get(f"/v6/jobs/{query}")
    grow(49)
    with django_assert_num_queries(6):
        answer = editor.get(f"/v6/jobs/{query}")

    assert len(answer.json()["results"]) >= 50


def test_a_list_never_reads_a_secret(editor):
    a_job()
    with CaptureQueriesContext(connection) as asked:
        editor.get("/v6/jobs/")

    assert not any("secrets" in query["sql"] for query in asked.captured_queries)


def test_a_pause_that_lasts_is_seen_in_the_list(editor):
    job = a_job("nightly")
    Job.objects.filter(pk=job.pk).update(paused_at=NOON, paused_by="eve", paused_until=NOON + timedelta(days=1))

    (shown,) = editor.get("/v6/jobs/?is_paused=true").json()["results"]

    assert shown["pause"] == {
        "by": "eve",
        "at": "2026-11-21T12:00:00Z",
        "note": "",
        "until": "2026-11-22T12:00:00Z",
    }
