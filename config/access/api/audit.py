"""`/v6/audit/`: who changed what, when, through which door, and how it was before and after."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model, Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView

from config.access.roles import SEEN
from errors import audit
from errors.api import rights
from errors.api.filters import ScaleFilterSet, Since, Texts, Until
from errors.api.pagination import CappedPagination
from errors.api.rights import Role
from errors.api.serializers import MomentField, ObjectField
from executions.states import Door


def word_for(model: type[Model] | None) -> str:
    """What the API calls objects of `model`: ``job-type``; empty for None."""
    return str(model._meta.verbose_name).replace(" ", "-") if model else ""


def models_called(words: list[str]) -> list[type[Model]]:
    return [model for model in apps.get_models() if word_for(model) in words]


class Few(Texts):
    """Each value is a comparison of texts."""

    most = 20


class Users(Few):
    def filter(self, qs: QuerySet[LogEntry], value: list[str]) -> QuerySet[LogEntry]:
        return qs.filter(audit.by_names(value)) if value else qs


class Doors(Few):
    def filter(self, qs: QuerySet[LogEntry], value: list[str]) -> QuerySet[LogEntry]:
        return qs.filter(audit.through({*value} & {*Door.values})) if value else qs


class Actions(Few):
    def filter(self, qs: QuerySet[LogEntry], value: list[str]) -> QuerySet[LogEntry]:
        return qs.filter(audit.of_actions(value, Door.values)) if value else qs


class ObjectTypes(Few):
    def filter(self, qs: QuerySet[LogEntry], value: list[str]) -> QuerySet[LogEntry]:
        if not value:
            return qs
        types = ContentType.objects.get_for_models(*models_called(value))
        return qs.filter(content_type__in=types.values())


class AuditFilters(ScaleFilterSet):
    user = Users(description="The name of whoever did it: a user, or somebody at a shell.")
    door = Doors(description=f"One of {', '.join(Door.values)}.")
    action = Actions(description="What was done: create, update, delete, pause, resume, run, cancel, retry, …")
    object_type = ObjectTypes(description="job, job-type, execution, token, workspace, error, house, …")
    object_id = Texts()
    object_name = Texts("object_repr")
    started = Since("action_time")
    ended = Until("action_time")

    ranges = (("started", "ended"),)


class ObjectSerializer(serializers.Serializer[LogEntry]):
    """What was changed."""

    type = serializers.SerializerMethodField()
    id = serializers.CharField(source="object_id", allow_null=True)
    name = serializers.CharField(source="object_repr", help_text="What it was called then.")

    def get_type(self, entry: LogEntry) -> str:
        return word_for(entry.content_type.model_class() if entry.content_type else None)


class EntrySerializer(serializers.Serializer[LogEntry]):
    """One change."""

    id = serializers.IntegerField()
    time = MomentField(source="action_time")
    user = serializers.SerializerMethodField(help_text="Whoever did it; null: the house itself.")
    token = serializers.SerializerMethodField(help_text="The first characters of the token that was used, if one was.")
    door = serializers.SerializerMethodField()
    action = serializers.SerializerMethodField()
    object = ObjectSerializer(source="*")
    before = serializers.SerializerMethodField(help_text="What was changed, as it was; secrets as ********.")
    after = serializers.SerializerMethodField(help_text="The same, as it is then.")

    def to_representation(self, instance: LogEntry) -> Any:
        self.told = audit.told(instance)
        return super().to_representation(instance)

    def get_user(self, entry: LogEntry) -> str | None:
        return self.told.by or None

    def get_token(self, entry: LogEntry) -> str | None:
        return self.told.token or None

    @extend_schema_field(serializers.ChoiceField(choices=Door.choices))
    def get_door(self, entry: LogEntry) -> str:
        return self.told.door

    def get_action(self, entry: LogEntry) -> str:
        return self.told.action

    @extend_schema_field(ObjectField)
    def get_before(self, entry: LogEntry) -> Mapping[str, Any]:
        return self.told.before

    @extend_schema_field(ObjectField)
    def get_after(self, entry: LogEntry) -> Mapping[str, Any]:
        return self.told.after


@extend_schema_view(get=extend_schema(operation_id="audit", summary="Who changed what, newest first."))
class Audit(ListAPIView[LogEntry]):
    """Changes of what everybody may see, and one's own; of users and tokens, for superusers."""

    serializer_class = EntrySerializer
    filterset_class = AuditFilters
    pagination_class = CappedPagination
    ordering_fields = {"id": "id", "time": "action_time"}
    ordering = ("-action_time", "-id")

    def get_queryset(self) -> QuerySet[LogEntry]:
        sees_all = getattr(self, "swagger_fake_view", False) or rights.may(self.request, Role.SUPERUSER)
        return seen_by(self.request.user.pk if self.request else None, sees_all=sees_all)


def seen_by(user: int | None, *, sees_all: bool) -> QuerySet[LogEntry]:
    """The entries that the user of that id may see; `sees_all`: a superuser."""
    entries = LogEntry.objects.select_related("user", "content_type")
    if sees_all:
        return entries
    everybodys = [model for label in SEEN for model in apps.get_app_config(label).get_models()]
    types = ContentType.objects.get_for_models(*everybodys).values()
    return entries.filter(Q(content_type__in=types) | Q(user=user))
