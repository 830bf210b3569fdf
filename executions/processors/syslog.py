"""The `syslog` processor: the output goes to the system's log, line by line, facility CRON, tag ``[dkron]``.

Where that is, the setting SYSLOG_ADDRESS says: a socket (``/dev/log``) or ``host:port`` for UDP. The lines of a failure
have the severity *err*, others *info*.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from logging.handlers import SysLogHandler
from typing import ClassVar

from django.conf import settings

from executions.processors.base import Ended, Processor, ProcessorError

STORED = "Output in syslog"
TAG = "[dkron]"
"""Both as Dkron's users know them."""
LONGEST = 8192  # characters of a line: receivers cut what is longer, or drop it
PORT = 514


class SyslogProcessor(Processor):
    name: ClassVar[str] = "syslog"
    title: ClassVar[str] = "Syslog"

    def process(self, ended: Ended, options: Mapping[str, str]) -> str:
        handler = _Handler(address(settings.SYSLOG_ADDRESS), facility=SysLogHandler.LOG_CRON)
        handler.ident = f"{TAG}: "
        level = logging.INFO if ended.ok else logging.ERROR
        try:
            for line in filter(None, ended.output.splitlines()):
                handler.emit(logging.LogRecord("", level, "", 0, "%s", (line[:LONGEST],), None))
        finally:
            handler.close()
        return STORED


class _Handler(SysLogHandler):
    """A line that does not go through is told, and not passed over."""

    def handleError(self, record: logging.LogRecord) -> None:
        error = sys.exc_info()[1]
        why = getattr(error, "strerror", None) or error
        raise ProcessorError(f"{settings.SYSLOG_ADDRESS} does not take log lines: {why}") from error


def address(said: str) -> str | tuple[str, int]:
    """The address of a socket, or host and port."""
    if said.startswith("/"):
        return said
    host, colon, port = said.rpartition(":")
    return (host.strip("[]"), int(port)) if colon and port.isdecimal() else (said, PORT)
