"""Query parameters become a filtered queryset, as Scale reads them (its section 1.5); unknown ones are ignored.

    class ErrorFilters(ScaleFilterSet):
        is_builtin = Flag()
        name = Text()
        started = Since("last_modified")
        ended = Until("last_modified")
        ranges = (("started", "ended"),)

The view names it as `filterset_class`; FieldOrdering, the second backend of every list, orders by `ordering_fields`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import django_filters
from django import forms
from django.db.models import BooleanField, Expression, F, Func, Q, QuerySet, TextField, Value
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from django_filters.constants import EMPTY_VALUES
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.contrib.django_filters import DjangoFilterExtension
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.views import APIView

from errors.api import values
from errors.api.ordering import FieldOrdering

__all__ = [
    "FieldOrdering",
    "Flag",
    "IsNull",
    "Keyword",
    "LabelIs",
    "Moment",
    "Number",
    "Numbers",
    "ScaleFilter",
    "ScaleFilterBackend",
    "ScaleFilterSet",
    "Since",
    "Text",
    "Texts",
    "Until",
]

MAX_KEYWORD = 200
MAX_KEYWORDS = 20
MAX_VALUES = 500
"""How often one parameter may be repeated."""


class _Parameter(forms.Field):
    """One query parameter. A value that `parse` cannot read is a 400 in Scale's words, which name the parameter."""

    widget = forms.TextInput
    parameter = ""  # told by the form it stands in

    def __init__(self, *, parse: Callable[[str], Any], refusal: str, blank: bool, most: int, **kwargs: Any) -> None:
        self.parse, self.refusal, self.blank, self.most = parse, refusal, blank, most
        super().__init__(**kwargs)

    def clean(self, value: str | list[str] | None) -> Any:
        if isinstance(value, list):
            if len(value) > self.most:
                raise forms.ValidationError(f'Parameter may be repeated {self.most} times at most: "{self.parameter}"')
            return [self._read(each) for each in value if each or not self.blank]
        return None if value is None or (value == "" and self.blank) else self._read(value)

    def _read(self, text: str) -> Any:
        try:
            return self.parse(text)
        except ValueError:
            raise forms.ValidationError(self.refusal.format(self.parameter)) from None


class _Repeated(forms.TextInput):
    """Every value of a parameter that is repeated; of others the last one counts."""

    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        return data.getlist(name) if isinstance(data, MultiValueDict) else data.get(name)


class ScaleFilter(django_filters.Filter):
    """A filter by one parameter; `schema` is how OpenAPI describes it."""

    field_class = _Parameter
    parse: Callable[[str], Any] = staticmethod(str)
    refusal = 'Parameter is not valid: "{}"'
    blank = True
    """Whether an empty value means the same as none."""
    repeats = False
    most = MAX_VALUES
    schema: Mapping[str, Any] = {"type": "string"}

    def __init__(self, field_name: str | None = None, lookup_expr: str = "exact", **kwargs: Any) -> None:
        self.description = kwargs.pop("description", "")
        super().__init__(
            field_name=field_name,
            lookup_expr="in" if self.repeats else lookup_expr,
            parse=self.parse,
            refusal=self.refusal,
            blank=self.blank,
            most=self.most,
            **({"widget": _Repeated} if self.repeats else {}),
            **kwargs,
        )


class Flag(ScaleFilter):
    """A boolean."""

    parse = staticmethod(values.boolean)
    refusal = 'Parameter must be a valid boolean: "{}"'
    blank = False
    schema = {"type": "boolean"}


class IsNull(Flag):
    """A boolean that asks whether a column is empty; `inverted` asks whether it is not."""

    def __init__(self, field_name: str, *, inverted: bool = False, **kwargs: Any) -> None:
        self.inverted = inverted
        super().__init__(field_name, "isnull", **kwargs)

    def filter(self, qs: QuerySet[Any], value: bool | None) -> QuerySet[Any]:
        return qs if value is None else super().filter(qs, value is not self.inverted)


class Number(ScaleFilter):
    """One integer."""

    parse = staticmethod(values.integer)
    refusal = 'Parameter must be a valid integer: "{}"'
    blank = False
    schema = {"type": "integer"}


class Numbers(Number):
    """Integers, one of which it must be."""

    repeats = True
    schema = {"type": "array", "items": {"type": "integer"}}


class Text(ScaleFilter):
    """One text, exactly."""


class Texts(Text):
    """Texts, one of which it must be exactly. One that is no known choice matches nothing."""

    repeats = True
    schema = {"type": "array", "items": {"type": "string"}}


class Keyword(Texts):
    """Words, one of which must stand in one of `fields`, whatever the case; read literally."""

    refusal = f'Parameter is longer than {MAX_KEYWORD} characters: "{{}}"'
    most = MAX_KEYWORDS

    def __init__(self, *fields: str, **kwargs: Any) -> None:
        self.fields = fields
        super().__init__(**kwargs)

    @staticmethod
    def parse(text: str) -> str:
        if len(text) > MAX_KEYWORD:
            raise ValueError(text)
        return text

    def filter(self, qs: QuerySet[Any], value: list[str]) -> QuerySet[Any]:
        wanted = Q()
        for word in value or ():
            for field in self.fields:
                wanted |= Q(**{f"{field}__icontains": word})
        return qs.filter(wanted)


class Moment(ScaleFilter):
    """A moment: an ISO date-time with its zone, or a duration before now."""

    refusal = "Invalid ISO timestamp format for parameter: {}"
    blank = False
    schema = {"type": "string"}

    def __init__(self, field_name: str | None = None, lookup_expr: str = "exact", **kwargs: Any) -> None:
        kwargs.setdefault("description", "A date-time with its zone, or a duration before now: P1D, PT3H.")
        super().__init__(field_name, lookup_expr, **kwargs)

    @staticmethod
    def parse(text: str) -> Any:
        return values.moment_or_ago(text, timezone.now())


class Since(Moment):
    """Not before this moment."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name, "gte", **kwargs)


class Until(Moment):
    """Not after this moment."""

    def __init__(self, field_name: str, **kwargs: Any) -> None:
        super().__init__(field_name, "lte", **kwargs)


class _Form(forms.Form):
    """Tells its fields what they are called, so that their messages can say it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.parameter = name  # type: ignore[attr-defined]  # all are _Parameter


class ScaleFilterSet(django_filters.FilterSet):
    """Filters of one list."""

    ranges: Iterable[tuple[str, str]] = ()
    """Pairs of moments of which the first must lie before the second; otherwise 400."""
    labels: Mapping[str, str] = {}
    """Parameters of the form `name[key]=value`, by the JSON field of texts that each looks into."""

    class Meta:
        form = _Form

    def is_valid(self) -> bool:
        if not super().is_valid():
            return False
        for first, second in self.ranges:
            start, end = self.form.cleaned_data.get(first), self.form.cleaned_data.get(second)
            if start and end and start >= end:
                self.form.add_error(first, f'Parameter must lie before "{second}": "{first}"')
        return not self.form.errors

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        for name, value in self.form.cleaned_data.items():
            if value not in EMPTY_VALUES:
                queryset = self.filters[name].filter(queryset, value)
        for parameter, field in self.labels.items():
            for key, value in self._given(parameter):
                queryset = queryset.filter(LabelIs(field, key, value))
        return queryset

    def _given(self, parameter: str) -> list[tuple[str, str]]:
        opening = f"{parameter}["
        return [
            (name[len(opening) : -1], self.data[name])
            for name in self.data
            if name.startswith(opening) and name.endswith("]")
        ][:50]


class LabelIs(Func):
    """Whether the JSON object in a field holds a text under a key; both are data, whatever characters they hold."""

    output_field = BooleanField()

    def __init__(self, field: Any, key: Any, value: Any) -> None:
        super().__init__(field if isinstance(field, Expression) else F(field), _text(key), _text(value))

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:
        template = "EXISTS(SELECT 1 FROM JSON_EACH(%s) WHERE key = %s AND value = %s)"
        return self._compile(compiler, template)

    def as_postgresql(self, compiler: Any, connection: Any, **extra: Any) -> tuple[str, tuple[Any, ...]]:
        return self._compile(compiler, "(%s ->> (%s)::text) = (%s)::text")

    def _compile(self, compiler: Any, template: str) -> tuple[str, tuple[Any, ...]]:
        compiled = [compiler.compile(part) for part in self.get_source_expressions()]
        return template % tuple(sql for sql, _ in compiled), tuple(value for _, given in compiled for value in given)


def _text(value: Any) -> Expression:
    return value if isinstance(value, Expression) else Value(value, output_field=TextField())


class ScaleFilterBackend(DjangoFilterBackend):
    """Applies the view's `filterset_class`; a parameter that cannot be read is a 400 whose `detail` names it."""

    def filter_queryset(self, request: Request, queryset: QuerySet[Any], view: APIView) -> QuerySet[Any]:
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise ValidationError({name: list(messages) for name, messages in filterset.errors.items()})
        filtered: QuerySet[Any] = filterset.qs
        return filtered


class ScaleFilterExtension(DjangoFilterExtension):
    """Describes each parameter by its filter's own `schema`."""

    target_class = "errors.api.filters.ScaleFilterBackend"
    match_subclasses = True
    priority = 1

    def get_schema_operation_parameters(self, auto_schema: Any, *args: Any, **kwargs: Any) -> list[dict[str, Any]]:
        filterset: type[ScaleFilterSet] | None = getattr(auto_schema.view, "filterset_class", None)
        if filterset is None:
            return []
        described = [_described(name, filter_) for name, filter_ in filterset.base_filters.items()]
        return described + [_label_described(name) for name in filterset.labels]


def _described(name: str, filter_: Any) -> dict[str, Any]:
    parameter = {"name": name, "in": "query", "required": False, "schema": dict(filter_.schema)}
    if filter_.description:
        parameter["description"] = filter_.description
    return parameter


def _label_described(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "style": "deepObject",
        "explode": True,
        "description": f"`{name}[key]=value`, any number of them.",
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    }
