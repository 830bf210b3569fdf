"""udata's objects, as OpenAPI describes them. What is sent is read by `body`; `job` and `task` make what is shown."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from config.dialects.udata import interval, task

_ANYTHING: dict[str, Any] = {}


@extend_schema_field({"type": "array", "items": _ANYTHING})
class AnyList(serializers.JSONField):
    """An array of any JSON values."""


@extend_schema_field({"type": "object", "additionalProperties": _ANYTHING})
class AnyObject(serializers.JSONField):
    """An object of any JSON values."""


@extend_schema_field({"type": "string", "enum": list(task.ALL_STATES)})
class StateField(serializers.CharField):
    """One of Celery's states."""


class UdataCrontabSerializer(serializers.Serializer[Any]):
    """In Celery's grammar, read in UTC; what is not said is `*`."""

    minute = serializers.CharField(required=False)
    hour = serializers.CharField(required=False)
    day_of_week = serializers.CharField(required=False, help_text="0 (Sunday) to 6.")
    day_of_month = serializers.CharField(required=False)
    month_of_year = serializers.CharField(required=False)


class UdataIntervalSerializer(serializers.Serializer[Any]):
    """Both are needed where one is sent."""

    every = serializers.IntegerField(min_value=1, required=False)
    period = serializers.ChoiceField(interval.WORDS, required=False)


class UdataChangeSerializer(serializers.Serializer[Any]):
    """What is to change of a scheduled job; what is not sent stays. Of the two schedules one may be sent."""

    name = serializers.CharField(required=False, help_text="The job unique name")
    description = serializers.CharField(required=False, allow_null=True, help_text="The job description")
    task = serializers.CharField(required=False, help_text="The task name: one of the schedulables")
    crontab = UdataCrontabSerializer(required=False, allow_null=True)
    interval = UdataIntervalSerializer(required=False, allow_null=True)
    args = AnyList(required=False, help_text="The job execution arguments")
    kwargs = AnyObject(required=False, help_text="The job execution keyword arguments")
    enabled = serializers.BooleanField(required=False, help_text="Is this job enabled; false unless it is said")


class UdataNewJobSerializer(UdataChangeSerializer):
    """A job to schedule, with a crontab or an interval."""

    name = serializers.CharField(help_text="The job unique name")
    task = serializers.CharField(help_text="The task name: one of the schedulables")


class UdataJobSerializer(UdataChangeSerializer):
    """A scheduled job. All fields are there unless X-Fields leaves some out; `crontab` or `interval` is null."""

    id = serializers.CharField(required=False, help_text="The job unique identifier")
    schedule = serializers.CharField(required=False, help_text="The schedule display")
    last_run_at = serializers.DateTimeField(
        required=False, allow_null=True, help_text="When its schedule last had a run made"
    )
    last_run_id = serializers.CharField(required=False, allow_null=True, help_text="The task id of that run")


class UdataTaskSerializer(serializers.Serializer[Any]):
    """The status of a run, in Celery's words. All fields are there unless X-Fields leaves some out."""

    id = serializers.CharField(required=False)
    status = StateField(required=False)
    result = serializers.CharField(required=False, allow_null=True, help_text="The result's text, or the exception's")
    exc = serializers.CharField(required=False, allow_null=True, help_text="The class of the exception")
    traceback = serializers.CharField(required=False, allow_null=True)


class UdataProblemSerializer(serializers.Serializer[Any]):
    """Why a call was turned down; `errors` only where fields are wrong."""

    message = serializers.CharField()
    errors = AnyObject(  # type: ignore[assignment]  # it is only described, never validated
        required=False, help_text="Messages by field; those of an object's members below its name."
    )
