"""How OpenAPI describes Dkron's objects."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse
from rest_framework import serializers

TAGS = ["dkron"]


class Texts(serializers.DictField):
    child = serializers.CharField(allow_blank=True)


class JobFields(serializers.Serializer[Any]):
    """A job in Dkron's words."""

    name = serializers.CharField(help_text="Lower-case letters, digits, underscore and dash.")
    id = serializers.CharField(read_only=True, help_text="The name.")
    displayname = serializers.CharField(required=False)
    schedule = serializers.CharField(help_text="Six cron fields, seconds first, or @every 1h30m and the like.")
    timezone = serializers.CharField(required=False)
    owner = serializers.CharField(required=False)
    owner_email = serializers.CharField(required=False)
    success_count = serializers.IntegerField(read_only=True)
    error_count = serializers.IntegerField(read_only=True)
    last_success = serializers.DateTimeField(read_only=True, allow_null=True)
    last_error = serializers.DateTimeField(read_only=True, allow_null=True)
    disabled = serializers.BooleanField(required=False)
    tags = Texts(required=False, allow_null=True)
    metadata = Texts(required=False, allow_null=True)
    retries = serializers.IntegerField(required=False)
    dependent_jobs = serializers.ListField(child=serializers.CharField(), read_only=True, allow_null=True)
    parent_job = serializers.CharField(required=False)
    processors = serializers.DictField(child=Texts(), required=False)
    concurrency = serializers.CharField(required=False, help_text="allow or forbid.")
    executor = serializers.CharField(required=False)
    executor_config = Texts(required=False)
    status = serializers.CharField(read_only=True)
    next = serializers.DateTimeField(read_only=True)
    ephemeral = serializers.BooleanField(required=False)
    starts_at = serializers.DateTimeField(required=False, allow_null=True)
    expires_at = serializers.DateTimeField(required=False, allow_null=True)

    class Meta:
        ref_name = "DkronJob"


class ExecutionFields(serializers.Serializer[Any]):
    """A try of a run in Dkron's words."""

    id = serializers.CharField()
    job_name = serializers.CharField()
    started_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(help_text="0001-01-01T00:00:00Z while it runs.")
    success = serializers.BooleanField()
    output = serializers.CharField(required=False)
    output_truncated = serializers.BooleanField(required=False, help_text="In lists.")
    node_name = serializers.CharField()
    group = serializers.IntegerField(help_text="When its run was asked for, in Unix nanoseconds.")
    attempt = serializers.IntegerField()
    scheduled_for = serializers.DateTimeField(allow_null=True)

    class Meta:
        ref_name = "DkronExecution"


class MemberFields(serializers.Serializer[Any]):
    """A machine of the house in Dkron's words."""

    Name = serializers.CharField()
    Addr = serializers.CharField()
    Port = serializers.IntegerField()
    Tags = Texts()
    Status = serializers.IntegerField()
    ProtocolMin = serializers.IntegerField()
    ProtocolMax = serializers.IntegerField()
    ProtocolCur = serializers.IntegerField()
    DelegateMin = serializers.IntegerField()
    DelegateMax = serializers.IntegerField()
    DelegateCur = serializers.IntegerField()
    id = serializers.CharField(required=False, help_text="New on each call; in lists.")
    statusText = serializers.CharField(required=False, help_text="In lists.")

    class Meta:
        ref_name = "DkronMember"


class PausedFields(serializers.Serializer[Any]):
    """Whether this door takes jobs."""

    paused = serializers.BooleanField()

    class Meta:
        ref_name = "DkronPaused"


class FileFields(serializers.Serializer[Any]):
    """An export file."""

    file = serializers.FileField()

    class Meta:
        ref_name = "DkronFile"


JOB = {200: JobFields}
JOBS = {200: JobFields(many=True)}
EXECUTION = {200: ExecutionFields}
EXECUTIONS = {200: ExecutionFields(many=True)}
MEMBER = {200: MemberFields}
MEMBERS = {200: MemberFields(many=True)}
PAUSED = {200: PausedFields}
WORD = {200: OpenApiResponse(OpenApiTypes.STR)}
ANYTHING = {200: OpenApiResponse(OpenApiTypes.OBJECT)}
FILE = {"multipart/form-data": FileFields}


def _parameter(name: str, description: str, kind: Any = OpenApiTypes.STR) -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=description)


JOB_LIST = [
    OpenApiParameter(
        "metadata",
        {"type": "object", "additionalProperties": {"type": "string"}},
        style="deepObject",
        description="metadata[key]=value; several must all match.",
    ),
    _parameter("q", "Part of the name or of the displayname."),
    _parameter("status", "success, failed, partially_failed or untriggered."),
    _parameter("disabled", "true or false."),
    _parameter("_sort", "A field; the name unless it can be sorted by."),
    _parameter("_order", "DESC, or anything else for ascending."),
    _parameter("_start", "The first of the slice.", OpenApiTypes.INT),
    _parameter("_end", "The first after it; default: all.", OpenApiTypes.INT),
]
RUN_ON_CREATE = [_parameter("runoncreate", "If present, whatever its value, one run is started.")]
EXECUTION_LIST = [
    _parameter("_sort", "id, started_at, finished_at or attempt."),
    _parameter("_order", "DESC (the default), or anything else for ascending."),
    _parameter("output_size_limit", "Bytes of each output that are kept, its last ones.", OpenApiTypes.INT),
]
