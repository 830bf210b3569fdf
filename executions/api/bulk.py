"""Deeds for many: cancel or retry all that a filter finds, backfill a job; and `/v6/bulk/`, the receipts of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.datastructures import MultiValueDict
from django_filters.constants import EMPTY_VALUES
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from errors.api import values
from errors.api.filters import Flag, ScaleFilterSet, Texts
from errors.api.pagination import CappedPagination
from errors.api.serializers import MomentField, ObjectField, StrictChoice, StrictInteger, StrictSerializer
from errors.exceptions import Invalid, NotFound
from executions import clock
from executions.api.filters import ExecutionFilters
from executions.api.jobs import NothingSerializer
from executions.engine import backfill, bulk_actions
from executions.models import BulkAction, Execution
from executions.querysets import ExecutionQuerySet
from executions.states import Door
from jobs.models import Job

DRY_RUN = OpenApiParameter("dry_run", OpenApiTypes.BOOL, description="Only say what would be done.")
NEWEST_FIRST = {"oldest": False, "asc": False, "newest": True, "desc": True}


class BulkBegunSerializer(serializers.Serializer[Any]):
    """What was begun."""

    count = serializers.IntegerField(help_text="How many it is about.")
    receipt = serializers.IntegerField(allow_null=True, help_text="Its id under /v6/bulk/; null: nothing was done.")


class BackfillPlanSerializer(BulkBegunSerializer):
    """What a backfill would run."""

    instants = serializers.ListField(child=MomentField(), help_text="In the order in which they would run.")
    left_out = serializers.IntegerField(help_text="Instants of the range that were run before, or will be.")


class BackfillSerializer(StrictSerializer):
    """A stretch of the past, both ends included."""

    to = MomentField(required=False, allow_null=True, help_text="Default: now.")
    concurrency = StrictInteger(
        required=False, min_value=1, max_value=backfill.MOST_AT_ONCE, help_text="Runs that go on at once; default 1."
    )
    order = StrictChoice(choices=list(NEWEST_FIRST), required=False, help_text="Default: the oldest first.")

    def get_fields(self) -> dict[str, Any]:
        return {"from": MomentField(), **super().get_fields()}


class BulkActionSerializer(serializers.Serializer[BulkAction]):
    """A receipt: what was asked for, and how far it got."""

    id = serializers.IntegerField()
    action = serializers.ChoiceField(choices=BulkAction.Action.choices)
    filter = ObjectField(help_text="What it was asked for.")
    count = serializers.IntegerField()
    done = serializers.IntegerField(help_text="Canceled, tried again, or completed runs of a backfill.")
    failed = serializers.IntegerField(
        help_text="Had ended before or could not be tried again; of a backfill: runs that did not complete."
    )
    state = serializers.ChoiceField(choices=BulkAction.State.choices)
    requested_by = serializers.SerializerMethodField()
    door = serializers.ChoiceField(choices=Door.choices)
    created = MomentField()
    ended = MomentField(allow_null=True)
    aborted_by = serializers.SerializerMethodField()

    def get_requested_by(self, row: BulkAction) -> str | None:
        return row.by or None

    def get_aborted_by(self, row: BulkAction) -> str | None:
        return row.aborted_by or None


def filter_schema() -> dict[str, Any]:
    """A body of filters, as OpenAPI describes it: each parameter of the list, one value or a list of them."""
    properties = {}
    for name, parameter in ExecutionFilters.base_filters.items():
        described = dict(parameter.schema)
        properties[name] = {"oneOf": [described["items"], described]} if "items" in described else described
    return {"type": "object", "properties": properties, "additionalProperties": False, "minProperties": 1}


FILTER_BODY = {"application/json": filter_schema()}


def read_filter(body: Any) -> tuple[ExecutionQuerySet, dict[str, Any]]:
    """The executions that the filters in `body` find, and those filters as they are kept: a duration before now has
    become a moment. Raises Invalid, by parameter, and for an empty filter: that would be everything there is.
    """
    if not isinstance(body, Mapping):
        raise Invalid("The body must be an object of filters.")
    if unknown := [name for name in body if name not in ExecutionFilters.base_filters]:
        raise Invalid.listing((str(name)[:100], "Unknown field.") for name in unknown[:20])
    told = MultiValueDict({name: [_text(name, one) for one in _listed(value)] for name, value in body.items()})
    filterset = ExecutionFilters(told, queryset=Execution.objects.all())
    if not filterset.is_valid():
        raise ValidationError({name: list(messages) for name, messages in filterset.errors.items()})
    asked = {name: value for name, value in filterset.form.cleaned_data.items() if value not in EMPTY_VALUES}
    if not asked:
        raise Invalid("An empty filter would mean every execution; say which.")
    kept = {name: values.iso(value) if isinstance(value, datetime) else value for name, value in asked.items()}
    found: ExecutionQuerySet = filterset.qs
    return found, kept


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int)):
        return str(value)
    raise Invalid.field(name, "must be a text, a whole number, true or false, or a list of such")


def is_dry(request: Request) -> bool:
    """Whether `dry_run` is asked for; raises Invalid where that is no boolean."""
    try:
        return values.boolean(request.query_params.get("dry_run", "false"))
    except ValueError:
        raise Invalid('Parameter must be a valid boolean: "dry_run"') from None


def started(request: Request, row: BulkAction) -> Response:
    """The answer that says what was begun."""
    address = request.build_absolute_uri(reverse("bulk-action", kwargs={"pk": row.pk}))
    answer = BulkBegunSerializer({"count": row.count, "receipt": row.pk}).data
    return Response(answer, status=status.HTTP_202_ACCEPTED, headers={"Location": address})


def _described(operation_id: str, summary: str) -> Callable[[Any], Any]:
    return extend_schema(
        operation_id=operation_id,
        summary=summary,
        parameters=[DRY_RUN],
        request=FILTER_BODY,
        responses={200: BulkBegunSerializer, 202: BulkBegunSerializer},
        filters=False,
    )


class ManyExecutions(GenericViewSet[Execution]):
    """Executions, as many as a filter finds: the parameters of the list, as a body."""

    queryset = Execution.objects.all()
    filter_backends = []
    pagination_class = None

    @_described("executions_cancel_many", "Cancel all that a filter finds.")
    def cancel(self, request: Request) -> Response:
        return self._begin(request, BulkAction.Action.CANCEL)

    @_described(
        "executions_retry_many",
        "Try again all failed and canceled runs that a filter finds; others where it names their status.",
    )
    def retry(self, request: Request) -> Response:
        return self._begin(request, BulkAction.Action.RETRY)

    def _begin(self, request: Request, action: BulkAction.Action) -> Response:
        is_only_asked = is_dry(request)
        found, kept = read_filter(request.data)
        found = bulk_actions.able(action, found, says_status="status" in kept)
        if is_only_asked:
            return Response(BulkBegunSerializer({"count": bulk_actions.count(found), "receipt": None}).data)
        by, now = request.user.get_username(), clock.now()
        return started(request, bulk_actions.start(action, found, filter=kept, by=by, door=Door.NATIVE, now=now))


class BackfillViewSet(GenericViewSet[Job]):
    queryset = Job.objects.all()
    filter_backends = []
    pagination_class = None

    @extend_schema(
        operation_id="jobs_backfill",
        summary="Run what the schedule of a job did not run in a stretch of the past.",
        parameters=[DRY_RUN],
        request=BackfillSerializer,
        responses={200: BackfillPlanSerializer, 202: BulkBegunSerializer},
        filters=False,
    )
    def create(self, request: Request, name: str) -> Response:
        is_only_asked, given, now = is_dry(request), BackfillSerializer.read(request), clock.now()
        job = Job.objects.living().select_related("job_type", "payload").filter(name=name).first()
        if job is None:
            raise NotFound("Not found.")
        since, until = given["from"], given.get("to") or now
        newest_first = NEWEST_FIRST[given.get("order", "oldest")]
        if is_only_asked:
            plan = backfill.plan(job, since, until, newest_first=newest_first, now=now)
            shown = {"count": len(plan.instants), "receipt": None, "instants": plan.instants, "left_out": plan.left_out}
            return Response(BackfillPlanSerializer(shown).data)
        row = backfill.start(
            job,
            since,
            until,
            concurrency=given.get("concurrency", 1),
            newest_first=newest_first,
            by=request.user.get_username(),
            door=Door.NATIVE,
            now=now,
        )
        return started(request, row)


class BulkActionFilters(ScaleFilterSet):
    action = Texts()
    state = Texts()
    requested_by = Texts("by")
    is_over = Flag("ended", "isnull", exclude=True)


@extend_schema_view(list=extend_schema(summary="Bulk actions, newest first."))
class BulkActionViewSet(GenericViewSet[BulkAction]):
    queryset = BulkAction.objects.all()
    serializer_class = BulkActionSerializer
    filterset_class = BulkActionFilters
    pagination_class = CappedPagination
    ordering_fields = {"id": "id", "created": "created"}
    ordering = ("-created", "-id")

    def receipt(self, pk: int) -> BulkAction:
        """The receipt of that id; raises a 404."""
        return get_object_or_404(self.queryset.all(), pk=values.integer(str(pk)))

    def list(self, request: Request) -> Response:
        rows: QuerySet[BulkAction] = self.filter_queryset(self.get_queryset())
        page: Any = self.paginate_queryset(rows)
        return self.get_paginated_response(BulkActionSerializer(page, many=True).data)

    @extend_schema(summary="How far a bulk action got.")
    def retrieve(self, request: Request, pk: int) -> Response:
        return Response(BulkActionSerializer(self.receipt(pk)).data)

    @extend_schema(
        summary="Leave alone what a bulk action has not done yet.",
        request=NothingSerializer,
        responses={200: BulkActionSerializer},
        filters=False,
    )
    def abort(self, request: Request, pk: int) -> Response:
        NothingSerializer.read(request)
        row = bulk_actions.abort(self.receipt(pk).pk, by=request.user.get_username(), now=clock.now())
        return Response(BulkActionSerializer(row).data)
