"""Rows as CSV or JSON, streamed: whatever their number, only a few hundred are held at once."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.http import StreamingHttpResponse

FORMATS = {"csv": "text/csv; charset=utf-8", "json": "application/json"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def cell(value: Any) -> Any:
    """`value` as a cell of CSV: no spreadsheet reads it as a formula."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    text = value if isinstance(value, str) else json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    return f"'{text}" if text.startswith(_FORMULA) else text


def as_csv(names: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    names = list(names)
    yield writer.writerow(names)
    for row in rows:
        yield writer.writerow([cell(row[name]) for name in names])


def as_json(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """An array of objects, one to a line."""
    begin = "[\n"
    for row in rows:
        yield begin + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False)
        begin = ",\n"
    yield "[]\n" if begin == "[\n" else "\n]\n"


def answer(kind: str, file_name: str, names: Iterable[str], rows: Iterable[Mapping[str, Any]]) -> StreamingHttpResponse:
    """A download of `rows`. `kind` is a key of FORMATS; `file_name` is a word of ours, without its ending."""
    lines = as_csv(names, rows) if kind == "csv" else as_json(rows)
    response = StreamingHttpResponse((line.encode(errors="replace") for line in lines), content_type=FORMATS[kind])
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}.{kind}"'
    return response
