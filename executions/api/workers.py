"""`/v6/workers/`: the worker processes that have not stopped."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from errors.api.serializers import MomentField
from executions import clock
from executions.models import Execution, Worker


class RunningSerializer(serializers.Serializer[Execution]):
    """An execution that a worker runs."""

    id = serializers.IntegerField()
    job = serializers.CharField(source="job.name")
    started = MomentField()


class WorkerSerializer(serializers.ModelSerializer[Worker]):
    """A worker process."""

    # `now`, and `running`, the executions by worker, come in the context.
    busy = serializers.SerializerMethodField(help_text="Slots that run something.")
    resources = serializers.DictField()
    resources_free = serializers.SerializerMethodField()
    tags = serializers.DictField(child=serializers.CharField())
    started = MomentField()
    last_seen = MomentField()
    status = serializers.SerializerMethodField(help_text="alive, stopping, or lost: not seen for 30 s.")
    running = serializers.SerializerMethodField()

    class Meta:
        model = Worker
        fields = (
            "name",
            "host",
            "pid",
            "tags",
            "slots",
            "busy",
            "resources",
            "resources_free",
            "version",
            "started",
            "last_seen",
            "status",
            "running",
        )
        read_only_fields = fields

    def _running(self, worker: Worker) -> list[Execution]:
        running: dict[int, list[Execution]] = self.context["running"]
        return running.get(worker.pk, [])

    def get_busy(self, worker: Worker) -> int:
        return len(self._running(worker))

    def get_resources_free(self, worker: Worker) -> dict[str, float]:
        taken: dict[str, float] = defaultdict(float)
        for execution in self._running(worker):
            for name, amount in (execution.resources or {}).items():
                taken[name] += amount
        return {name: max(0, amount - taken[name]) for name, amount in worker.resources.items()}

    def get_status(self, worker: Worker) -> str:
        return worker.status(self.context["now"])

    @extend_schema_field(RunningSerializer(many=True))
    def get_running(self, worker: Worker) -> Any:
        shape = RunningSerializer()
        return [shape.to_representation(execution) for execution in self._running(worker)]


class Workers(GenericAPIView[Worker]):
    """Those that are alive, stopping, or lost and not yet cleared away."""

    queryset = Worker.objects.filter(stopped=None)
    serializer_class = WorkerSerializer
    ordering_fields = {name: name for name in ("name", "host", "slots", "started", "last_seen")}
    ordering = ("-started",)

    @extend_schema(operation_id="workers_list", responses=WorkerSerializer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        context = {"now": clock.now(), "running": _running_on(page)}
        return self.get_paginated_response(WorkerSerializer(page, many=True, context=context).data)


def _running_on(workers: Sequence[Worker]) -> dict[int, list[Execution]]:
    running = Execution.objects.running().filter(worker__in=[worker.pk for worker in workers])
    found: dict[int, list[Execution]] = defaultdict(list)
    for execution in running.select_related("job").only("worker", "resources", "started", "job__name").order_by("pk"):
        if execution.worker_id:
            found[execution.worker_id].append(execution)
    return found
