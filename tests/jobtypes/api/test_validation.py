"""POST /v6/job-types/validation/ (Scale, 6)."""

from __future__ import annotations

import pytest

from errors.models import Error
from jobtypes.models import JobType, Workspace
from tests.jobtypes.api.scale import body, refused, seed_body
from tests.jobtypes.seed.manifests import a_manifest

pytestmark = pytest.mark.django_db


def validated(client, manifest, configuration=None):
    given = {"manifest": manifest} | ({} if configuration is None else {"configuration": configuration})
    answer = client.post("/v6/job-types/validation/", given, format="json")
    assert answer.status_code == 200, answer.json()
    report = answer.json()
    assert set(report) == {"is_valid", "errors", "warnings"}
    assert report["is_valid"] is not bool(report["errors"])
    assert all(set(finding) == {"name", "description"} for finding in report["errors"] + report["warnings"])
    return report


def first_error(client, manifest, configuration=None):
    report = validated(client, manifest, configuration)
    assert len(report["errors"]) <= 1
    return report["errors"][0]["name"] if report["errors"] else None


def warnings(client, manifest, configuration=None):
    report = validated(client, manifest, configuration)
    assert report["is_valid"], report
    return [warning["name"] for warning in report["warnings"]]


def test_the_example_of_scales_manual_is_valid(client):
    given = seed_body()

    assert validated(client, given["manifest"], given["configuration"]) == {
        "is_valid": True,
        "errors": [],
        "warnings": [],
    }


def test_nothing_is_saved(client):
    validated(client, seed_body()["manifest"], seed_body()["configuration"])

    assert not JobType.objects.filter(is_system=False).exists()
    assert not Error.objects.filter(is_builtin=False).exists()


def test_a_reader_may_validate_and_a_reserved_name_is_no_matter(reader):
    assert validated(reader, a_manifest(name="validation"))["is_valid"]


def test_what_else_a_client_sends_is_ignored(client):
    answer = client.post(
        "/v6/job-types/validation/", body(colour="blue", is_paused="what", docker_image=7), format="json"
    )

    assert answer.json()["is_valid"] is True


@pytest.mark.parametrize("configuration", [None, {}])
def test_the_configuration_may_be_left_out(client, configuration):
    assert validated(client, a_manifest(), configuration)["is_valid"]
    answer = client.post("/v6/job-types/validation/", {"manifest": a_manifest(), "configuration": None}, format="json")
    assert answer.json()["is_valid"] is True


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({}, 'Missing required parameter: "manifest"'),
        ({"manifest": None}, "manifest"),
        ({"manifest": 7}, "manifest"),
        ({"manifest": "no json"}, "manifest"),
        ({"manifest": {}, "configuration": []}, "configuration"),
        ({"manifest": {}, "configuration": "text"}, "configuration"),
    ],
)
def test_a_wrong_type_is_400(client, given, word):
    assert refused(client.post("/v6/job-types/validation/", given, format="json"), word)


def interface(**parts):
    return a_manifest(parts)


NAMED = [
    ("JSON_VALIDATION_ERROR", {}),
    ("JSON_VALIDATION_ERROR", a_manifest(colour="blue")),
    ("JSON_VALIDATION_ERROR", a_manifest(name="with_underscore")),
    ("JSON_VALIDATION_ERROR", a_manifest(jobVersion="1.0")),
    ("JSON_VALIDATION_ERROR", a_manifest(packageVersion="01.0.0")),
    ("JSON_VALIDATION_ERROR", a_manifest(timeout="60")),
    ("JSON_VALIDATION_ERROR", a_manifest(maintainer={"name": "Ann"})),
    ("JSON_VALIDATION_ERROR", a_manifest() | {"seedVersion": "1.1.0"}),
    ("JSON_VALIDATION_ERROR", a_manifest(resources={"scalar": [{"name": "gpus", "value": 0.5}]})),
    ("JSON_VALIDATION_ERROR", interface(inputs={"json": [{"name": "a", "type": "text"}]})),
    ("JSON_VALIDATION_ERROR", interface(outputs={"files": [{"name": "a"}]})),
    ("JSON_VALIDATION_ERROR", interface(mounts=[{"name": "a", "path": "/a", "mode": "wo"}])),
    ("JSON_VALIDATION_ERROR", a_manifest(errors=[{"code": 1, "category": "system"}])),
    (
        "NAME_COLLISION_ERROR",
        interface(settings=[{"name": "a-b"}], inputs={"json": [{"name": "A_B", "type": "string"}]}),
    ),
    ("NAME_COLLISION_ERROR", interface(settings=[{"name": "output-dir"}])),
    (
        "NAME_COLLISION_ERROR",
        interface(settings=[{"name": "allocated_cpus"}])
        | {
            "job": interface(settings=[{"name": "allocated_cpus"}])["job"]
            | {"resources": {"scalar": [{"name": "cpus", "value": 1}]}}
        },
    ),
    ("DUPLICATE_MOUNT_NAMES", interface(mounts=[{"name": "a", "path": "/a"}, {"name": "a", "path": "/b"}])),
    ("DUPLICATE_ERROR_NAMES", a_manifest(errors=[{"code": 1, "name": "a"}, {"code": 2, "name": "a"}])),
    ("INVALID_MOUNT_PATH", interface(mounts=[{"name": "a", "path": "relative/a"}])),
]


@pytest.mark.parametrize(("name", "manifest"), NAMED)
def test_errors_of_a_manifest_by_name(client, name, manifest):
    assert first_error(client, manifest) == name


@pytest.mark.parametrize(
    ("name", "configuration"),
    [
        ("INVALID_VERSION", {"version": "5"}),
        ("INVALID_VERSION", {"version": 7}),
        ("INVALID_CONFIGURATION", {"priority": 0}),
        ("INVALID_CONFIGURATION", {"priority": "high"}),
        ("INVALID_CONFIGURATION", {"settings": {"a": 1}}),
        ("INVALID_CONFIGURATION", {"settings": {"a": None}}),
        ("INVALID_CONFIGURATION", {"colour": "blue"}),
        ("INVALID_CONFIGURATION", {"mounts": {"a": {"host_path": "/a"}}}),
        ("INVALID_CONFIGURATION", {"mounts": {"a": {"type": "host", "driver": "x"}}}),
        ("INVALID_CONFIGURATION", {"mounts": {"a": {"type": "nfs"}}}),
        ("HOST_ABSOLUTE_PATH", {"mounts": {"a": {"type": "host", "host_path": "a"}}}),
        ("INVALID_WORKSPACE", {"output_workspaces": {"default": "nowhere"}}),
        ("INVALID_WORKSPACE", {"output_workspaces": {"outputs": {"any": "nowhere"}}}),
    ],
)
def test_errors_of_a_configuration_by_name(client, name, configuration):
    assert first_error(client, a_manifest(), configuration) == name


@pytest.mark.parametrize("version", ["6", "7", "2.0"])
def test_known_versions_of_configurations(client, version):
    assert first_error(client, a_manifest(), {"version": version}) is None


@pytest.mark.parametrize("required", [True, False])
def test_every_output_file_needs_a_workspace(client, required):
    manifest = interface(outputs={"files": [{"name": "OUT", "pattern": "*", "required": required}]})

    assert first_error(client, manifest) == "MISSING_WORKSPACE"
    assert first_error(client, manifest, {"output_workspaces": {"default": "workspace_1"}}) is None
    assert first_error(client, manifest, {"output_workspaces": {"outputs": {"OUT": "workspace_2"}}}) is None


def test_errors_of_the_manifest_come_before_those_of_the_configuration(client):
    assert first_error(client, a_manifest(timeout="x"), {"priority": 0}) == "JSON_VALIDATION_ERROR"


@pytest.mark.parametrize(
    "manifest",
    [
        a_manifest(resources={}),
        a_manifest(errors=[{"code": 1, "title": "No name"}, {"code": 1}]),
        interface(outputs={}, inputs={}),
        interface(outputs={"json": [{"name": "a", "type": "string"}, {"name": "a", "type": "string"}]}),
        interface(
            inputs={"json": [{"name": "a", "type": "string"}]}, outputs={"json": [{"name": "a", "type": "string"}]}
        ),
    ],
)
def test_what_scale_takes_is_valid(client, manifest):
    assert first_error(client, manifest) is None


def test_warnings_by_name_and_in_order(client):
    Workspace.objects.create(name="old", is_active=False, configuration={})
    manifest = a_manifest(
        {
            "mounts": [{"name": "wanted", "path": "/w"}],
            "settings": [{"name": "KEY", "secret": True}, {"name": "PLAIN"}],
        },
        resources={"scalar": [{"name": "chocolate", "value": 1}, {"name": "sharedMem", "value": 1}]},
    )
    configuration = {
        "mounts": {"other": {"type": "volume"}},
        "settings": {"UNKNOWN": "x"},
        "output_workspaces": {"default": "old"},
    }

    assert warnings(client, manifest, configuration) == [
        "UNKNOWN_MOUNT",
        "MISSING_MOUNT",
        "DEPRECATED_WORKSPACE",
        "UNKNOWN_SETTING",
        "MISSING_SETTING",
        "MISSING_SETTING",
        "NONSTANDARD_RESOURCE",
    ]


def test_a_workspace_for_an_output_that_is_not_there_is_no_matter(client):
    assert warnings(client, a_manifest(), {"output_workspaces": {"outputs": {"gone": "workspace_1"}}}) == []


def test_no_answer_repeats_a_setting(client):
    report = validated(client, a_manifest(), {"settings": {"PASS": "hunter2", "OTHER": 7}, "priority": 0})

    assert "hunter2" not in str(report)
