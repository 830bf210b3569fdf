"""`/v6/notifications/…`: who is told what about which jobs, and what came of it."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from errors.api import values
from errors.api.filters import Flag, Numbers, ScaleFilterSet, Since, Texts, Until
from errors.api.pagination import CappedPagination
from errors.api.serializers import (
    LabelsField,
    MomentField,
    ObjectField,
    StrictBoolean,
    StrictChoice,
    StrictInteger,
    StrictSerializer,
    StrictText,
)
from executions import clock
from executions.api.jobs import NothingSerializer
from executions.notifications import addresses, outbox, services
from executions.notifications.models import (
    NotificationRule,
    NotificationTarget,
    NotificationTry,
)

_LONGEST_LATENESS = 365 * 24 * 3600  # seconds


# --- Shapes -----------------------------------------------------------------------------------------------------------
class NotificationTargetSerializer(serializers.ModelSerializer[NotificationTarget]):
    """Where messages go; what is secret of its address shows as ********."""

    url = serializers.CharField(source="address")
    created = MomentField()
    last_modified = MomentField()

    class Meta:
        model = NotificationTarget
        fields = ("id", "name", "url", "created_by", "created", "last_modified")
        read_only_fields = fields


class NewNotificationTargetSerializer(StrictSerializer):
    """A mail address, a webhook (http, https), or an address of one of Apprise's services."""

    name = StrictText(max_length=128)
    url = StrictText(max_length=addresses.LONGEST)


class NotificationTargetEditSerializer(StrictSerializer):
    """What is not said stays; so does a url that is sent back as it was shown."""

    name = StrictText(max_length=128, required=False)
    url = StrictText(max_length=addresses.LONGEST, required=False)


class NotificationRuleSerializer(serializers.ModelSerializer[NotificationRule]):
    """Which event of which jobs goes to which target; without job, owner and label it is about all jobs."""

    job = serializers.CharField(source="job.name", allow_null=True, default=None)
    label = serializers.SerializerMethodField(  # type: ignore[assignment]  # the name of a field, not the field's own
        help_text="A label of the jobs' metadata, with its value."
    )
    target = serializers.CharField(source="target.name")
    created = MomentField()
    last_modified = MomentField()

    class Meta:
        model = NotificationRule
        fields = (
            *("id", "event", "job", "owner", "label", "target", "late_after", "is_enabled"),
            *("created_by", "created", "last_modified"),
        )
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}, "nullable": True})
    def get_label(self, rule: NotificationRule) -> dict[str, str] | None:
        return {rule.label_key: rule.label_value} if rule.label_key else None


class NotificationRuleEditSerializer(StrictSerializer):
    """What is not said stays."""

    event = StrictChoice(choices=NotificationRule.Event.choices, required=False)
    job = StrictText(max_length=128, required=False, allow_null=True, help_text="The name of a job.")
    owner = StrictText(max_length=250, required=False, allow_blank=True)
    label = LabelsField(limit=1, required=False, allow_null=True)  # type: ignore[assignment]  # as above
    target = StrictText(max_length=128, required=False, help_text="The name of a target.")
    late_after = StrictInteger(
        min_value=1, max_value=_LONGEST_LATENESS, required=False, allow_null=True, help_text="Seconds; for late only."
    )
    is_enabled = StrictBoolean(required=False)


class NewNotificationRuleSerializer(NotificationRuleEditSerializer):
    event = StrictChoice(choices=NotificationRule.Event.choices)
    target = StrictText(max_length=128, help_text="The name of a target.")


class NotificationTrySerializer(serializers.Serializer[NotificationTry]):
    """One try to tell one target of one event, and the answer."""

    id = serializers.IntegerField()
    time = MomentField()
    event = serializers.CharField(source="delivery.event.kind")
    job = serializers.CharField(source="delivery.event.job.name", allow_null=True, default=None)
    execution = serializers.IntegerField(source="delivery.event.execution", allow_null=True)
    target = serializers.CharField(source="delivery.target_name")
    attempt = serializers.IntegerField(source="number")
    outcome = serializers.ChoiceField(choices=NotificationTry.Outcome.choices)
    message = serializers.CharField(help_text="The answer, in a line.")
    next_try = serializers.SerializerMethodField(help_text="When it is tried again; null: not any more.")
    details = ObjectField(source="delivery.event.details")

    @extend_schema_field(OpenApiTypes.DATETIME)
    def get_next_try(self, row: NotificationTry) -> str | None:
        delivery = row.delivery
        is_newest = delivery.tries_made == row.number and row.outcome != NotificationTry.Outcome.SENDING
        return values.iso(delivery.next_try) if is_newest and delivery.next_try else None


# --- Targets ----------------------------------------------------------------------------------------------------------
class NotificationTargetFilters(ScaleFilterSet):
    name = Texts()


class Targets(GenericAPIView[NotificationTarget]):
    queryset = NotificationTarget.objects.all()
    serializer_class = NotificationTargetSerializer
    filterset_class = NotificationTargetFilters
    ordering_fields = {name: name for name in ("id", "name", "created", "last_modified")}
    ordering = ("name",)

    @extend_schema(
        operation_id="notification_targets_list",
        summary="The targets, without what is secret of them.",
        responses=NotificationTargetSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(NotificationTargetSerializer(page, many=True).data)

    @extend_schema(
        operation_id="notification_targets_create",
        summary="A new target; its address is checked.",
        request=NewNotificationTargetSerializer,
        responses={201: NotificationTargetSerializer},
        filters=False,
    )
    def post(self, request: Request) -> Response:
        given = NewNotificationTargetSerializer.read(request)
        made = services.create_target(given["name"], given["url"], by=request.user.get_username())
        return _made(request, "notification-target", made.pk, NotificationTargetSerializer(made).data)


class Target(GenericAPIView[NotificationTarget]):
    queryset = NotificationTarget.objects.all()
    serializer_class = NotificationTargetSerializer
    filter_backends = []

    def row(self, pk: int) -> NotificationTarget:
        return get_object_or_404(NotificationTarget, pk=values.integer(str(pk)))

    @extend_schema(operation_id="notification_targets_retrieve", summary="A target.")
    def get(self, request: Request, pk: int) -> Response:
        return Response(NotificationTargetSerializer(self.row(pk)).data)

    @extend_schema(
        operation_id="notification_targets_edit",
        summary="Change a target.",
        request=NotificationTargetEditSerializer,
        responses=NotificationTargetSerializer,
    )
    def patch(self, request: Request, pk: int) -> Response:
        given = NotificationTargetEditSerializer.read(request)
        changed = services.change_target(self.row(pk), given, by=request.user.get_username())
        return Response(NotificationTargetSerializer(changed).data)

    @extend_schema(
        operation_id="notification_targets_delete",
        summary="Delete a target that no rule sends to.",
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, pk: int) -> Response:
        services.delete_target(self.row(pk), by=request.user.get_username())
        return Response(status=status.HTTP_204_NO_CONTENT)


class TargetTest(GenericAPIView[NotificationTarget]):
    queryset = NotificationTarget.objects.all()
    serializer_class = NotificationTargetSerializer
    filter_backends = []

    @extend_schema(
        operation_id="notification_targets_test",
        summary="Send a test to a target now, once; the answer is in the log, too.",
        request=NothingSerializer,
        responses=NotificationTrySerializer,
    )
    def post(self, request: Request, pk: int) -> Response:
        NothingSerializer.read(request)
        target = get_object_or_404(NotificationTarget, pk=values.integer(str(pk)))
        return Response(NotificationTrySerializer(outbox.test(target, clock.now())).data)


# --- Rules ------------------------------------------------------------------------------------------------------------
class NotificationRuleFilters(ScaleFilterSet):
    event = Texts()
    target = Texts("target__name")
    job = Texts("job__name")
    owner = Texts()
    is_enabled = Flag()


class Rules(GenericAPIView[NotificationRule]):
    queryset = NotificationRule.objects.select_related("target", "job").defer("target__url")
    serializer_class = NotificationRuleSerializer
    filterset_class = NotificationRuleFilters
    ordering_fields = {
        **{name: name for name in ("id", "event", "owner", "is_enabled", "created", "last_modified")},
        "target": "target__name",
        "job": "job__name",
    }
    ordering = ("id",)

    @extend_schema(
        operation_id="notification_rules_list", summary="The rules.", responses=NotificationRuleSerializer(many=True)
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(NotificationRuleSerializer(page, many=True).data)

    @extend_schema(
        operation_id="notification_rules_create",
        summary="A new rule.",
        request=NewNotificationRuleSerializer,
        responses={201: NotificationRuleSerializer},
        filters=False,
    )
    def post(self, request: Request) -> Response:
        given = NewNotificationRuleSerializer.read(request)
        made = services.create_rule(given, by=request.user.get_username())
        return _made(request, "notification-rule", made.pk, NotificationRuleSerializer(made).data)


class RuleView(GenericAPIView[NotificationRule]):
    queryset = NotificationRule.objects.all()
    serializer_class = NotificationRuleSerializer
    filter_backends = []

    def row(self, pk: int) -> NotificationRule:
        rules = NotificationRule.objects.select_related("target", "job").defer("target__url")
        return get_object_or_404(rules, pk=values.integer(str(pk)))

    @extend_schema(operation_id="notification_rules_retrieve", summary="A rule.")
    def get(self, request: Request, pk: int) -> Response:
        return Response(NotificationRuleSerializer(self.row(pk)).data)

    @extend_schema(
        operation_id="notification_rules_edit",
        summary="Change a rule.",
        request=NotificationRuleEditSerializer,
        responses=NotificationRuleSerializer,
    )
    def patch(self, request: Request, pk: int) -> Response:
        given = NotificationRuleEditSerializer.read(request)
        changed = services.change_rule(self.row(pk), given, by=request.user.get_username())
        return Response(NotificationRuleSerializer(changed).data)

    @extend_schema(
        operation_id="notification_rules_delete", summary="Delete a rule.", request=None, responses={204: None}
    )
    def delete(self, request: Request, pk: int) -> Response:
        services.delete_rule(self.row(pk), by=request.user.get_username())
        return Response(status=status.HTTP_204_NO_CONTENT)


# --- The log ----------------------------------------------------------------------------------------------------------
class NotificationLogFilters(ScaleFilterSet):
    event = Texts("delivery__event__kind")
    job = Texts("delivery__event__job__name")
    execution = Numbers("delivery__event__execution")
    target = Texts("delivery__target_name")
    outcome = Texts()
    started = Since("time")
    ended = Until("time")

    ranges = (("started", "ended"),)


class Log(GenericAPIView[NotificationTry]):
    queryset = NotificationTry.objects.select_related("delivery__event__job")
    serializer_class = NotificationTrySerializer
    filterset_class = NotificationLogFilters
    pagination_class = CappedPagination
    ordering_fields = {"id": "id", "time": "time"}
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[NotificationTry]:
        return log()

    @extend_schema(
        operation_id="notification_log_list",
        summary="What was sent, try by try, newest first.",
        responses=NotificationTrySerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        shape = NotificationTrySerializer()
        return self.get_paginated_response([shape.to_representation(row) for row in page])


def log() -> QuerySet[NotificationTry]:
    """All tries, with what a line of the log shows, in one query."""
    return NotificationTry.objects.select_related("delivery__event__job")


def _made(request: Request, route: str, key: int, data: Any) -> Response:
    where = request.build_absolute_uri(reverse(route, args=[key]))
    return Response(data, status=status.HTTP_201_CREATED, headers={"Location": where})
