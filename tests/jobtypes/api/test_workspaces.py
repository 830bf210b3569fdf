"""/v6/workspaces/ (Scale, 14.4)."""

from __future__ import annotations

import pytest

from jobtypes.models import Workspace
from tests.builders import a_client
from tests.jobtypes.api.scale import body, post, refused, results

pytestmark = pytest.mark.django_db
ROW = {"id", "name", "title", "description", "base_url", "is_active", "created", "deprecated", "last_modified"}
HOST = {"broker": {"type": "host", "host_path": "/data/out"}}


def created(client, title="My Products", **fields):
    answer = client.post("/v6/workspaces/", {"title": title, "configuration": HOST, **fields}, format="json")
    assert answer.status_code == 201, answer.json()
    return answer.json()


def test_two_workspaces_are_there_from_the_start(client):
    found = results(client, "workspaces/")

    assert [row["name"] for row in found] == ["workspace_1", "workspace_2"]
    assert set(found[0]) == ROW


def test_a_workspace_is_named_after_its_title(client):
    answer = client.post("/v6/workspaces/", {"title": "My_Own Products!", "configuration": HOST}, format="json")

    workspace = answer.json()
    assert set(workspace) == ROW | {"configuration"}
    assert (workspace["name"], workspace["is_active"], workspace["configuration"]) == ("my-own-products", True, HOST)
    assert answer["Location"] == f"http://testserver/v6/workspaces/{workspace['id']}/"
    assert client.get(f"/v6/workspaces/{workspace['id']}/").json() == workspace


def test_a_name_is_short_and_has_a_suffix_where_it_is_taken(client):
    first = created(client, "A title that is certainly longer than thirty")
    second = created(client, "A title that is certainly longer than thirty")
    nameless = created(client, "😀")

    assert first["name"] == "a-title-that-is-certainly-long"
    assert second["name"].startswith("a-title-that-is-certain-")
    assert nameless["name"].startswith("workspace-")
    assert all(len(one["name"]) <= 30 for one in (first, second, nameless))


def test_a_job_type_can_use_it(client):
    name = created(client)["name"]

    assert post(client, body(configuration={"output_workspaces": {"default": name}})).status_code == 201


def test_an_edit_answers_nothing_and_keeps_the_name(client):
    workspace = created(client)

    answer = client.patch(f"/v6/workspaces/{workspace['id']}/", {"title": "Other", "is_active": False}, format="json")

    assert (answer.status_code, answer.content) == (204, b"")
    changed = client.get(f"/v6/workspaces/{workspace['id']}/").json()
    assert (changed["name"], changed["title"], changed["is_active"]) == (workspace["name"], "Other", False)
    assert changed["deprecated"] is not None
    client.patch(f"/v6/workspaces/{workspace['id']}/", {"is_active": True}, format="json")
    assert client.get(f"/v6/workspaces/{workspace['id']}/").json()["deprecated"] is None


def test_lists_are_filtered_and_ordered(client):
    created(client, "Zeta")

    assert [row["name"] for row in results(client, "workspaces/?name=zeta&name=workspace_1")] == ["workspace_1", "zeta"]
    assert [row["name"] for row in results(client, "workspaces/?order=-name")] == ["zeta", "workspace_2", "workspace_1"]
    assert results(client, "workspaces/?ended=2000-01-01T00:00:00Z") == []
    assert client.get("/v6/workspaces/?started=x").status_code == 400


@pytest.mark.parametrize(
    "configuration",
    [
        {},
        [],
        {"broker": {}},
        {"broker": {"type": "host"}},
        {"broker": {"type": "host", "host_path": ""}},
        {"broker": {"type": "host", "host_path": "relative"}},
        {"broker": {"type": "ftp"}},
        {"broker": {"type": ["host"]}},
        {"broker": {"type": "s3", "bucket_name": "b", "credentials": {"secret_access_key": "x"}}},
        {"broker": {"type": "nfs", "nfs_path": 7}},
        {"colour": 1, **HOST},
        {"version": 7, **HOST},
    ],
)
def test_a_broker_must_be_one(client, configuration):
    given = {"title": "T", "configuration": configuration}

    assert refused(client.post("/v6/workspaces/", given, format="json"), "configuration")
    assert refused(
        client.patch(f"/v6/workspaces/{Workspace.objects.first().pk}/", given, format="json"), "configuration"
    )


@pytest.mark.parametrize(
    "given",
    [
        {"configuration": HOST},
        {"title": "T"},
        {"title": "", "configuration": HOST},
        {"title": "T" * 51, "configuration": HOST},
        {"title": "T", "configuration": HOST, "colour": 1},
    ],
)
def test_what_is_missing_or_wrong_is_400(client, given):
    assert refused(client.post("/v6/workspaces/", given, format="json"))


def test_what_is_not_there_is_404(client):
    assert client.get("/v6/workspaces/999999/").status_code == 404
    assert client.patch("/v6/workspaces/999999/", {}, format="json").json() == {"detail": "Not found."}


def test_only_editors_make_and_change_them():
    executor = a_client("executor")

    assert executor.post("/v6/workspaces/", {"title": "T", "configuration": HOST}, format="json").status_code == 403
    assert executor.patch("/v6/workspaces/1/", {}, format="json").status_code == 403
    assert executor.get("/v6/workspaces/").status_code == 200
