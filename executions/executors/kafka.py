"""The `kafka` executor: produces one message, through kafka-python, and waits until all in-sync replicas have it.

Its keys are Dkron's, and so are their texts:

    brokerAddress                       comma list of host:port (9092 where no port is said)
    topic, key, message                 without a key any partition may get it
    tlsEnable, tlsInsecureSkipVerify    "true" switches them on
    saslUsername, saslPassword          need
    saslMechanism                       sha256 or sha512 (SCRAM)

Beyond Dkron: `timeout` in seconds. `debug` shows the configuration without secrets. A send that fails is tried again
five times. The library is the optional extra `kafka` (``pip install 'jobhouse[kafka]'``).
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Mapping
from typing import Any, ClassVar

import certifi

from executions.executors.fence import Fence
from executions.executors.messaging import (
    COMMON,
    LINE,
    SECRET,
    SWITCH,
    TEXT,
    MessageExecutor,
    Unusable,
    library,
    switch,
    text,
)

PORT = 9092
RETRIES = 5
MECHANISMS = {"sha256": "SCRAM-SHA-256", "sha512": "SCRAM-SHA-512"}
_CLOSE_SECONDS = 2.0


class KafkaExecutor(MessageExecutor):
    """Produces a message; that all replicas acknowledged it is success."""

    name: ClassVar[str] = "kafka"
    title: ClassVar[str] = "Kafka message"
    description: ClassVar[str] = "Produces a message on a Kafka topic and waits for all replicas."
    filled: ClassVar[tuple[str, ...]] = ("key", "message")
    configuration_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["brokerAddress", "topic"],
        "additionalProperties": False,
        "properties": {
            "brokerAddress": {
                "title": "Brokers",
                "description": "host:port, several with commas between.",
                "minLength": 1,
                **LINE,
            },
            "topic": {"title": "Topic", "type": "string", "minLength": 1, "maxLength": 249},
            "key": {"title": "Key", **LINE},
            "message": {"title": "Message", "description": "$INPUT_X stands for the input value x.", **TEXT},
            "tlsEnable": {"title": "TLS", **SWITCH},
            "tlsInsecureSkipVerify": {"title": "Take any certificate", **SWITCH},
            "saslUsername": {"title": "User", **LINE},
            "saslPassword": {"title": "Password", **SECRET},
            "saslMechanism": {"title": "Mechanism", "enum": [*MECHANISMS, ""]},
            **COMMON,
        },
    }

    @staticmethod
    def send(configuration: Mapping[str, Any], fence: Fence, seconds: float) -> dict[str, Any]:
        """Produce it; outputs are its partition and offset."""
        places = brokers(text(configuration, "brokerAddress", required=True))
        topic = text(configuration, "topic", required=True)
        key, message = text(configuration, "key"), text(configuration, "message")
        options = _security(configuration)
        kafka = library("kafka", "kafka")
        for host, port in places:
            fence.check(host, port)
        reach(places, seconds)
        logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it tells each try; what came of them is told below
        producer = kafka.KafkaProducer(
            bootstrap_servers=[f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in places],
            client_id="jobhouse",
            acks="all",
            retries=RETRIES,
            enable_idempotence=False,
            metrics_enabled=False,
            bootstrap_timeout_ms=int(seconds * 1000),
            max_block_ms=int(seconds * 1000),
            request_timeout_ms=max(1, int(seconds * 1000) - 1),
            delivery_timeout_ms=int(seconds * 1000),
            **options,
        )
        try:
            sent = producer.send(topic, message.encode("utf-8", "replace"), key.encode("utf-8", "replace") or None)
            record = sent.get(timeout=seconds)
        finally:
            producer.close(timeout=_CLOSE_SECONDS)
        print("The message was produced on the Kafka broker.")
        return {"partition": record.partition, "offset": record.offset}


def brokers(said: str) -> list[tuple[str, int]]:
    """Hosts and ports of a comma list. Raises Unusable."""
    found = []
    for word in filter(None, (word.strip() for word in said.split(","))):
        host, colon, port = word.rpartition(":")
        if not colon or word.endswith("]"):
            host, port = word, str(PORT)
        if not host or not port.isdecimal() or len(port) > 5 or not 0 < int(port) < 65536 or "/" in host:
            raise Unusable(f"brokerAddress holds {word[:60]!r}, which is not host:port")
        found.append((host.strip("[]"), int(port)))
    if not found:
        raise Unusable("brokerAddress is empty")
    return found


def reach(places: list[tuple[str, int]], seconds: float) -> None:
    """Raises OSError when nothing listens at any of `places`: the library would try until its time is up, and not say
    why.
    """
    last: OSError | None = None
    for host, port in places:
        try:
            socket.create_connection((host, port), timeout=seconds / len(places)).close()
            return
        except OSError as error:
            last = error
    if last is not None:
        raise last


def _security(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """The producer's options for TLS and SASL. Raises Unusable."""
    user, password = text(configuration, "saslUsername"), text(configuration, "saslPassword")
    options: dict[str, Any] = {}
    if switch(configuration.get("tlsEnable")):
        options["ssl_context"] = _tls(verify=not switch(configuration.get("tlsInsecureSkipVerify")))
    if user and password:
        mechanism = text(configuration, "saslMechanism")
        if mechanism not in MECHANISMS:
            raise Unusable("saslMechanism is not sha256 or sha512, which a user and a password need")
        options |= {
            "sasl_mechanism": MECHANISMS[mechanism],
            "sasl_plain_username": user,
            "sasl_plain_password": password,
        }
    word = "SASL_" if "sasl_mechanism" in options else ""
    tls = "ssl_context" in options
    options["security_protocol"] = word + ("SSL" if tls else "PLAINTEXT")
    return options


def _tls(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if verify:
        context.load_verify_locations(certifi.where())  # besides the system's, which a slim image may lack
    else:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
