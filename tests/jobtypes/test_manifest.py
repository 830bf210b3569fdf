"""The manifest of a system job type is one that Seed knows."""

from __future__ import annotations

import re

import pytest

from jobtypes.interface import schema_of_manifest, validate_input
from jobtypes.manifest import system_manifest
from jobtypes.signature import input_schema, seed_inputs


def greet(name: str, times: int = 1):
    """Greet somebody."""


def test_it_has_all_that_seed_asks_for():
    manifest = system_manifest("greet", title="Greet", description="Greets.", timeout=60, inputs=[])

    assert manifest.keys() == {"seedVersion", "job"}
    job = manifest["job"]
    assert manifest["seedVersion"] == "1.0.0"
    assert job.keys() >= {"name", "jobVersion", "packageVersion", "title", "description", "timeout", "maintainer"}
    assert re.fullmatch(r"\d+\.\d+\.\d+", job["jobVersion"])
    assert job["maintainer"].keys() == {"name", "email"}
    assert (job["name"], job["timeout"]) == ("greet", 60)


def test_the_parameters_of_a_function_are_its_inputs():
    manifest = system_manifest("greet", title="Greet", inputs=seed_inputs(input_schema(greet)))

    assert manifest["job"]["interface"]["inputs"]["json"] == [
        {"name": "name", "type": "string", "required": True},
        {"name": "times", "type": "integer", "required": False},
    ]
    assert validate_input(schema_of_manifest(manifest), {"json": {"name": "Ann"}}) == []


def test_outputs_are_there_only_when_there_are_some():
    output = {"name": "result", "type": "object", "required": False}

    assert "outputs" not in system_manifest("greet", title="Greet")["job"]["interface"]
    with_output = system_manifest("greet", title="Greet", outputs=[output])
    assert with_output["job"]["interface"]["outputs"] == {"json": [output]}


@pytest.mark.parametrize("name", ["", "under_score", "a b", "ä"])
def test_a_name_that_seed_does_not_know_is_refused(name):
    with pytest.raises(ValueError, match="is no name of a Seed job"):
        system_manifest(name, title="x")
