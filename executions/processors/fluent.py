"""The `fluent` processor: the output goes to Fluentd or Fluent Bit by their forward protocol, over TCP.

The settings FLUENTBIT_HOST, FLUENTBIT_PORT and FLUENTBIT_TAG say where to and under which tag; a job cannot. A message
is ``[tag, seconds, {"host", "job_name", "message"}]`` in MessagePack, of which it needs four kinds of value.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Mapping
from typing import Any, ClassVar

from django.conf import settings

from executions.processors.base import Ended, Processor, ProcessorError

STORED = "Output sent to Fluent"
"""As Dkron's clients know it."""
TIMEOUT = 3.0  # seconds


class FluentProcessor(Processor):
    name: ClassVar[str] = "fluent"
    title: ClassVar[str] = "Fluent"

    def process(self, ended: Ended, options: Mapping[str, str]) -> str:
        record = {"host": ended.host, "job_name": ended.job, "message": ended.output}
        message = packed([settings.FLUENTBIT_TAG, int(time.time()), record])
        place = (settings.FLUENTBIT_HOST, settings.FLUENTBIT_PORT)
        try:
            with socket.create_connection(place, timeout=TIMEOUT) as server:
                server.sendall(message)
                server.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise ProcessorError(f"{place[0]}:{place[1]} does not take it: {error.strerror or error}") from error
        return STORED


def packed(value: Any) -> bytes:
    """`value` in MessagePack: texts, whole numbers from 0 to 2**32 - 1, and short lists and objects of them."""
    match value:
        case str():
            text = value.encode("utf-8", "replace")
            return struct.pack(">BI", 0xDB, len(text)) + text
        case int():
            return struct.pack(">BI", 0xCE, value)
        case list():
            return struct.pack(">BH", 0xDC, len(value)) + b"".join(map(packed, value))
        case dict():
            inside = b"".join(packed(name) + packed(part) for name, part in value.items())
            return struct.pack(">BH", 0xDE, len(value)) + inside
    raise TypeError(f"{type(value).__name__} is not packed")
