"""The `http` executor: one call to a URL, judged by status and body.

The call is made in a forked child (`perform`), so that it can be killed and so that a regular expression that never
ends hurts nobody. The answer's status line and body are the output of the run.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, BinaryIO, ClassVar

from django.conf import settings

from executions.executors import endings, environment, outbound
from executions.executors.addresses import Allowed
from executions.executors.base import Context, Executor, Outcome, WorkOrder
from executions.executors.http_request import NoValue, build

MARGIN = 5.0  # seconds for starting, judging and printing, on top of the time limit of the call itself
MAX_TIMEOUT = 3600  # seconds that one call may be given

_HEADERS = {
    "type": "object",
    "maxProperties": 100,
    "propertyNames": {"pattern": r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$"},
    "additionalProperties": {"type": "string", "maxLength": 8192},
}
_FILE: dict[str, Any] = {"type": "string", "pattern": "^/", "maxLength": 4096}
_STATUS = r"^[1-5](xx|[0-9]{2}(-[1-5][0-9]{2})?)$"
CONFIGURATION_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["url"],
    "additionalProperties": False,
    "properties": {
        "method": {
            "title": "Method",
            "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"],
            "default": "GET",
        },
        "url": {
            "title": "URL",
            "description": "http or https. $INPUT_X stands for the input value x, also in the headers and in the body.",
            "type": "string",
            "format": "uri",
            "minLength": 1,
            "maxLength": 8192,
        },
        "headers": {"title": "Headers", **_HEADERS},
        "secret_headers": {
            "title": "Secret headers",
            "description": "Stored encrypted, shown nowhere, never sent on to another host by a redirect.",
            "writeOnly": True,
            **_HEADERS,
        },
        "body": {
            "title": "Body",
            "description": "A text, or an object or list that is sent as JSON.",
            "type": ["string", "object", "array"],
        },
        "timeout": {
            "title": "Time limit of the call",
            "description": "Seconds for everything together: name look-up, connecting, redirects, reading.",
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": MAX_TIMEOUT,
            "default": outbound.TIMEOUT,
        },
        "expected_status": {
            "title": "Expected status",
            "description": "Codes (200), classes (2xx), ranges (200-204). An expected redirect is not followed.",
            "type": "array",
            "minItems": 1,
            "maxItems": 50,
            "items": {
                "anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "string", "pattern": _STATUS}]
            },
            "default": ["2xx"],
        },
        "expected_body": {
            "title": "Expected in the body",
            "description": "A regular expression that is found somewhere in the body.",
            "type": "string",
            "format": "regex",
            "maxLength": 200,
        },
        "verify_tls": {"title": "Verify the server's certificate", "type": "boolean", "default": True},
        "tls_certificate": {"title": "Client certificate", "description": "A PEM file on the worker.", **_FILE},
        "tls_key": {"title": "Key of the client certificate", "description": "Unset: in the same file.", **_FILE},
        "tls_roots": {"title": "Certificates to trust", "description": "A PEM file, besides the usual ones.", **_FILE},
        "follow_redirects": {
            "title": "Follow redirects",
            "description": "Unset: unless a redirect is expected.",
            "type": "boolean",
        },
        "literal": {"title": "Fill no input values in", "type": "boolean", "default": False},
        "body_only": {"title": "Leave the status line out of the output", "type": "boolean", "default": False},
        "preface": {"title": "Text before the answer in the output", "type": "string", "maxLength": 64 * 1024},
    },
}


class HttpExecutor(Executor):
    """Calls a URL; an answer with the expected status and body is success."""

    name: ClassVar[str] = "http"
    title: ClassVar[str] = "HTTP request"
    description: ClassVar[str] = "Calls a URL and checks the status and, if wanted, the body of the answer."
    configuration_schema: ClassVar[Mapping[str, Any]] = CONFIGURATION_SCHEMA

    def run(self, order: WorkOrder, context: Context) -> Outcome:
        """Make the call in the slot's runner. Anything but the expected answer in time is the job's own failure."""
        seconds = float(order.configuration.get("timeout", outbound.TIMEOUT)) + MARGIN
        if order.limits.seconds is not None:
            seconds = min(seconds, order.limits.seconds)
        result = context.call(
            "executions.executors.http:perform",
            {"configuration": dict(order.configuration), "values": dict(order.input.get("json") or {})},
            env=environment.standing() | environment.identity(order),
            limits=replace(order.limits, seconds=seconds),
        )
        return judged(endings.outcome(result), result.value)


def judged(outcome: Outcome, answer: Any) -> Outcome:
    """The outcome of a call that `perform` reported as `answer`; how its process ended comes first."""
    if not outcome.ok:
        return outcome
    figures = {name: answer[name] for name in ("status", "bytes", "seconds") if name in answer}
    if failure := answer.get("failure"):
        reason = "timeout" if failure["error"] == "timeout" else None
        return replace(outcome, ok=False, exit_code=None, reason=reason, **failure)
    message = f"{figures['status']}, {figures['bytes']} bytes in {figures['seconds']:g} s"
    return replace(outcome, message=message, outputs={"json": figures, "files": {}})


def perform(configuration: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """In the child: make the call under the house's policy and print the answer. See `exchange` for what it returns."""
    allow = Allowed.parse([*settings.OUTBOUND_ALLOW, *filter(None, [settings.HOUSE_ADDRESS])])
    return exchange(configuration, values, allow=allow, output=sys.stdout.buffer)


def exchange(
    configuration: Mapping[str, Any], values: Mapping[str, Any], *, allow: Allowed, output: BinaryIO
) -> dict[str, Any]:
    """Make the call, write status line and body to `output`, judge them.

    Returns ``{"status", "bytes", "seconds"}``, with a ``"failure"`` of ``{"error", "message"}`` beside (or instead of)
    them when there was no answer or not the expected one.
    """
    expected = configuration.get("expected_status") or ["2xx"]
    redirect_is_expected = any(_covers(expected, redirect) for redirect in (301, 302, 303, 307, 308))
    if preface := configuration.get("preface"):
        output.write(preface.encode("utf-8", "replace") + b"\n")
    try:
        request = build(configuration, values)
        if not configuration.get("follow_redirects", not redirect_is_expected):
            request = replace(request, redirects=0)
        response = outbound.fetch(request, allow=allow)
    except NoValue as error:
        return _failure("invalid-input", str(error))
    except outbound.TimedOut as error:
        return _failure("timeout", str(error))
    except outbound.OutboundError as error:
        return _failure("algorithm-unknown", str(error))
    _show(response, output, status_line=not configuration.get("body_only"))
    answer = {"status": response.status, "bytes": len(response.body), "seconds": response.seconds}
    if not _covers(expected, response.status):
        wanted = ", ".join(map(str, expected))
        return answer | _failure("algorithm-unknown", f"expected status {wanted}, got {response.status}")
    return answer | _judge_body(configuration.get("expected_body"), response)


def _show(response: outbound.Response, output: BinaryIO, *, status_line: bool) -> None:
    if status_line:
        line = f"{response.version} {response.status} {response.reason}".rstrip()
        output.write(line.encode("utf-8", "replace") + b"\n")
    output.write(response.body)
    if response.truncated:
        output.write(f"\n[the answer is longer; {outbound.MAX_BODY} bytes of it were read]\n".encode())
    output.flush()


def _judge_body(pattern: str | None, response: outbound.Response) -> dict[str, Any]:
    if not pattern:
        return {}
    try:
        found = re.search(pattern, _decoded(response))
    except (re.error, OverflowError, RecursionError) as error:
        return _failure("algorithm-unknown", f"expected_body is no regular expression: {error}")
    return (
        {} if found else _failure("algorithm-unknown", f"expected a body that matches {pattern}, and this one does not")
    )


def _decoded(response: outbound.Response) -> str:
    charset = re.search(r"charset=[\"']?([\w.:-]+)", response.headers.get("Content-Type", ""), re.IGNORECASE)
    try:
        return response.body.decode(charset[1] if charset else "utf-8", "replace")
    except (LookupError, ValueError):  # a character set that nobody knows
        return response.body.decode("utf-8", "replace")


def _covers(expected: Iterable[int | str], status: int) -> bool:
    """Whether `status` is one of `expected`: codes, ``2xx`` and ``200-204``."""
    for entry in expected:
        first, _, last = str(entry).partition("-")
        if int(first.replace("x", "0")) <= status <= int((last or first).replace("x", "9")):
            return True
    return False


def _failure(error: str, message: str) -> dict[str, Any]:
    return {"failure": {"error": error, "message": message}}
