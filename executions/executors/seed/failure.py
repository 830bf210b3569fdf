"""Why a Seed run failed before or after its container."""

from __future__ import annotations


class Failure(Exception):
    """The run ends with the built-in error `error`; the message is one line for people."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message)
        self.error = error
        self.message = message
