"""What a configuration is refused for, or warned about, and where."""

from __future__ import annotations

import pytest

from jobtypes.seed import Report, check_configuration, check_manifest
from tests.jobtypes.seed.manifests import (
    NOWHERE,
    SCALE_CONFIGURATION,
    SCALE_OTHER_CONFIGURATION,
    WORKSPACES,
    a_manifest,
    sample,
    sample_configuration,
)


def errors(report: Report) -> list[tuple[str, str]]:
    return [(error.name, error.description) for error in report.errors]


def warnings(report: Report) -> list[tuple[str, str]]:
    return [(warning.name, warning.path) for warning in report.warnings]


def check(configuration, manifest=None, workspaces=WORKSPACES, **more) -> Report:
    return check_configuration(configuration, a_manifest() if manifest is None else manifest, workspaces, **more)


def test_the_configuration_of_scales_manual_fits_its_manifest():
    assert check(sample_configuration(), sample()) == Report()


def test_a_configuration_of_another_job_type_is_taken_with_warnings():
    report = check(SCALE_OTHER_CONFIGURATION, sample())

    assert report.is_valid
    assert warnings(report) == [
        ("UNKNOWN_MOUNT", "configuration.mounts.mount_1"),
        ("UNKNOWN_MOUNT", "configuration.mounts.mount_2"),
        ("MISSING_MOUNT", "configuration.mounts.MOUNT_PATH"),
        ("UNKNOWN_SETTING", "configuration.settings.setting_1"),
        ("UNKNOWN_SETTING", "configuration.settings.setting_2"),
        ("MISSING_SETTING", "configuration.settings.DB_HOST"),
        ("MISSING_SETTING", "configuration.settings.DB_PASS"),
    ]


def test_a_job_type_without_output_files_needs_no_configuration():
    assert check({}) == Report()


@pytest.mark.parametrize("version", ["6", "7", "2.0"])
def test_a_version_that_scale_reads_is_taken(version):
    assert check({"version": version}) == Report()


@pytest.mark.parametrize("version", ["1.0", "8", "", 7, None, ["7"]])
def test_another_version_is_refused(version):
    [(name, description)] = errors(check({"version": version}))

    assert name == "INVALID_VERSION"
    assert description.startswith("configuration.version: ")
    assert description.endswith(" is not '6' or '7' or '2.0'")


@pytest.mark.parametrize(
    ("configuration", "description"),
    [
        ([], "configuration: a list is not an object"),
        ({"workspace": "x"}, "configuration.workspace: is not known"),
        ({"priority": 0}, "configuration.priority: 0 is less than 1"),
        ({"priority": "1"}, "configuration.priority: '1' is not of type integer"),
        ({"priority": True}, "configuration.priority: true is not of type integer"),
        ({"priority": 2**31}, "configuration.priority: 2147483648 is more than 2147483647"),
        ({"mounts": []}, "configuration.mounts: a list is not of type object"),
        ({"mounts": None}, "configuration.mounts: null is not of type object"),
        ({"output_workspaces": {"default": 1}}, "configuration.output_workspaces.default: 1 is not of type string"),
        ({"output_workspaces": {"other": "x"}}, "configuration.output_workspaces.other: is not known"),
        (
            {"output_workspaces": {"outputs": {"a": None}}},
            "configuration.output_workspaces.outputs.a: null is not of type string",
        ),
        ({"settings": {"a": "b\0"}}, "configuration.settings.a: contains a character that cannot be stored"),
        ({"settings": {"a": "x" * 65_536}}, "configuration: is larger than 64 KiB"),
    ],
)
def test_a_member_that_is_wrong_is_told_with_its_place(configuration, description):
    assert errors(check(configuration)) == [("INVALID_CONFIGURATION", description)]


@pytest.mark.parametrize(
    ("mount", "description"),
    [
        ({}, ".type: is required"),
        ({"host_path": "/x"}, ".type: is required"),
        ({"type": "nfs"}, ".type: 'nfs' is not one of 'host', 'volume'"),
        ({"type": "host"}, ".host_path: is required"),
        ({"type": "host", "host_path": "/x", "driver": "y"}, ".driver: is not known"),
        ({"type": "volume", "host_path": "/x"}, ".host_path: is not known"),
        ({"type": "volume", "driver_opts": {"a": 1}}, ".driver_opts.a: 1 is not of type string"),
        (5, ": 5 is not of type object"),
    ],
)
def test_a_mount_has_the_members_of_its_type(mount, description):
    manifest = a_manifest({"mounts": [{"name": "data", "path": "/data"}]})

    assert errors(check({"mounts": {"data": mount}}, manifest)) == [
        ("INVALID_CONFIGURATION", f"configuration.mounts.data{description}")
    ]


def test_a_volume_needs_no_driver():
    assert (
        check({"mounts": {"a": {"type": "volume"}}}, a_manifest({"mounts": [{"name": "a", "path": "/"}]})) == Report()
    )


@pytest.mark.parametrize("value", [None, 98765, True, {"inner": "hunter2"}, ["hunter2"]])
def test_a_setting_that_is_no_text_is_refused_without_being_shown(value):
    report = check({"settings": {"DB_PASS": value}}, a_manifest({"settings": [{"name": "DB_PASS"}]}))

    assert errors(report) == [
        ("INVALID_CONFIGURATION", "configuration.settings.DB_PASS: the value is not of type string")
    ]


def test_a_host_path_that_is_not_absolute_is_refused():
    manifest = a_manifest({"mounts": [{"name": "data", "path": "/data"}]})

    assert errors(check({"mounts": {"data": {"type": "host", "host_path": "data"}}}, manifest)) == [
        ("HOST_ABSOLUTE_PATH", "configuration.mounts.data.host_path: 'data' is not an absolute path")
    ]


def test_a_workspace_that_does_not_exist_is_refused_once():
    workspaces = {"default": "lost", "outputs": {"a": "lost", "b": "workspace_1", "c": ""}}

    assert errors(check({"output_workspaces": workspaces})) == [
        ("INVALID_WORKSPACE", "configuration.output_workspaces.default: there is no workspace 'lost'"),
        ("INVALID_WORKSPACE", "configuration.output_workspaces.outputs.c: there is no workspace ''"),
    ]


OUTPUTS = {"files": [{"name": "a", "pattern": "a"}, {"name": "b", "pattern": "b", "required": False}]}


@pytest.mark.parametrize(
    "workspaces", [{"default": "workspace_1"}, {"outputs": {"a": "workspace_1", "b": "workspace_2"}}]
)
def test_every_output_file_with_a_workspace_is_enough(workspaces):
    assert check({"output_workspaces": workspaces}, a_manifest({"outputs": OUTPUTS})) == Report()


@pytest.mark.parametrize(
    ("configuration", "missing"),
    [
        ({}, ["a", "b"]),
        ({"output_workspaces": {"default": ""}}, ["a", "b"]),
        ({"output_workspaces": {"default": "", "outputs": {"a": "workspace_1"}}}, ["b"]),
    ],
)
def test_an_output_file_without_a_workspace_is_refused_even_an_optional_one(configuration, missing):
    place = "configuration.output_workspaces.outputs"
    assert errors(check(configuration, a_manifest({"outputs": OUTPUTS}))) == [
        ("MISSING_WORKSPACE", f"{place}.{name}: output '{name}' has no workspace, and there is no default workspace")
        for name in missing
    ]


def test_json_outputs_need_no_workspace():
    assert check({}, a_manifest({"outputs": {"json": [{"name": "a", "type": "string"}]}})) == Report()


def test_a_workspace_that_is_not_active_is_worth_one_warning():
    report = check({"output_workspaces": {"default": "old", "outputs": {"a": "old"}}})

    assert report.is_valid
    assert warnings(report) == [("DEPRECATED_WORKSPACE", "configuration.output_workspaces.default")]


def test_a_secret_that_the_house_keeps_is_not_missed():
    configuration = sample_configuration()
    del configuration["settings"]["DB_PASS"]

    assert warnings(check(configuration, sample())) == [("MISSING_SETTING", "configuration.settings.DB_PASS")]
    assert check(configuration, sample(), stored_secrets={"DB_PASS"}) == Report()


def test_all_warnings_come_in_the_order_of_finding():
    interface = {"mounts": [{"name": "m", "path": "/m"}], "settings": [{"name": "s", "secret": True}]}
    manifest = a_manifest(interface, resources={"scalar": [{"name": "vanilla", "value": 1}]})
    configuration = {
        "settings": {"t": "x"},
        "output_workspaces": {"default": "old"},
        "mounts": {"n": {"type": "volume"}},
    }

    both = check(configuration, manifest) + check_manifest(manifest)

    assert both.is_valid
    assert [warning.name for warning in both.warnings] == [
        "UNKNOWN_MOUNT",
        "MISSING_MOUNT",
        "DEPRECATED_WORKSPACE",
        "UNKNOWN_SETTING",
        "MISSING_SETTING",
        "NONSTANDARD_RESOURCE",
    ]


def test_all_errors_are_told_at_once_in_the_order_of_finding():
    configuration = {
        "version": "1",
        "priority": 0,
        "mounts": {"m": {"type": "host", "host_path": "m"}},
        "output_workspaces": {"outputs": {"a": "lost"}},
    }

    report = check(configuration, a_manifest({"outputs": OUTPUTS}))

    assert [error.name for error in report.errors] == [
        "INVALID_VERSION",
        "INVALID_CONFIGURATION",
        "HOST_ABSOLUTE_PATH",
        "INVALID_WORKSPACE",
        "MISSING_WORKSPACE",
    ]


def test_a_house_without_workspaces_knows_none():
    assert [name for name, _ in errors(check(SCALE_CONFIGURATION, sample(), NOWHERE))] == ["INVALID_WORKSPACE"] * 2
