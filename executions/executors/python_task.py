"""The task executor: calls a registered Python function in a process of its own.

The process is a fork of one that has imported everything, so a call costs milliseconds; it can be killed, timed out and
limited like any command, and what it does to itself ends with it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from executions.executors import endings, environment
from executions.executors.base import Context, Executor, Outcome, WorkOrder
from jobtypes import registry, signature

TARGET = f"{__name__}:perform"
MAX_VALUE = 256 * 1024  # characters of JSON that are kept of a return value
_MAX_TEXT = 10_000  # characters kept of a value that JSON cannot hold


class PythonTaskExecutor(Executor):
    """Calls the Python function that is registered under the job type's name; returning is success, raising failure."""

    name: ClassVar[str] = "task"
    title: ClassVar[str] = "Python task"
    description: ClassVar[str] = "Calls a registered Python function in a process of its own."
    configuration_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "task": {
                "title": "Task",
                "description": "Name of the registered function; unset: the job type's.",
                "type": "string",
                "maxLength": 250,
            }
        },
    }

    def run(self, order: WorkOrder, context: Context) -> Outcome:
        """Call the task to its end. Its return value is the output ``result``."""
        task = str(order.configuration.get("task") or order.job_type)
        given = dict(order.input)
        try:
            signature.arguments(registry.find(task).function, given)
        except registry.UnknownTask as error:
            return Outcome.failed("task-launch", str(error))
        except (TypeError, ValueError) as error:
            return Outcome.failed("invalid-input", f"The input does not fit: {error}")
        env = environment.standing() | environment.identity(order)
        result = context.call(TARGET, {"task": task, "given": given}, env=env, limits=order.limits)
        outcome = endings.outcome(result)
        if outcome.ok:
            outcome.outputs = {"json": {"result": result.value}}
        return outcome


def perform(task: str, given: dict[str, Any]) -> Any:
    """Call the registered function `task` with the input `given`; runs in the forked process.

    Returns what JSON can hold of its value.
    """
    function = registry.find(task).function
    args, kwargs = signature.arguments(function, given)
    return storable(function(*args, **kwargs))


def storable(value: Any) -> Any:
    """`value`, if it is JSON that a database takes and of a fair size; else its text."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
        if len(text) <= MAX_VALUE and "\\u0000" not in text:
            return json.loads(text)
    except (TypeError, ValueError, RecursionError):
        pass
    return repr(value)[:_MAX_TEXT].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
