"""Fields for the console's forms."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from rest_framework.exceptions import ParseError

from errors.api.parsers import StrictJSONParser


class StrictJSONField(forms.JSONField):
    """Any JSON value in several lines, within the limits of an API's body: what is too deep, too large, or holds text
    that no database takes, is refused in words.
    """

    def __init__(self, *, rows: int = 4, **options: Any) -> None:
        options.setdefault("encoder", DjangoJSONEncoder)
        options.setdefault("widget", forms.Textarea(attrs={"rows": rows, "cols": 60, "spellcheck": "false"}))
        super().__init__(**options)

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            try:
                StrictJSONParser().loads(value.encode(errors="replace"))
            except ParseError as refusal:
                raise ValidationError(f"Enter a valid JSON: {refusal.detail}") from None
        return super().to_python(value)

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was written, as it was written: reading it is the business of `to_python`."""
        return initial if self.disabled else data

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, str) and not isinstance(value, forms.fields.JSONString):
            return value
        return json.dumps(value, cls=self.encoder, indent=2, ensure_ascii=False)
