"""Job types in the console: their list and pages, two revisions side by side, the editor of their documents."""

from __future__ import annotations

import json
from typing import Any

import pytest

from executions import clock
from executions.states import Status
from jobtypes.diff import MOST, Difference, differences
from jobtypes.models import JobType
from jobtypes.publish import publish
from tests.builders import HOUR, MINUTE, a_job, a_job_type, an_execution
from tests.console.visits import browser, page, queries
from tests.jobtypes.seed.manifests import a_manifest

pytestmark = pytest.mark.django_db
LIST, PUBLISH = "/admin/jobtypes/jobtype/", "/admin/jobtypes/jobtype/publish/"
IMAGE = "house/reader:1"


def published(**job: Any) -> JobType:
    manifest = a_manifest(**job)
    return publish({"manifest": manifest, "docker_image": IMAGE}, now=clock.now()).job_type


def at(job_type: JobType, rest: str = "change/") -> str:
    return f"{LIST}{job_type.pk}/{rest}"


def documents(manifest: Any, **more: Any) -> dict[str, Any]:
    return {"manifest": json.dumps(manifest), "docker_image": IMAGE, "configuration": "{}", **more}


# --- the list ---------------------------------------------------------------------------------------------------------
def test_a_row_says_its_state_who_uses_it_and_what_runs_of_it():
    job = a_job()
    JobType.objects.filter(pk=job.job_type_id).update(max_scheduled=4, is_paused=True)
    an_execution(job, status=Status.RUNNING)

    shown = page(browser(), LIST)

    assert "state-paused" in shown
    assert "1 of 4" in shown
    assert f'href="/admin/jobs/job/?job_type__id__exact={job.job_type_id}">1<' in shown


def test_the_list_takes_as_many_queries_for_few_types_as_for_fifty():
    client = browser()
    few = queries(client, LIST)
    for _ in range(40):
        a_job_type()

    assert queries(client, LIST) == few


# --- the page ---------------------------------------------------------------------------------------------------------
def test_the_page_says_how_its_runs_ended_and_which_jobs_use_it():
    now = clock.now()
    job = a_job("copy", schedule="@daily", now=now)
    for status in (Status.COMPLETED, Status.COMPLETED, Status.FAILED):
        an_execution(job, status=status, created=now - HOUR)

    context = browser().get(at(job.job_type)).context["page"]

    assert [(one.completed, one.failed, one.canceled) for one in context.ends] == [(2, 1, 0), (2, 1, 0)]
    assert context.ends[0].rate == pytest.approx(2 / 3)
    assert context.durations == [("p50", 2.0), ("p95", 2.0)]
    assert [(one.name, state) for one, state, _ in context.jobs] == [("copy", "failing")]


def test_the_page_takes_as_many_queries_for_one_job_as_for_thirty():
    client, job = browser(), a_job()
    an_execution(job, status=Status.COMPLETED, created=clock.now() - MINUTE)
    one = queries(client, at(job.job_type))
    for _ in range(29):
        an_execution(a_job(), status=Status.COMPLETED, created=clock.now() - MINUTE)

    assert queries(client, at(job.job_type)) == one


def test_it_is_paused_deprecated_and_made_active_by_buttons():
    job_type, client = published(), browser("editor")

    for deed, field, value in (
        ("pause", "is_paused", True),
        ("deprecate", "is_active", False),
        ("activate", "is_active", True),
    ):
        client.post(at(job_type, f"do/{deed}/"))
        job_type.refresh_from_db()
        assert getattr(job_type, field) is value, deed


def test_the_house_s_own_types_cannot_be_deprecated_or_edited():
    job_type, client = a_job().job_type, browser()

    client.post(at(job_type, "do/deprecate/"))

    assert JobType.objects.get(pk=job_type.pk).is_active
    assert client.get(at(job_type, "edit/")).status_code == 403
    assert at(job_type, "edit/") not in page(client, at(job_type))


def test_the_limits_are_changed_in_a_form():
    job_type, client = published(), browser("editor")
    given = {"title": "T", "description": "", "max_scheduled": "3", "max_tries": "2"}

    answer = client.post(at(job_type, "settings/"), given)

    job_type.refresh_from_db()
    assert answer["Location"] == at(job_type)
    assert (job_type.max_scheduled, job_type.max_tries) == (3, 2)


def test_a_reader_sees_the_pages_and_none_of_the_buttons():
    job_type, client = published(), browser("reader")
    shown = page(client, LIST) + page(client, at(job_type)) + page(client, at(job_type, "diff/"))

    for address in (at(job_type, "edit/"), PUBLISH):
        assert client.get(address).status_code == 403
        assert address not in shown
    assert client.post(at(job_type, "do/deprecate/")).status_code == 403
    assert at(job_type, "do/") not in shown


# --- the editor -------------------------------------------------------------------------------------------------------
def test_another_manifest_makes_a_revision_and_the_two_are_shown_side_by_side():
    job_type, client = published(timeout=60), browser("editor")
    other = {**job_type.manifest, "job": {**job_type.manifest["job"], "timeout": 90}}

    answer = client.post(at(job_type, "edit/"), documents(other))

    assert answer["Location"] == at(job_type)
    job_type.refresh_from_db()
    assert job_type.revision_num == 2
    told = client.get(at(job_type, "diff/")).context["differences"]
    assert told == [Difference("manifest.job.timeout", "60", "90")]


def test_what_is_sent_back_as_it_was_makes_no_revision():
    job_type, client = published(), browser("editor")
    form = client.get(at(job_type, "edit/")).context["form"]

    client.post(at(job_type, "edit/"), {field.html_name: field.value() for field in form})

    job_type.refresh_from_db()
    assert job_type.revision_num == 1


def test_every_error_is_told_with_its_place_and_nothing_is_saved():
    job_type, client = published(), browser("editor")
    wrong = {**job_type.manifest, "job": {**job_type.manifest["job"], "timeout": -1, "maintainer": 5}}

    answer = client.post(at(job_type, "edit/"), documents(wrong, configuration='{"mounts": 7}'))

    paths = {one.path for one in answer.context["form"].report.errors}
    assert {path.split(".")[0] for path in paths} >= {"job", "configuration"}
    assert len(paths) >= 3
    assert all(path in answer.content.decode() for path in paths)
    job_type.refresh_from_db()
    assert job_type.revision_num == 1


def test_checking_saves_nothing():
    client = browser("editor")

    answer = client.post(PUBLISH, documents(a_manifest(), _look="1"))

    assert "Both documents are good" in answer.content.decode()
    assert not JobType.objects.filter(is_system=False).exists()


def test_a_job_type_is_published_in_the_console():
    client = browser("editor")

    answer = client.post(PUBLISH, documents(a_manifest()))

    made = JobType.objects.get(is_system=False)
    assert (answer["Location"], made.docker_image, made.revision_num) == (at(made), IMAGE, 1)


@pytest.mark.parametrize("text", ["{", "[]", "7", "[" * 100_000, '"x"', '{"job": "\ud83d"}', "null"])
def test_what_is_no_manifest_is_refused_at_its_field(text: str):
    text = text.encode("utf-8", "replace").decode()

    answer = browser("editor").post(PUBLISH, {"manifest": text, "docker_image": IMAGE})

    assert answer.status_code == 200
    form = answer.context["form"]
    assert form.errors
    assert not JobType.objects.filter(is_system=False).exists()


@pytest.mark.parametrize("query", [{"from": "7"}, {"to": "x" * 999}, {"from": "9" * 30}])
def test_a_revision_that_is_not_there_is_not_compared(query: dict[str, str]):
    answer = browser().get(at(published(), "diff/"), query)

    assert answer.status_code in (200, 404)


# --- the difference of two documents ----------------------------------------------------------------------------------
def test_entries_with_names_are_compared_by_name_whatever_their_order():
    before = {"inputs": [{"name": "a", "type": "string"}, {"name": "b", "type": "integer"}]}
    after = {"inputs": [{"name": "b", "type": "number"}, {"name": "a", "type": "string"}, {"name": "c"}]}

    assert differences(before, after) == [
        Difference("inputs[b].type", "integer", "number"),
        Difference("inputs[c]", None, '{\n  "name": "c"\n}'),
    ]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": True}, [Difference("a", "1", "true")]),
        ({"a": None}, {}, [Difference("a", "null", None)]),
        ({}, {"a": ""}, [Difference("a", None, "")]),
        ([1, 2], [1], [Difference("[1]", "2", None)]),
        (1, 2, [Difference("(all)", "1", "2")]),
    ],
)
def test_whatever_differs_is_told_with_its_place(before: Any, after: Any, told: list[Difference]):
    assert differences(before, after) == told


def test_documents_that_share_nothing_are_told_in_part():
    assert len(differences({}, {str(number): number for number in range(2_000)})) == MOST
