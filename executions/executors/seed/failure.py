"""Why a Seed run failed before or after its container."""

from __future__ import annotations


class Failure(Exception):
    """The run ends with the built-in error `error`; the message is one line for people."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.message = message


def said(error: BaseException) -> str:
    """What went wrong, in one line: what an engine explains, or the exception's own words."""
    text = str(getattr(error, "explanation", None) or error) or type(error).__name__
    return " ".join(text.split())[:400]
