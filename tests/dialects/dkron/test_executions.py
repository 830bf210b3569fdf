"""Executions: the list of a job, one of them, what is busy, and clearing them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from config.dialects.dkron import moments
from errors.models import Error
from executions.models import Execution, OutputChunk
from jobs.models import JobRecord
from tests.builders import NOON, SECOND, a_job, a_worker, an_execution
from tests.dialects.dkron.acts import JOBS, ZERO, job, shown, store

pytestmark = pytest.mark.django_db

PATH = f"{JOBS}/job1/executions"
KEYS = {
    *("id", "job_name", "started_at", "finished_at", "success", "output", "node_name", "group", "attempt"),
    *("output_truncated", "scheduled_for"),
}
STARTED = datetime(2026, 11, 21, 12, 0, 1, 250_000, tzinfo=UTC)


def ended(status: str = "COMPLETED", **fields) -> Execution:
    return an_execution(job(), status=status, **fields)


def listed(client, query: str = "") -> list[dict]:
    answer = client.get(PATH + query)
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture
def with_job(dkron):
    store(dkron)
    return dkron


def test_no_executions_are_an_empty_array(with_job):
    answer = with_job.get(PATH)

    assert (answer.content, answer.headers["X-Total-Count"]) == (b"[]", "0")


def test_an_execution_has_all_its_keys(with_job):
    worker = a_worker(host="node-one.example.org")
    made = ended(output="hello\n", started=STARTED, worker=worker, scheduled_for=NOON)

    (one,) = listed(with_job)

    assert one.keys() == KEYS
    assert one == {
        "id": f"{1795262401250000000 + made.pk % 1000}-node-one.example.org",
        "job_name": "job1",
        "started_at": "2026-11-21T12:00:01.25Z",
        "finished_at": "2026-11-21T12:00:03Z",
        "success": True,
        "output": "hello\n",
        "output_truncated": False,
        "node_name": "node-one.example.org",
        "group": 1795262400000000000 + made.pk % 1000,
        "attempt": 1,
        "scheduled_for": "2026-11-21T12:00:00Z",
    }


def test_what_runs_has_the_zero_time_and_no_output(with_job):
    ended("RUNNING")

    (one,) = listed(with_job)

    assert (one["finished_at"], one["success"], "output" in one) == (ZERO, False, False)


def test_only_what_has_started_is_an_execution(with_job):
    for status in ("QUEUED", "PENDING", "BLOCKED", "CANCELED"):
        ended(status)

    assert listed(with_job) == []


def test_tries_of_a_run_share_their_group_and_count_from_one(with_job):
    first = ended("FAILED")
    second = ended("FAILED", of=first, created=NOON + 5 * SECOND)
    ended("COMPLETED", of=second, created=NOON + 9 * SECOND)
    ended("COMPLETED", created=NOON + 20 * SECOND)

    rows = listed(with_job)

    assert [one["attempt"] for one in rows] == [1, 3, 2, 1]
    assert len({one["group"] for one in rows[1:]}) == 1
    assert rows[0]["group"] != rows[1]["group"]
    assert len({one["id"] for one in rows}) == 4


def test_two_that_began_in_the_same_microsecond_have_ids_of_their_own(with_job):
    ended(), ended()

    first, second = listed(with_job)

    assert first["id"] != second["id"]
    assert first["group"] != second["group"]
    assert with_job.get(f"{PATH}/{first['id']}").json()["group"] == first["group"]


def test_only_the_newest_hundred_are_shown_newest_first(with_job):
    for number in range(103):
        ended(created=NOON + number * SECOND)

    rows = listed(with_job)

    assert len(rows) == 100
    assert rows[0]["started_at"] == "2026-11-21T12:01:43Z"
    assert rows == sorted(rows, key=lambda one: one["started_at"], reverse=True)
    assert with_job.get(PATH).headers["X-Total-Count"] == "100"


@pytest.mark.parametrize(
    ("query", "order"),
    [
        ("", "cba"),
        ("?_order=DESC", "cba"),
        ("?_order=ASC", "abc"),
        ("?_order=anything", "abc"),
        ("?_sort=id&_order=ASC", "abc"),
        ("?_sort=started_at&_order=DESC", "cba"),
        ("?_sort=finished_at&_order=ASC", "bac"),
        ("?_sort=attempt&_order=DESC", "bca"),
        ("?_sort=nonsense", "cba"),
        ("?_start=1&_end=2", "cba"),
        ("?_sort=id&_order=DESC&_start=0&_end=25&jobs=job1&output_size_limit=200", "cba"),
    ],
)
def test_they_are_sorted_as_asked_and_never_sliced(with_job, query, order):
    first = ended("FAILED", ended=NOON + 60 * SECOND, output="a")
    ended("COMPLETED", of=first, created=NOON + 5 * SECOND, ended=NOON + 30 * SECOND, output="b")
    ended("COMPLETED", created=NOON + 10 * SECOND, ended=NOON + 90 * SECOND, output="c")

    assert [one["output"][-1] for one in listed(with_job, query)] == list(order)


def test_times_are_in_the_zone_of_the_job_in_its_list_and_in_utc_elsewhere(dkron):
    store(dkron, timezone="Asia/Kolkata", schedule="0 0 0 * * *")
    ended("RUNNING", scheduled_for=NOON)
    made = ended()

    ids = {one["started_at"][-6:]: one for one in listed(dkron)}
    running = next(one for one in listed(dkron) if one["finished_at"] == ZERO)

    assert set(ids) == {"+05:30"}
    assert running["scheduled_for"] == "2026-11-21T17:30:00+05:30"
    assert dkron.get("/v1/busy").json()[0]["started_at"].endswith("Z")
    shown_one = dkron.get(f"{PATH}/{moments.execution_id(made.started, made.pk, 'x')}").json()
    assert shown_one["started_at"] == "2026-11-21T12:00:01Z"


# --- output -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "output", "is_cut"),
    [
        ("", "one\ntwo\nthree\n", False),
        ("?output_size_limit=0", None, True),
        ("?output_size_limit=6", "three\n", True),
        ("?output_size_limit=14", "one\ntwo\nthree\n", False),
        ("?output_size_limit=200", "one\ntwo\nthree\n", False),
        ("?output_size_limit=-1", "one\ntwo\nthree\n", False),
        ("?output_size_limit=many", "one\ntwo\nthree\n", False),
        ("?output_size_limit=99999999999999999999", "one\ntwo\nthree\n", False),
    ],
)
def test_a_limit_keeps_the_last_bytes_of_each_output(with_job, limit, output, is_cut):
    made = ended(output_bytes=14)
    for seq, text in enumerate(("one\n", "two\n", "three\n"), 1):
        OutputChunk.objects.create(execution=made, seq=seq, lines=1, time=NOON, stream="stdout", text=text)

    (one,) = listed(with_job, limit)

    assert (one.get("output"), one["output_truncated"]) == (output, is_cut)


def test_bytes_are_counted_not_letters_and_no_letter_is_cut_in_two(with_job):
    ended(output="äöü", output_bytes=6)

    assert listed(with_job, "?output_size_limit=3")[0]["output"] == "ü"


def test_without_a_limit_the_last_256000_bytes_are_shown(with_job):
    made = ended(output_bytes=300_000)
    for seq in range(1, 31):
        text = f"{seq:02}" + "x" * 9_998
        OutputChunk.objects.create(execution=made, seq=seq, lines=1, time=NOON, stream="stdout", text=text)

    (one,) = listed(with_job)

    assert len(one["output"]) == 256_000
    assert one["output"].endswith("30" + "x" * 9_998)
    assert one["output_truncated"] is False


def test_no_output_is_read_when_none_is_asked_for(with_job):
    ended(output="x" * 1000, output_bytes=1000)

    with CaptureQueriesContext(connection) as captured:
        listed(with_job, "?output_size_limit=0")

    assert not any("outputchunk" in query["sql"] for query in captured)


def test_standard_output_and_errors_are_merged_in_order(with_job):
    made = ended(output_bytes=6)
    for seq, (stream, text) in enumerate([("stdout", "a\n"), ("stderr", "b\n"), ("stdout", "c\n")], 1):
        OutputChunk.objects.create(execution=made, seq=seq, lines=1, time=NOON, stream=stream, text=text)

    assert listed(with_job)[0]["output"] == "a\nb\nc\n"


def test_a_failure_begins_with_what_went_wrong(with_job):
    ended("FAILED", message="exit status 3", output="out\n", output_bytes=4)

    (one,) = listed(with_job)

    assert (one["success"], one["output"]) == (False, "exit status 3\nout\n")


@pytest.mark.parametrize(
    ("reason", "error", "word"), [("timeout", "timeout", "timeout"), (None, "out-of-memory", "memory limit")]
)
def test_what_was_killed_says_by_which_limit(with_job, reason, error, word):
    made = Error.objects.get(name=error)
    ended("FAILED", reason=reason, error=made, message="Ran too long", output="half", output_bytes=4)

    said = listed(with_job)[0]["output"]

    assert said.startswith("signal: killed\nhalf\nThe defined ")
    assert f"{word} was exceeded: the job was killed" in said


def test_a_program_that_is_not_there_is_named_as_go_names_it(with_job):
    ended("FAILED", message="No such program: nothing")

    assert listed(with_job)[0]["output"] == "executable file not found: nothing\n"


def test_a_list_takes_the_same_queries_for_one_execution_and_for_many(with_job):
    def count() -> int:
        with CaptureQueriesContext(connection) as captured:
            listed(with_job, "?output_size_limit=200")
        return len(captured)

    ended(output="x", output_bytes=1)
    ended("FAILED", of=ended("FAILED"))
    few = count()
    for _ in range(20):
        ended(output="x", output_bytes=1)

    assert count() == few


# --- one --------------------------------------------------------------------------------------------------------------


def test_one_has_its_whole_output_and_no_word_about_cuts(with_job):
    ended(output="x" * 1000, output_bytes=1000)
    (one,) = listed(with_job, "?output_size_limit=10")

    answer = with_job.get(f"{PATH}/{one['id']}")

    assert answer.status_code == 200
    assert answer.json() == {
        **{name: value for name, value in one.items() if name != "output_truncated"},
        "output": "x" * 1000,
    }


@pytest.mark.parametrize(
    "said", ["1", "x", "1795262401000000000-nobody", "99999999999999999999999-x", "-5-x", "1e9-x", "%00-x", "9" * 5000]
)
def test_an_id_that_is_none_is_404(with_job, said):
    ended(started=NOON + timedelta(days=1))

    answer = with_job.get(f"{PATH}/{said}")

    assert answer.status_code in (404, 400 if said == "%00-x" else 404)


def test_an_execution_of_another_job_is_not_found(with_job):
    other = an_execution(a_job("other"), status="COMPLETED")

    answer = with_job.get(f"{PATH}/{moments.execution_id(other.started, other.pk, 'x')}")

    assert (answer.status_code, answer.content) == (404, b"")


# --- busy -------------------------------------------------------------------------------------------------------------


def test_busy_is_what_runs_now_with_the_latest_of_its_output(with_job):
    made = ended("RUNNING")
    for seq, text in enumerate(("first\n", "second\n"), 1):
        OutputChunk.objects.create(execution=made, seq=seq, lines=1, time=NOON, stream="stdout", text=text)
    ended("COMPLETED")
    ended("QUEUED")

    answer = with_job.get("/v1/busy?_sort=id&_order=DESC&_start=0&_end=10")

    (one,) = answer.json()
    assert answer.headers["X-Total-Count"] == "1"
    assert (one["job_name"], one["output"], one["finished_at"]) == ("job1", "second\n", ZERO)
    assert "output_truncated" not in one


def test_nothing_busy_is_an_empty_array(dkron):
    answer = dkron.get("/v1/busy/")

    assert (answer.content, answer.headers["X-Total-Count"]) == (b"[]", "0")


# --- clearing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ends", "status"),
    [(["COMPLETED"], "success"), (["FAILED"], "failed"), (["FAILED", "COMPLETED"], "partially_failed")],
)
def test_clearing_removes_the_executions_and_counts_and_leaves_the_status(with_job, ends, status):
    last = None
    for end in ends:
        last = ended(end, of=last, output="x", output_bytes=1)
    JobRecord.objects.filter(job=job()).update(success_count=3, error_count=2, last_success=NOON, last_error=NOON)

    answer = with_job.delete(PATH)

    assert answer.status_code == 200
    assert answer.json() == shown(with_job)
    told = [answer.json()[name] for name in ("success_count", "error_count", "last_success", "last_error", "status")]
    assert told == [0, 0, None, None, status]
    assert listed(with_job) == []
    assert with_job.get(f"{JOBS}?status={status}").headers["X-Total-Count"] == "1"


def test_a_run_after_clearing_decides_the_status_again(with_job):
    ended("COMPLETED", of=ended("FAILED"))
    with_job.delete(PATH)

    ended("COMPLETED")

    assert shown(with_job)["status"] == "success"


def test_what_still_runs_is_not_cleared(with_job):
    ended("RUNNING")
    ended("COMPLETED")

    with_job.delete(f"{PATH}/")

    assert [one["finished_at"] for one in listed(with_job)] == [ZERO]


def test_the_old_address_of_the_list_still_answers(with_job):
    ended()

    assert with_job.get("/v1/executions/job1").json() == listed(with_job)
