"""What holds for every list: how its parameters are read, how it is ordered, and how it is paged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.http import QueryDict
from rest_framework.exceptions import NotFound as NoSuchPage
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from errors.api import ordering, values
from errors.api.filters import IsNull, Keyword, LabelIs, Numbers, ScaleFilterSet, Texts
from errors.api.pagination import CappedPagination, ScalePagination
from errors.exceptions import Invalid
from errors.models import Error
from executions.models import Worker

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


# --- Parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["true", "T", " 1 ", "False", "f", "0"])
def test_booleans_are_read_as_scale_reads_them(text):
    assert values.boolean(text) is (text.strip().lower() in ("true", "t", "1"))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("P1D", timedelta(days=1)),
        ("PT3H0M0S", timedelta(hours=3)),
        ("P1DT12H", timedelta(hours=36)),
        ("PT0.5S", timedelta(milliseconds=500)),
        ("P0D", timedelta()),
    ],
)
def test_durations_are_days_hours_minutes_and_seconds(text, span):
    assert values.moment_or_ago(text, NOON) == NOON - span


@pytest.mark.parametrize(
    "text", ["P", "PT", "P1W", "P1M", "P1Y", "P1DT", "P-1D", "P1H", "P99999999999D", "P9999999D", "p1d", "P1D\n"]
)
def test_other_durations_are_refused(text):
    with pytest.raises(ValueError, match=r"P|p"):
        values.moment_or_ago(text, NOON)


@pytest.mark.parametrize("text", ["2026-11-21T12:00:00Z", "2026-11-21T10:30:00-01:30", "2026-11-21T13:00:00 01:00"])
def test_moments_say_their_zone(text):
    assert values.moment(text) == NOON


@pytest.mark.parametrize(
    "text", ["", "2026-11-21T12:00:00", "2026-11-21", "2026-13-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "x" * 9999]
)
def test_other_moments_are_refused(text):
    with pytest.raises(ValueError, match=r"ISO|zone|range|month"):
        values.moment(text)


def test_an_integer_beyond_every_column_is_one_that_nothing_equals():
    assert values.integer("9" * 30) == values.LARGEST


class Filters(ScaleFilterSet):
    id = Numbers()
    name = Texts()
    keyword = Keyword("name", "title")
    is_titled = IsNull("title", inverted=True)


def found(query: str) -> list[str]:
    filters = Filters(QueryDict(query), Error.objects.filter(is_builtin=False).order_by("name"))
    if not filters.is_valid():
        raise ValidationError(dict(filters.errors))
    return [error.name for error in filters.qs]


@pytest.fixture
def weather() -> dict[str, int]:
    rows = [("clouds", "100% grey"), ("night", None), ("rain", "A_b")]
    return {
        name: Error.objects.create(name=name, title=title, job_type_name="t", category="DATA").pk
        for name, title in rows
    }


@pytest.mark.django_db
def test_values_of_a_repeated_parameter_are_alternatives(weather):
    assert found("name=clouds&name=rain&name=snow") == ["clouds", "rain"]
    assert found(f"id={weather['night']}&id={'9' * 40}&id=-1") == ["night"]
    assert found("") == ["clouds", "night", "rain"]
    assert found("is_titled=1") == ["clouds", "rain"]
    assert found("is_titled=0") == ["night"]


@pytest.mark.django_db
def test_a_keyword_is_read_literally_whatever_its_case(weather):
    assert found("keyword=CLOUD&keyword=igh") == ["clouds", "night"]
    assert found("keyword=%25") == ["clouds"]
    assert found("keyword=a_B") == ["rain"]
    assert found("keyword=") == ["clouds", "night", "rain"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query",
    ["id=x", "id=", "id=1.5", "keyword=" + "x" * 201, "keyword=x&" * 21, "id=1&" * 501],
    ids=lambda query: query[:12],
)
def test_a_parameter_beyond_its_limits_is_refused(query):
    with pytest.raises(ValidationError, match=query[:2]):
        found(query)


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["role", "5", 'a"b', "a\\b", "a.b", "café", "$", "%s", "a]b"])
def test_a_label_is_found_by_its_key_whatever_characters_that_holds(key):
    Worker.objects.create(name="one", host="here", pid=1, tags={key: "web é", "other": "x"})
    Worker.objects.create(name="two", host="here", pid=2, tags={key: "db", "other": "web é"})

    assert [worker.name for worker in Worker.objects.filter(LabelIs("tags", key, "web é"))] == ["one"]
    assert not Worker.objects.filter(LabelIs("tags", "absent", "x")).exists()


class WorkerFilters(ScaleFilterSet):
    labels = {"tags": "tags"}


@pytest.mark.django_db
def test_labels_are_asked_for_by_name_and_key():
    Worker.objects.create(name="one", host="here", pid=1, tags={"role": "web", "zone": "a"})
    Worker.objects.create(name="two", host="here", pid=2, tags={"role": "web", "zone": "b"})

    both = WorkerFilters(QueryDict("tags[role]=web&tags[zone]=b&tags=x&tags[=y"), Worker.objects.all())

    assert [worker.name for worker in both.qs] == ["two"]


# --- Order ------------------------------------------------------------------------------------------------------------

OFFERED = {"name": "name", "status": ("status", "-created", "-id"), "created": "created"}


@pytest.mark.parametrize(
    ("words", "fields"),
    [
        (["name"], ["name", "id"]),
        (["-name"], ["-name", "-id"]),
        (["status"], ["status", "-created", "-id"]),
        (["-status"], ["-status", "created", "id"]),
        (["name", "-created"], ["name", "-created", "-id"]),
        (["name", "-name"], ["name", "id"]),
        (["nonsense", "name"], ["name", "id"]),
    ],
)
def test_an_order_ends_in_the_key_in_the_direction_before_it(words, fields):
    assert ordering.with_key([field for word in words for field in ordering.columns(word, OFFERED)]) == fields


# --- Pages ------------------------------------------------------------------------------------------------------------


def errors(count: int) -> None:
    Error.objects.all().delete()
    Error.objects.bulk_create(
        Error(name=f"e{number:05}", job_type_name="t", category="DATA") for number in range(count)
    )


def page(pagination: ScalePagination, query: str) -> dict[str, Any]:
    request = Request(APIRequestFactory().get(f"/v6/errors/?{query}"))
    rows = pagination.paginate_queryset(Error.objects.order_by("name"), request)
    answer: dict[str, Any] = pagination.get_paginated_response([row.name for row in rows]).data
    return answer


BOTH = pytest.mark.parametrize("pagination", [ScalePagination, CappedPagination])


@BOTH
@pytest.mark.django_db
def test_pages_follow_each_other_with_all_other_parameters_kept(pagination):
    errors(5)

    first, second, third = (page(pagination(), f"page_size=2&name=x&page={number}") for number in (1, 2, 3))

    assert first["results"] + second["results"] + third["results"] == [f"e{number:05}" for number in range(5)]
    assert first["count"] == second["count"] == third["count"] == 5
    assert first["previous"] is third["next"] is None
    assert first["next"] == "http://testserver/v6/errors/?name=x&page=2&page_size=2"
    assert second["previous"] == "http://testserver/v6/errors/?name=x&page_size=2"
    assert third["previous"] == "http://testserver/v6/errors/?name=x&page=2&page_size=2"


@BOTH
@pytest.mark.django_db
def test_the_last_page_has_a_name(pagination):
    errors(5)

    assert page(pagination(), "page_size=2&page=last")["results"] == ["e00004"]


@BOTH
@pytest.mark.django_db
def test_the_first_page_of_nothing_is_a_page(pagination):
    errors(0)

    assert page(pagination(), "") == {"count": 0, "next": None, "previous": None, "results": []}
    assert page(pagination(), "page=last")["results"] == []


@BOTH
@pytest.mark.django_db
@pytest.mark.parametrize("number", ["0", "-1", "x", "2", "1.5", "9" * 5_000])
def test_a_page_that_is_not_there_is_404(pagination, number):
    errors(5)

    with pytest.raises(NoSuchPage, match=r"Invalid page\."):
        page(pagination(), f"page={number}")


@BOTH
@pytest.mark.django_db
@pytest.mark.parametrize(("text", "size"), [("", 100), ("0", 100), ("-5", 100), ("x", 100), ("3", 3), ("5000", 1_000)])
def test_a_page_size_is_never_an_error(pagination, text, size):
    errors(1_100)

    assert len(page(pagination(), f"page_size={text}")["results"]) == size


@pytest.mark.django_db
def test_a_page_that_holds_everything_needs_no_count(django_assert_num_queries):
    errors(5)

    with django_assert_num_queries(1):
        assert page(ScalePagination(), "page_size=5")["count"] == 5
    with django_assert_num_queries(2):
        assert page(ScalePagination(), "page_size=4")["count"] == 5


def test_orders_that_are_not_known_are_ignored_however_many():
    class View:
        ordering_fields = {"name": "name"}
        ordering = ("last_modified",)

    words = [*(f"x{number}" for number in range(9)), "-name"]
    request = Request(APIRequestFactory().get("/v6/errors/", {"order": words}))

    ordered = ordering.FieldOrdering().filter_queryset(request, Error.objects.all(), View())

    assert ordered.query.order_by == ("-name", "-id")


@BOTH
@pytest.mark.django_db
def test_rows_beyond_the_millionth_are_not_paged_to(pagination, monkeypatch):
    monkeypatch.setattr("errors.api.pagination.FURTHEST_ROW", 4)
    errors(10)

    assert page(pagination(), "page_size=2&page=2")["results"] == ["e00002", "e00003"]
    with pytest.raises(Invalid, match="page"):
        page(pagination(), "page_size=2&page=3")


@pytest.mark.django_db
def test_beyond_its_cap_a_count_is_an_estimate_and_says_so(monkeypatch):
    monkeypatch.setattr(CappedPagination, "exact_up_to", 4)
    errors(4)
    assert "count_is_estimate" not in page(CappedPagination(), "page_size=2")

    errors(9)
    answer = page(CappedPagination(), "page_size=2")
    assert answer["count_is_estimate"] is True
    assert answer["count"] > 4
    assert answer["next"] is not None

    last = page(CappedPagination(), "page_size=2&page=5")
    assert last["count"] == 9
    assert "count_is_estimate" not in last


@pytest.mark.django_db
def test_a_capped_page_looks_at_one_row_more_than_it_shows(django_assert_num_queries):
    errors(50)

    with django_assert_num_queries(1):
        page(CappedPagination(), "page_size=100")
    with django_assert_num_queries(2) as queries:
        page(CappedPagination(), "page_size=10")
    assert "LIMIT 11" in queries[0]["sql"]
    assert "LIMIT 10001" in queries[1]["sql"]
