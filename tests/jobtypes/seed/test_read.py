"""What a good manifest says."""

from __future__ import annotations

import pytest

from errors.catalogue import ALGORITHM, DATA
from jobtypes.interface import validate_input
from jobtypes.seed import (
    DeclaredError,
    declared_errors,
    environment_name,
    exit_code_errors,
    input_schema,
    normalized,
    resources,
    split_settings_secrets,
    tags,
)
from tests.jobtypes.seed.manifests import a_manifest, sample, sample_configuration

LEAST = {"cpus": 0.25, "mem": 128.0, "disk": 0.0, "gpus": 0.0, "sharedmem": 0.0}


@pytest.mark.parametrize(("name", "variable"), [("db-host", "DB_HOST"), ("Already_THERE", "ALREADY_THERE"), ("a", "A")])
def test_the_environment_has_names_in_upper_case_with_underscores(name, variable):
    assert environment_name(name) == variable


def test_tags_are_told_once_and_in_order():
    assert tags(a_manifest(tags=["b", "a", "b"])) == ["b", "a"]
    assert tags(a_manifest()) == []


def test_secrets_are_taken_out_of_the_settings():
    configuration = sample_configuration()

    public, secrets = split_settings_secrets(configuration, sample())

    assert secrets == {"DB_PASS": "secret_password"}
    assert public == configuration | {"settings": {"DB_HOST": "som.host.name"}}
    assert configuration == sample_configuration()


def test_a_configuration_without_settings_has_no_secrets():
    assert split_settings_secrets({"priority": 1}, sample()) == ({"priority": 1}, {})
    assert split_settings_secrets({"settings": {"a": "b"}}, a_manifest()) == ({"settings": {"a": "b"}}, {})


@pytest.mark.parametrize("manifest", [sample(), normalized(sample())])
def test_the_errors_of_a_manifest_have_scales_categories(manifest):
    assert declared_errors(manifest) == [
        DeclaredError(
            1, "data-issue-discovered", "Data Issue discovered", "There was a problem with input data", category=DATA
        ),
        DeclaredError(
            2, "missing-environment", "Missing environment", "Expected environment not provided", category=ALGORITHM
        ),
    ]


def test_an_error_that_states_only_its_code_is_the_algorithms():
    assert declared_errors(a_manifest(errors=[{"code": 9}])) == [
        DeclaredError(9, "error-9", "error-9", None, category=ALGORITHM)
    ]


def test_of_several_errors_with_one_exit_code_the_last_counts():
    errors = [{"code": 1, "name": "first"}, {"code": 2, "name": "other"}, {"code": 1, "name": "last"}]

    assert exit_code_errors(a_manifest(errors=errors)) == {1: "last", 2: "other"}
    assert exit_code_errors(a_manifest()) == {}


@pytest.mark.parametrize("manifest", [a_manifest(), a_manifest(resources={}), a_manifest(resources={"scalar": []})])
def test_a_run_gets_the_least_of_what_it_does_not_ask_for(manifest):
    assert resources(manifest) == LEAST


def test_the_sample_with_an_input_of_two_mib_needs_nineteen_of_disk():
    assert resources(sample(), 2) == {"cpus": 1.5, "mem": 244.0, "disk": 19.0, "gpus": 0.0, "sharedmem": 1.0}


@pytest.mark.parametrize(
    ("scalar", "input_mib", "needed"),
    [
        ({"name": "cpus", "value": 0.1}, 0, {"cpus": 0.25}),
        ({"name": "mem", "value": 1}, 0, {"mem": 128.0}),
        ({"name": "MEM", "value": 500.5}, 0, {"mem": 500.5}),
        ({"name": "mem", "value": 500.5, "inputMultiplier": 0}, 0, {"mem": 501.0}),
        ({"name": "mem", "value": 0, "inputMultiplier": 1.1}, 1000, {"mem": 1100.0, "disk": 1000.0}),
        ({"name": "disk", "value": 5}, 7.2, {"disk": 8.0}),
        ({"name": "disk", "value": 0, "inputMultiplier": 1.5}, 2.1, {"disk": 5.0}),
        ({"name": "gpus", "value": 2}, 0, {"gpus": 2.0}),
        ({"name": "Chocolate", "value": 3}, 0, {"chocolate": 3.0}),
        ({"name": "chocolate", "value": 10**12, "inputMultiplier": 10**12}, 10**6, {"chocolate": 1e18, "disk": 1e6}),
    ],
)
def test_what_is_asked_for_grows_with_the_input(scalar, input_mib, needed):
    assert resources(a_manifest(resources={"scalar": [scalar]}), input_mib) == pytest.approx(LEAST | needed)


def test_the_inputs_of_a_run_are_checked_against_the_manifest():
    schema = input_schema(normalized(sample()))

    assert validate_input(schema, {"json": {"READ_LENGTH": 5}, "files": {"INPUT_TEXT": ["text.txt"]}}) == []
    assert [str(problem) for problem in validate_input(schema, {"json": {"READ_LENGTH": "x"}})] == [
        "input.json.READ_LENGTH: 'x' is not of type integer",
        "input.files.INPUT_TEXT: is required",
    ]
