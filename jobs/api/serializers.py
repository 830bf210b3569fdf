"""A job as the native API shows and takes it.

Fields check the type of what is sent; what it may hold is decided in `jobs.validation`, alike for every door.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.utils import extend_schema_field, inline_serializer
from rest_framework import serializers

from errors.api.serializers import (
    BoundedList,
    LabelsField,
    MomentField,
    ObjectField,
    StrictBoolean,
    StrictChoice,
    StrictInteger,
    StrictSerializer,
    StrictText,
)
from jobs.lineage import MAX_PARENTS
from jobs.models import Job
from jobtypes.api.serializers import JobTypeBaseSerializer


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a job, as far as a list of jobs tells it."""

    id: int
    status: str
    started: datetime | None
    ended: datetime | None


class LastRunSerializer(serializers.Serializer[LastRun]):
    id = serializers.IntegerField()
    status = serializers.CharField()
    started = MomentField(allow_null=True)
    ended = MomentField(allow_null=True)


class PauseSerializer(serializers.Serializer[Job]):
    by = serializers.CharField(source="paused_by")
    at = MomentField(source="paused_at")
    note = serializers.CharField(source="pause_note")
    until = MomentField(source="paused_until", allow_null=True)


class CountsSerializer(serializers.Serializer[Any]):
    success = serializers.IntegerField(source="success_count")
    error = serializers.IntegerField(source="error_count")
    missed = serializers.IntegerField(source="missed_count")


class JobTypeReference(serializers.Field[Any, Any, Any, Any]):
    """Taken as an id or as `{"name", "version"?}`, shown as Scale's base object."""

    default_error_messages = {"invalid": 'Not an id, nor an object with "name" and perhaps "version".'}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, (int, dict)):
            self.fail("invalid")
        return data

    def to_representation(self, value: Any) -> Any:
        return JobTypeBaseSerializer(value).data


class JobTypeReferenceSchema(OpenApiSerializerFieldExtension):
    target_class = JobTypeReference

    def map_serializer_field(self, auto_schema: Any, direction: str) -> Any:
        if direction == "response":
            return auto_schema.resolve_serializer(JobTypeBaseSerializer, direction).ref
        by_name = {
            "type": "object",
            "required": ["name"],
            "properties": {"name": {"type": "string"}, "version": {"type": "string"}},
        }
        return {"oneOf": [by_name, {"type": "integer"}]}


class RevisionNumber(StrictInteger):
    def get_attribute(self, instance: Job) -> int | None:
        return instance.job_type_revision.revision_num if instance.job_type_revision else None


class PayloadField(ObjectField):
    """One half of what the job's runs are told."""

    def get_attribute(self, instance: Job) -> Any:
        return getattr(instance.payload, str(self.field_name))


class JobNames(BoundedList):
    child = StrictText()

    def get_attribute(self, instance: Job) -> list[str]:
        return sorted(parent.name for parent in instance.parents.all() if not parent.archived)

    def to_representation(self, data: list[str]) -> list[str]:
        return data


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "additionalProperties": {"oneOf": [{"type": "string"}, {"type": "boolean"}]},
        },
    }
)
class ProcessorsField(ObjectField):
    """Names of processors, each with its options."""


def _text(help_text: str = "") -> StrictText:
    return StrictText(required=False, allow_blank=True, trim_whitespace=False, help_text=help_text)


def _optional_integer(**kwargs: Any) -> StrictInteger:
    return StrictInteger(required=False, allow_null=True, **kwargs)


class JobSerializer(StrictSerializer):
    """A named standing order: this job type, told this, on this schedule."""

    # Jobs come as `filters.shown` loads them; `last_runs` in the context is the newest run of each, by the job's id.
    id = serializers.IntegerField(read_only=True)
    created = MomentField(read_only=True)
    last_modified = MomentField(read_only=True)
    created_by = serializers.CharField(read_only=True)
    name = StrictText(required=False, trim_whitespace=False, help_text="Needed when the job is made, and kept.")
    title = _text()
    description = _text()
    owner = _text()
    owner_email = _text()
    job_type = JobTypeReference(
        required=False, help_text="Needed but for PATCH. Without a version: the newest active one, at each run."
    )
    job_type_revision = RevisionNumber(required=False, allow_null=True, help_text="Null: the current one at each run.")
    configuration = PayloadField(required=False, help_text="What the executor is told; secrets are shown as ********.")
    input = PayloadField(
        required=False, help_text='Values for the interface of the job type: `{"json": {}, "files": {}}`.'
    )
    schedule = _text("Cron fields, @daily and the like, @every 1h30m, @at with a moment; @manually unless said.")
    timezone = _text("Such as Europe/Berlin; empty: the house's.")
    is_enabled = StrictBoolean(required=False)
    pause = serializers.SerializerMethodField()
    starts_at = MomentField(required=False, allow_null=True)
    expires_at = MomentField(required=False, allow_null=True)
    priority = _optional_integer(help_text="Lower runs sooner; null: the job type's.")
    timeout = _optional_integer(help_text="Seconds; null: the job type's.")
    retries = StrictInteger(required=False)
    retry_delay = StrictInteger(required=False, help_text="Seconds, doubled each time.")
    deadline = StrictInteger(required=False, help_text="Seconds within which a run must have started.")
    concurrency = StrictChoice(choices=Job.Concurrency.values, required=False)
    misfire_policy = StrictChoice(choices=Job.Misfire.values, required=False)
    misfire_grace = _optional_integer(help_text="Seconds; null: no limit.")
    at_most_once = StrictBoolean(required=False)
    is_ephemeral = StrictBoolean(required=False)
    parents = JobNames(required=False, limit=MAX_PARENTS)
    tags = LabelsField(required=False)
    metadata = LabelsField(required=False)
    processors = ProcessorsField(
        required=False, help_text='What is done with the output of each run: `{"files": {"forward": "true"}}`.'
    )
    status = serializers.SerializerMethodField()
    next_run_at = MomentField(read_only=True, allow_null=True)
    last_scheduled_for = MomentField(read_only=True, allow_null=True)
    last_run = serializers.SerializerMethodField()
    counts = CountsSerializer(source="record", read_only=True)
    missed_reason = serializers.SerializerMethodField()

    def _newest(self, job: Job) -> LastRun | None:
        last_runs: dict[int, LastRun] = self.context.get("last_runs", {})
        return last_runs.get(job.pk)

    @extend_schema_field(PauseSerializer(allow_null=True))
    def get_pause(self, job: Job) -> Any:
        return PauseSerializer(job).data if job.is_paused else None

    def get_status(self, job: Job) -> str | None:
        newest = self._newest(job)
        return newest.status if newest else None

    @extend_schema_field(LastRunSerializer(allow_null=True))
    def get_last_run(self, job: Job) -> Any:
        newest = self._newest(job)
        return LastRunSerializer(newest).data if newest else None

    def get_missed_reason(self, job: Job) -> str | None:
        return job.record.missed_reason or None


class ProblemEntry(serializers.Serializer[Any]):
    name = serializers.CharField(help_text="The field.")
    description = serializers.CharField()


# Two answers have a field `is_valid`, which a serializer class cannot name without hiding its own method of that name.
JOB_VALIDATION = inline_serializer(
    "JobValidation",
    {
        "is_valid": serializers.BooleanField(),
        "errors": ProblemEntry(many=True),
        "warnings": ProblemEntry(many=True),
    },
)
SCHEDULE_PREVIEW = inline_serializer(
    "SchedulePreview",
    {
        "is_valid": serializers.BooleanField(),
        "error": serializers.CharField(allow_null=True),
        "words": serializers.CharField(),
        "timezone": serializers.CharField(),
        "next": serializers.ListField(child=MomentField()),
        "notes": serializers.ListField(child=serializers.CharField()),
        "per_day": serializers.FloatField(help_text="Starts on an average day."),
    },
)
