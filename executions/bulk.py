"""Many rows in one statement, where the ORM would send one a row: the same SQL on PostgreSQL and SQLite.

The rows travel as one JSON text, which the database takes apart. So a statement has the same text and two or three
parameters whatever the number of its rows; writing a parameter for every value cost four times as much.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connections, models, router

_Model = type[models.Model]


def allocate_ids(model: _Model, count: int) -> list[int]:
    """Reserve `count` primary keys, ascending; needed where a row's key is part of the row (an execution's `group`).

    On SQLite the caller must hold the write lock until it has inserted the rows: inside an (immediate) transaction.
    """
    connection = connections[router.db_for_write(model)]
    table = model._meta.db_table
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(
                "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)", [table, count]
            )
            return sorted(row[0] for row in cursor.fetchall())
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
        row = cursor.fetchone()
        last = row[0] if row else 0
        return list(range(last + 1, last + count + 1))


def insert_each(model: _Model, fields: Sequence[str], rows: Iterable[Sequence[Any]], *, again: bool = False) -> None:
    """Insert rows that state only `fields` (model field names); the rest comes from the columns' defaults in the
    database.

    With `again` a row that stands there already, by a unique key, is left as it is. Values are texts, numbers,
    booleans, datetimes and None.
    """
    rows = list(rows)
    if not rows:
        return
    alias = router.db_for_write(model)
    connection = connections[alias]
    names = ", ".join(_names(model, tuple(fields), alias))
    into = f"INSERT INTO {connection.ops.quote_name(model._meta.db_table)} ({names})"
    conflict = " ON CONFLICT DO NOTHING" if again else ""
    with connection.cursor() as cursor:
        if len(rows) == 1:  # as every submission makes one: values that stand in the statement are planned sooner
            columns: list[Any] = [model._meta.get_field(name) for name in fields]
            values = [field.get_db_prep_save(value, connection) for field, value in zip(columns, rows[0], strict=True)]
            cursor.execute(f"{into} VALUES ({places(values)}){conflict}", values)
        else:
            source = _source(model, tuple(fields), alias)
            cursor.execute(f"WITH {source} {into} SELECT {names} FROM v WHERE true{conflict}", [_written(rows, alias)])


def insert_selected(model: _Model, fixed: Mapping[str, Any], field: str, found: models.QuerySet[Any]) -> int:
    """Insert a row for each row of `found`, with its key in `field` and the same `fixed` values; return how many.

    One statement, whatever their number: the keys do not leave the database.
    """
    alias = router.db_for_write(model)
    connection = connections[alias]
    names = ", ".join(_names(model, (*fixed, field), alias))
    try:
        selected, parameters = found.using(alias).values("pk").query.sql_with_params()
    except EmptyResultSet:  # Django knows without asking that there are none
        return 0
    sql = f"INSERT INTO {connection.ops.quote_name(model._meta.db_table)} ({names}) "
    with connection.cursor() as cursor:
        cursor.execute(
            f"{sql} SELECT {places(fixed)}, found.* FROM ({selected}) AS found", [*fixed.values(), *parameters]
        )
        return int(cursor.rowcount)


def update_each(
    model: _Model,
    fields: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    where: str = "",
    parameters: Sequence[Any] = (),
    expressions: Mapping[str, str] | None = None,
    always: Mapping[str, str] | None = None,
) -> list[Any]:
    """Give each row its own values; return the keys of the rows that were changed.

    Every row of `rows` is a primary key followed by one value for each of `fields` (model field names). `where` is an
    SQL condition on ``t`` (the table) and ``v`` (the values) which a row must meet to be changed. `expressions` says
    how a field's new value comes from ``t`` and ``v`` where it is not simply v's: ``{"success_count": "t.success_count
    + v.success_count"}``; `always` sets further columns to an SQL expression. Values are texts, numbers, booleans,
    datetimes and None.
    """
    alias = router.db_for_write(model)
    rows = list(rows)
    if not rows:
        return []
    meta = model._meta
    assert meta.pk is not None
    all_fields = (meta.pk.name, *fields)
    key, *names = _names(model, all_fields, alias)
    given = expressions or {}
    settings = [f"{name} = {given.get(field, f'v.{name}')}" for field, name in zip(fields, names, strict=True)]
    fixed = always or {}
    settings += [
        f"{name} = {sql}" for name, sql in zip(_names(model, tuple(fixed), alias), fixed.values(), strict=True)
    ]
    connection = connections[alias]
    returned = f"t.{key}" if connection.vendor == "postgresql" else key
    sql = (
        f"WITH {_source(model, all_fields, alias)} "
        f"UPDATE {connection.ops.quote_name(meta.db_table)} AS t SET {', '.join(settings)} FROM v "
        f"WHERE t.{key} = v.{key}{' AND ' + where if where else ''} RETURNING {returned}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [_written(rows, alias), *parameters])
        return [row[0] for row in cursor.fetchall()]


def places(values: Collection[object]) -> str:
    """What stands in an SQL ``IN (…)`` for `values`, of which there may be none."""
    return ", ".join(["%s"] * len(values)) or "NULL"


@cache
def _names(model: _Model, fields: tuple[str, ...], alias: str) -> list[str]:
    quote = connections[alias].ops.quote_name
    columns: list[Any] = [model._meta.get_field(name) for name in fields]
    return [quote(column.column) for column in columns]


@cache
def _source(model: _Model, fields: tuple[str, ...], alias: str) -> str:
    """``v``, the rows in their columns' types, for a WITH; its one parameter is what `_written` makes of them."""
    connection = connections[alias]
    names = _names(model, fields, alias)
    if connection.vendor == "postgresql":
        columns: list[Any] = [model._meta.get_field(name) for name in fields]
        # Without a length: a text that is too long is refused by the column, where a cast would cut it.
        types = [column.db_type(connection).partition("(")[0] for column in columns]
        places = [f"(r->>{place})::{of_type}" for place, of_type in enumerate(types)]
        return f"v({', '.join(names)}) AS (SELECT {', '.join(places)} FROM json_array_elements(%s::json) AS r)"
    places = [f"json_extract(value, '$[{place}]')" for place in range(len(names))]
    return f"v({', '.join(names)}) AS (SELECT {', '.join(places)} FROM json_each(%s))"


def _written(rows: Sequence[Sequence[Any]], alias: str) -> str:
    adapt = connections[alias].ops.adapt_datetimefield_value

    def moment(value: Any) -> str:
        if isinstance(value, datetime):
            return str(adapt(value))
        raise TypeError(f"{value!r} is none of the values that are stored in bulk")

    return json.dumps(rows, default=moment, ensure_ascii=False, separators=(",", ":"))
