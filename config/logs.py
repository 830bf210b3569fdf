"""Log lines: JSON for machines, or one readable line for people (LOG_FORMAT=text), both through structlog."""

from __future__ import annotations

import re
from typing import Any

import structlog

_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.StackInfoRenderer(),
]

_TOKEN = re.compile(r"\bjh_[\w-]{20,}", re.ASCII)
"""A key of ours (config.access.tokens), as it stands in an address that somebody called with it."""


def _without_tokens(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """A token that somebody put into an address is refused there; it must not be kept here either."""
    for name, value in event.items():
        if isinstance(value, str) and "jh_" in value:
            event[name] = _TOKEN.sub("jh_********", value)
    return event


def _flatten(_logger: Any, _name: str, event: dict[str, Any]) -> dict[str, Any]:
    """Text that came from a job or a request stays on the one line of its event."""
    if isinstance(event.get("event"), str):
        event["event"] = event["event"].replace("\r", "\\r").replace("\n", "\\n")
    return event


def dict_config(level: str, form: str) -> dict[str, Any]:
    """Configure structlog, and return the configuration that makes the standard logging module write through it."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.filter_by_level,
            *_SHARED[1:],
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    # Tracebacks without local variables, which hold secrets: the console's own formatter shows them.
    final: list[Any]
    if form == "text":
        plain = structlog.dev.plain_traceback
        console = structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0, exception_formatter=plain)
        final = [_without_tokens, _flatten, console]
    else:
        final = [
            structlog.processors.ExceptionRenderer(),
            _without_tokens,
            structlog.processors.JSONRenderer(default=str),
        ]
    quiet = {"level": "WARNING"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            "django_structlog": quiet,
            "axes": quiet,
            "celery.beat": quiet,
            "django_celery_beat": quiet,
            "celery.bootsteps": quiet,
            "kombu": quiet,
            "amqp": quiet,
        },
    }
