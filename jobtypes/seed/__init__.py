"""Seed: what a job type may state about itself, and how a house may configure it. Pure.

    manifest as sent --as_object--> object --check_manifest--> Report --normalized--> as stored, shown and run
    configuration as sent ----------------check_configuration--> Report --normalized_configuration--> …
                                                             '--split_settings_secrets--> public part, secrets

    schema.py   the fields of both documents, with their limits, as JSON Schema
    check.py    what is wrong with a document, or worth a warning; made to be shown whatever they hold
    normal.py   a good document with everything written out that it leaves unsaid
    read.py     what a good manifest says: environment names, secrets, errors, resources, tags

Whoever creates, edits, validates or imports a job type asks `check_manifest` and `check_configuration`, and may rely on
this: a document without errors can be given to everything else here, and fits the database.
"""

from jobtypes.interface import schema_of_manifest as input_schema
from jobtypes.seed.check import check_configuration, check_manifest
from jobtypes.seed.normal import as_object, normalized, normalized_configuration
from jobtypes.seed.read import (
    DeclaredError,
    declared_errors,
    environment_name,
    exit_code_errors,
    resources,
    split_settings_secrets,
    tags,
)
from jobtypes.seed.report import ErrorName, Finding, Report, WarningName
from jobtypes.seed.schema import CONFIGURATION_VERSIONS, MAX_MANIFEST

__all__ = [
    "CONFIGURATION_VERSIONS",
    "MAX_MANIFEST",
    "DeclaredError",
    "ErrorName",
    "Finding",
    "Report",
    "WarningName",
    "as_object",
    "check_configuration",
    "check_manifest",
    "declared_errors",
    "environment_name",
    "exit_code_errors",
    "input_schema",
    "normalized",
    "normalized_configuration",
    "resources",
    "split_settings_secrets",
    "tags",
]
