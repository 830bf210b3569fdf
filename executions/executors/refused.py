"""Executors that Dkron has and this house has not: `grpc` and `gcppubsub`.

Their job types exist, so that jobs which name them can be taken over whole and read; a run ends at once and says what
does the same work here. Their keys are Dkron's and are kept as they are: url, body, headers, timeout, expectCode;
project, topic, data, attributes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from executions.executors.base import Context, Executor, Outcome, WorkOrder

_TEXT: dict[str, Any] = {"type": "string", "maxLength": 64 * 1024}
_TIMEOUT: dict[str, Any] = {"title": "Time limit", "type": ["number", "string"]}


class RefusedExecutor(Executor):
    """Refuses every run with `instead`: what to use in its place."""

    instead: ClassVar[str]

    def run(self, order: WorkOrder, context: Context) -> Outcome:
        return Outcome.failed("invalid-input", self.instead)


class GrpcExecutor(RefusedExecutor):
    name: ClassVar[str] = "grpc"
    title: ClassVar[str] = "gRPC call (not run here)"
    description: ClassVar[str] = "Kept for jobs from Dkron. A run is refused and says what to use instead."
    instead: ClassVar[str] = (
        "Jobhouse makes no gRPC calls: call grpcurl in a shell job, an HTTP gateway of the service in an http job, "
        "or the client library in a Python task."
    )
    configuration_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "url": {"title": "host:port/package.Service/Method", **_TEXT},
            "body": {"title": "Body", **_TEXT},
            "headers": {"title": "Headers", "writeOnly": True, **_TEXT},
            "timeout": _TIMEOUT,
            "expectCode": {"title": "Expected status", "type": ["integer", "string"]},
        },
    }


class GcpPubSubExecutor(RefusedExecutor):
    name: ClassVar[str] = "gcppubsub"
    title: ClassVar[str] = "Google Pub/Sub message (not run here)"
    description: ClassVar[str] = "Kept for jobs from Dkron. A run is refused and says what to use instead."
    instead: ClassVar[str] = (
        "Jobhouse does not publish to Google Pub/Sub: call `gcloud pubsub topics publish` in a shell job, its REST "
        "method projects.topics.publish in an http job, or the client library in a Python task."
    )
    configuration_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "project": {"title": "Project", **_TEXT},
            "topic": {"title": "Topic", **_TEXT},
            "data": {"title": "Data in base64", **_TEXT},
            "attributes": {"title": "Attributes, as a JSON object", **_TEXT},
            "timeout": _TIMEOUT,
        },
    }
