"""`/v6/queue/`, and `/v6/queue/status/`, which is Scale's: what waits for a free slot, by job type."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Min
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from errors.api.serializers import MomentField
from executions.models import Execution
from executions.states import Status
from jobtypes.api.serializers import JobTypeBaseSerializer
from jobtypes.models import JobType


class QueueRowSerializer(serializers.Serializer[Any]):
    """The queued executions of one job type."""

    job_type = JobTypeBaseSerializer()
    count = serializers.IntegerField()
    longest_queued = MomentField(help_text="Since when the oldest of them waits.")
    highest_priority = serializers.IntegerField(help_text="The smallest number, which runs soonest.")
    is_paused = serializers.BooleanField()


class Queue(GenericAPIView[Execution]):
    """Unpaused types first, then by priority, then by who waits longest."""

    queryset = Execution.objects.filter(status=Status.QUEUED)
    serializer_class = QueueRowSerializer
    filter_backends = []

    @extend_schema(operation_id="queue_list", responses=QueueRowSerializer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(_rows())
        return self.get_paginated_response(QueueRowSerializer(page, many=True).data)


class QueueStatus(Queue):
    """The same where Scale's clients look for it."""

    @extend_schema(operation_id="queue_status_list", responses=QueueRowSerializer(many=True))
    def get(self, request: Request) -> Response:
        return super().get(request)


def _rows() -> list[dict[str, Any]]:
    """Two queries: as many rows as there are job types with something queued."""
    queued = Execution.objects.filter(status=Status.QUEUED).values("job_type").order_by()
    counted = list(queued.annotate(count=Count("pk"), longest_queued=Min("queued"), highest_priority=Min("priority")))
    types = JobType.objects.defer("manifest", "configuration").in_bulk([row["job_type"] for row in counted])
    rows = [
        {**row, "job_type": types[row["job_type"]], "is_paused": types[row["job_type"]].is_paused} for row in counted
    ]
    return sorted(rows, key=lambda row: (row["is_paused"], row["highest_priority"], row["longest_queued"]))
