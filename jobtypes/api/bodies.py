"""Bodies of requests about job types and workspaces, as Scale takes them.

Types are checked first and unknown keys only after the documents, so they are told apart here: `unknown` finds them,
and the caller refuses them when their turn has come.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from errors.api.serializers import ObjectField, StrictBoolean, StrictInteger, StrictSerializer, StrictText
from errors.exceptions import Invalid
from jobtypes.seed import as_object


class _Worded(serializers.Serializer[Any]):
    """Names the parameter in what it says, as Scale does."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        fields = super().get_fields()
        for name, field in fields.items():
            missing = f'Missing required parameter: "{name}"'
            field.error_messages |= {"required": missing}
            if field.required:
                field.error_messages |= {"null": missing, "blank": missing}
            if isinstance(field, ObjectField):
                field.error_messages["invalid"] = f'Parameter must be a valid JSON object: "{name}"'
            elif isinstance(field, StrictBoolean):
                field.error_messages["invalid"] = f'Parameter must be a valid boolean: "{name}"'
            elif isinstance(field, StrictInteger):
                field.error_messages["invalid"] = f'Parameter must be a valid integer: "{name}"'
            elif isinstance(field, StrictText):
                field.error_messages["invalid"] = f'Parameter must be a valid string: "{name}"'
        return fields


@extend_schema_field(OpenApiTypes.OBJECT)
class ManifestField(ObjectField):
    """A Seed manifest: an object, or the text of one."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        try:
            return as_object(data)
        except Invalid as refusal:
            raise serializers.ValidationError(
                f"{self.error_messages['invalid']} ({'; '.join(refusal.fields['manifest'])})"
            ) from None


class EditSerializer(_Worded):
    """What may be changed of a job type."""

    manifest = ManifestField(required=False, allow_null=True)
    docker_image = StrictText(required=False, allow_null=True, max_length=500)
    configuration = ObjectField(required=False, allow_null=True)
    icon_code = StrictText(required=False, allow_null=True, allow_blank=True, max_length=20)
    is_published = StrictBoolean(required=False, allow_null=True, reads_text=True)
    is_active = StrictBoolean(required=False, allow_null=True, reads_text=True)
    is_paused = StrictBoolean(required=False, allow_null=True, reads_text=True)
    max_scheduled = StrictInteger(required=False, allow_null=True, reads_text=True, min_value=0)
    auto_update = StrictBoolean(
        required=False, allow_null=True, reads_text=True, help_text="There are no recipes here."
    )


class NewSerializer(EditSerializer):
    """A new job type, or a new revision of one."""

    manifest = ManifestField()
    docker_image = StrictText(max_length=500)


class CheckSerializer(_Worded):
    """A job type's documents, to be looked at."""

    manifest = ManifestField()
    configuration = ObjectField(required=False, allow_null=True)


class NewWorkspaceSerializer(_Worded, StrictSerializer):
    title = StrictText(max_length=50)
    description = StrictText(required=False, allow_blank=True, max_length=500)
    base_url = StrictText(required=False, allow_blank=True, max_length=200)
    is_active = StrictBoolean(required=False, reads_text=True)
    configuration = ObjectField()


class WorkspaceEditSerializer(_Worded, StrictSerializer):
    title = StrictText(required=False, max_length=50)
    description = StrictText(required=False, allow_blank=True, max_length=500)
    base_url = StrictText(required=False, allow_blank=True, max_length=200)
    is_active = StrictBoolean(required=False, reads_text=True)
    configuration = ObjectField(required=False)


def read(request: Request, shape: type[_Worded]) -> dict[str, Any]:
    """The fields of the body, their types checked, without unknown keys. Raises ValidationError."""
    serializer = shape(data=request.data)
    serializer.is_valid(raise_exception=True)
    checked: dict[str, Any] = dict(serializer.validated_data)
    return checked


def unknown(request: Request, shape: type[_Worded]) -> list[str]:
    """The keys of the body that `shape` does not have."""
    fields = shape().fields
    return [name for name in request.data if name not in fields]


def refuse(names: list[str]) -> None:
    """Raise Invalid, naming the keys, where there are any."""
    if names:
        raise Invalid.listing((name[:100], "Unknown field.") for name in names[:20])
