"""GET /v1/jobs: which jobs, in which order, which slice; and that a page costs what a page costs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from executions.models import Execution
from executions.states import Reason
from jobs.models import Job, JobRecord, Payload
from tests.builders import NOON, a_job, an_execution
from tests.dialects.dkron.acts import JOBS, job, names, store

pytestmark = pytest.mark.django_db


def make(*names: str, **fields) -> None:
    for name in names:
        a_job(name, **fields)


def test_no_job_is_an_empty_array(dkron):
    answer = dkron.get(JOBS)

    assert (answer.content, answer.headers["X-Total-Count"]) == (b"[]", "0")


def test_all_jobs_are_listed_by_name_and_counted(dkron):
    make("c", "a", "b")

    answer = dkron.get(JOBS)

    assert [one["name"] for one in answer.json()] == ["a", "b", "c"]
    assert answer.headers["X-Total-Count"] == "3"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("_start=0&_end=2", "ab"),
        ("_start=2&_end=4", "cd"),
        ("_start=4&_end=100", "e"),
        ("_start=3", "de"),
        ("_end=2", "ab"),
        ("_start=5&_end=9", ""),
        ("_start=3&_end=1", ""),
        ("_start=-2&_end=3", ""),
        ("_start=0&_end=-1", ""),
        ("_start=x&_end=2", "ab"),
        ("_start=0&_end=x", ""),
        ("_start=99999999999999999999&_end=3", ""),
        ("_start=3&_end=99999999999999999999", "de"),
        ("_sort=name&_order=DESC&_end=2", "ed"),
        ("_sort=id&_order=DESC&_end=2", "ed"),
        ("_order=desc&_end=2", "ab"),
        ("_sort=nonsense&_end=2", "ab"),
        ("_sort=nonsense&_order=DESC&_end=1", "e"),
    ],
)
def test_a_slice_is_half_open_and_the_count_is_of_all(dkron, query, found):
    make(*"abcde")

    answer = dkron.get(f"{JOBS}?{query}")

    assert [one["name"] for one in answer.json()] == list(found)
    assert answer.headers["X-Total-Count"] == "5"


def test_text_is_sorted_by_its_lower_case_and_ties_by_name(dkron):
    for name, title in {"a": "beta", "b": "Alpha", "c": "alpha", "d": ""}.items():
        a_job(name, title=title)

    assert names(dkron, "?_sort=displayname") == ["d", "b", "c", "a"]
    assert names(dkron, "?_sort=displayname&_order=DESC") == ["a", "b", "c", "d"]


def test_what_is_missing_comes_first(dkron):
    make("a", "b", "c", schedule="@manually")
    JobRecord.objects.filter(job__name="a").update(last_success=NOON, success_count=2, error_count=1)
    JobRecord.objects.filter(job__name="c").update(last_success=NOON - timedelta(1), success_count=2, last_error=NOON)

    assert names(dkron, "?_sort=last_success") == ["b", "c", "a"]
    assert names(dkron, "?_sort=last_success&_order=DESC") == ["a", "c", "b"]
    assert names(dkron, "?_sort=last_error&_order=ASC") == ["a", "b", "c"]
    assert names(dkron, "?_sort=success_count&_order=DESC") == ["a", "c", "b"]
    assert names(dkron, "?_sort=error_count") == ["b", "c", "a"]


def test_next_sorts_by_what_is_shown(dkron):
    store(dkron, "a", schedule="@every 3h")
    store(dkron, "b", schedule="@every 1h")
    store(dkron, "c", schedule="@manually")
    store(dkron, "d", schedule="@every 1h", starts_at="2050-01-01T00:00:00Z")

    assert names(dkron, "?_sort=next") == ["c", "b", "a", "d"]
    assert names(dkron, "?_sort=schedule&_order=DESC") == ["c", "a", "b", "d"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("metadata[office]=Barcelona", "ab"),
        ("metadata[office]=Barcelona&metadata[team]=x", "a"),
        ("metadata%5Boffice%5D=Berlin", "c"),
        ("metadata[office]=barcelona", ""),
        ("metadata[nothing]=x", ""),
        ("metadata[office]=", ""),
        ("metadata[7]=seven", "c"),
        ("metadata[a__b]=under", "c"),
        ("metadata[a.b]=dot", "c"),
        ("metadata=Barcelona", "abcd"),
        ("metadata[]=Barcelona", "abcd"),
        ("metadata.office=Berlin", "abcd"),
    ],
)
def test_metadata_must_match_exactly_key_by_key(dkron, query, found):
    make("a", metadata={"office": "Barcelona", "team": "x"})
    make("b", metadata={"office": "Barcelona"})
    make("c", metadata={"office": "Berlin", "7": "seven", "a__b": "under", "a.b": "dot"})
    make("d")

    assert "".join(names(dkron, f"?{query}")) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=up", ["backup", "cleanup"]), ("q=UP", ["report"]), ("q=%25", []), ("q=_", ["a_b"]), ("q=", None)],
)
def test_q_is_a_part_of_the_name_or_displayname_and_its_case_matters(dkron, query, found):
    make("backup", "cleanup", "a_b")
    make("report", title="SUM UP 100")

    assert names(dkron, f"?{query}") == (["a_b", "backup", "cleanup", "report"] if found is None else found)


def test_disabled_is_true_or_false_and_anything_else_matches_nothing(dkron):
    make("a")
    make("b", is_enabled=False)

    assert names(dkron, "?disabled=true") == ["b"]
    assert names(dkron, "?disabled=false") == ["a"]
    assert names(dkron, "?disabled=yes") == []


# --- status -----------------------------------------------------------------------------------------------------------


def run(name: str, *ends: str, **more) -> Execution:
    """A run of a job, its tries ending as said."""
    made = None
    for end in ends:
        made = an_execution(job(name), status=end, of=made, **more)
    return made


def beside(first: Execution, status: str) -> None:
    """The execution on a second node of the same run."""
    other = an_execution(first.job, status=status, slot=1)
    Execution.objects.filter(pk=other.pk).update(group=first.group, origin=first.group)


@pytest.fixture
def standing(dkron):
    """Jobs that are called as they stand."""
    make(*("good", "bad", "retried", "going", "new", "waiting", "two-nodes"))
    run("good", "COMPLETED")
    run("bad", "FAILED", "FAILED")
    run("retried", "FAILED", "COMPLETED")
    run("going", "COMPLETED")
    run("going", "RUNNING")
    run("waiting", "QUEUED")
    beside(run("two-nodes", "COMPLETED"), "FAILED")
    return dkron


STANDING = {
    "good": "success",
    "bad": "failed",
    "retried": "partially_failed",
    "going": "success",
    "new": "",
    "waiting": "",
    "two-nodes": "partially_failed",
}


def test_the_status_of_a_job_is_that_of_all_tries_of_its_newest_ended_run(standing):
    assert {one["name"]: one["status"] for one in standing.get(JOBS).json()} == STANDING


@pytest.mark.parametrize(
    "status", ["success", "failed", "partially_failed", "untriggered", "running", "never_executed"]
)
def test_the_status_filter_agrees_with_what_is_shown(standing, status):
    wanted = "" if status == "untriggered" else status

    assert names(standing, f"?status={status}") == sorted(name for name, told in STANDING.items() if told == wanted)


def test_a_second_node_that_still_runs_counts_as_a_failure(dkron):
    make("a")
    beside(run("a", "COMPLETED"), "RUNNING")

    assert names(dkron, "?status=partially_failed") == ["a"]
    assert dkron.get(f"{JOBS}/a").json()["status"] == "partially_failed"


def test_a_try_that_a_worker_handed_back_says_nothing(dkron):
    make("a")
    first = an_execution(job("a"), status="CANCELED", reason=Reason.SYSTEM, started=NOON)
    an_execution(job("a"), status="COMPLETED", of=first)

    assert names(dkron, "?status=success") == ["a"]
    assert dkron.get(f"{JOBS}/a").json()["status"] == "success"


def test_the_status_stays_when_the_run_is_not_kept_any_more(dkron):
    make("a", "b")
    run("a", "COMPLETED")
    run("b", "FAILED")
    Execution.objects.all().delete()

    assert names(dkron, "?status=success") == ["a"]
    assert [one["status"] for one in dkron.get(JOBS).json()] == ["success", "failed"]


def test_filters_and_order_work_together(standing):
    query = "?status=untriggered&disabled=false&q=w&_sort=name&_order=DESC&_start=0&_end=1"

    answer = standing.get(JOBS + query)

    assert [one["name"] for one in answer.json()] == ["waiting"]
    assert answer.headers["X-Total-Count"] == "2"


def test_jobs_of_the_house_for_single_runs_and_deleted_ones_are_not_listed(dkron):
    make("a", "b")
    Job.objects.filter(name="a").update(is_ad_hoc=True)
    dkron.delete(f"{JOBS}/b")

    assert names(dkron) == []


# --- cost -------------------------------------------------------------------------------------------------------------


def queries(client, query: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(JOBS + query).status_code == 200
    return len(captured)


@pytest.mark.parametrize("query", ["?_start=0&_end=50", "?_start=0&_end=50&status=success&_sort=next", ""])
def test_a_list_takes_the_same_queries_for_one_job_and_for_many(dkron, query):
    make("a0", parents=[])
    run("a0", "COMPLETED")
    few = queries(dkron, query)
    for number in range(1, 30):
        make(f"a{number}", parents=["a0"])
        run(f"a{number}", "COMPLETED")

    assert queries(dkron, query) <= few


def test_a_page_of_many_jobs_reads_the_rows_of_that_page(dkron):
    template = a_job("template", now=NOON)
    payload = Payload.objects.create(configuration={"command": "true"})
    jobs = [
        Job(name=f"job-{number:04}", job_type=template.job_type, payload=payload, schedule="@daily")
        for number in range(2_000)
    ]
    Job.objects.bulk_create(jobs)
    JobRecord.objects.bulk_create(JobRecord(job=one) for one in Job.objects.filter(name__startswith="job-"))

    with CaptureQueriesContext(connection) as captured:
        answer = dkron.get(f"{JOBS}?_sort=name&_start=1000&_end=1010")

    assert [one["name"] for one in answer.json()] == [f"job-{number:04}" for number in range(1000, 1010)]
    assert answer.headers["X-Total-Count"] == "2001"
    page = next(query["sql"] for query in captured if "LIMIT 10" in query["sql"])
    assert "OFFSET 1000" in page
