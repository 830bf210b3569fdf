"""The `rabbitmq` executor: publishes one message, through kombu, and waits until the broker has confirmed it.

Its keys are Dkron's, and so are their texts:

    url                                  amqp:// or amqps://, with user, password and virtual host
    queue.name                           the routing key, also where an exchange is named
    queue.create                         any text but "false" declares the queue before, with
    queue.durable, queue.auto_delete, queue.exclusive
    exchange                             empty: the default one, which knows every queue by its name
    message.content_type                 text/plain where nothing is said
    message.delivery_mode                0 and 1 are transient, 2 persistent
    message.messageId
    message.body                         a text, or
    message.base64Body, message.base64   bytes, as base64; both a body and one of these is an error

Beyond Dkron: `timeout` in seconds, `debug`. Unlike Dkron, a message for a queue that does not exist is a failure and
not lost in silence (the default exchange only: what another exchange drops is its own affair).
"""

from __future__ import annotations

import base64
import binascii
import ssl
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import SplitResult, unquote

import certifi
from kombu import Connection, Producer

from executions.executors.fence import Fence
from executions.executors.messaging import (
    COMMON,
    LINE,
    SWITCH,
    TEXT,
    MessageExecutor,
    NotSent,
    Unusable,
    address,
    switch,
    text,
)

PORTS = {"amqp": 5672, "amqps": 5671}
_BASE64: dict[str, Any] = {**TEXT, "description": "Bytes, as base64, in place of a body that is text."}


class RabbitmqExecutor(MessageExecutor):
    """Publishes a message; a confirmation by the broker is success."""

    name: ClassVar[str] = "rabbitmq"
    title: ClassVar[str] = "RabbitMQ message"
    description: ClassVar[str] = "Publishes a message on a RabbitMQ broker and waits for its confirmation."
    filled: ClassVar[tuple[str, ...]] = ("message.body", "message.messageId")
    configuration_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["url", "queue.name"],
        "additionalProperties": False,
        "properties": {
            "url": {
                "title": "Broker",
                "description": "amqp://user:password@host:5672/virtual-host, or amqps://. The password is kept secret.",
                "type": "string",
                "format": "uri",
                "pattern": "^amqps?://",
                "maxLength": 2048,
            },
            "queue.name": {"title": "Queue, or routing key", "minLength": 1, "type": "string", "maxLength": 255},
            "queue.create": {"title": "Declare the queue before", **SWITCH},
            "queue.durable": {"title": "The declared queue outlives the broker", **SWITCH},
            "queue.auto_delete": {"title": "The declared queue goes with its last consumer", **SWITCH},
            "queue.exclusive": {"title": "The declared queue is of this connection only", **SWITCH},
            "exchange": {"title": "Exchange", "description": "Empty: the default one.", **LINE},
            "message.content_type": {"title": "Content type", "default": "text/plain", **LINE},
            "message.delivery_mode": {
                "title": "Delivery mode",
                "description": "2 is persistent, 1 and 0 are transient.",
                "enum": [0, 1, 2, "0", "1", "2", ""],
                "default": 0,
            },
            "message.messageId": {"title": "Message id", "type": "string", "maxLength": 255},
            "message.body": {"title": "Body", "description": "$INPUT_X stands for the input value x.", **TEXT},
            "message.base64Body": {"title": "Body in base64", **_BASE64},
            "message.base64": {"title": "Body in base64, by its other name", **_BASE64},
            **COMMON,
        },
    }

    @staticmethod
    def send(configuration: Mapping[str, Any], fence: Fence, seconds: float) -> dict[str, Any]:
        """Publish it. No outputs."""
        url = address(configuration, "url", tuple(PORTS))
        queue = text(configuration, "queue.name", required=True)
        exchange, content, properties = text(configuration, "exchange"), body(configuration), _properties(configuration)
        host, port = str(url.hostname), url.port or PORTS[url.scheme]
        fence.check(host, port)
        returned: list[Exception] = []
        with _connection(url, host, port, seconds) as connection:
            connection.connect()
            channel = connection.channel()
            if _is_created(configuration):
                channel.queue_declare(
                    queue,
                    durable=switch(configuration.get("queue.durable")),
                    auto_delete=switch(configuration.get("queue.auto_delete")),
                    exclusive=switch(configuration.get("queue.exclusive")),
                )
            Producer(channel, on_return=lambda error, *_: returned.append(error)).publish(
                content,
                exchange=exchange,
                routing_key=queue,
                mandatory=not exchange,
                confirm_timeout=seconds,
                timeout=seconds,
                **properties,
            )
        if returned:
            raise NotSent(f"no queue took the message: there is no queue {queue!r}")
        return {}


def body(configuration: Mapping[str, Any]) -> bytes:
    """The bytes to send. Raises Unusable."""
    plain = text(configuration, "message.body")
    coded = [word for name in ("message.base64Body", "message.base64") if (word := text(configuration, name))]
    if len(coded) + bool(plain) > 1:
        raise Unusable("there is more than one of message.body, message.base64Body and message.base64")
    if not coded:
        return plain.encode("utf-8", "replace")
    try:
        return base64.b64decode(coded[0], validate=True)
    except (binascii.Error, ValueError):
        raise Unusable("message.base64Body is not base64") from None


def _properties(configuration: Mapping[str, Any]) -> dict[str, Any]:
    mode = str(configuration.get("message.delivery_mode") or "0")
    if mode not in ("0", "1", "2"):
        raise Unusable("message.delivery_mode is not 0, 1 or 2")
    found: dict[str, Any] = {
        "content_type": text(configuration, "message.content_type") or "text/plain",
        "content_encoding": "binary" if configuration.get("message.base64Body") else "utf-8",
        "delivery_mode": 2 if mode == "2" else 1,  # kombu reads 0 as its own default, which is persistent
    }
    if key := text(configuration, "message.messageId"):
        found["message_id"] = key
    return found


def _is_created(configuration: Mapping[str, Any]) -> bool:
    said = configuration.get("queue.create")
    return said not in (None, "") and str(said).lower() != "false"


def _connection(url: SplitResult, host: str, port: int, seconds: float) -> Connection:
    """Made of the URL's parts: its query could name other transports and options of kombu's."""
    tls = {"ca_certs": certifi.where(), "cert_reqs": ssl.CERT_REQUIRED, "server_hostname": host}
    return Connection(
        hostname=f"[{host}]" if ":" in host else host,
        port=port,
        userid=unquote(url.username or "guest"),
        password=unquote(url.password or ("" if url.username else "guest")),
        virtual_host=unquote(url.path[1:]) or "/",
        transport="amqp",
        ssl=tls if url.scheme == "amqps" else False,
        connect_timeout=seconds,
        transport_options={"confirm_publish": True, "read_timeout": seconds, "write_timeout": seconds},
    )
