"""Adverity's objects, as OpenAPI describes them. `words` makes them."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from config.dialects.adverity.words import ALL_STATES

_When = serializers.DateTimeField


class StackSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()
    url = serializers.URLField()


class DatastreamBaseSerializer(serializers.Serializer[Any]):
    """A datastream, as jobs and errors show it: one of our jobs."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    slug = serializers.CharField()
    url = serializers.URLField()
    stack_id = serializers.IntegerField()
    stack = StackSerializer()
    enabled = serializers.BooleanField()
    app_label = serializers.CharField(help_text="The name of its job type.")
    version = serializers.CharField(help_text="The version of its job type.")


class DatastreamSerializer(DatastreamBaseSerializer):
    """A datastream."""

    description = serializers.CharField()
    last_fetch = _When(allow_null=True, help_text="When its newest run started.")


class IssueSerializer(serializers.Serializer[Any]):
    message = serializers.CharField()
    type_label = serializers.CharField(help_text="SYSTEM, ALGORITHM or DATA.")
    extraction_state_label = serializers.CharField()
    url = serializers.URLField()


class FetchJobSerializer(serializers.Serializer[Any]):
    """A job: one run of a datastream."""

    id = serializers.IntegerField()
    url = serializers.URLField()
    job_start = _When(allow_null=True)
    job_end = _When(allow_null=True, help_text="Set once the job is over, in every final state.")
    range_start = _When(allow_null=True)
    range_end = _When(allow_null=True)
    scheduled = _When()
    progress = serializers.IntegerField(help_text="0 to 100.")
    duration = serializers.CharField(help_text="Such as `2m 5s`.")
    state = serializers.IntegerField(help_text=", ".join(f"{state.number} {state.label}" for state in ALL_STATES))
    state_label = serializers.CharField()
    state_color = serializers.CharField()
    datastream = DatastreamBaseSerializer()
    issues = IssueSerializer(many=True)
    manual = serializers.BooleanField(help_text="Started by a person or a program, not by a schedule.")


class ImportedFileSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    size = serializers.IntegerField()
    media_type = serializers.CharField()
    url = serializers.URLField()


class ImportedSerializer(serializers.Serializer[Any]):
    """What a run has left so far; what there is nothing of is left out."""

    log = serializers.ListField(child=serializers.CharField(), required=False, help_text="The last lines of output.")
    values = serializers.DictField(required=False, help_text="What it returned, by name.")
    files = ImportedFileSerializer(many=True, required=False)


class FetchJobImportedSerializer(FetchJobSerializer):
    """A job, and what it has imported so far."""

    imported = ImportedSerializer()


class FetchSerializer(serializers.Serializer[Any]):
    """The range of data that a fetch is about: dates (2022-01-31), or times (2022-01-31T12:00:00Z), in UTC."""

    start = serializers.CharField()
    end = serializers.CharField()


class StartedSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    url = serializers.URLField()


class FetchStartedSerializer(serializers.Serializer[Any]):
    status = serializers.CharField()
    message = serializers.CharField()
    start = serializers.CharField()
    end = serializers.CharField()
    jobs = StartedSerializer(many=True)


class FetchErrorSerializer(serializers.Serializer[Any]):
    """A job that failed, and why."""

    id = serializers.IntegerField()
    url = serializers.URLField()
    start = _When()
    end = _When()
    message = serializers.CharField()
    type_label = serializers.CharField(help_text="SYSTEM, ALGORITHM or DATA.")
    datastream = DatastreamBaseSerializer()
    ack = serializers.BooleanField()
    occurrences = serializers.IntegerField(help_text="How many tries failed.")
    job = FetchJobSerializer()
