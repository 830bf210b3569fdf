"""What a body may hold: fields of strict types, and no others. Every serializer of the native API builds on these.

A field that is unknown is a 400 that names it. One that is known and read-only is ignored, so that an object may be
read, changed and sent back whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import models
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from errors.api import values
from errors.models import Error

SMALLEST_INTEGER, LARGEST_INTEGER = -(2**31), 2**31 - 1
"""What an integer column holds in every database."""


class StrictText(serializers.CharField):
    """A text; numbers are not turned into one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictInteger(serializers.IntegerField):
    """A JSON integer: neither true nor 1.5; a text of digits only with `reads_text` (Scale's max_scheduled)."""

    def __init__(self, *, reads_text: bool = False, **kwargs: Any) -> None:
        self.reads_text = reads_text
        kwargs.setdefault("min_value", SMALLEST_INTEGER)
        kwargs.setdefault("max_value", LARGEST_INTEGER)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, str) and self.reads_text:
            return super().to_internal_value(data.strip())
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return data


class StrictNumber(serializers.FloatField):
    """A JSON number."""

    def to_internal_value(self, data: Any) -> float:
        if not isinstance(data, (int, float)) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBoolean(serializers.BooleanField):
    """true or false; Scale's texts for them only with `reads_text`."""

    def __init__(self, *, reads_text: bool = False, **kwargs: Any) -> None:
        self.reads_text = reads_text
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> bool:
        if isinstance(data, bool):
            return data
        if isinstance(data, str) and self.reads_text:
            try:
                return values.boolean(data)
            except ValueError:
                pass
        self.fail("invalid", input=data)


@extend_schema_field(OpenApiTypes.DATETIME)
class MomentField(serializers.DateTimeField):
    """A moment: read with its zone or refused, kept and shown in UTC with `Z`."""

    default_error_messages = {"zone": "A date-time needs its zone: Z or an offset such as +02:00."}

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("default_timezone", UTC)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> datetime:
        if not isinstance(data, str):
            self.fail("invalid", format="ISO-8601 with a zone")
        try:
            return values.moment(data)
        except ValueError as error:
            if "zone" in str(error):
                self.fail("zone")
            self.fail("invalid", format="ISO-8601 with a zone")

    def to_representation(self, value: datetime) -> str:
        return values.iso(value)


@extend_schema_field({"type": "object", "additionalProperties": {}})
class ObjectField(serializers.Field):
    """A JSON object with any content."""

    default_error_messages = {"invalid": "Not an object."}

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return value


class LabelsField(serializers.DictField):
    """An object of texts; by default at most 50 of them."""

    child = StrictText(allow_blank=True, trim_whitespace=False, max_length=1000)
    default_error_messages = {"too_many": "At most {limit} entries.", "key": "A name of 1 to 128 characters is needed."}

    def __init__(self, *, limit: int = 50, **kwargs: Any) -> None:
        self.limit = limit
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> dict[str, str]:
        if isinstance(data, dict) and len(data) > self.limit:
            self.fail("too_many", limit=self.limit)
        if isinstance(data, dict) and any(not 0 < len(key) <= 128 for key in data):
            self.fail("key")
        return super().to_internal_value(data)


class BoundedList(serializers.ListField):
    """A list of at most `limit` entries; of a longer one no entry is looked at."""

    default_error_messages = {"too_many": "At most {limit} entries."}

    def __init__(self, *, limit: int, **kwargs: Any) -> None:
        self.limit = limit
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list) and len(data) > self.limit:
            self.fail("too_many", limit=self.limit)
        return super().to_internal_value(data)


class StrictChoice(serializers.ChoiceField):
    """One of its choices, as a text."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str) or data not in self.choice_strings_to_values:
            self.fail("invalid_choice", input=str(data)[:40])
        return super().to_internal_value(data)


class _NamesUnknownFields:
    """Refuses fields that the serializer does not have."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = [name for name in data if name not in self.fields]  # type: ignore[attr-defined]  # a serializer has them
            if unknown:
                raise serializers.ValidationError({name[:100]: ["Unknown field."] for name in unknown[:20]})
        return super().to_internal_value(data)  # type: ignore[misc]  # mixed into serializers only


class StrictSerializer(_NamesUnknownFields, serializers.Serializer[Any]):
    """A body, or a part of one, with these fields and no others."""

    @classmethod
    def read(cls, request: Request, **kwargs: Any) -> dict[str, Any]:
        """The checked fields of the body of `request`; raises ValidationError. For actions that take a few values."""
        serializer = cls(data=request.data, context={"request": request}, **kwargs)
        serializer.is_valid(raise_exception=True)
        checked: dict[str, Any] = serializer.validated_data
        return checked


class StrictModelSerializer(_NamesUnknownFields, serializers.ModelSerializer[Any]):
    """As StrictSerializer, with fields made from a model's columns."""

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: StrictText,
        models.TextField: StrictText,
        models.BooleanField: StrictBoolean,
        models.FloatField: StrictNumber,
        models.DateTimeField: MomentField,
        models.IntegerField: StrictInteger,
        models.PositiveIntegerField: StrictInteger,
        models.PositiveSmallIntegerField: StrictInteger,
        models.SmallIntegerField: StrictInteger,
        models.AutoField: serializers.IntegerField,
        models.BigAutoField: serializers.IntegerField,
        models.BigIntegerField: serializers.IntegerField,
    }
    serializer_choice_field = StrictChoice


class ProblemSerializer(serializers.Serializer[Any]):
    """What every refusal answers: one text, and beside it one entry for each field that is wrong."""

    detail = serializers.CharField()


class ErrorSerializer(StrictModelSerializer):
    """Scale's error object."""

    class Meta:
        model = Error
        fields: tuple[str, ...] = (
            "id",
            "name",
            "title",
            "description",
            "job_type_name",
            "category",
            "is_builtin",
            "should_be_retried",
            "created",
            "last_modified",
        )
        read_only_fields = fields


class ErrorEditSerializer(StrictModelSerializer):
    """What operators may change of an error: whether another try is made, and how it is described."""

    should_be_retried = StrictBoolean(required=False, reads_text=True)

    class Meta:
        model = Error
        fields = ErrorSerializer.Meta.fields
        read_only_fields = tuple(name for name in fields if name not in ("should_be_retried", "title", "description"))
        validators: tuple[Any, ...] = ()  # what makes an error unique cannot be changed here

    @classmethod
    def read(cls, request: Request) -> dict[str, Any]:
        """The checked changes in the body of `request`; raises ValidationError."""
        serializer = cls(data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)
