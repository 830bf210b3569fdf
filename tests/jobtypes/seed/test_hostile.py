"""Whatever is sent, the answer is quick, clear and no crash."""

from __future__ import annotations

import time
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobtypes.limits import MAX_CONFIGURATION
from jobtypes.seed import (
    ErrorName,
    check_configuration,
    check_manifest,
    declared_errors,
    environment_name,
    input_schema,
    normalized,
    normalized_configuration,
    resources,
    split_settings_secrets,
    tags,
)
from tests.jobtypes.seed.manifests import WORKSPACES, a_manifest, sample, sample_configuration

SOON = 1.0  # seconds of processor time, the most that a malformed body may take


def nested(levels: int) -> list:
    value: list = []
    for _ in range(levels - 1):
        value = [value]
    return value


def inputs(count: int) -> dict[str, Any]:
    return {"inputs": {"json": [{"name": f"n{number}", "type": "string"} for number in range(count)]}}


@pytest.mark.parametrize(
    ("make", "description"),
    [
        (lambda: a_manifest(description="x" * 5_000_000), "manifest: is larger than 128 KiB"),
        (lambda: a_manifest(description="😀" * 1_250_000), "manifest: is larger than 128 KiB"),
        (lambda: a_manifest(tags=[0] * 2_500_000), "manifest: is larger than 128 KiB"),
        (lambda: a_manifest(x={str(number): {} for number in range(500_000)}), "manifest: is larger than 128 KiB"),
        (lambda: a_manifest({"k" * 5_000_000: 1}), "manifest: is larger than 128 KiB"),
        (lambda: a_manifest(inputs(10_000)), "manifest: is larger than 128 KiB"),
        (lambda: a_manifest(inputs(1_001)), "job.interface.inputs.json: has more than 1000 entries"),
        (lambda: a_manifest({"inputs": {"json": [{}] * 10_000}}), "has more than 1000 entries"),
        (lambda: a_manifest({f"n{number}": 1 for number in range(9_000)}), "job.interface.n0: is not known"),
        (lambda: a_manifest(tags=["x"] * 20_000), "job.tags: has more than 50 entries"),
        (lambda: a_manifest(x=nested(100_000)), "manifest: is larger than 128 KiB"),
        (lambda: a_manifest(x=nested(60_000)), "manifest: is nested deeper than 64 levels"),
        (lambda: a_manifest(timeout=10**5000), "job.timeout: is a number of more than 40 digits"),
        (lambda: a_manifest(timeout=float("inf")), "job.timeout: is not a number that JSON knows"),
        (lambda: a_manifest(title="a\0b"), "job.title: contains a character that cannot be stored"),
        (lambda: a_manifest(title="\ud800"), "job.title: contains a character that cannot be stored"),
        (lambda: a_manifest() | {"job": {"a\0": 1}}, "job: has a name with a character that cannot be stored"),
        (lambda: a_manifest(name="😀"), "job.name: '😀' is not a name"),
        (lambda: a_manifest(name='"; DROP'), "job.name: '\"; DROP' is not a name"),
        (lambda: a_manifest(name="../etc"), "job.name: '../etc' is not a name"),
        (lambda: a_manifest(name="a" * 100_000 + "\n"), "job.name: has more than 50 characters"),
        (lambda: a_manifest(jobVersion="1.0.0-" + "1" * 100_000 + "!"), "job.jobVersion: has more than 50"),
        (lambda: a_manifest(jobVersion="1.0.0-" + "1-" * 50_000 + "!"), "job.jobVersion: has more than 50"),
        (lambda: a_manifest(jobVersion="1.0.0+" + "a." * 50_000 + "!"), "job.jobVersion: has more than 50"),
        (lambda: a_manifest(jobVersion="1" * 100_000), "job.jobVersion: has more than 50"),
    ],
)
def test_a_hostile_manifest_is_refused_soon_and_clearly(make, description):
    manifest = make()
    begun = time.process_time()

    report = check_manifest(manifest)

    assert time.process_time() - begun < SOON
    assert report.first_error is not None
    assert report.first_error.name == ErrorName.JSON_VALIDATION_ERROR
    assert description in report.first_error.description
    assert len(report.first_error.description) < 200


def test_the_most_a_manifest_may_hold_is_taken_soon():
    manifest = a_manifest(inputs(1_000), errors=[{"code": 1, "title": "same"}] * 1_000)
    begun = time.process_time()

    assert check_manifest(manifest).is_valid
    assert len({error.name for error in declared_errors(manifest)}) == 1_000
    assert time.process_time() - begun < 2 * SOON


def test_a_large_configuration_is_refused_soon():
    configuration = {"settings": {"a": [0] * 2_500_000}}
    begun = time.process_time()

    [error] = check_configuration(configuration, a_manifest(), {}).errors

    assert time.process_time() - begun < SOON
    assert error.name == ErrorName.INVALID_CONFIGURATION
    assert error.description == f"configuration: is larger than {MAX_CONFIGURATION // 1024} KiB"


def test_a_hundred_errors_and_a_hundred_warnings_are_enough():
    configuration = {"settings": {f"s{number}": "x" for number in range(500)}}

    assert len(check_manifest(a_manifest({"inputs": {"json": [{}] * 500}})).errors) == 100
    assert len(check_manifest(a_manifest({"settings": [{"name": "same"}] * 500})).errors) == 100
    assert len(check_configuration(configuration, a_manifest(), {}).warnings) == 100


def test_a_list_that_is_too_long_hides_no_other_error():
    descriptions = [error.description for error in check_manifest(a_manifest(tags=[0] * 51, timeout="x")).errors]

    assert descriptions == ["job.timeout: 'x' is not a whole number", "job.tags: has more than 50 entries"]


# --- Properties -------------------------------------------------------------------------------------------------------
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in `value` something stands."""
    steps = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    return [place for step in steps for place in [(*path, step), *places(value[step], (*path, step))]]


@st.composite
def damaged(draw, whole: dict[str, Any]) -> Any:
    """`whole`, with parts replaced, doubled or gone."""
    whole = deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        *above, last = draw(st.sampled_from(places(whole) or [("job",)]))
        part: Any = whole
        for step in above:
            part = part[step]
        match draw(st.sampled_from(["replace", "remove", "double"])):
            case "remove":
                part.pop(last, None) if isinstance(part, dict) else part.pop(last)
            case "double" if isinstance(part, list):
                part.append(deepcopy(part[last]))
            case _:
                part[last] = draw(ANYTHING)
    return whole


@given(ANYTHING | damaged(sample()))
def test_a_manifest_without_errors_can_be_given_to_everything_else(manifest):
    report = check_manifest(manifest)

    for finding in (*report.errors, *report.warnings):
        assert finding.description.startswith(f"{finding.path}: ")
    if report.is_valid:
        normal = normalized(manifest)
        assert normalized(normal) == normal
        assert check_manifest(normal) == report
        assert resources(normal, 3) == resources(manifest, 3)
        assert declared_errors(normal) == declared_errors(manifest)
        assert tags(normal) == tags(manifest)
        assert input_schema(normal) == input_schema(manifest)


@given(ANYTHING | damaged(sample_configuration()), ANYTHING | damaged(sample()))
def test_a_configuration_without_errors_can_be_given_to_everything_else(configuration, manifest):
    report = check_configuration(configuration, manifest, WORKSPACES)

    for finding in (*report.errors, *report.warnings):
        assert finding.description.startswith(f"{finding.path}: ")
    if report.is_valid and check_manifest(manifest).is_valid:
        normal = normalized_configuration(configuration)
        assert normalized_configuration(normal) == normal
        assert check_configuration(normal, manifest, WORKSPACES) == report
        public, secrets = split_settings_secrets(normal, manifest)
        assert public["settings"] | secrets == normal["settings"]
        assert not public["settings"].keys() & secrets.keys()


NAME = st.text(alphabet="aB9_-", min_size=1, max_size=4)


@given(st.lists(NAME), st.lists(NAME))
def test_a_manifest_is_refused_exactly_if_two_of_its_variables_are_one(settings, files):
    interface = {
        "settings": [{"name": name} for name in settings],
        "inputs": {"files": [{"name": name} for name in files]},
    }
    variables = [environment_name(name) for name in settings + files]

    report = check_manifest(a_manifest(interface))

    assert report.is_valid == (len(set(variables)) == len(variables))
