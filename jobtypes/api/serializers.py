"""Job types as the API shows them: Scale's objects, each with the fields of the one before it and some more."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from errors.api.serializers import MomentField, StrictModelSerializer
from jobtypes.models import JobType, JobTypeRevision, Workspace
from jobtypes.seed import Finding, Report, normalized_configuration

_FLAGS = ("is_active", "is_system", "is_paused", "is_published")
_BASE = ("id", "name", "version", "title", "description", *_FLAGS, "icon_code", "unmet_resources")
_LISTED = (
    *_BASE,
    "max_scheduled",
    "max_tries",
    "revision_num",
    "docker_image",
    "created",
    "deprecated",
    "paused",
    "last_modified",
)


class JobTypeBaseSerializer(StrictModelSerializer):
    """Scale's base object: how a job type appears inside other objects."""

    class Meta:
        model = JobType
        fields: tuple[str, ...] = _BASE
        read_only_fields = fields


class JobTypeSerializer(JobTypeBaseSerializer):
    """A job type in a list."""

    class Meta(JobTypeBaseSerializer.Meta):
        fields: tuple[str, ...] = _LISTED
        read_only_fields = fields


class JobTypeDetailSerializer(JobTypeSerializer):
    """A job type with its documents. Secret settings are in none of them."""

    manifest = serializers.DictField(read_only=True)
    configuration = serializers.SerializerMethodField()
    recipe_types = serializers.SerializerMethodField(help_text="Always empty: there are no recipes here.")

    class Meta(JobTypeSerializer.Meta):
        fields = (*_LISTED, "manifest", "configuration", "recipe_types")
        read_only_fields = fields

    @extend_schema_field(OpenApiTypes.OBJECT)
    def get_configuration(self, job_type: JobType) -> dict[str, Any]:
        return normalized_configuration(job_type.configuration)

    @extend_schema_field({"type": "array", "items": {"type": "object"}})
    def get_recipe_types(self, job_type: JobType) -> list[Any]:
        return []


class JobTypeNameSerializer(JobTypeBaseSerializer):
    """A name, with what its newest version says of itself, and all its versions."""

    versions = serializers.SerializerMethodField(help_text="All of them, oldest first by semantic version.")
    latest_version = serializers.CharField(source="version", read_only=True)

    class Meta(JobTypeBaseSerializer.Meta):
        fields = (*(name for name in _BASE if name not in ("id", "version")), "versions", "latest_version")
        read_only_fields = fields

    @extend_schema_field({"type": "array", "items": {"type": "string"}})
    def get_versions(self, job_type: JobType) -> list[str]:
        versions: dict[str, list[str]] = self.context["versions"]
        return versions[job_type.name]


class RevisionSerializer(serializers.ModelSerializer[JobTypeRevision]):
    """A revision in a list. Its job type is shown as it is now."""

    job_type = JobTypeBaseSerializer(read_only=True)
    created = MomentField(read_only=True)

    class Meta:
        model = JobTypeRevision
        fields: tuple[str, ...] = ("id", "job_type", "revision_num", "docker_image", "created")
        read_only_fields = fields


class RevisionDetailSerializer(RevisionSerializer):
    manifest = serializers.DictField(read_only=True)

    class Meta(RevisionSerializer.Meta):
        fields = (*RevisionSerializer.Meta.fields, "manifest")
        read_only_fields = fields


class FindingSerializer(serializers.Serializer[Finding]):
    name = serializers.CharField()
    description = serializers.CharField()


VALIDATION = inline_serializer(
    # Made so since two of the names mean something else to a serializer.
    "Validation",
    {
        "is_valid": serializers.BooleanField(),
        "errors": FindingSerializer(many=True, help_text="At most one: the first."),
        "warnings": FindingSerializer(many=True),
    },
)


def validation(report: Report) -> dict[str, Any]:
    """A report as Scale answers it."""
    shape = FindingSerializer()
    return {
        "is_valid": report.is_valid,
        "errors": [shape.to_representation(error) for error in report.errors[:1]],
        "warnings": [shape.to_representation(warning) for warning in report.warnings],
    }


class WorkspaceSerializer(StrictModelSerializer):
    """A workspace in a list."""

    class Meta:
        model = Workspace
        fields: tuple[str, ...] = (
            "id",
            "name",
            "title",
            "description",
            "base_url",
            "is_active",
            "created",
            "deprecated",
            "last_modified",
        )
        read_only_fields = fields


class WorkspaceDetailSerializer(WorkspaceSerializer):
    configuration = serializers.DictField(read_only=True)

    class Meta(WorkspaceSerializer.Meta):
        fields = (*WorkspaceSerializer.Meta.fields, "configuration")
        read_only_fields = fields
