"""Every operation of every door, called with what its own OpenAPI schema allows and with what it does not.

Nothing may be answered with a 5xx, with a status that the schema does not name, or with a body that does not match it.
The examples are the same in every run; FUZZ_EXAMPLES says how many there are of each operation, and FUZZ_SEED other
than 0 draws others:

    FUZZ_EXAMPLES=500 pytest tests/contracts/test_fuzz.py -k executions
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections, connection, transaction
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from config.access import tokens
from errors.models import Error
from executions.api import throttle
from executions.engine import bulk_actions
from executions.states import Status
from jobtypes import workspaces
from tests.builders import NOON, a_job, a_job_type, a_user, an_execution

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "16"))
SEED = int(os.environ.get("FUZZ_SEED", "0"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
GROUPS = {
    "jobs": ("/v6/jobs", "/v6/schedules"),
    "executions": ("/v6/executions", "/v6/bulk", "/v6/failures"),
    "job-types": ("/v6/job-type", "/v6/errors", "/v6/workspaces"),
    "house": ("/v6/", "/metrics", "/debug"),
    "dkron": ("/v1/",),
    "udata": ("/api/1/",),
    "adverity": ("/api/jobs", "/api/datastreams", "/api/errors"),
    "taipy": ("/api/v1/",),
}
"""Which operations a test calls: those whose path begins so, and with none of an earlier group."""


@pytest.fixture(scope="module")
def schema() -> Any:
    said = OpenApiJsonRenderer().render(SchemaGenerator().get_schema(public=True), renderer_context={})
    loaded = schemathesis.openapi.from_dict(json.loads(said))
    loaded.app = get_wsgi_application()
    return loaded


@pytest.fixture
def known(db, monkeypatch, settings) -> dict[str, list[Any]]:
    """Things that are there, by the names of the parameters that name them; random words would find none of them."""
    monkeypatch.setattr(throttle.RunsByHand, "limit", 1_000_000)
    monkeypatch.setattr(bulk_actions, "AT_ONCE", 10)
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    job = a_job("nightly", schedule="@daily", tags={"role": "web:2"}, metadata={"team": "sea"})
    kind = a_job_type("render")
    runs = [
        an_execution(job, status=Status.COMPLETED, output="one\ntwo\n", outputs={"json": {"result": 1}}),
        an_execution(job, status=Status.FAILED, exception="ValueError", traceback="Traceback …"),
        an_execution(job, status=Status.RUNNING),
        an_execution(job),
    ]
    error = Error.objects.create(name="bad-tile", job_type_name=kind.name, category="DATA")
    space = workspaces.create("Raw", {"broker": {"type": "host", "host_path": "/data"}}, now=NOON)
    ids = [*(run.pk for run in runs), job.pk, error.pk, space.pk]
    return {
        "name": [job.name, kind.name],
        "version": [kind.version],
        "revision_num": [1],
        "id": ids,
        "job_id": ids,
        "execution": ids,
        "file": [1],
    }


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """As with Django's test client, a request leaves the test's own database connection open."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def headers(db) -> dict[str, str]:
    return {"Authorization": f"Token {tokens.create(a_user('superuser', 'root'))[1]}"}


def group_of(path: str) -> str | None:
    return next((name for name, openings in GROUPS.items() if path.startswith(openings)), None)


def operations(schema: Any, group: str) -> Iterator[Any]:
    for result in schema.get_all_operations():
        if group_of(result.ok().path) == group:
            yield result.ok()


def test_every_operation_is_in_a_group(schema):
    assert [path for path in schema.raw_schema["paths"] if group_of(path) is None] == []


@pytest.mark.parametrize("group", GROUPS)
def test_whatever_is_sent_the_answer_is_as_the_schema_says(group, schema, known, headers):
    wrong = []
    for operation in operations(schema, group):
        try:
            _fuzz(operation, known, headers)
        except (Exception, BaseExceptionGroup) as failure:  # noqa: BLE001 -- it is told with all others
            wrong.append(f"{operation.label}: {_told(failure)}")

    assert not wrong, "\n\n".join(wrong)


def _fuzz(operation: Any, known: dict[str, list[Any]], headers: dict[str, str]) -> None:
    cases = st.one_of(
        operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
        *([operation.as_strategy(generation_mode=GenerationMode.NEGATIVE)] if _can_be_wrong(operation) else []),
    )
    names = [parameter.name for parameter in operation.path_parameters]
    there = st.fixed_dictionaries({name: st.sampled_from(known[name]) for name in names if name in known})

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        derandomize=not SEED,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, found=st.one_of(st.none(), there))
    def once(case: Any, found: dict[str, Any] | None) -> None:
        if found:
            case.path_parameters = {**(case.path_parameters or {}), **found}
        with _undone():
            response = case.call(headers={**(case.headers or {}), **headers})
        case.validate_response(response, checks=CHECKS)

    once()


def _can_be_wrong(operation: Any) -> bool:
    return bool(operation.body or operation.query or operation.path_parameters)


class _undone:
    """Whatever is changed within is undone, also where the database refused something."""

    def __enter__(self) -> None:
        self.point = transaction.savepoint()

    def __exit__(self, *_: object) -> None:
        connection.needs_rollback = False
        transaction.savepoint_rollback(self.point)


def _told(failure: BaseException) -> str:
    inner = getattr(failure, "exceptions", None)
    return "\n".join(_told(one) for one in inner) if inner else f"{type(failure).__name__}: {failure}"
