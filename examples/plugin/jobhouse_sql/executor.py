"""The sql executor: runs one statement in a SQLite file and counts the rows."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any, ClassVar

from executions.executors import endings, environment
from executions.executors.base import Context, Executor, Outcome, WorkOrder


class SqlExecutor(Executor):
    """Runs a statement; its rows are the output, their number is the result."""

    name: ClassVar[str] = "sql"
    title: ClassVar[str] = "SQL statement"
    description: ClassVar[str] = "Runs one statement in a SQLite file."
    configuration_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["file", "statement"],
        "additionalProperties": False,
        "properties": {
            "file": {"title": "Database file", "type": "string", "pattern": "^/"},
            "statement": {"title": "Statement", "type": "string", "minLength": 1},
        },
    }

    def run(self, order: WorkOrder, context: Context) -> Outcome:
        result = context.call(
            "jobhouse_sql.executor:perform",
            {**order.configuration, "values": order.input.get("json") or {}},
            env=environment.standing() | environment.identity(order),
            limits=order.limits,
        )
        outcome = endings.outcome(result)
        if outcome.ok:
            outcome.message = f"{result.value} rows"
            outcome.outputs = {"json": {"rows": result.value}}
        return outcome


def perform(file: str, statement: str, values: dict[str, Any]) -> int:
    """Runs in a process of its own; what it prints is the output, what it raises the failure."""
    with sqlite3.connect(f"file:{file}?mode=rw", uri=True) as connection:
        rows = connection.execute(statement, values).fetchall()
    for row in rows:
        print(*row, sep="\t")
    return len(rows)
