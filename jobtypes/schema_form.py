"""A form for a run's input, made from the interface that its job type declares; pure.

    form = input_form(revision.input_schema, job.payload.input)          to be shown, with the last values
    form = input_form(schema, present, request.POST); form.is_valid(); form.native()

It reads what each field says; whether the whole fits is decided where every door asks (`jobs.payloads`), and `take`
puts that answer to the fields it is about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.utils.datastructures import MultiValueDict

from errors.console.fields import StrictJSONField

Schema = Mapping[str, Any]
PREFIX = "value-"
MORE, FILES, WHOLE = "more", "files", "whole"
_ROWS = {"array": 3, "object": 5}


class InputForm(forms.Form):
    """The values of an interface by name; what is left empty is not given, and the type's own default holds."""

    def __init__(
        self, schema: Schema, present: Mapping[str, Any], data: MultiValueDict[str, Any] | None = None
    ) -> None:
        super().__init__(data)
        self._names: list[str] = []
        self._is_whole = (not schema.get("properties") and not schema.get("x-files")) or bool(
            present.keys() & {"args", "kwargs"}
        )
        if self._is_whole:
            self.fields[WHOLE] = StrictJSONField(
                rows=8, required=False, label="Input", initial=dict(present), help_text="The whole input, as JSON."
            )
            return
        values = dict(present.get("json") or {})
        required = set(schema.get("required") or ())
        for name in _ordered(schema):
            self._names.append(name)
            self.fields[PREFIX + name] = _field(
                name, schema["properties"][name], name in required, values.pop(name, None)
            )
        if schema.get("additionalProperties", True) is not False or values:
            self.fields[MORE] = StrictJSONField(
                required=False, label="Further values", initial=values or None, help_text="By their names, as JSON."
            )
        files = present.get("files") or {}
        if (schema.get("x-files") or {}).get("properties") or files:
            named = ", ".join((schema.get("x-files") or {}).get("properties") or ())
            self.fields[FILES] = StrictJSONField(
                required=False, label="Files", initial=files or None, help_text=f"Lists of files by name: {named}."
            )

    def native(self) -> dict[str, Any]:
        """The input, once the form is valid: ``{"json": {…}, "files": {…}}``, or what was written whole."""
        if self._is_whole:
            return self.cleaned_data[WHOLE] or {}
        given = {name: self.cleaned_data[PREFIX + name] for name in self._names}
        values = {name: value for name, value in given.items() if value not in (None, "")}
        more = self.cleaned_data.get(MORE)
        made = {"json": {**(more if isinstance(more, dict) else {}), **values}}
        if self.cleaned_data.get(FILES):
            made["files"] = self.cleaned_data[FILES]
        return made

    def take(self, problems: Iterable[tuple[str, str]]) -> None:
        """Show each problem, a path such as ``input.json.size`` with its message, at the field that it is about."""
        for path, message in problems:
            for part in path.replace("[", ".").split("."):
                if PREFIX + part in self.fields or part in self.fields:
                    self.add_error(PREFIX + part if PREFIX + part in self.fields else part, message)
                    break
            else:
                self.add_error(None, f"{path}: {message}" if path else message)


def input_form(schema: Schema, present: Mapping[str, Any], data: Any = None) -> InputForm:
    return InputForm(schema or {}, present or {}, data)


def _ordered(schema: Schema) -> Sequence[str]:
    properties = schema.get("properties") or {}
    order = [name for name in schema.get("x-order") or () if name in properties]
    return [*order, *(name for name in properties if name not in order)]


def _field(name: str, one: Schema, is_required: bool, present: Any) -> forms.Field:
    """The field of a value; what has no simple form is written as JSON."""
    kind, kinds = one.get("type"), one.get("type")
    if isinstance(kinds, list):
        plain = [each for each in kinds if each != "null"]
        kind = plain[0] if len(plain) == 1 else None
    default = one.get("default")
    told = [str(one.get("description") or ""), f"Default: {json.dumps(default)}." if "default" in one else ""]
    initial = default if present is None else present
    common: dict[str, Any] = {
        "label": name,
        "required": is_required and "default" not in one,
        "initial": initial,
        "help_text": " ".join(text for text in told if text),
    }
    if one.get("writeOnly"):
        return forms.CharField(widget=forms.PasswordInput(render_value=True), strip=False, **common)
    if isinstance(one.get("enum"), list) and all(isinstance(value, str) for value in one["enum"]):
        blank = [] if common["required"] else [("", "-")]
        return forms.ChoiceField(choices=[*blank, *((value, value) for value in one["enum"])], **common)
    match kind:
        case "boolean":
            options = [("", "-"), ("true", "true"), ("false", "false")]
            words = str(initial).lower() if isinstance(initial, bool) else ""
            return forms.TypedChoiceField(
                choices=options[common["required"] and initial is not None :],
                coerce=lambda text: text == "true",
                empty_value=None,
                **{**common, "initial": words},
            )
        case "integer":
            return forms.IntegerField(min_value=one.get("minimum"), max_value=one.get("maximum"), **common)
        case "number":
            return forms.FloatField(**common)
        case "string" if not isinstance(initial, (dict, list)):
            long = isinstance(initial, str) and ("\n" in initial or len(initial) > 80)
            widget = forms.Textarea(attrs={"rows": 4, "cols": 60}) if long else forms.TextInput(attrs={"size": 50})
            return forms.CharField(strip=False, widget=widget, **common)
    return StrictJSONField(rows=_ROWS.get(str(kind), 2), **common)
