"""GET /v6/job-type-names/, /v6/job-types/ and /v6/job-types/{name}/ (Scale, 3, 4.1, 5.1, 5.2) and revisions (7)."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from jobtypes.models import JobType
from tests.jobtypes.api.scale import BASE, LISTED, body, details, edited, made, patch, post, results, seed_body

pytestmark = pytest.mark.django_db


def names(client, query=""):
    return [row["name"] for row in results(client, f"job-type-names/?is_system=false&{query}")]


def rows(client, query=""):
    return [(row["name"], row["version"]) for row in results(client, f"job-types/?is_system=false&{query}")]


# --- names ------------------------------------------------------------------------------------------------------------
def test_a_name_has_scales_fields(client):
    made(client, icon_code="f013")
    made(client, version="1.10.0", icon_code="f014")

    (row,) = results(client, "job-type-names/?is_system=false")

    assert row == {
        "name": "count-words",
        "title": "Count words",
        "description": "",
        "icon_code": "f014",
        "is_published": False,
        "is_active": True,
        "is_paused": False,
        "is_system": False,
        "unmet_resources": None,
        "versions": ["1.0.0", "1.10.0"],
        "latest_version": "1.10.0",
    }


@pytest.mark.parametrize(
    ("versions", "ascending"),
    [
        (["1.10.0", "1.2.0", "1.9.9"], ["1.2.0", "1.9.9", "1.10.0"]),
        (["1.0.0", "1.0.0-rc.1", "1.0.0-beta.2"], ["1.0.0-beta.2", "1.0.0-rc.1", "1.0.0"]),
        (["1.0.0-beta.10", "1.0.0-beta.9", "1.0.0-alpha"], ["1.0.0-alpha", "1.0.0-beta.9", "1.0.0-beta.10"]),
        (["2.0.0-1", "2.0.0-a", "1.9.0"], ["1.9.0", "2.0.0-1", "2.0.0-a"]),
        (["1.0.0+b", "1.0.0+a", "0.9.0"], ["0.9.0", "1.0.0+b", "1.0.0+a"]),
    ],
)
def test_versions_are_in_the_order_of_semantic_versions(client, versions, ascending):
    for version in versions:
        made(client, version=version)

    (row,) = results(client, "job-type-names/?is_system=false")

    assert (row["versions"], row["latest_version"]) == (ascending, ascending[-1])
    assert [version for _, version in rows(client)] == ascending[::-1]
    assert [row["version"] for row in results(client, "job-types/count-words/")] == ascending[::-1]


def test_the_filters_choose_names_and_the_row_is_about_all_versions(client):
    first = made(client, job={"title": "Old"}, is_active=False)
    made(client, version="2.0.0", job={"title": "New"})

    for query in ("is_active=false", "is_active=true", f"id={first['id']}"):
        (row,) = results(client, f"job-type-names/?is_system=false&{query}")
        assert (row["title"], row["is_active"], row["versions"]) == ("New", True, ["1.0.0", "2.0.0"])


def test_filters_of_names_need_one_version_that_fits(client):
    made(client, "active")
    made(client, "gone", is_active=False)

    assert names(client, "is_active=1") == ["active"]
    assert names(client, "is_active=f") == ["gone"]
    assert "shell" in [row["name"] for row in results(client, "job-type-names/?is_system=t")]
    assert names(client, "keyword=nothing") == []


def test_two_ids_of_one_name_are_one_row(client):
    ids = [made(client, version=version)["id"] for version in ("1.0.0", "2.0.0")]

    assert names(client, f"id={ids[0]}&id={ids[1]}") == ["count-words"]


def test_names_are_sorted_by_name_unless_asked_otherwise(client):
    made(client, "b", job={"title": "x"})
    made(client, "A", job={"title": "y"})
    made(client, "c", job={"title": "X"})

    assert names(client) == ["A", "b", "c"]
    assert names(client, "order=-name") == ["c", "b", "A"]
    assert names(client, "order=-title")[0] == "A"
    assert names(client, "order=nonsense") == ["A", "b", "c"]


def test_names_are_paged(client):
    for name in "abc":
        made(client, name)

    answer = client.get("/v6/job-type-names/?is_system=false&page_size=2&page=2").json()

    assert (answer["count"], [row["name"] for row in answer["results"]]) == (3, ["c"])
    assert answer["next"] is None
    assert answer["previous"] == "http://testserver/v6/job-type-names/?is_system=false&page_size=2"


def test_names_cost_as_many_queries_with_many_versions_as_with_few(client, django_assert_num_queries):
    client.get("/v6/job-type-names/")
    for name in "abcdefgh":
        for version in ("1.0.0", "2.0.0"):
            made(client, name, version)

    with django_assert_num_queries(3):  # the token, the page, the versions
        client.get("/v6/job-type-names/?is_active=true&keyword=a")


# --- the list ---------------------------------------------------------------------------------------------------------
def test_a_row_has_scales_fields(client):
    made(client)

    (row,) = results(client, "job-types/?is_system=false")

    assert set(row) == LISTED
    assert row["max_tries"] == 3


def test_keywords_look_into_names_and_tags_only_whatever_the_case(client):
    made(client, "landsat-parse", job={"tags": ["Imagery", "sample"]})
    made(client, "other", job={"title": "landsat", "description": "landsat"})

    assert names(client, "keyword=LANDSAT") == ["landsat-parse"]
    assert rows(client, "keyword=imag") == [("landsat-parse", "1.0.0")]
    assert [name for name, _ in rows(client, "keyword=imag&keyword=OTH")] == ["landsat-parse", "other"]
    assert rows(client, "keyword=%25") == []


def test_a_type_with_many_tags_that_match_is_one_row(client):
    made(client, "tagged", job={"tags": ["tag-a", "tag-b", "tag-c", "tagged"]})

    answer = client.get("/v6/job-types/?keyword=tag").json()

    assert (answer["count"], len(answer["results"])) == (1, 1)


def test_filters_of_the_list_are_about_the_row_itself(client):
    made(client, is_active=False)
    second = made(client, version="2.0.0")

    assert rows(client, "is_active=true") == [("count-words", "2.0.0")]
    assert rows(client, f"id={second['id']}&id=999999") == [("count-words", "2.0.0")]
    assert rows(client, f"id={second['id']}&is_active=false") == []
    assert all(row["is_system"] for row in results(client, "job-types/?is_system=true"))


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("", ["a 2.0.0", "a 1.10.0", "a 1.9.0", "B 1.0.0"]),
        ("order=name&order=version", ["a 1.9.0", "a 1.10.0", "a 2.0.0", "B 1.0.0"]),
        ("order=-name&order=-version", ["B 1.0.0", "a 2.0.0", "a 1.10.0", "a 1.9.0"]),
        ("order=-version", ["a 2.0.0", "a 1.10.0", "a 1.9.0", "B 1.0.0"]),
        ("order=max_scheduled&order=-version", ["B 1.0.0", "a 2.0.0", "a 1.10.0", "a 1.9.0"]),
        ("order=title&order=version", ["B 1.0.0", "a 1.9.0", "a 1.10.0", "a 2.0.0"]),
        ("order=colour", ["a 2.0.0", "a 1.10.0", "a 1.9.0", "B 1.0.0"]),
        ("order=id", ["a 1.10.0", "B 1.0.0", "a 2.0.0", "a 1.9.0"]),
    ],
)
def test_the_list_is_ordered_by_any_field(client, order, expected):
    for name, version in [("a", "1.10.0"), ("B", "1.0.0"), ("a", "2.0.0"), ("a", "1.9.0")]:
        first = name == "B"
        made(client, name, version, max_scheduled=1 if first else 9, job={"title": "alpha" if first else "Beta"})

    assert [f"{name} {version}" for name, version in rows(client, order)] == expected


@pytest.mark.parametrize(
    "query", ["is_active=maybe", "is_active=", "is_system=2", "id=x", "id=1.5", "is_active=true&is_active=x"]
)
@pytest.mark.parametrize("path", ["job-type-names/", "job-types/"])
def test_what_cannot_be_read_is_400_and_named(client, path, query):
    answer = client.get(f"/v6/{path}?{query}")

    assert answer.status_code == 400
    assert f'"{query.partition("=")[0]}"' in answer.json()["detail"]


def test_the_last_of_a_repeated_flag_counts(client):
    made(client, is_active=False)

    assert rows(client, "is_active=true&is_active=%20FALSE%20") == [("count-words", "1.0.0")]


@pytest.mark.parametrize("page", ["0", "-1", "x", "99", "1.5"])
def test_a_page_that_is_not_there_is_404(client, page):
    answer = client.get(f"/v6/job-types/?page={page}")

    assert (answer.status_code, answer.json()) == (404, {"detail": "Invalid page."})


def test_page_one_of_nothing_is_fine_and_last_is_the_last(client):
    assert client.get("/v6/job-types/?keyword=nothing&page=1").json()["count"] == 0
    assert client.get("/v6/job-types/?page_size=1&page=last").json()["next"] is None


@pytest.mark.parametrize("size", ["0", "-5", "x", "5000", "1000"])
def test_a_page_size_is_never_an_error(client, size):
    assert client.get(f"/v6/job-types/?page_size={size}").status_code == 200


def test_lists_load_no_documents(client, django_assert_num_queries):
    for name in "abc":
        made(client, name)

    with django_assert_num_queries(2) as queries:
        client.get("/v6/job-types/")

    assert not any("manifest" in query["sql"] for query in queries.captured_queries)


# --- one name, one version --------------------------------------------------------------------------------------------
def test_the_versions_of_a_name_are_rows_of_the_list(client):
    made(client)
    made(client, version="2.0.0", is_active=False)

    found = results(client, "job-types/count-words/")

    assert [row["version"] for row in found] == ["2.0.0", "1.0.0"]
    assert set(found[0]) == LISTED
    assert [row["version"] for row in results(client, "job-types/count-words/?is_active=true")] == ["1.0.0"]
    assert client.get("/v6/job-types/count-words/?is_active=x").status_code == 400


def test_a_name_that_nobody_knows_has_no_versions(client):
    answer = client.get("/v6/job-types/nothing/")

    assert (answer.status_code, answer.json()) == (200, {"count": 0, "next": None, "previous": None, "results": []})


def test_an_unknown_version_is_404(client):
    made(client)

    answer = client.get("/v6/job-types/count-words/9.9.9/")

    assert (answer.status_code, answer.json()) == (404, {"detail": "Not found."})


def test_a_path_without_its_slash_leads_to_the_one_with_it(client):
    answer = client.get("/v6/job-types/count-words")

    assert (answer.status_code, answer["Location"]) == (301, "/v6/job-types/count-words/")


def test_system_types_have_details_too(client):
    job_type = details(client, "shell")

    assert (job_type["is_system"], job_type["recipe_types"]) == (True, [])
    assert set(job_type["configuration"]) == {"mounts", "output_workspaces", "priority", "settings"}


def test_volume_mounts_come_back_with_all_members(client):
    interface = {"mounts": [{"name": "data", "path": "/data"}]}
    job_type = made(client, interface=interface, configuration={"version": "6", "mounts": {"data": {"type": "volume"}}})

    assert job_type["configuration"]["mounts"] == {"data": {"type": "volume", "driver": "", "driver_opts": {}}}
    assert "version" not in job_type["configuration"]


# --- revisions --------------------------------------------------------------------------------------------------------
def test_revisions_are_listed_newest_first(client):
    made(client)
    edited(client, {"manifest": body(job={"title": "Second"})["manifest"]})

    newest, first = results(client, "job-types/count-words/1.0.0/revisions/")

    assert (newest["revision_num"], first["revision_num"]) == (2, 1)
    assert set(newest) == {"id", "job_type", "revision_num", "docker_image", "created"}
    assert set(first["job_type"]) == BASE
    assert first["job_type"]["title"] == "Second"  # as it is now
    assert JobType.objects.get(pk=first["job_type"]["id"]).revisions.get(pk=first["id"]).revision_num == 1


def test_a_revision_has_the_manifest_of_its_time(client):
    made(client)
    edited(client, {"manifest": body(job={"title": "Second"})["manifest"]})

    revision = client.get("/v6/job-types/count-words/1.0.0/revisions/1/").json()

    assert set(revision) == {"id", "job_type", "revision_num", "docker_image", "created", "manifest"}
    assert revision["manifest"]["job"]["title"] == "Count words"


def test_revisions_are_paged(client):
    made(client)
    for _ in range(2):
        patch(client, {"manifest": body()["manifest"]})

    answer = client.get("/v6/job-types/count-words/1.0.0/revisions/?page_size=2&page=last").json()

    assert (answer["count"], [row["revision_num"] for row in answer["results"]]) == (3, [1])


@pytest.mark.parametrize("number", ["2", "0", "9" * 30, "2147483648"])
def test_an_unknown_revision_is_404(client, number):
    made(client)

    assert client.get(f"/v6/job-types/count-words/1.0.0/revisions/{number}/").json() == {"detail": "Not found."}


def test_revisions_of_an_unknown_type_are_404(client):
    assert client.get("/v6/job-types/nothing/1.0.0/revisions/").status_code == 404
    assert client.get("/v6/job-types/nothing/1.0.0/revisions/1/").status_code == 404


def test_readers_see_it_all_and_nobody_else_does(client, reader):
    post(client, seed_body())
    paths = [
        "job-type-names/",
        "job-types/",
        "job-types/test/",
        "job-types/test/1.0.0/",
        "job-types/test/1.0.0/revisions/",
    ]

    assert {reader.get(f"/v6/{path}").status_code for path in paths} == {200}
    assert {APIClient().get(f"/v6/{path}").status_code for path in paths} == {401}
