"""`/v6/status/`, and the house's own pause."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from errors.api.serializers import MomentField, StrictSerializer, StrictText
from executions import clock, house
from executions.api.jobs import NothingSerializer
from executions.models import House


class HousePauseSerializer(serializers.Serializer[Any]):
    by = serializers.CharField()
    at = MomentField()
    note = serializers.CharField()


class SchedulerSerializer(serializers.Serializer[Any]):
    leader = serializers.CharField(allow_null=True, help_text="The scheduler that fires the periodic tasks.")
    last_tick = MomentField(allow_null=True, help_text="When a scheduler last looked for due jobs.")
    lag = serializers.FloatField(allow_null=True, help_text="Seconds since then.")


class StatusSerializer(serializers.Serializer[Any]):
    """How the house is."""

    version = serializers.CharField()
    started = MomentField()
    database = serializers.CharField()
    broker = serializers.CharField()
    paused = HousePauseSerializer(allow_null=True)
    scheduler = SchedulerSerializer(source="*")
    workers = serializers.IntegerField(help_text="That are alive.")
    slots = serializers.IntegerField(help_text="That they have together.")
    queued = serializers.IntegerField()
    oldest_queued = MomentField(allow_null=True)
    running = serializers.IntegerField()
    fired_last_minute = serializers.IntegerField()
    finished_last_minute = serializers.IntegerField()


class HousePausedSerializer(serializers.Serializer[Any]):
    """Whether the house is paused, by whom and since when."""

    paused = HousePauseSerializer(allow_null=True)


class HousePauseRequestSerializer(StrictSerializer):
    note = StrictText(required=False, allow_blank=True, max_length=250)


class Status(APIView):
    """How the house is, in a few numbers."""

    @extend_schema(operation_id="status", responses={200: StatusSerializer})
    def get(self, request: Request) -> Response:
        return Response(StatusSerializer(asdict(house.status(clock.now()))).data)


class Pause(APIView):
    """Lets nothing start any more in the whole house; what runs goes on, and jobs keep their own pauses."""

    @extend_schema(operation_id="house_pause", request=HousePauseRequestSerializer, responses=HousePausedSerializer)
    def post(self, request: Request) -> Response:
        note = HousePauseRequestSerializer.read(request).get("note", "")
        return _pause_of(house.pause(request.user.get_username(), note, clock.now()))


class Resume(APIView):
    """Lets things start again; what fell due meanwhile is decided by each job's misfire policy."""

    @extend_schema(operation_id="house_resume", request=NothingSerializer, responses=HousePausedSerializer)
    def post(self, request: Request) -> Response:
        NothingSerializer.read(request)
        return _pause_of(house.resume(request.user.get_username(), clock.now()))


def _pause_of(row: House) -> Response:
    paused = {"by": row.paused_by, "at": row.paused_at, "note": row.pause_note} if row.paused_at else None
    return Response(HousePausedSerializer({"paused": paused}).data)
