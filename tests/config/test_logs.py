"""What log lines must not hold."""

from __future__ import annotations

import logging

import pytest
import structlog

from config import logs

KEY = "jh_" + "k" * 43


@pytest.fixture(params=["text", "json"])
def lines(request):
    """What a log of that form makes of a record; other loggers stay as they are."""
    before = structlog.get_config()
    formatter = logs.dict_config("INFO", request.param)["formatters"]["line"]
    structlog.configure(**before)
    made = structlog.stdlib.ProcessorFormatter(**{name: part for name, part in formatter.items() if name != "()"})

    def told(record: logging.LogRecord) -> str:
        text: str = made.format(record)
        return text

    return told


def a_record(message: str, **more) -> logging.LogRecord:
    return logging.LogRecord("jobs", logging.ERROR, "file.py", 1, message, (), **{"exc_info": None, **more})


def test_a_traceback_shows_no_local_variables(lines):
    def fails(password: str) -> None:
        raise ValueError("no good")

    secret = "-".join(["horse", "battery"])  # the line of the call is shown, what it passes is not
    try:
        fails(secret)
    except ValueError as error:
        told = lines(a_record("it failed", exc_info=(ValueError, error, error.__traceback__)))

    assert "no good" in told
    assert "in fails" in told
    assert "horse-battery" not in told


def test_a_token_in_an_address_is_not_kept(lines):
    told = lines(a_record(f"GET /v6/jobs/?token={KEY}&page=2"))

    assert KEY not in told
    assert "/v6/jobs/?token=jh_********&page=2" in told
