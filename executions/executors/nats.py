"""The `nats` executor: publishes one message, through nats-py, and waits until the server has read it.

Its keys are Dkron's, and so are their texts:

    url                    nats:// or tls://, one server; what others its cluster has, the server says itself
    subject                where it is published
    message                its text; may be empty
    userName, password     where they do not stand in the URL

Beyond Dkron: `timeout` in seconds. `debug` shows the configuration without secrets. The library is the optional extra
`nats` (``pip install 'jobhouse[nats]'``).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar

from executions.executors.fence import Fence
from executions.executors.messaging import (
    COMMON,
    LINE,
    SECRET,
    TEXT,
    MessageExecutor,
    NotSent,
    Unusable,
    address,
    library,
    text,
)

PORT = 4222
SCHEMES = ("nats", "tls")


class NatsExecutor(MessageExecutor):
    """Publishes a message; that the server has read it is success."""

    name: ClassVar[str] = "nats"
    title: ClassVar[str] = "NATS message"
    description: ClassVar[str] = "Publishes a message on a NATS subject."
    filled: ClassVar[tuple[str, ...]] = ("message",)
    configuration_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["url", "subject"],
        "additionalProperties": False,
        "properties": {
            "url": {
                "title": "Server",
                "description": "nats://host:4222 or tls://host:4222. A password in it is kept secret.",
                "type": "string",
                "format": "uri",
                "pattern": "^(nats|tls)://",
                "maxLength": 2048,
            },
            "subject": {"title": "Subject", "minLength": 1, **LINE},
            "message": {"title": "Message", "description": "$INPUT_X stands for the input value x.", **TEXT},
            "userName": {"title": "User", **LINE},
            "password": {"title": "Password", **SECRET},
            **COMMON,
        },
    }

    @staticmethod
    def send(configuration: Mapping[str, Any], fence: Fence, seconds: float) -> dict[str, Any]:
        """Publish it. No outputs."""
        url = address(configuration, "url", SCHEMES)
        subject, message = text(configuration, "subject", required=True), text(configuration, "message")
        if any(letter.isspace() for letter in subject) or "*" in subject or ">" in subject:
            raise Unusable("subject has blanks or wildcards, which nothing can be published on")
        nats = library("nats", "nats")
        fence.check(str(url.hostname), url.port or PORT)
        who = {
            option: said
            for option, name in (("user", "userName"), ("password", "password"))
            if (said := text(configuration, name))
        }
        asyncio.run(asyncio.wait_for(_publish(nats, url.geturl(), who, subject, message, seconds), seconds))
        print("The message was sent to the NATS server.")
        return {}


async def _publish(nats: Any, url: str, who: Mapping[str, str], subject: str, message: str, seconds: float) -> None:
    """Publish and hear the server answer. Raises NotSent with what it said against it."""
    said: list[Exception] = []

    async def note(error: Exception) -> None:
        said.append(error)

    try:
        client = await nats.connect(
            url,
            name="jobhouse",
            error_cb=note,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0.1,
            connect_timeout=seconds,
            **who,
        )
    except nats.errors.NoServersError as error:  # why, it says to the callback only
        raise said[-1] if said else error from None
    try:
        await client.publish(subject, message.encode("utf-8", "replace"))
        await client.flush(seconds)
    finally:
        await client.close()
    if said:  # such as a subject on which this user may not publish
        raise NotSent(f"the server refused it: {said[0]}")
