"""POST /v1/restore: all jobs of an export, or none."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.dialects.dkron.acts import JOBS, body, names, shown, store

pytestmark = pytest.mark.django_db


def restore(client, content, name: str = "file"):
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return client.post("/v1/restore", {name: SimpleUploadedFile("jobs.json", raw)}, format="multipart")


def test_what_was_listed_can_be_restored_children_before_their_parents(dkron):
    store(dkron, "z-parent", retries=2, schedule="@yearly")
    store(dkron, "a-child", parent_job="z-parent")
    export = dkron.get(JOBS).json()
    for name in ("a-child", "z-parent"):
        dkron.delete(f"{JOBS}/{name}")

    answer = restore(dkron, export)

    assert answer.status_code == 200
    assert json.loads(answer.json()) == ["success create z-parent", "success create a-child"]
    assert dkron.get(JOBS).json() == export


def test_counters_times_and_status_come_from_the_file(dkron):
    past = {
        "success_count": 7,
        "error_count": 3,
        "last_success": "2019-08-24T14:15:22.5Z",
        "last_error": "2019-08-23T14:15:22Z",
        "status": "partially_failed",
    }

    restore(dkron, [body(**past)])

    assert past.items() <= shown(dkron).items()
    assert dkron.get(f"{JOBS}?status=partially_failed").headers["X-Total-Count"] == "1"


def test_of_counts_the_larger_and_of_times_the_later_stays(dkron):
    restore(dkron, [body(success_count=7, error_count=1, last_success="2019-08-24T14:15:22Z")])

    restore(dkron, [body(success_count=5, error_count=2, last_success="2020-08-24T14:15:22Z", status="failed")])

    now = shown(dkron)
    assert (now["success_count"], now["error_count"], now["last_success"]) == (7, 2, "2020-08-24T14:15:22Z")


def test_a_job_that_is_there_is_replaced(dkron):
    store(dkron, owner="ada", tags={"a": "b"})

    restore(dkron, [body(displayname="New")])

    now = shown(dkron)
    assert (now["displayname"], now["owner"], now["tags"]) == ("New", "", None)


def test_dependent_jobs_in_the_file_make_no_child_twice(dkron):
    restore(dkron, [body("p", dependent_jobs=["c", "c"]), body("c", parent_job="p")])

    assert shown(dkron, "p")["dependent_jobs"] == ["c"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no json",
        b"{}",
        b"[5]",
        [body("good"), {"name": "Bad", "schedule": "@daily"}],
        [body("good"), {"name": "bad", "schedule": "0 0 * * *"}],
        [body("good"), {"name": "bad", "schedule": 5}],
        [body("good"), body("bad", parent_job="elsewhere")],
        [body("good"), body("a", parent_job="c"), body("b", parent_job="a"), body("c", parent_job="b")],
    ],
)
def test_a_file_with_anything_wrong_is_400_and_nothing_is_stored(dkron, content):
    store(dkron, "elsewhere")

    answer = restore(dkron, content)

    assert answer.status_code == 400
    assert names(dkron) == ["elsewhere"]


def test_what_only_the_house_refuses_is_told_and_keeps_nothing_else_out(dkron):
    answer = restore(dkron, [body("good"), body("bad", retries=5000)])

    assert json.loads(answer.json()) == ["success create good", "fail create bad"]
    assert names(dkron) == ["good"]


@pytest.mark.parametrize("how", [{}, {"format": "json", "data": {"file": "x"}}])
def test_a_missing_file_is_404(dkron, how):
    assert dkron.post("/v1/restore", **how).status_code == 404
    assert restore(dkron, [], name="other").status_code == 404


def test_a_multipart_body_that_is_cut_off_is_no_accident(dkron):
    answer = dkron.generic(
        "POST", "/v1/restore/", b"--x\r\nContent-Disposition: form", content_type="multipart/form-data; boundary=x"
    )

    assert answer.status_code in (400, 404)


def test_restoring_goes_on_while_submissions_are_paused(dkron):
    dkron.post("/v1/pause")

    assert restore(dkron, [body()]).status_code == 200
    assert names(dkron) == ["job1"]


def test_an_export_may_be_larger_than_other_bodies(dkron):
    jobs = [body(f"job-{number}", metadata={str(n): "x" * 200 for n in range(25)}) for number in range(250)]
    assert len(json.dumps(jobs)) > 1_200_000

    assert restore(dkron, jobs).status_code == 200
    assert dkron.get(f"{JOBS}?_end=1").headers["X-Total-Count"] == "250"
