"""The job types, for the console: looking, holding back, and the few settings that are no part of a manifest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone

from errors.console import Call, Deed, FactsAdmin, HouseAdmin, link, pretty_json
from errors.console.columns import badge, moment_column
from errors.exceptions import Refused
from jobtypes import publish, services
from jobtypes.diff import differences
from jobtypes.forms import Editor
from jobtypes.models import JobType, JobTypeRevision, Workspace
from jobtypes.secrets import split_secrets


def _pause(request: HttpRequest, job_type: JobType) -> str:
    services.pause(job_type, timezone.now())
    return f"{job_type} is paused: none of it starts any more, what runs goes on."


def _resume(request: HttpRequest, job_type: JobType) -> str:
    services.resume(job_type, timezone.now())
    return f"{job_type} goes on."


def _activate(request: HttpRequest, job_type: JobType) -> str:
    publish.edit(job_type.name, job_type.version, {"is_active": True}, now=timezone.now())
    return f"{job_type} is active again."


def _deprecate(request: HttpRequest, job_type: JobType) -> str:
    publish.edit(job_type.name, job_type.version, {"is_active": False}, now=timezone.now())
    return f"{job_type} is deprecated: no new job can be made of it."


def state_of(job_type: JobType) -> str:
    if not job_type.is_active:
        return "deprecated"
    return "paused" if job_type.is_paused else "active"


@admin.register(JobType)
class JobTypeAdmin(HouseAdmin):
    """Its documents have an editor of their own; the form holds what may change without a revision."""

    change_form_template = "admin/jobtypes/jobtype/form.html"
    list_display: tuple[str, ...] = ("name", "version", "state", "title", "executor", "revision", "changed")
    list_display_links = ("name", "version")
    list_filter = ("is_system", "is_active", "is_paused", "is_published")
    search_fields = ("name",)
    prefix_of = "name"
    ordering = ("name", "-precedence")
    exported = (
        *("id", "name", "version", "title", "executor", "docker_image", "is_system", "is_active", "is_paused"),
        *("is_published", "max_scheduled", "max_tries", "revision_num", "created", "last_modified"),
    )
    empty_words = "There is no job type yet. manage.py migrate makes those of the house itself."
    fields = (
        *("name", "version", "title", "description", "executor", "docker_image", "icon_code"),
        *("is_system", "is_published", "is_active", "is_paused", "paused", "max_scheduled", "max_tries"),
        *("revision_num", "shown_manifest", "shown_configuration", "unmet_resources", "created", "last_modified"),
    )
    may_change = ("title", "description", "max_scheduled", "max_tries")

    def get_queryset(self, request: HttpRequest) -> QuerySet[JobType]:
        rows: QuerySet[JobType] = super().get_queryset(request)
        listed = request.resolver_match and str(request.resolver_match.url_name).endswith("_changelist")
        return rows.defer("manifest", "configuration", "description") if listed else rows

    def call(self, request: HttpRequest) -> Call:
        asked = {"keyword": request.GET["q"]} if request.GET.get("q") else {}
        if (active := request.GET.get("is_active__exact")) in ("0", "1"):
            asked["is_active"] = "true" if active == "1" else "false"
        return Call(reverse("job-types") + (f"?{urlencode(asked)}" if asked else ""), "" if asked else "job_types")

    def deeds(self) -> Sequence[Deed]:
        pause, change = "jobtypes.pause_jobtype", "jobtypes.change_jobtype"
        return (
            Deed("pause", "Pause", pause, _pause, lambda job_type: not job_type.is_paused),
            Deed("resume", "Resume", pause, _resume, lambda job_type: job_type.is_paused),
            Deed("deprecate", "Deprecate", change, _deprecate, lambda one: one.is_active and not one.is_system),
            Deed("activate", "Activate", change, _activate, lambda one: not one.is_active and not one.is_system),
        )

    # --- its documents ---
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        mine = [
            path("publish/", view(self.editor), name="jobtypes_jobtype_publish"),
            path("<int:key>/edit/", view(self.editor), name="jobtypes_jobtype_edit"),
            path("<int:key>/settings/", view(self.settings), name="jobtypes_jobtype_settings"),
            path("<int:key>/diff/", view(self.diff), name="jobtypes_jobtype_diff"),
        ]
        return [*mine, *super().get_urls()]

    def settings(self, request: HttpRequest, key: int) -> HttpResponse:
        return super().change_view(request, str(key))

    def response_post_save_change(self, request: HttpRequest, obj: JobType) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("admin:jobtypes_jobtype_change", args=[obj.pk]))

    def editor(self, request: HttpRequest, key: int | None = None) -> HttpResponse:
        """A new job type or version, or another manifest, image or configuration of one."""
        job_type = get_object_or_404(JobType, pk=key) if key is not None else None
        if not request.user.has_perm("jobtypes.change_jobtype" if job_type else "jobtypes.add_jobtype"):
            raise PermissionDenied
        if job_type and job_type.is_system:
            raise PermissionDenied("The house's own job types have no editor.")
        form = Editor(request.POST if request.method == "POST" else None, job_type=job_type)
        if form.is_bound and form.is_valid() and not form.is_look and (saved := _saved(form)):
            messages.success(request, f"{saved} is at revision {saved.revision_num}.")
            return HttpResponseRedirect(reverse("admin:jobtypes_jobtype_change", args=[saved.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": f"Edit {job_type}" if job_type else "Publish a job type",
            "original": job_type,
            "form": form,
            "is_good": form.is_bound and form.is_valid(),
        }
        return TemplateResponse(request, "admin/jobtypes/jobtype/editor.html", context)

    def diff(self, request: HttpRequest, key: int) -> HttpResponse:
        """Two revisions side by side: ``?from=1&to=2``; without them the newest and the one before."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        job_type = get_object_or_404(JobType.objects.light(), pk=key)
        revisions = list(job_type.revisions.order_by("-revision_num").values_list("revision_num", "created")[:500])
        newest = job_type.revision_num
        one = _number(request.GET.get("from"), max(newest - 1, 1))
        other = _number(request.GET.get("to"), newest)
        before = get_object_or_404(JobTypeRevision, job_type=job_type, revision_num=one)
        after = get_object_or_404(JobTypeRevision, job_type=job_type, revision_num=other)
        context = {
            **self.admin_site.each_context(request),
            "title": f"{job_type}: revision {one} and {other}",
            "original": job_type,
            "before": before,
            "after": after,
            "revisions": revisions,
            "differences": differences(_document(before), _document(after)),
        }
        return TemplateResponse(request, "admin/jobtypes/jobtype/diff.html", context)

    # --- columns ---
    changed = moment_column("last_modified", "last change")

    @admin.display(description="state", ordering="is_active")
    def state(self, job_type: JobType) -> str:
        return badge(state_of(job_type), "house" if job_type.is_system else "")

    @admin.display(description="revision", ordering="revision_num")
    def revision(self, job_type: JobType) -> int:
        return job_type.revision_num

    def get_readonly_fields(self, request: HttpRequest, obj: JobType | None = None) -> list[str]:
        return [name for name in self.fields if name not in self.may_change]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # its page is the editor

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


def _saved(form: Editor) -> JobType | None:
    """The job type as it was stored; None where that was refused, and then the form says why."""
    try:
        now, changes, present = timezone.now(), form.changes(), form.job_type
        if present is None:
            return publish.publish(changes, now=now).job_type
        return publish.edit(present.name, present.version, changes, now=now)
    except Refused as refusal:
        form.add_error(None, refusal.message)
    return None


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 9 else otherwise


def _document(revision: JobTypeRevision) -> dict[str, Any]:
    return {"docker_image": revision.docker_image, "manifest": revision.manifest} | (
        {"configuration": revision.configuration_schema, "input": revision.input_schema}
        if revision.job_type.is_system
        else {}
    )


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
