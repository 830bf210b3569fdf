"""Targets, rules and the log, for the console; the button that sends a test."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from errors.console import Deed, FactsAdmin, HouseAdmin
from errors.exceptions import Invalid, Refused
from executions import clock
from executions.notifications import addresses, outbox, services
from executions.notifications.models import NotificationRule, NotificationTarget, NotificationTry
from jobs.models import Job

_FIELDS = {"url": "address"}
"""What the services call otherwise than the forms, whose fields show what may be shown."""


class _Checked(forms.ModelForm):
    """A form whose values the house's own services check, as at every other door; they store them, too."""

    def fields_told(self) -> dict[str, Any]:
        """What the form says, in the services' words."""
        raise NotImplementedError

    def fill(self, fields: dict[str, Any]) -> None:
        raise NotImplementedError

    def _post_clean(self) -> None:
        if self.errors:
            return
        try:
            self.fill(self.fields_told())
        except Invalid as wrong:
            for name, said in wrong.fields.items():
                for text in said:
                    self.add_error(_FIELDS.get(name, name), text)
        except Refused as refusal:
            self.add_error(None, refusal.message)


class TargetForm(_Checked):
    address = forms.CharField(
        max_length=addresses.LONGEST,
        help_text=(
            "ops@example.org, https://hooks.example.org/path, or an address of Apprise's such as slack://… "
            "What is secret of it shows as ********; leave that to keep what is stored."
        ),
        widget=forms.TextInput(attrs={"size": 80, "autocomplete": "off", "spellcheck": "false"}),
    )

    class Meta:
        model = NotificationTarget
        fields = ("name", "address")

    def fields_told(self) -> dict[str, Any]:
        return {"name": self.cleaned_data["name"], "url": self.cleaned_data["address"]}

    def fill(self, fields: dict[str, Any]) -> None:
        taken = NotificationTarget.objects.filter(name=fields["name"].strip()).exclude(pk=self.instance.pk)
        if taken.exists():
            raise Invalid.field("name", services.TAKEN)
        services.fill_target(self.instance, fields)


class RuleForm(_Checked):
    label = forms.CharField(
        required=False, max_length=1200, help_text="key=value of the jobs' metadata. One of job, owner, label at most."
    )
    job = forms.CharField(required=False, max_length=128, help_text="The name of a job.")

    class Meta:
        model = NotificationRule
        fields = ("event", "owner", "target", "late_after", "is_enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        rule = kwargs.get("instance")
        if rule and rule.pk:
            label = f"{rule.label_key}={rule.label_value}" if rule.label_key else ""
            told = {"label": label, "job": rule.job.name if rule.job else ""}
            kwargs["initial"] = told | (kwargs.get("initial") or {})
        super().__init__(*args, **kwargs)

    def fields_told(self) -> dict[str, Any]:
        told = dict(self.cleaned_data)
        key, _, value = told["label"].partition("=")
        label = {key.strip(): value.strip()} if key.strip() else None
        return {**told, "label": label, "target": told["target"].name}

    def fill(self, fields: dict[str, Any]) -> None:
        services.fill_rule(self.instance, fields)


def _test(request: HttpRequest, target: NotificationTarget) -> str:
    made = outbox.test(target, clock.now())
    if made.outcome != NotificationTry.Outcome.SENT:
        raise Refused(f"The test was not sent: {made.message}")
    return f"A test was sent to {target}: {made.message}"


class _ServicesAdmin(HouseAdmin):
    """Deleting goes through the services, too; what they refuse is said on the page."""

    def remove(self, request: HttpRequest, obj: Any) -> None:
        raise NotImplementedError

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.remove(request, obj)

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, extra_context)
        except Refused as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            page = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
            return HttpResponseRedirect(reverse(page, args=[object_id]))


@admin.register(NotificationTarget)
class NotificationTargetAdmin(_ServicesAdmin):
    form = TargetForm
    list_display = ("name", "address", "created_by", "last_modified")
    search_fields = ("name",)
    prefix_of = "name"
    ordering = ("name",)
    fields = ("name", "address", "created_by", "created", "last_modified")
    readonly_fields = ("created_by", "created", "last_modified")

    def deeds(self) -> Sequence[Deed]:
        return (Deed("test", "Send a test", "executions.change_notificationtarget", _test),)

    def save_model(self, request: HttpRequest, obj: NotificationTarget, form: Any, change: bool) -> None:
        by = request.user.get_username()
        obj.created_by = obj.created_by or by
        services.save_target(obj, by=by)

    def remove(self, request: HttpRequest, obj: NotificationTarget) -> None:
        services.delete_target(obj, by=request.user.get_username())


@admin.register(NotificationRule)
class NotificationRuleAdmin(_ServicesAdmin):
    form = RuleForm
    list_display = ("id", "event", "about", "target", "late_after", "is_enabled")
    list_display_links = ("id", "event")
    list_filter = ("event", "is_enabled", "target")
    ordering = ("id",)
    fields = ("event", "late_after", "job", "owner", "label", "target", "is_enabled")
    readonly_fields = ("about",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[NotificationRule]:
        return super().get_queryset(request).select_related("job", "target").defer("target__url")

    @admin.display(description="jobs")
    def about(self, rule: NotificationRule) -> str:
        return rule.scope

    def get_fields(self, request: HttpRequest, obj: NotificationRule | None = None) -> list[Any]:
        """Who may only look sees whom it is about in words, and no fields for that."""
        may_change = obj is None or self.has_change_permission(request, obj)
        return list(self.fields) if may_change else ["event", "late_after", "about", "target", "is_enabled"]

    def save_model(self, request: HttpRequest, obj: NotificationRule, form: Any, change: bool) -> None:
        by = request.user.get_username()
        obj.created_by = obj.created_by or by
        services.save_rule(obj, by=by)

    def remove(self, request: HttpRequest, obj: NotificationRule) -> None:
        services.delete_rule(obj, by=request.user.get_username())


@admin.register(NotificationTry)
class NotificationTryAdmin(FactsAdmin):
    """What was sent, try by try."""

    list_display = ("id", "time", "event", "of_job", "to", "number", "outcome", "message")
    list_filter = ("outcome",)
    list_select_related = ("delivery__event__job",)
    ordering = ("-id",)
    fields = ("time", "event", "of_job", "of_execution", "to", "number", "outcome", "message", "again")
    readonly_fields = fields

    @admin.display(description="event")
    def event(self, row: NotificationTry) -> str:
        return row.delivery.event.kind

    @admin.display(description="job")
    def of_job(self, row: NotificationTry) -> Job | str:
        return row.delivery.event.job or ""

    @admin.display(description="execution")
    def of_execution(self, row: NotificationTry) -> int | str:
        return row.delivery.event.execution or ""

    @admin.display(description="target")
    def to(self, row: NotificationTry) -> str:
        return row.delivery.target_name

    @admin.display(description="tried again")
    def again(self, row: NotificationTry) -> Any:
        return row.delivery.next_try or "not any more"
