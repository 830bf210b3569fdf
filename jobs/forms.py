"""The form of a job in the console: it asks `jobs.validation` what is wrong, as every other door does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django import forms
from django.core.serializers.json import DjangoJSONEncoder

from errors.console.fields import StrictJSONField
from jobs.models import Job
from jobs.payloads import DEFAULTS
from jobs.validation import examine
from jobtypes.models import JobType, JobTypeRevision
from jobtypes.schema_form import InputForm, input_form
from jobtypes.secrets import MASK

LOOK = "_look"
"""The button that shows what a form says without saving it: the schedule explained, the fields of another job type."""
INPUTS_OF = "inputs-of"
"""Names the revision for whose interface the fields of the input were made."""


class PrettyJSON(StrictJSONField):
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


@dataclass(frozen=True, slots=True)
class Setting:
    """What a job type understands in a configuration."""

    name: str
    kind: str
    is_required: bool
    is_secret: bool
    default: str
    description: str


class JobForm(forms.ModelForm):
    """A job with its payload. It stores nothing: `native` gives the fields in the words of `jobs.services`.

    `inputs` are the fields of its job type's interface; they take the place of the field `input`, where there are any.
    """

    configuration = PrettyJSON(help_text="What its executor is told, as JSON. A secret shows as ******** and is kept.")
    input = PrettyJSON(help_text="Values for the interface of its type, as JSON, below “json” by their names.")
    tags = PrettyJSON(help_text="Choose workers: {“role”: “web”}")
    metadata = PrettyJSON(help_text="Free labels.")
    processors = PrettyJSON(help_text="What is done with the output: {“files”: {“forward”: “true”}}")
    revision_num = forms.IntegerField(
        required=False, min_value=1, label="Revision", help_text="Empty: the current one."
    )

    class Meta:
        model = Job
        fields = (
            *("name", "title", "description", "owner", "owner_email", "job_type", "follows_newest", "parents"),
            *("schedule", "timezone", "is_enabled", "starts_at", "expires_at", "misfire_policy", "misfire_grace"),
            *("priority", "timeout", "retries", "retry_delay", "deadline"),
            *("concurrency", "at_most_once", "is_ephemeral", "tags", "metadata", "processors"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = given = dict(kwargs.get("initial") or {})
        instance = kwargs.get("instance")
        if instance and instance.pk:
            given["configuration"], given["input"] = instance.payload.configuration, instance.payload.input
            given["revision_num"] = instance.job_type_revision.revision_num if instance.job_type_revision else None
        else:
            given.setdefault("input", DEFAULTS["input"])
        self.present = dict(given.get("input") or {})
        super().__init__(*args, **kwargs)

    @property
    def is_look(self) -> bool:
        return LOOK in self.data

    @cached_property
    def revision(self) -> JobTypeRevision | None:
        """What would run, as far as the form says it by now."""
        chosen = self.data.get("job_type") if self.is_bound else (self.initial.get("job_type") or None)
        chosen = chosen or (self.instance.job_type_id if self.instance.pk else None)
        if isinstance(chosen, JobType):
            chosen = chosen.pk
        if not str(chosen or "").isdecimal() or len(str(chosen)) > 18:
            return None
        job_type = JobType.objects.filter(pk=int(str(chosen))).first()
        if job_type is None:
            return None
        number = self.data.get("revision_num") if self.is_bound else self.initial.get("revision_num")
        wanted = int(str(number)) if str(number or "").isdecimal() and len(str(number)) < 9 else job_type.revision_num
        return job_type.revisions.filter(revision_num=wanted).first()

    @cached_property
    def inputs(self) -> InputForm | None:
        """The fields of the interface; None where it declares nothing, and the input is JSON as a whole."""
        schema = self.revision.input_schema if self.revision else {}
        if not self.revision or not (schema.get("properties") or schema.get("x-files")):
            return None
        was_shown = self.is_bound and self.data.get(INPUTS_OF) == str(self.revision.pk)
        return input_form(schema, self.present, self.data if was_shown else None)

    @cached_property
    def settings(self) -> list[Setting]:
        """What its job type understands in the configuration."""
        schema = self.revision.configuration_schema if self.revision else {}
        required = schema.get("required") or ()
        return [
            Setting(name, _kind(one), name in required, bool(one.get("writeOnly")), _default(one), _told(one))
            for name, one in (schema.get("properties") or {}).items()
            if isinstance(one, dict)
        ]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.inputs is not None and self.inputs.is_bound:
            if self.inputs.is_valid():
                cleaned["input"] = self.inputs.native()
            else:
                self.add_error(None, "The input is not complete: see its fields.")
        elif "input" not in self.data:  # another job type was chosen, or nothing was asked: what was there stays
            cleaned["input"] = self.present
        return cleaned

    def _post_clean(self) -> None:
        """Ask the house's own rules, in the place of the model's: they say more, and the same at every door."""
        if self.errors:
            return
        if self.is_look:
            self.add_error(None, "Nothing is saved yet.")
            return
        job = self.instance if self.instance.pk else None
        for problem in examine(self.native(), job, partial=job is not None).problems:
            name = {"job_type_revision": "revision_num"}.get(problem.path, problem.path)
            owner, _, place = name.partition(".")
            text = f"{place}: {problem.message}" if place else problem.message
            if owner == "input" and self.inputs is not None and self.inputs.is_bound:
                self.inputs.take([(place, problem.message)])
                self.add_error(None, f"{name}: {problem.message}")
            elif owner in self.fields:
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


_NOT_COPIED = frozenset({"name"})


def copied(job: Job) -> dict[str, Any]:
    """What a form for another job like `job` begins with. Its secrets are no part of it: they have to be given anew."""
    given = {name: getattr(job, name) for name in JobForm.Meta.fields if name not in {*_NOT_COPIED, "parents"}}
    revision = job.job_type_revision
    return {
        **given,
        "job_type": job.job_type_id,
        "parents": list(job.parents.values_list("pk", flat=True)),
        "revision_num": revision.revision_num if revision else None,
        "configuration": _unmasked(job.payload.configuration),
        "input": job.payload.input,
    }


def _unmasked(value: Any) -> Any:
    """`value` without what only stands for a secret."""
    if isinstance(value, dict):
        return {name: _unmasked(part) for name, part in value.items() if part != MASK}
    return value


def _kind(one: Mapping[str, Any]) -> str:
    """The type of a setting, in words."""
    if isinstance(one.get("enum"), list):
        return " | ".join(map(str, one["enum"][:8]))
    options = [str(part.get("type", "any")) for part in one.get("anyOf") or one.get("oneOf") or ()]
    kind = one.get("type") or options or "any"
    return kind if isinstance(kind, str) else " or ".join(map(str, kind))


def _default(one: Mapping[str, Any]) -> str:
    return json.dumps(one["default"]) if "default" in one else ""


def _told(one: Mapping[str, Any]) -> str:
    return str(one.get("description") or one.get("title") or "")
