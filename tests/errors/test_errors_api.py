"""/v6/errors/, as Scale answers it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from rest_framework.test import APIClient

from errors.catalogue import BUILTIN
from errors.models import Error
from tests.config.callers import caller

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def reader() -> APIClient:
    return caller("reader")


def error(name: str, job_type_name: str = "landsat", at: datetime = NOON, **fields: object) -> Error:
    made = Error.objects.create(**{"name": name, "job_type_name": job_type_name, "category": "DATA", **fields})
    Error.objects.filter(pk=made.pk).update(last_modified=at)
    return made


def names(client: APIClient, query: str) -> list[str]:
    answer = client.get(f"/v6/errors/?{query}")
    assert answer.status_code == 200, answer.json()
    return [row["name"] for row in answer.json()["results"]]


def test_the_built_in_errors_are_there(reader):
    found = names(reader, "is_builtin=true&page_size=1000")

    assert {builtin.name for builtin in BUILTIN} == set(found)


def test_an_error_has_scales_fields(reader):
    made = error("bad-pixels", title="Bad pixels")

    answer = reader.get(f"/v6/errors/{made.pk}/").json()

    assert answer["created"].endswith("Z")
    del answer["created"]
    assert answer == {
        "id": made.pk,
        "name": "bad-pixels",
        "title": "Bad pixels",
        "description": None,
        "job_type_name": "landsat",
        "category": "DATA",
        "is_builtin": False,
        "should_be_retried": False,
        "last_modified": "2026-11-21T12:00:00Z",
    }


@pytest.mark.parametrize("number", ["0", "999999", "9" * 40])
def test_an_error_that_is_not_there_is_404(reader, number):
    answer = reader.get(f"/v6/errors/{number}/")

    assert answer.status_code == 404
    assert answer.json() == {"detail": answer.json()["detail"]}


def test_filters_match_exactly_and_together(reader):
    error("clouds")
    error("clouds", job_type_name="sentinel", category="ALGORITHM")
    error("night")

    assert names(reader, "name=clouds&job_type_name=landsat") == ["clouds"]
    assert names(reader, "name=cloud") == []
    assert names(reader, "category=ALGORITHM&is_builtin=f") == ["clouds"]
    assert names(reader, "category=NONSENSE") == []
    assert sorted(names(reader, "is_builtin=0&unknown=x")) == ["clouds", "clouds", "night"]


def test_a_range_of_moments_includes_its_ends(reader):
    for number in range(4):
        error(f"e{number}", at=NOON + number * HOUR)

    assert names(reader, "is_builtin=f&started=2026-11-21T13:00:00Z&ended=2026-11-21T14:00:00Z") == ["e1", "e2"]
    assert names(reader, "is_builtin=f&ended=2026-11-21T14:00:00%2B02:00") == ["e0"]


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("is_builtin=maybe", '"is_builtin"'),
        ("is_builtin=", '"is_builtin"'),
        ("started=yesterday", "started"),
        ("started=2026-11-21T12:00:00", "started"),
        ("ended=P1M", "ended"),
        ("started=2026-11-21T12:00:00Z&ended=2026-11-21T12:00:00Z", "started"),
        ("started=PT1H&ended=PT2H", "started"),
        ("&".join(["order=name"] * 6), "order"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_400_and_named(reader, query, named):
    answer = reader.get(f"/v6/errors/?{query}")

    assert answer.status_code == 400
    assert named in answer.json()["detail"]


def test_of_a_repeated_parameter_the_last_one_counts(reader):
    error("clouds")

    assert names(reader, "is_builtin=true&is_builtin=false") == ["clouds"]


def test_the_order_is_by_last_modified_unless_asked_otherwise(reader):
    error("b", at=NOON)
    error("a", at=NOON + HOUR)
    error("c", at=NOON + HOUR)

    assert names(reader, "is_builtin=f") == ["b", "a", "c"]
    assert names(reader, "is_builtin=f&order=-name") == ["c", "b", "a"]
    assert names(reader, "is_builtin=f&order=-last_modified&order=name") == ["a", "c", "b"]
    assert names(reader, "is_builtin=f&order=nonsense") == ["b", "a", "c"]


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_errors_are_neither_made_nor_deleted_by_hand(method):
    client = caller("editor")

    assert getattr(client, method)("/v6/errors/", {}, format="json").status_code == 405
    assert getattr(client, method)("/v6/errors/1/", {}, format="json").status_code == 405


def test_an_editor_decides_about_retries_and_words():
    made = error("clouds", title="Old")
    change = {"should_be_retried": True, "title": "Clouds", "description": "It was cloudy."}

    answer = caller("editor").patch(f"/v6/errors/{made.pk}/", change, format="json")

    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in change} == change
    assert answer.json() == caller("reader").get(f"/v6/errors/{made.pk}/").json()
    assert answer.json()["last_modified"] > "2026-11-21T12:00:00Z"


def test_an_error_sent_back_whole_keeps_what_is_not_for_editors():
    made = error("clouds")
    client = caller("editor")
    whole = client.get(f"/v6/errors/{made.pk}/").json()

    answer = client.patch(f"/v6/errors/{made.pk}/", {**whole, "name": "other", "category": "SYSTEM"}, format="json")

    assert (answer.status_code, answer.json()["name"], answer.json()["category"]) == (200, "clouds", "DATA")


def test_a_built_in_error_stays_as_it_is():
    builtin = Error.objects.get(name="timeout", job_type_name=None)

    answer = caller("editor").patch(f"/v6/errors/{builtin.pk}/", {"should_be_retried": True}, format="json")

    builtin.refresh_from_db()
    assert (answer.status_code, builtin.should_be_retried) == (400, False)


@pytest.mark.parametrize(
    "change", [{"should_be_retried": "maybe"}, {"should_be_retried": None}, {"title": "t" * 51}, {"colour": 1}, []]
)
def test_what_is_no_change_is_400(change):
    made = error("clouds")

    assert caller("editor").patch(f"/v6/errors/{made.pk}/", change, format="json").status_code == 400


def test_only_editors_decide_and_only_about_what_is_there():
    made = error("clouds")

    assert caller("executor").patch(f"/v6/errors/{made.pk}/", {}, format="json").status_code == 403
    assert caller("editor").patch("/v6/errors/999999/", {}, format="json").status_code == 404


def test_a_list_costs_as_many_queries_with_one_row_as_with_many(reader, django_assert_num_queries):
    reader.get("/v6/errors/")
    for number in range(50):
        error(f"e{number}")

    with django_assert_num_queries(2):
        reader.get("/v6/errors/?page_size=1000")
