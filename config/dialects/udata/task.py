"""How a run stands, in Celery's words: under the id of its first execution, with the state of its latest try."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from config.dialects import runs
from errors.models import Error
from executions.models import Execution, ExecutionResult
from executions.states import WAITING, Reason, Status

STATES: Mapping[Status, str] = {
    Status.PENDING: "PENDING",
    Status.BLOCKED: "PENDING",
    Status.QUEUED: "PENDING",
    Status.RUNNING: "STARTED",
    Status.COMPLETED: "SUCCESS",
    Status.FAILED: "FAILURE",
    Status.CANCELED: "REVOKED",
}
UNKNOWN = "PENDING"
"""Celery cannot tell an id that it never heard of from one that waits."""
RETRY = "RETRY"
ALL_STATES = ("PENDING", "RECEIVED", "STARTED", "RETRY", "SUCCESS", "FAILURE", "REVOKED")

CLASSES: Mapping[str, str] = {
    "timeout": "billiard.exceptions.TimeLimitExceeded",
    "system-timeout": "billiard.exceptions.TimeLimitExceeded",
    "worker-lost": "billiard.exceptions.WorkerLostError",
    "node-lost": "billiard.exceptions.WorkerLostError",
    "poison": "billiard.exceptions.WorkerLostError",
    "out-of-memory": "builtins.MemoryError",
    "invalid-input": "django.core.exceptions.ValidationError",
}
"""What Celery would have raised for an error of the house's, by the error's name."""
OF_CATEGORY: Mapping[str, str] = {
    Error.Category.SYSTEM: "builtins.RuntimeError",
    Error.Category.ALGORITHM: "subprocess.CalledProcessError",
    Error.Category.DATA: "django.core.exceptions.ValidationError",
}
_REVOKED = "celery.exceptions.TaskRevokedError"


class Failure(NamedTuple):
    exc: str
    result: str
    traceback: str | None


def status(said: str) -> dict[str, Any]:
    """The status of the run with the id `said`; any text has one."""
    shown: dict[str, Any] = {"id": said, "status": UNKNOWN, "result": None, "exc": None, "traceback": None}
    execution = _latest(said)
    if execution is None:
        return shown
    shown["status"] = STATES[Status(execution.status)]
    failure: Failure | None = None
    match execution.status:
        case Status.COMPLETED:
            shown["result"] = value_of(execution)
        case Status.FAILED:
            failure = failure_of(execution)
        case Status.CANCELED:
            failure = revocation_of(execution)
        case _ if execution.status in WAITING and (failed := _failed_before(execution)):
            shown["status"], failure = RETRY, failure_of(failed)
    return shown | (failure._asdict() if failure else {})


def _latest(said: str) -> Execution | None:
    """The latest try of the run with that id, or of the run to which the try with that id belongs."""
    key = runs.number(said)
    group = None if key is None else Execution.objects.filter(pk=key).values_list("group", flat=True).first()
    wide = Execution.objects.select_related("result", "error")
    run = None if group is None else runs.one(group, wide)
    return run.latest if run else None


def _failed_before(execution: Execution) -> Execution | None:
    """The failed try that `execution` repeats; None for a first try, and where the one before was handed back."""
    if execution.attempt == 1:
        return None
    before = Execution.objects.select_related("result", "error").filter(
        group=execution.group, slot=execution.slot, attempt=execution.attempt - 1
    )
    return before.filter(status=Status.FAILED).first()


# --- Pure -------------------------------------------------------------------------------------------------------------
def value_of(execution: Execution) -> str | None:
    """The value of a success as Python's text; None where there is none."""
    result = _result(execution)
    values = result.outputs.get("json") if result else None
    if not isinstance(values, dict):
        return None
    value = values.get("result") if set(values) <= {"result"} else values
    return None if value is None else str(value)


def failure_of(execution: Execution) -> Failure:
    """What was raised, or what Celery would have raised."""
    result, error = _result(execution), execution.error
    if result and result.exception:
        return Failure(result.exception, _repr(result.exception, execution.message), result.traceback or None)
    name, category = (error.name, error.category) if error else ("", Error.Category.SYSTEM)
    exc = CLASSES.get(name) or OF_CATEGORY[category]
    if category == Error.Category.DATA:
        return Failure(exc, execution.message, None)
    return Failure(exc, _repr(exc, execution.message), None)


def revocation_of(execution: Execution) -> Failure:
    """Why it was canceled, as far as Celery knows reasons."""
    if execution.reason == Reason.EXPIRED:
        return Failure(_REVOKED, _repr(_REVOKED, "expired"), None)
    return Failure(_REVOKED, _repr(_REVOKED, "terminated" if execution.started else "revoked"), None)


def _repr(exc: str, message: str) -> str:
    """The exception as Python shows it: `ValueError('broken')`."""
    kind = exc.rpartition(".")[2]
    said = "" if message == kind else message.removeprefix(f"{kind}: ")
    if not said:
        return f"{kind}()"
    return f"{kind}({said})" if kind == "KeyError" else f"{kind}({said!r})"


def _result(execution: Execution) -> ExecutionResult | None:
    return getattr(execution, "result", None)
