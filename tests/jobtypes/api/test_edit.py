"""PATCH /v6/job-types/{name}/{version}/ (Scale, 5.3)."""

from __future__ import annotations

import pytest

from errors.models import Error
from jobtypes.models import JobType
from tests.builders import a_client
from tests.jobtypes.api.scale import DONE, body, details, edited, made, patch, post, refused, results, seed_body

pytestmark = pytest.mark.django_db
OUTPUT = {"outputs": {"files": [{"name": "OUT", "pattern": "*.txt"}]}}


def test_the_example_of_scales_manual_edits(client):
    post(client, seed_body())
    given = {
        "icon_code": "012F",
        "is_published": True,
        "is_active": True,
        "is_paused": False,
        "max_scheduled": 1,
        "configuration": seed_body()["configuration"],
    }

    job_type = edited(client, given, "test")

    assert (job_type["icon_code"], job_type["is_published"], job_type["revision_num"]) == ("012F", True, 1)


def test_an_empty_edit_changes_nothing(client):
    before = made(client)

    assert edited(client, {}) == before


def test_what_is_not_sent_stays(client):
    made(client, icon_code="f00d", max_scheduled=3)

    job_type = edited(client, {"is_published": True})

    assert (job_type["icon_code"], job_type["max_scheduled"]) == ("f00d", 3)


def test_an_edit_shows_in_last_modified(client):
    before = made(client)

    assert edited(client, {"icon_code": "f00d"})["last_modified"] > before["last_modified"]


def test_a_manifest_always_makes_a_revision_even_the_same_one(client):
    made(client)

    assert edited(client, {"manifest": body()["manifest"]})["revision_num"] == 2
    assert edited(client, {"manifest": body()["manifest"]})["revision_num"] == 3


def test_a_revision_holds_manifest_and_image_as_they_are_after_the_edit(client):
    made(client)

    edited(client, {"manifest": body(job={"title": "New"})["manifest"], "docker_image": "new:2"})

    second = client.get("/v6/job-types/count-words/1.0.0/revisions/2/").json()
    first = client.get("/v6/job-types/count-words/1.0.0/revisions/1/").json()
    assert (second["docker_image"], second["manifest"]["job"]["title"]) == ("new:2", "New")
    assert (first["docker_image"], first["manifest"]["job"]["title"]) == ("count-words-1.0.0-seed:1.0.0", "Count words")


def test_another_image_is_a_revision_and_the_same_is_none(client):
    made(client)

    assert edited(client, {"docker_image": "count-words-1.0.0-seed:1.0.0"})["revision_num"] == 1
    assert edited(client, {"docker_image": "other:1"})["revision_num"] == 2
    revisions = results(client, "job-types/count-words/1.0.0/revisions/")
    assert [row["docker_image"] for row in revisions] == ["other:1", "count-words-1.0.0-seed:1.0.0"]


def test_title_and_description_come_from_the_manifest(client):
    made(client)

    job_type = edited(client, {"manifest": body(job={"title": "T", "description": "D"})["manifest"]})

    assert (job_type["title"], job_type["description"]) == ("T", "D")


def test_tags_are_replaced(client):
    made(client, job={"tags": ["old"]})

    edited(client, {"manifest": body(job={"tags": ["new"]})["manifest"]})

    assert results(client, "job-types/?keyword=old") == []
    assert len(results(client, "job-types/?keyword=new")) == 1


def test_unmet_resources_are_forgotten_with_a_new_manifest(client):
    made(client)
    JobType.objects.filter(name="count-words").update(unmet_resources="chocolate,vanilla")

    assert edited(client, {"icon_code": "x"})["unmet_resources"] == "chocolate,vanilla"
    assert edited(client, {"manifest": body()["manifest"]})["unmet_resources"] is None


# --- errors -----------------------------------------------------------------------------------------------------------
def errors_body(**error):
    return body(job={"errors": [{"code": 1, "name": "bad", **error}]})


def test_errors_are_brought_up_to_date_and_keep_id_and_creation(client):
    post(client, errors_body(title="Old", category="data"))
    before = Error.objects.get(name="bad")

    edited(client, {"manifest": errors_body(title="New", category="job")["manifest"]})

    after = Error.objects.get(name="bad")
    assert (after.pk, after.created) == (before.pk, before.created)
    assert (after.title, after.category) == ("New", "ALGORITHM")


def test_errors_that_a_manifest_drops_stay(client):
    post(client, errors_body())

    edited(client, {"manifest": body()["manifest"]})

    assert Error.objects.filter(job_type_name="count-words", name="bad").exists()


def test_errors_are_shared_by_all_versions_of_a_name(client):
    post(client, errors_body())
    other = errors_body(title="Again")
    other["manifest"]["job"]["jobVersion"] = "2.0.0"

    assert post(client, other).status_code == 201

    assert Error.objects.get(job_type_name="count-words", name="bad").title == "Again"


def test_an_operators_decision_about_retries_outlives_an_upload(client):
    post(client, errors_body())
    error = Error.objects.get(name="bad")
    client.patch(f"/v6/errors/{error.pk}/", {"should_be_retried": True}, format="json")

    edited(client, {"manifest": errors_body(title="New")["manifest"]})

    error.refresh_from_db()
    assert (error.should_be_retried, error.title) == (True, "New")


# --- flags ------------------------------------------------------------------------------------------------------------
def test_deprecated_tells_since_when_it_is_inactive(client):
    made(client)

    off = edited(client, {"is_active": False})
    again = edited(client, {"is_active": False})
    on = edited(client, {"is_active": True})

    assert off["deprecated"] is not None
    assert again["deprecated"] == off["deprecated"]
    assert (on["is_active"], on["deprecated"]) == (True, None)


def test_paused_tells_since_when_it_is_paused(client):
    made(client)

    paused = edited(client, {"is_paused": "true"})
    again = edited(client, {"is_paused": True, "manifest": body()["manifest"]})
    resumed = edited(client, {"is_paused": False})

    assert paused["paused"] is not None
    assert again["paused"] == paused["paused"]
    assert (resumed["is_paused"], resumed["paused"]) == (False, None)


def test_a_job_type_can_be_unpublished(client):
    made(client, is_published=True)

    assert edited(client, {"is_published": False})["is_published"] is False


def test_null_takes_the_limit_away_and_zero_says_nothing(client):
    made(client, max_scheduled=4)

    assert edited(client, {"max_scheduled": 0})["max_scheduled"] == 4
    assert edited(client, {"max_scheduled": "6"})["max_scheduled"] == 6
    assert edited(client, {"max_scheduled": None})["max_scheduled"] is None


# --- configuration ----------------------------------------------------------------------------------------------------
def test_a_configuration_replaces_the_whole_one(client):
    post(client, seed_body(configuration={**seed_body()["configuration"], "priority": 5}))

    job_type = edited(client, {"configuration": {"output_workspaces": {"default": "workspace_2"}}}, "test")

    assert job_type["configuration"] == {
        "mounts": {},
        "output_workspaces": {"default": "workspace_2", "outputs": {}},
        "priority": 100,
        "settings": {},
    }


@pytest.mark.parametrize("nothing", [{}, None])
def test_an_empty_configuration_is_none(client, nothing):
    post(client, seed_body())

    assert edited(client, {"configuration": nothing}, "test")["configuration"]["settings"] == {
        "DB_HOST": "som.host.name"
    }


def test_old_secrets_survive_unless_new_ones_come(client):
    post(client, seed_body())
    workspace = {"output_workspaces": {"default": "workspace_1"}}

    edited(client, {"configuration": {**workspace, "settings": {"DB_HOST": "h"}}}, "test")
    assert JobType.objects.get(name="test").secrets == {"DB_PASS": "secret_password"}

    edited(client, {"configuration": {**workspace, "settings": {"DB_PASS": "********"}}}, "test")
    assert JobType.objects.get(name="test").secrets == {"DB_PASS": "secret_password"}

    edited(client, {"configuration": {**workspace, "settings": {"DB_PASS": "new"}}}, "test")
    assert JobType.objects.get(name="test").secrets == {"DB_PASS": "new"}
    assert details(client, "test")["configuration"]["settings"] == {}


def test_a_setting_that_becomes_secret_is_hidden_from_then_on(client):
    plain = {"settings": [{"name": "KEY"}]}
    made(client, interface=plain, configuration={"settings": {"KEY": "open sesame"}})

    job_type = edited(client, {"manifest": body(interface={"settings": [{"name": "KEY", "secret": True}]})["manifest"]})

    assert job_type["configuration"]["settings"] == {}
    assert JobType.objects.get(name="count-words").secrets == {"KEY": "open sesame"}


def test_a_configuration_is_checked_against_the_manifest_that_comes_with_it(client):
    made(client)

    answer = patch(client, {"manifest": body(interface=OUTPUT)["manifest"], "configuration": {"priority": 2}})

    assert refused(answer, "Unable to update job type: ", "MISSING_WORKSPACE")
    assert details(client)["revision_num"] == 1


def test_the_stored_configuration_is_checked_against_a_new_manifest(client):
    made(client)

    assert refused(patch(client, {"manifest": body(interface=OUTPUT)["manifest"]}), "MISSING_WORKSPACE")


@pytest.mark.parametrize(
    "configuration",
    [
        {"priority": 0},
        {"priority": "1"},
        {"mounts": {"m": {"host_path": "/x"}}},
        {"settings": {"a": 1}},
        {"colour": 1},
        {"version": "3"},
        {"mounts": {"m": {"type": "host", "host_path": "relative"}}},
        {"output_workspaces": {"default": "nowhere"}},
    ],
)
def test_configurations_are_checked_as_when_creating(client, configuration):
    made(client)

    assert patch(client, {"configuration": configuration}).status_code == 400
    assert refused(post(client, body("other", configuration=configuration)))


# --- what is refused --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "version"), [("other", "1.0.0"), ("count-words", "1.0.1")])
def test_the_manifest_must_be_of_the_same_name_and_version(client, name, version):
    made(client)

    assert refused(patch(client, {"manifest": body(name, version)["manifest"]}), "manifest")


def test_an_unknown_job_type_is_404(client):
    assert patch(client, {"icon_code": "x"}, "nothing").status_code == 404
    assert patch(client, {}, "nothing").json() == {"detail": "Not found."}


def test_types_and_documents_are_looked_at_before_existence_and_existence_before_unknown_keys(client):
    assert refused(patch(client, {"is_paused": "maybe"}, "nothing"), "is_paused")
    assert refused(patch(client, {"manifest": {}}, "nothing"), "Seed Manifest invalid: ")
    assert refused(patch(client, {"manifest": body()["manifest"]}, "nothing"), "manifest")
    assert refused(patch(client, {"configuration": {"priority": 0}}, "nothing"), "configuration")
    assert patch(client, {"colour": "blue"}, "nothing").status_code == 404
    made(client)
    assert refused(patch(client, {"colour": "blue"}), "colour")


def test_an_empty_image_is_none(client):
    made(client)

    assert refused(patch(client, {"docker_image": ""}), "docker_image")


@pytest.mark.parametrize(
    "given",
    [
        {"manifest": body("shell")["manifest"]},
        {"icon_code": "x"},
        {"configuration": {"priority": 2}},
        {"max_scheduled": 3},
        {"is_active": False},
        {"is_active": True},
        {"is_published": True},
        {"docker_image": "x"},
        {"is_paused": True, "icon_code": "x"},
    ],
)
def test_of_a_system_type_only_the_pause_changes(client, given):
    answer = patch(client, given, "shell")

    assert refused(answer, "You can only modify the is_paused field for a System Job")


def test_a_system_type_can_be_paused(client):
    assert edited(client, {"is_paused": True, "auto_update": False}, "shell")["is_paused"] is True


def test_executors_may_pause_and_nothing_more(client):
    made(client)
    executor = a_client("executor")

    assert patch(executor, {"is_paused": True}).json() == DONE
    assert patch(executor, {"is_paused": True, "icon_code": "x"}).status_code == 403
    assert patch(a_client("reader"), {"is_paused": True}).status_code == 403
