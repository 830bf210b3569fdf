"""What a manifest is refused for, and where."""

from __future__ import annotations

import pytest

from jobtypes.manifest import system_manifest
from jobtypes.seed import ErrorName, Finding, Report, WarningName, check_manifest
from tests.jobtypes.seed.manifests import a_manifest, sample


def told(report: Report) -> list[tuple[str, str]]:
    return [(error.name, error.description) for error in report.errors]


def shape(*descriptions: str) -> list[tuple[str, str]]:
    return [("JSON_VALIDATION_ERROR", description) for description in descriptions]


def test_the_sample_of_scales_manual_has_no_errors_and_no_warnings():
    assert check_manifest(sample()) == Report()


def test_the_least_manifest_has_no_errors():
    assert check_manifest(a_manifest()).is_valid


def test_a_system_job_type_has_a_manifest_without_errors():
    inputs = [{"name": "limit", "type": "integer", "required": False}]
    outputs = [{"name": "result", "type": "object", "required": False}]

    assert check_manifest(system_manifest("greet", title="Greet", inputs=inputs, outputs=outputs)) == Report()


@pytest.mark.parametrize(
    "interface",
    [
        {},
        {"inputs": {}, "outputs": {}, "mounts": [], "settings": []},
        {"outputs": {"json": [{"name": "same", "type": "string"}, {"name": "same", "type": "string"}]}},
        {"inputs": {"json": [{"name": "a", "type": "array"}]}, "outputs": {"files": [{"name": "a", "pattern": "*"}]}},
        {"inputs": {"files": [{"name": "a_-Z9", "required": False, "multiple": True, "mediaTypes": []}]}},
    ],
)
def test_what_the_interface_leaves_out_or_repeats_harmlessly_is_taken(interface):
    assert check_manifest(a_manifest(interface)) == Report()


@pytest.mark.parametrize(
    "job",
    [
        {"resources": {}},
        {"resources": {"scalar": [{"name": "GPUS", "value": 2.0}]}},
        {"errors": [{"code": 1, "name": "a"}, {"code": 1, "name": "b"}, {"code": 1}]},
        {"jobVersion": "1.0.0-beta.1", "packageVersion": "0.0.0+b7"},
        {"name": "A-1", "title": "", "tags": []},
        {"maintainer": {"name": "", "email": "no address", "url": "x"}},
    ],
)
def test_what_scale_does_not_check_is_taken(job):
    assert check_manifest(a_manifest(**job)) == Report()


@pytest.mark.parametrize(
    ("job", "description"),
    [
        ({"name": "under_score"}, "job.name: 'under_score' is not a name of letters, digits and '-'"),
        ({"name": "a/b"}, "job.name: 'a/b' is not a name of letters, digits and '-'"),
        ({"name": "a\n"}, "job.name: 'a\\n' is not a name of letters, digits and '-'"),
        ({"name": "ä"}, "job.name: 'ä' is not a name of letters, digits and '-'"),
        ({"name": "a" * 51}, "job.name: has more than 50 characters"),
        ({"jobVersion": "1.0"}, "job.jobVersion: '1.0' is not a semantic version such as 1.0.0 or 2.1.0-beta.1"),
        (
            {"packageVersion": "01.0.0"},
            "job.packageVersion: '01.0.0' is not a semantic version such as 1.0.0 or 2.1.0-beta.1",
        ),
        ({"timeout": "60"}, "job.timeout: '60' is not a whole number"),
        ({"timeout": True}, "job.timeout: true is not a whole number"),
        ({"timeout": 0}, "job.timeout: 0 is less than 1"),
        ({"timeout": 604_801}, "job.timeout: 604801 is more than 604800"),
        ({"maintainer": {"name": "Ann"}}, "job.maintainer.email: is required"),
        ({"tags": ["a", 1]}, "job.tags[1]: 1 is not a text"),
        ({"tags": ["a"] * 51}, "job.tags: has more than 50 entries"),
        ({"errors": None}, "job.errors: null is not a list"),
        ({"errors": [{"code": 0}]}, "job.errors[0].code: 0 is less than 1"),
        ({"errors": [{"code": 256}]}, "job.errors[0].code: 256 is more than 255"),
        ({"errors": [{"name": "a"}]}, "job.errors[0].code: is required"),
        ({"errors": [{"code": 1, "category": "x"}]}, "job.errors[0].category: 'x' is not one of 'job', 'data'"),
        ({"errors": [{"code": 1, "title": "x" * 51}]}, "job.errors[0].title: has more than 50 characters"),
        ({"resources": {"scalar": [{"name": "cpus"}]}}, "job.resources.scalar[0].value: is required"),
        ({"resources": {"scalar": {}}}, "job.resources.scalar: an object is not a list"),
        (
            {"resources": {"scalar": [{"name": "gpus", "value": 1.5}]}},
            "job.resources.scalar[0].value: 1.5 is not a whole number of GPUs",
        ),
        ({"resources": {"scalar": [{"name": "mem", "value": -1}]}}, "job.resources.scalar[0].value: -1 is less than 0"),
        ({"cpus": 1}, "job.cpus: is not known"),
    ],
)
def test_a_field_that_is_wrong_is_told_with_its_place(job, description):
    assert told(check_manifest(a_manifest(**job))) == shape(description)


@pytest.mark.parametrize(
    ("interface", "description"),
    [
        ({"inputs": []}, "job.interface.inputs: a list is not an object"),
        ({"inputs": {"json": [{"name": "a"}]}}, "job.interface.inputs.json[0].type: is required"),
        (
            {"inputs": {"json": [{"name": "a", "type": "text"}]}},
            "job.interface.inputs.json[0].type: 'text' is not one of 'array', 'boolean', 'integer', 'number', 'object'",
        ),
        (
            {"inputs": {"files": [{"name": "a", "multiple": 1}]}},
            "job.interface.inputs.files[0].multiple: 1 is not true",
        ),
        ({"outputs": {"files": [{"name": "a"}]}}, "job.interface.outputs.files[0].pattern: is required"),
        (
            {"mounts": [{"name": "a", "path": "/", "mode": "w"}]},
            "job.interface.mounts[0].mode: 'w' is not one of 'ro', 'rw'",
        ),
        ({"settings": [{"name": "a", "value": "b"}]}, "job.interface.settings[0].value: is not known"),
        ({"settings": [{"name": "it's"}]}, 'job.interface.settings[0].name: "it\'s" is not a name of letters'),
    ],
)
def test_an_interface_that_is_wrong_is_told_with_its_place(interface, description):
    [(name, told_of)] = told(check_manifest(a_manifest(interface)))

    assert name == "JSON_VALIDATION_ERROR"
    assert told_of.startswith(description)


@pytest.mark.parametrize(
    ("manifest", "descriptions"),
    [
        ([], ["manifest: a list is not an object"]),
        (None, ["manifest: null is not an object"]),
        ({}, ["seedVersion: is required", "job: is required"]),
        (a_manifest() | {"seedVersion": "2.0.0"}, ["seedVersion: '2.0.0' is not '1.0.0'"]),
        (a_manifest() | {"jobs": 1}, ["jobs: is not known"]),
    ],
)
def test_a_document_that_is_no_manifest_is_refused(manifest, descriptions):
    assert told(check_manifest(manifest)) == shape(*descriptions)


def test_names_that_become_one_environment_variable_collide():
    interface = {
        "settings": [{"name": "db-host"}, {"name": "allocated_mem"}],
        "inputs": {
            "files": [{"name": "output-dir"}],
            "json": [{"name": "DB_HOST", "type": "string"}, {"name": "other", "type": "string"}],
        },
    }
    resources = {"scalar": [{"name": "mem", "value": 1}, {"name": "sharedMem", "value": 1}]}

    collisions = [
        ("job.interface.inputs.files[0].name", "'OUTPUT_DIR', as the output directory does"),
        ("job.interface.inputs.json[0].name", "'DB_HOST', as job.interface.settings[0].name does"),
        ("job.resources.scalar[0].name", "'ALLOCATED_MEM', as job.interface.settings[1].name does"),
    ]
    assert told(check_manifest(a_manifest(interface, resources=resources))) == [
        ("NAME_COLLISION_ERROR", f"{path}: becomes the environment variable {words}") for path, words in collisions
    ]


def test_a_resource_that_is_asked_for_twice_collides_with_itself():
    resources = {"scalar": [{"name": "sharedMem", "value": 1}, {"name": "sharedmem", "value": 2}]}

    [error] = check_manifest(a_manifest(resources=resources)).errors

    assert (error.name, error.path) == (ErrorName.NAME_COLLISION_ERROR, "job.resources.scalar[1].name")


def test_two_mounts_of_one_name_are_refused():
    mounts = [{"name": "a", "path": "/a"}, {"name": "A", "path": "/b"}, {"name": "a", "path": "/c"}]

    assert told(check_manifest(a_manifest({"mounts": mounts}))) == [
        ("DUPLICATE_MOUNT_NAMES", "job.interface.mounts[2].name: 'a' is the name of job.interface.mounts[0] too")
    ]


def test_two_errors_of_one_name_are_refused():
    errors = [{"code": 1, "name": "bad"}, {"code": 2, "name": "bad"}]

    assert told(check_manifest(a_manifest(errors=errors))) == [
        ("DUPLICATE_ERROR_NAMES", "job.errors[1].name: 'bad' is the name of job.errors[0] too")
    ]


@pytest.mark.parametrize("path", ["data", "", "./data", "~/data"])
def test_a_mount_path_that_is_not_absolute_is_refused(path):
    assert told(check_manifest(a_manifest({"mounts": [{"name": "a", "path": path}]}))) == [
        ("INVALID_MOUNT_PATH", f"job.interface.mounts[0].path: {path!r} is not an absolute path")
    ]


def test_a_resource_of_its_own_kind_is_worth_a_warning():
    scalar = [{"name": name, "value": 1} for name in ("cpus", "MEM", "disk", "gpus", "sharedMem", "chocolate")]

    report = check_manifest(a_manifest(resources={"scalar": scalar}))

    assert report.is_valid
    assert report.warnings == (
        Finding(
            WarningName.NONSTANDARD_RESOURCE,
            "job.resources.scalar[5].name: 'chocolate' is not a standard resource: only a worker that offers it runs"
            " the job",
            "job.resources.scalar[5].name",
        ),
    )


def test_all_errors_are_told_at_once_in_the_order_of_finding():
    interface = {
        "inputs": {"json": [{"name": "a", "type": "string"}, {"name": "A", "type": "string"}, {"name": "b"}]},
        "mounts": [{"name": "m", "path": "x"}, {"name": "m", "path": "/"}],
    }
    errors = [{"code": 1, "name": "bad"}, {"code": 2, "name": "bad"}]
    resources = {"scalar": [{"name": "gpus", "value": 0.5}]}

    report = check_manifest(a_manifest(interface, errors=errors, resources=resources, tags=5))

    assert [error.name for error in report.errors] == [
        "JSON_VALIDATION_ERROR",
        "JSON_VALIDATION_ERROR",
        "JSON_VALIDATION_ERROR",
        "NAME_COLLISION_ERROR",
        "DUPLICATE_MOUNT_NAMES",
        "DUPLICATE_ERROR_NAMES",
        "INVALID_MOUNT_PATH",
    ]
    assert report.first_error is not None
    assert report.first_error.path == "job.tags"


def test_a_report_without_errors_has_no_first_error():
    assert Report().first_error is None
    assert Report().is_valid
