"""What is handed to the sender, ready to go, and what comes back. Senders have no database."""

from __future__ import annotations

from dataclasses import dataclass, field

from executions.executors.outbound import Request


@dataclass(frozen=True, slots=True)
class Mail:
    to: tuple[str, ...]
    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Call:
    """An HTTP call. `allowed` may be reached besides what OUTBOUND_ALLOW lists."""

    request: Request
    allowed: tuple[str, ...] = ()
    takes_any_answer: bool = False


@dataclass(frozen=True, slots=True)
class Push:
    """A message by one of Apprise's services."""

    url: str = field(repr=False)
    title: str
    body: str


Parcel = Mail | Call | Push


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a try: one line for people, free of secrets."""

    ok: bool
    message: str
