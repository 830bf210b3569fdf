"""The form of a job in the console: it asks `jobs.validation` what is wrong, as every other door does."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.serializers.json import DjangoJSONEncoder

from jobs.models import Job
from jobs.payloads import DEFAULTS
from jobs.validation import examine


class PrettyJSON(forms.JSONField):
    """JSON in several lines; an empty field is an empty object."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("required", False)
        options.setdefault("encoder", DjangoJSONEncoder)
        options.setdefault("widget", forms.Textarea(attrs={"rows": 8, "cols": 80, "spellcheck": "false"}))
        super().__init__(**options)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str) or value is None:
            return value or ""
        shown = super().prepare_value(value)
        return json.dumps(json.loads(shown), indent=2, ensure_ascii=False) if shown.startswith(("{", "[")) else shown

    def clean(self, value: Any) -> Any:
        return super().clean(value) or {}


class JobForm(forms.ModelForm):
    """A job with its payload. It stores nothing: `native` gives the fields in the words of `jobs.services`."""

    configuration = PrettyJSON(help_text="What its executor is told, as JSON. A secret shows as ******** and is kept.")
    input = PrettyJSON(help_text="Values for the interface of its type, as JSON, below “json” by their names.")
    tags = PrettyJSON(help_text="Choose workers: {“role”: “web”}")
    metadata = PrettyJSON(help_text="Free labels.")
    revision_num = forms.IntegerField(
        required=False, min_value=1, label="Revision", help_text="Empty: the current one."
    )

    class Meta:
        model = Job
        fields = (
            *("name", "title", "description", "owner", "owner_email", "job_type", "follows_newest", "parents"),
            *("schedule", "timezone", "is_enabled", "starts_at", "expires_at", "misfire_policy", "misfire_grace"),
            *("priority", "timeout", "retries", "retry_delay", "deadline"),
            *("concurrency", "at_most_once", "is_ephemeral", "tags", "metadata"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = given = dict(kwargs.get("initial") or {})
        instance = kwargs.get("instance")
        if instance and instance.pk:
            given["configuration"], given["input"] = instance.payload.configuration, instance.payload.input
            given["revision_num"] = instance.job_type_revision.revision_num if instance.job_type_revision else None
        else:
            given.setdefault("input", DEFAULTS["input"])
        super().__init__(*args, **kwargs)

    def _post_clean(self) -> None:
        """Ask the house's own rules, in the place of the model's: they say more, and the same at every door."""
        if self.errors:
            return
        job = self.instance if self.instance.pk else None
        for problem in examine(self.native(), job, partial=job is not None).problems:
            name = {"job_type_revision": "revision_num"}.get(problem.path, problem.path)
            owner, _, place = name.partition(".")
            text = f"{place}: {problem.message}" if place else problem.message
            if owner in self.fields:
                self.add_error(owner, text)
            else:
                self.add_error(None, f"{name}: {problem.message}")

    def native(self) -> dict[str, Any]:
        """What the form says, as fields of the native API; for a job that exists, without the type where it stays."""
        data = dict(self.cleaned_data)
        fields = {
            "parents": [parent.name for parent in data.pop("parents", [])],
            "job_type_revision": data.pop("revision_num", None),
        }
        job_type, follows = data.pop("job_type", None), data.pop("follows_newest", False)
        if not self.instance.pk or {"job_type", "follows_newest"} & set(self.changed_data):
            fields["job_type"] = (
                {"name": job_type.name} if follows else {"name": job_type.name, "version": job_type.version}
            )
        return {**fields, **data}
