"""The schemas are good JSON Schema, and agree with the defaults."""

from __future__ import annotations

import pytest
from jsonschema import Draft202012Validator

from jobtypes.seed.normal import DEFAULTS
from jobtypes.seed.schema import CONFIGURATION, MANIFEST


@pytest.mark.parametrize("schema", [MANIFEST, CONFIGURATION])
def test_a_schema_is_json_schema(schema):
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("place", DEFAULTS)
def test_only_optional_members_have_a_default(place):
    schema = MANIFEST
    for step in place.split("."):
        schema = schema["properties"][step]

    assert DEFAULTS[place].keys() <= schema["items"]["properties"].keys() - set(schema["items"]["required"])
