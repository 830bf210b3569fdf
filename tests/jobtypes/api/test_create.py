"""POST /v6/job-types/ (Scale, 4.2 and 4.3)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from errors.models import Error
from jobtypes.models import JobType, JobTypeRevision, JobTypeSecrets, JobTypeTag
from tests.builders import a_client
from tests.jobtypes.api.scale import DONE, LISTED, body, details, made, post, refused, seed_body

pytestmark = pytest.mark.django_db


def test_the_example_of_scales_manual_makes_a_job_type(client):
    answer = post(client, seed_body())

    assert answer.status_code == 201
    assert answer["Location"] == "http://testserver/v6/job-types/test/1.0.0/"
    job_type = answer.json()
    assert set(job_type) == LISTED | {"manifest", "configuration", "recipe_types"}
    expected = {
        "name": "test",
        "version": "1.0.0",
        "title": "Job to demonstrate job type APIs",
        "description": "Reads input file and spit out specified number of bytes as output",
        "icon_code": "f1c5",
        "is_published": False,
        "is_active": True,
        "is_paused": False,
        "is_system": False,
        "max_scheduled": 1,
        "max_tries": 3,
        "revision_num": 1,
        "docker_image": "test-1.0.0-seed:1.0.0",
        "unmet_resources": None,
        "recipe_types": [],
        "deprecated": None,
        "paused": None,
    }
    assert {name: job_type[name] for name in expected} == expected
    assert job_type["created"].endswith("Z")
    assert job_type == client.get(answer["Location"]).json()


def test_its_configuration_comes_back_whole_and_without_secrets(client):
    job_type = post(client, seed_body()).json()

    assert job_type["configuration"] == {
        "mounts": {"MOUNT_PATH": {"type": "host", "host_path": "/path/on/host"}},
        "output_workspaces": {"default": "workspace_1", "outputs": {"output_1": "workspace_2"}},
        "priority": 100,
        "settings": {"DB_HOST": "som.host.name"},
    }


def test_secrets_are_encrypted_at_rest_and_nowhere_else(client):
    answer = post(client, seed_body())

    row = JobType.objects.get(name="test")
    assert b"secret_password" not in answer.content
    assert row.secrets == {"DB_PASS": "secret_password"}
    assert "secret_password" not in str(row.configuration)
    stored = JobTypeSecrets.objects.extra(select={"raw": "settings"}).values_list("raw", flat=True)
    assert "secret_password" not in str(list(stored))
    assert not JobTypeRevision.objects.filter(manifest__icontains="secret_password").exists()


def test_its_manifest_comes_back_with_the_defaults_written_in(client):
    manifest = post(client, seed_body()).json()["manifest"]

    interface = manifest["job"]["interface"]
    assert interface["inputs"]["files"] == [
        {"name": "INPUT_TEXT", "required": True, "mediaTypes": ["text/plain"], "multiple": False, "partial": True}
    ]
    assert [entry["name"] for entry in manifest["job"]["resources"]["scalar"]] == ["cpus", "mem", "sharedmem", "disk"]
    assert [error["name"] for error in manifest["job"]["errors"]] == ["data-issue-discovered", "missing-environment"]


def test_what_a_manifest_leaves_out_stays_out(client):
    job = made(client)["manifest"]["job"]

    assert not {"interface", "errors", "tags", "resources"} & set(job)


def test_the_least_that_is_needed_are_manifest_and_image(client):
    job_type = made(client)

    assert (job_type["icon_code"], job_type["max_scheduled"], job_type["is_published"]) == (None, None, False)
    assert job_type["configuration"] == {
        "mounts": {},
        "output_workspaces": {"default": "", "outputs": {}},
        "priority": 100,
        "settings": {},
    }


def test_a_manifest_may_be_the_text_of_an_object(client):
    given = body()
    text = '{"seedVersion": "1.0.0", "job": ' + str(given["manifest"]["job"]).replace("'", '"') + "}"

    assert post(client, {**given, "manifest": text}).status_code == 201


def test_it_registers_the_errors_of_its_manifest(client):
    post(client, seed_body())

    declared = Error.objects.filter(job_type_name="test").order_by("name")
    assert [(e.name, e.title, e.category, e.is_builtin, e.should_be_retried) for e in declared] == [
        ("data-issue-discovered", "Data Issue discovered", "DATA", False, False),
        ("missing-environment", "Missing environment", "ALGORITHM", False, False),
    ]


def test_it_stores_tags_and_the_first_revision(client):
    post(client, seed_body())

    job_type = JobType.objects.get(name="test")
    assert set(JobTypeTag.objects.values_list("name", flat=True)) == {"sample", "job"}
    revision = job_type.revisions.get()
    assert (revision.revision_num, revision.docker_image) == (1, "test-1.0.0-seed:1.0.0")
    assert revision.input_schema["properties"] == {"READ_LENGTH": {"type": "integer"}}
    assert job_type.executor == "container"


def test_flags_are_honoured_when_creating(client):
    job_type = made(client, is_active=False, is_paused=True, is_published=True)

    assert (job_type["is_active"], job_type["is_paused"], job_type["is_published"]) == (False, True, True)
    assert datetime.fromisoformat(job_type["deprecated"]) <= datetime.now(UTC)
    assert job_type["paused"] == job_type["deprecated"]


@pytest.mark.parametrize(("given", "kept"), [(5, 5), ("7", 7), (0, None), (None, None)])
def test_max_scheduled_is_a_number_or_the_text_of_one(client, given, kept):
    assert made(client, max_scheduled=given)["max_scheduled"] == kept


@pytest.mark.parametrize("given", [-1, "many", "", 1.5, True, [], 2**40])
def test_any_other_max_scheduled_is_refused(client, given):
    assert refused(post(client, body(max_scheduled=given)), "max_scheduled")


@pytest.mark.parametrize("given", ["true", "T", " 1 ", True])
def test_booleans_may_be_texts(client, given):
    assert made(client, is_published=given)["is_published"] is True


@pytest.mark.parametrize("field", ["is_published", "is_active", "is_paused", "auto_update"])
@pytest.mark.parametrize("given", ["yes", 1, [], ""])
def test_anything_else_is_no_boolean(client, field, given):
    assert refused(post(client, body(**{field: given})), field, "valid boolean")


@pytest.mark.parametrize("field", ["manifest", "docker_image"])
def test_manifest_and_image_are_required(client, field):
    missing = body()
    del missing[field]

    assert refused(post(client, missing), f'Missing required parameter: "{field}"')
    assert refused(post(client, body() | {field: None}), field)
    assert refused(post(client, body() | {field: ""}), field)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("manifest", []),
        ("manifest", 7),
        ("manifest", "[]"),
        ("manifest", "{"),
        ("configuration", []),
        ("configuration", "text"),
        ("docker_image", 7),
        ("docker_image", {}),
        ("icon_code", 7),
        ("icon_code", "f" * 21),
        ("docker_image", "i" * 501),
    ],
)
def test_a_wrong_type_or_length_names_the_field(client, field, given):
    assert refused(post(client, body() | {field: given}), field)
    assert not JobType.objects.filter(is_system=False).exists()


def test_an_unknown_key_is_named(client):
    assert refused(post(client, body(colour="blue")), "colour")


def test_an_unknown_key_is_told_after_the_documents(client):
    broken = body(colour="blue")
    broken["manifest"]["job"].pop("title")

    assert refused(post(client, broken), "Seed Manifest invalid: ", "title")
    assert refused(post(client, body(colour="blue", configuration={"priority": 0})), "Job type configuration invalid: ")
    assert refused(post(client, body("validation", colour="blue")), "colour")
    assert refused(post(client, body(colour="blue", configuration={"output_workspaces": {"default": "no"}})), "colour")


def test_a_configuration_that_does_not_fit_is_told_last_and_saves_nothing(client):
    answer = post(client, body(configuration={"output_workspaces": {"default": "nowhere"}}))

    assert refused(answer, "Unable to create new job type: ", "INVALID_WORKSPACE", "nowhere")
    assert not JobType.objects.filter(is_system=False).exists()
    assert not Error.objects.filter(is_builtin=False).exists()


@pytest.mark.parametrize("name", ["validation", "status", "pending", "running", "system-failures"])
def test_words_of_the_api_are_no_names(client, name):
    assert refused(post(client, body(name)), name)


def test_a_name_of_the_houses_own_cannot_be_taken_over(client):
    assert refused(post(client, body("shell", "9.0.0")), "shell")
    assert refused(post(client, body("shell")), "You can only modify the is_paused field for a System Job")


def test_another_version_is_another_job_type(client):
    first, second = made(client), made(client, version="1.1.0")

    assert first["id"] != second["id"]
    assert second["revision_num"] == 1


def test_a_known_name_and_version_is_an_edit(client):
    first = made(client, icon_code="f001")

    answer = post(client, body(job={"title": "Another title"}) | {"docker_image": "repackaged:2"})

    assert (answer.status_code, answer.json()) == (200, DONE)
    assert "Location" not in answer
    job_type = details(client)
    assert (job_type["id"], job_type["revision_num"]) == (first["id"], 2)
    assert (job_type["title"], job_type["docker_image"]) == ("Another title", "repackaged:2")
    assert job_type["icon_code"] == "f001"


@pytest.mark.parametrize("version", ["1.0.0-beta.1", "1.0.0+b7", "1.0.0-rc.1+build.5"])
def test_versions_with_prereleases_and_builds_are_reachable(client, version):
    answer = post(client, body(version=version))

    assert answer.status_code == 201
    assert client.get(answer["Location"].removeprefix("http://testserver")).json()["version"] == version


def test_only_editors_create():
    assert post(a_client("executor"), body()).status_code == 403
    assert post(a_client("reader"), body()).status_code == 403


@pytest.mark.parametrize("method", ["put", "delete"])
@pytest.mark.parametrize(
    "path", ["job-types/", "job-types/validation/", "job-types/x/", "job-types/x/1.0.0/", "job-type-names/"]
)
def test_nothing_is_put_or_deleted(client, method, path):
    answer = getattr(client, method)(f"/v6/{path}")

    assert answer.status_code == 405
    assert answer.json() == {"detail": f'Method "{method.upper()}" not allowed.'}
