"""How runs stand, in Celery's words."""

from __future__ import annotations

from typing import Any

import pytest

from errors.models import Error
from executions.models import Execution
from executions.states import Reason, Status, Trigger
from tests.builders import NOON, a_job, an_execution
from tests.dialects.udata.asking import BASE, an_admin

pytestmark = pytest.mark.django_db

NOTHING = {"result": None, "exc": None, "traceback": None}
TRACE = "Traceback (most recent call last):\n  ...\nValueError: broken\n"


def told(execution: Execution | str) -> dict[str, Any]:
    said = execution if isinstance(execution, str) else str(execution.pk)
    answer = an_admin().get(f"{BASE}/tasks/{said}")
    assert answer.status_code == 200
    return answer.json()


def failed(error: str, message: str = "", **fields: Any) -> Execution:
    return an_execution(status=Status.FAILED, error=Error.objects.get(name=error), message=message, **fields)


@pytest.mark.parametrize(
    "id", ["999999", "nonsense", "0", "-1", "9" * 40, "0f8fad5b-d9cb-469f-a165-70867728950e", "é", "1.5", "\u0661"]
)
def test_any_id_that_the_house_does_not_know_is_pending(id):
    assert told(id) == {"id": id, "status": "PENDING", **NOTHING}


@pytest.mark.parametrize(
    ("status", "word"),
    [
        (Status.PENDING, "PENDING"),
        (Status.BLOCKED, "PENDING"),
        (Status.QUEUED, "PENDING"),
        (Status.RUNNING, "STARTED"),
        (Status.COMPLETED, "SUCCESS"),
    ],
)
def test_what_has_not_failed_has_a_state_and_no_exception(status, word):
    execution = an_execution(status=status)

    assert told(execution) == {"id": str(execution.pk), "status": word, **NOTHING}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("done", "done"),
        (3, "3"),
        (True, "True"),
        ({"a": 1}, "{'a': 1}"),
        ([1, "b", None], "[1, 'b', None]"),
    ],
)
def test_a_result_is_pythons_text_of_it(value, text):
    execution = an_execution(status=Status.COMPLETED, outputs={"json": {"result": value}})

    assert told(execution)["result"] == text


def test_the_outputs_of_an_image_are_the_text_of_all_of_them():
    execution = an_execution(status=Status.COMPLETED, outputs={"json": {"words": 7, "lines": 2}, "files": {}})

    assert told(execution)["result"] in ("{'words': 7, 'lines': 2}", "{'lines': 2, 'words': 7}")


def test_an_exception_is_told_with_class_text_and_traceback():
    execution = failed("algorithm-unknown", "ValueError: broken", exception="builtins.ValueError", traceback=TRACE)

    assert told(execution) == {
        "id": str(execution.pk),
        "status": "FAILURE",
        "result": "ValueError('broken')",
        "exc": "builtins.ValueError",
        "traceback": TRACE,
    }


@pytest.mark.parametrize(
    ("message", "exception", "text"),
    [
        ("KeyError: 'missing'", "builtins.KeyError", "KeyError('missing')"),
        ("StopIteration", "builtins.StopIteration", "StopIteration()"),
        ('Refused: it\'s "so"', "site.errors.Refused", "Refused('it\\'s \"so\"')"),
    ],
)
def test_exceptions_look_as_python_shows_them(message, exception, text):
    assert told(failed("algorithm-unknown", message, exception=exception))["result"] == text


@pytest.mark.parametrize(
    ("error", "exc"),
    [
        ("timeout", "billiard.exceptions.TimeLimitExceeded"),
        ("worker-lost", "billiard.exceptions.WorkerLostError"),
        ("poison", "billiard.exceptions.WorkerLostError"),
        ("out-of-memory", "builtins.MemoryError"),
        ("database", "builtins.RuntimeError"),
        ("algorithm-unknown", "subprocess.CalledProcessError"),
    ],
)
def test_what_the_house_found_is_told_by_the_class_that_celery_would_have_raised(error, exc):
    seen = told(failed(error, "It went wrong."))

    assert (seen["status"], seen["exc"], seen["traceback"]) == ("FAILURE", exc, None)
    assert seen["result"] == f"{exc.rpartition('.')[2]}('It went wrong.')"


def test_refused_input_is_a_validation_error_whose_result_is_the_message():
    seen = told(failed("invalid-input", "The input is refused: input.json.day: is required"))

    assert seen["exc"] == "django.core.exceptions.ValidationError"
    assert seen["result"] == "The input is refused: input.json.day: is required"


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"reason": Reason.USER}, "revoked"),
        ({"reason": Reason.UPSTREAM}, "revoked"),
        ({"reason": Reason.USER, "started": NOON}, "terminated"),
        ({"reason": Reason.EXPIRED}, "expired"),
    ],
)
def test_a_canceled_run_is_revoked(fields, why):
    seen = told(an_execution(status=Status.CANCELED, **fields))

    assert seen == seen | {
        "status": "REVOKED",
        "exc": "celery.exceptions.TaskRevokedError",
        "result": f"TaskRevokedError('{why}')",
        "traceback": None,
    }


def test_a_run_that_waits_for_its_next_try_is_a_retry_with_what_made_it_one():
    first = failed("algorithm-unknown", "ValueError: broken", exception="builtins.ValueError", traceback=TRACE)
    second = an_execution(of=first, status=Status.PENDING)

    for execution in (first, second):
        seen = told(execution)
        assert (seen["id"], seen["status"]) == (str(execution.pk), "RETRY")
        assert (seen["result"], seen["exc"], seen["traceback"]) == (
            "ValueError('broken')",
            "builtins.ValueError",
            TRACE,
        )


def test_a_run_that_is_tried_again_is_started_and_then_a_success():
    first = failed("filesystem-io")
    second = an_execution(of=first, status=Status.RUNNING)

    assert told(first) == {"id": str(first.pk), "status": "STARTED", **NOTHING}
    Execution.objects.filter(pk=second.pk).update(status=Status.COMPLETED, ended=NOON, lease_until=None)
    assert told(first)["status"] == "SUCCESS"


def test_a_run_that_was_handed_back_waits_without_an_exception():
    first = an_execution(status=Status.CANCELED, reason=Reason.SYSTEM)
    an_execution(of=first, status=Status.QUEUED)

    assert told(first) == {"id": str(first.pk), "status": "PENDING", **NOTHING}


def test_of_a_run_on_several_workers_the_part_that_is_worst_off_tells():
    job = a_job()
    first = an_execution(job, status=Status.COMPLETED)
    parts = {"group": first.pk, "origin": first.pk, "trigger": Trigger.MANUAL}
    other = an_execution(job, status=Status.RUNNING)
    Execution.objects.filter(pk=other.pk).update(slot=1, **parts)

    assert told(first)["status"] == "STARTED"
    Execution.objects.filter(pk=other.pk).update(status=Status.FAILED, ended=NOON, lease_until=None)
    assert told(first)["status"] == "FAILURE"


def test_the_slash_at_the_end_makes_no_difference():
    execution = an_execution(status=Status.COMPLETED)
    client = an_admin()

    assert client.get(f"{BASE}/tasks/{execution.pk}/").json() == client.get(f"{BASE}/tasks/{execution.pk}").json()
