"""Executions as the native API shows them: `ExecutionSerializer` in lists, `ExecutionDetailSerializer` one by one."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from errors.api.serializers import ErrorSerializer, MomentField, ObjectField, StrictSerializer
from executions.api.timeline import timeline
from executions.models import Execution, ExecutionFile
from executions.states import Door, Reason, Status, Trigger
from jobs.api.serializers import JobTypeReference
from jobs.models import Job
from jobtypes.api.serializers import JobTypeBaseSerializer


class JobReferenceSerializer(serializers.ModelSerializer[Job]):
    class Meta:
        model = Job
        fields = ("id", "name", "title")
        read_only_fields = fields


class UsedSerializer(serializers.Serializer[Execution]):
    """What a try used."""

    max_rss_bytes = serializers.IntegerField(allow_null=True)
    cpu_seconds = serializers.FloatField(allow_null=True)


class ExecutionSerializer(serializers.Serializer[Execution]):
    """One try of one run of a job."""

    # Executions come with `with_names()`.
    id = serializers.IntegerField()
    group = serializers.IntegerField(help_text="The run: the id of its first execution.")
    slot = serializers.IntegerField(help_text="Tells the parallel executions of a run apart.")
    attempt = serializers.IntegerField(help_text="Numbers the tries of a slot, from 1.")
    origin = serializers.IntegerField(help_text="The group of the run that set everything off.")
    is_last_try = serializers.BooleanField()
    job = JobReferenceSerializer()
    job_type = JobTypeBaseSerializer()
    job_type_revision = serializers.IntegerField(source="revision.revision_num")
    status = serializers.ChoiceField(choices=Status.choices)
    reason = serializers.ChoiceField(choices=Reason.choices, allow_null=True)
    trigger = serializers.ChoiceField(choices=Trigger.choices)
    door = serializers.ChoiceField(choices=Door.choices)
    requested_by = serializers.SerializerMethodField()
    scheduled_for = MomentField(allow_null=True)
    created = MomentField()
    queued = MomentField(allow_null=True)
    started = MomentField(allow_null=True)
    ended = MomentField(allow_null=True)
    duration = serializers.SerializerMethodField(help_text="Seconds from start to end.")
    priority = serializers.IntegerField()
    worker = serializers.SerializerMethodField(help_text="The name of the worker that runs or ran it.")
    exit_code = serializers.IntegerField(allow_null=True)
    signal = serializers.IntegerField(allow_null=True)
    error = ErrorSerializer(allow_null=True)
    message = serializers.CharField()
    output_bytes = serializers.IntegerField()
    output_truncated = serializers.SerializerMethodField()
    used = UsedSerializer(source="*")

    def get_requested_by(self, execution: Execution) -> str | None:
        return execution.requested_by or None

    def get_duration(self, execution: Execution) -> float | None:
        return execution.duration.total_seconds() if execution.duration is not None else None

    def get_worker(self, execution: Execution) -> str | None:
        return execution.worker.name if execution.worker else None

    def get_output_truncated(self, execution: Execution) -> bool:
        return execution.output_lost_bytes > 0


class OutputFileSerializer(serializers.Serializer[ExecutionFile]):
    """A file that a run put out."""

    id = serializers.IntegerField()
    name = serializers.CharField(help_text="The output of the manifest that it belongs to.")
    path = serializers.CharField(help_text="Where the run put it, relative to its OUTPUT_DIR.")
    bytes = serializers.IntegerField()
    media_type = serializers.CharField()
    url = serializers.SerializerMethodField(help_text="Where it is downloaded.")

    def get_url(self, file: ExecutionFile) -> str:
        return reverse("execution-file", args=(file.execution_id, file.pk))


class OutputsSerializer(serializers.Serializer[Any]):
    """What a run handed over."""

    json = serializers.DictField()
    files = OutputFileSerializer(many=True)
    metadata = serializers.DictField(required=False, help_text="GeoJSON that a Seed run left for its inputs, by name.")


class TrySerializer(serializers.Serializer[Execution]):
    """Another try of the same run."""

    id = serializers.IntegerField()
    slot = serializers.IntegerField()
    attempt = serializers.IntegerField()
    status = serializers.ChoiceField(choices=Status.choices)
    reason = serializers.ChoiceField(choices=Reason.choices, allow_null=True)
    created = MomentField()
    started = MomentField(allow_null=True)
    ended = MomentField(allow_null=True)
    exit_code = serializers.IntegerField(allow_null=True)
    message = serializers.CharField()


class StepSerializer(serializers.Serializer[Any]):
    """A state that a try was in."""

    status = serializers.ChoiceField(choices=Status.choices)
    since = MomentField()
    until = MomentField(allow_null=True)
    reason = serializers.CharField(allow_null=True)


class ExecutionDetailSerializer(ExecutionSerializer):
    """One try of one run of a job, with all that is known of it."""

    # `why` and `tries` come in the context; the execution with its payload and result.
    configuration = serializers.DictField(source="payload.configuration", help_text="Secrets are shown as ********.")
    input = serializers.DictField(source="payload.input")
    outputs = serializers.SerializerMethodField()
    exception = serializers.SerializerMethodField(help_text="The class of what the job's own code raised.")
    traceback = serializers.SerializerMethodField()
    why = serializers.SerializerMethodField(help_text="Why it is not running yet, in one sentence.")
    tries = serializers.SerializerMethodField(help_text="The other tries of its run.")
    timeline = serializers.SerializerMethodField()

    @extend_schema_field(OutputsSerializer)
    def get_outputs(self, execution: Execution) -> Any:
        result = getattr(execution, "result", None)
        outputs = result.outputs if result else {}
        rows = list(execution.files.order_by("pk")) if outputs.get("files") else []
        shown = {"json": outputs.get("json", {}), "files": [OutputFileSerializer(row).data for row in rows]}
        return shown | ({"metadata": outputs["metadata"]} if "metadata" in outputs else {})

    def get_exception(self, execution: Execution) -> str | None:
        result = getattr(execution, "result", None)
        return (result.exception or None) if result else None

    def get_traceback(self, execution: Execution) -> str | None:
        result = getattr(execution, "result", None)
        return (result.traceback or None) if result else None

    def get_why(self, execution: Execution) -> str | None:
        why: str | None = self.context["why"]
        return why

    @extend_schema_field(TrySerializer(many=True))
    def get_tries(self, execution: Execution) -> Any:
        return TrySerializer(self.context["tries"], many=True).data

    @extend_schema_field(StepSerializer(many=True))
    def get_timeline(self, execution: Execution) -> Any:
        return StepSerializer(timeline(execution), many=True).data


class RunSerializer(StrictSerializer):
    """What a run may be given of its own. `configuration` needs the role editor."""

    input = ObjectField(required=False, allow_null=True, help_text="In place of the job's.")
    configuration = ObjectField(required=False, allow_null=True, help_text="In place of the job's; editors only.")
    at = MomentField(required=False, allow_null=True, help_text="Not before this moment.")


class SingleRunSerializer(StrictSerializer):
    """A run of a job type that belongs to no job of its own."""

    job_type = JobTypeReference()
    input = ObjectField(required=False, allow_null=True)
    configuration = ObjectField(required=False, allow_null=True, help_text="Editors only.")


class LineSerializer(serializers.Serializer[Any]):
    seq = serializers.IntegerField()
    time = MomentField()
    stream = serializers.ChoiceField(choices=["stdout", "stderr"])
    text = serializers.CharField()


class OutputPageSerializer(serializers.Serializer[Any]):
    """Some lines of output; ask again with `after` until `done`."""

    lines = LineSerializer(many=True)
    after = serializers.IntegerField()
    done = serializers.BooleanField(help_text="The try has ended and no line is left.")
    lost_bytes = serializers.IntegerField(help_text="What was left out in the middle of too long an output.")
