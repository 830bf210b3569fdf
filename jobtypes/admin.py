"""The job types, for the console: looking, holding back, and the few settings that are no part of a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone

from errors.console import Deed, FactsAdmin, HouseAdmin, link, pretty_json
from jobtypes import services
from jobtypes.models import JobType, JobTypeRevision, Workspace
from jobtypes.secrets import split_secrets


def _pause(request: HttpRequest, job_type: JobType) -> str:
    services.pause(job_type, timezone.now())
    return f"{job_type} is paused: none of it starts any more, what runs goes on."


def _resume(request: HttpRequest, job_type: JobType) -> str:
    services.resume(job_type, timezone.now())
    return f"{job_type} goes on."


@admin.register(JobType)
class JobTypeAdmin(HouseAdmin):
    """A new version, or another manifest, comes through the API; here stands what may change without a revision."""

    list_display = ("name", "version", "title", "executor", "is_system", "is_active", "is_paused", "max_scheduled")
    list_filter = ("is_system", "is_active", "is_paused", "is_published")
    search_fields = ("name",)
    prefix_of = "name"
    ordering = ("name", "-precedence")
    fields = (
        *("name", "version", "title", "description", "executor", "docker_image", "icon_code"),
        *("is_system", "is_published", "is_active", "is_paused", "paused", "max_scheduled", "max_tries"),
        *("revision_num", "shown_manifest", "shown_configuration", "unmet_resources", "created", "last_modified"),
    )
    may_change = ("title", "description", "max_scheduled", "max_tries")

    def deeds(self) -> Sequence[Deed]:
        permission = "jobtypes.pause_jobtype"
        return (
            Deed("pause", "Pause", permission, _pause, lambda job_type: not job_type.is_paused),
            Deed("resume", "Resume", permission, _resume, lambda job_type: job_type.is_paused),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: JobType | None = None) -> list[str]:
        return [name for name in self.fields if name not in self.may_change]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: JobType | None = None) -> bool:
        allowed = super().has_change_permission(request, obj)
        return allowed and (request.user.is_superuser or not (obj and obj.is_system))

    def has_delete_permission(self, request: HttpRequest, obj: JobType | None = None) -> bool:
        return False  # executions name it; one that is not wanted any more is made inactive

    @admin.display(description="manifest")
    def shown_manifest(self, job_type: JobType) -> str:
        return pretty_json(job_type.manifest)

    @admin.display(description="configuration")
    def shown_configuration(self, job_type: JobType) -> str:
        schema = _schema_of(job_type)
        return pretty_json(split_secrets(schema, job_type.configuration)[0])


def _schema_of(job_type: JobType) -> dict[str, Any]:
    revision = job_type.revisions.filter(revision_num=job_type.revision_num).first()
    return revision.configuration_schema if revision else {}


@admin.register(JobTypeRevision)
class JobTypeRevisionAdmin(FactsAdmin):
    list_display = ("id", "of_type", "revision_num", "docker_image", "created")
    list_display_links = ("id", "revision_num")
    list_select_related = ("job_type",)
    search_fields = ("job_type__name",)
    prefix_of = "job_type__name"
    ordering = ("-id",)
    fields = (
        "of_type",
        "revision_num",
        "docker_image",
        "created",
        "shown_manifest",
        "shown_input",
        "shown_configuration",
    )
    readonly_fields = fields

    @admin.display(description="job type")
    def of_type(self, revision: JobTypeRevision) -> str:
        return link(revision.job_type)

    @admin.display(description="manifest")
    def shown_manifest(self, revision: JobTypeRevision) -> str:
        return pretty_json(revision.manifest)

    @admin.display(description="schema of its input")
    def shown_input(self, revision: JobTypeRevision) -> str:
        return pretty_json(revision.input_schema)

    @admin.display(description="schema of its configuration")
    def shown_configuration(self, revision: JobTypeRevision) -> str:
        return pretty_json(revision.configuration_schema)


@admin.register(Workspace)
class WorkspaceAdmin(FactsAdmin):
    """They are made and changed through the API, which checks their brokers and gives them their names."""

    list_display = ("name", "title", "is_active", "last_modified")
    list_filter = ("is_active",)
    search_fields = ("name",)
    prefix_of = "name"
    ordering = ("name",)
    fields = ("name", "title", "description", "base_url", "is_active", "shown_configuration", "created", "deprecated")
    readonly_fields = fields

    @admin.display(description="configuration")
    def shown_configuration(self, workspace: Workspace) -> str:
        return pretty_json(workspace.configuration)
