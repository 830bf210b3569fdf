"""What may stand in a path for a job type's name and version. Anything else is a 404."""

from __future__ import annotations

from django.urls import register_converter
from django.urls.converters import StringConverter


class NameConverter(StringConverter):
    regex = "[A-Za-z0-9_-]+"


class VersionConverter(StringConverter):
    """Wider than Scale's: with pre-releases (1.0.0-beta.1) and builds (1.0.0+b7)."""

    regex = r"[A-Za-z0-9_.+-]+"


def register() -> None:
    register_converter(NameConverter, "job_type_name")
    register_converter(VersionConverter, "job_type_version")
