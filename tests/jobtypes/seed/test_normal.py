"""What is written out of what documents leave unsaid."""

from __future__ import annotations

import json
from copy import deepcopy

import pytest

from errors.exceptions import Invalid
from jobtypes.seed import MAX_MANIFEST, as_object, normalized, normalized_configuration
from tests.jobtypes.seed.manifests import SCALE_OTHER_CONFIGURATION, SCALE_SAMPLE, a_manifest, sample


def test_the_sample_of_scales_manual_gets_its_defaults():
    job = normalized(sample())["job"]

    assert job["interface"]["inputs"] == {
        "files": [
            {"name": "INPUT_TEXT", "required": True, "mediaTypes": ["text/plain"], "multiple": False, "partial": True}
        ],
        "json": [{"name": "READ_LENGTH", "type": "integer", "required": True}],
    }
    assert job["interface"]["outputs"] == {
        "files": [
            {
                "name": "OUTPUT_TEXT",
                "pattern": "output_text.txt",
                "mediaType": "text/plain",
                "multiple": False,
                "required": True,
            }
        ],
        "json": [{"name": "total_input", "type": "integer", "key": "TOTAL_INPUT", "required": True}],
    }
    assert [one["name"] for one in job["resources"]["scalar"]] == ["cpus", "mem", "sharedmem", "disk"]
    assert [(one["name"], one["title"]) for one in job["errors"]] == [
        ("data-issue-discovered", "Data Issue discovered"),
        ("missing-environment", "Missing environment"),
    ]


def test_what_has_a_default_gets_it():
    interface = {
        "inputs": {"files": [{"name": "f"}]},
        "outputs": {"files": [{"name": "f", "pattern": "*"}], "json": [{"name": "n", "type": "string"}]},
        "mounts": [{"name": "m", "path": "/m"}],
        "settings": [{"name": "s"}],
    }

    job = normalized(a_manifest(interface, errors=[{"code": 7}]))["job"]

    assert job["interface"] == {
        "inputs": {"files": [{"name": "f", "required": True, "mediaTypes": [], "multiple": False, "partial": False}]},
        "outputs": {
            "files": [
                {
                    "name": "f",
                    "pattern": "*",
                    "mediaType": "application/octet-stream",
                    "multiple": False,
                    "required": True,
                }
            ],
            "json": [{"name": "n", "type": "string", "key": "n", "required": True}],
        },
        "mounts": [{"name": "m", "path": "/m", "mode": "ro"}],
        "settings": [{"name": "s", "secret": False}],
    }
    assert job["errors"] == [{"code": 7, "name": "error-7", "title": "error-7", "category": "job"}]


@pytest.mark.parametrize("manifest", [a_manifest(), a_manifest({}), a_manifest({"inputs": {}}, resources={}, tags=[])])
def test_what_is_absent_stays_absent(manifest):
    assert normalized(manifest) == manifest


def test_what_was_given_is_left_as_it_was():
    given = sample()

    normalized(given)["job"]["interface"]["inputs"]["files"][0]["mediaTypes"].append("x")

    assert given == SCALE_SAMPLE


@pytest.mark.parametrize(
    ("errors", "names"),
    [
        ([{"code": 1, "title": "Bad data!"}, {"code": 2, "title": "bad  Data"}], ["bad-data", "bad-data-2"]),
        ([{"code": 1, "title": "Bad"}, {"code": 2, "name": "bad"}], ["bad-2", "bad"]),
        ([{"code": 1}, {"code": 1}, {"code": 1}], ["error-1", "error-1-2", "error-1-3"]),
        ([{"code": 3, "title": "😀"}, {"code": 4, "title": ""}], ["error-3", "error-4"]),
        ([{"code": 1, "title": "x" * 50}, {"code": 2, "title": "x" * 50}], ["x" * 50, "x" * 48 + "-2"]),
        ([{"code": 1, "title": "Título"}], ["titulo"]),
    ],
)
def test_an_error_without_a_name_gets_one_of_its_own(errors, names):
    assert [one["name"] for one in normalized(a_manifest(errors=errors))["job"]["errors"]] == names


def test_no_configuration_has_everything_a_configuration_has():
    assert normalized_configuration({}) == {
        "mounts": {},
        "output_workspaces": {"default": "", "outputs": {}},
        "priority": 100,
        "settings": {},
    }


def test_a_configuration_keeps_what_it_states_and_loses_its_version():
    assert normalized_configuration({"version": "6"} | SCALE_OTHER_CONFIGURATION) == SCALE_OTHER_CONFIGURATION


def test_a_volume_gets_driver_and_options_and_a_host_mount_nothing():
    mounts = {"v": {"type": "volume"}, "h": {"type": "host", "host_path": "/h"}}
    given = deepcopy(mounts)

    normal = normalized_configuration({"mounts": given})

    assert normal["mounts"] == {
        "v": {"type": "volume", "driver": "", "driver_opts": {}},
        "h": {"type": "host", "host_path": "/h"},
    }
    assert given == mounts


def test_a_whole_number_written_with_a_point_is_a_whole_number():
    assert json.dumps(normalized_configuration({"priority": 5.0})["priority"]) == "5"


def test_a_manifest_may_be_given_as_text():
    assert as_object(json.dumps(SCALE_SAMPLE)) == SCALE_SAMPLE
    assert as_object(SCALE_SAMPLE) is SCALE_SAMPLE


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "manifest: must be a JSON object"),
        ([], "manifest: must be a JSON object"),
        ("[]", "manifest: must be a JSON object"),
        ('"{}"', "manifest: must be a JSON object"),
        ("", "manifest: is not JSON: "),
        ("{", "manifest: is not JSON: "),
        ('{"a": ' + "9" * 6000 + "}", "manifest: is not JSON: "),
        ("[" * 100_000, "manifest: is nested too deeply"),
        ('"' + "x" * MAX_MANIFEST + '"', "manifest: is larger than 128 KiB"),
    ],
)
def test_what_is_no_object_is_refused(given, message):
    with pytest.raises(Invalid) as refused:
        as_object(given)

    assert refused.value.message.startswith(message)
    assert list(refused.value.fields) == ["manifest"]
