"""Hints: "there may be work". They make a committed execution start in milliseconds, and nothing depends on them.

With a broker a hint is one small transient message to a fanout exchange which every worker hears; in the embedded house
it is a datagram to the worker's process. A hint that is lost costs latency only: idle workers look into the database by
themselves, and the sweep hints again.
"""

from __future__ import annotations

import hashlib
import select
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import structlog
from celery import current_app
from django.conf import settings
from django.db import transaction
from kombu import Exchange, Queue

log = structlog.get_logger(__name__)

EXCHANGE = Exchange("jobhouse.hints", type="fanout", durable=False, delivery_mode="transient")
_AWAY_SECONDS = 5.0
"""After a broker failed to take a hint it is left alone for so long."""

_listeners: set[Callable[[], None]] = set()
_away_until = 0.0
_lock = threading.Lock()


def after_commit() -> None:
    """Hint once the present transaction has committed; at once where there is none."""
    transaction.on_commit(send, robust=True)


def send() -> None:
    """Tell the workers that there may be work. Never raises, and never waits for a broker that is away."""
    for wake in tuple(_listeners):
        wake()
    if settings.IS_EMBEDDED_BROKER:
        if not _listeners:
            _send_datagram()
    else:
        _publish()


def listen(wake: Callable[[], None]) -> Callable[[], None]:
    """Call `wake` for every hint given in this process; return what ends that."""
    _listeners.add(wake)
    return partial(_listeners.discard, wake)


def _publish() -> None:
    """Over the connection that is there. Where there is none a thread makes one and hints then: nobody waits for it."""
    if time.monotonic() < _away_until or not _lock.acquire(timeout=settings.BROKER_PUBLISH_SECONDS):
        return
    try:
        if not _outbox.try_send() and not _outbox.is_connecting:
            _outbox.is_connecting = True
            threading.Thread(target=_connect, name="hints to the broker").start()  # a program that ends waits for it
    finally:
        _lock.release()


def _connect() -> None:
    global _away_until
    try:
        producer = _new_producer()
        with _lock:
            _outbox.send_over(producer)
    except Exception as error:  # noqa: BLE001 -- whatever a broker's client raises: the hint is lost, and nothing else
        _away_until = time.monotonic() + _AWAY_SECONDS
        log.warning("broker does not take hints", error=str(error), again_in_seconds=_AWAY_SECONDS)
    finally:
        _outbox.is_connecting = False


def _new_producer() -> Any:
    """Connect. Raises what the broker's client raises; each step takes BROKER_PUBLISH_SECONDS at most."""
    patience = settings.BROKER_PUBLISH_SECONDS
    bounded = {"read_timeout": patience, "write_timeout": patience} if settings.BROKER_URL.startswith("amqp") else {}
    # Nobody would send heartbeats on a connection that is used now and then only.
    connection = current_app.connection_for_write(heartbeat=0, connect_timeout=patience, transport_options=bounded)
    connection.ensure_connection(max_retries=0)  # connect() would try twice, with a pause
    producer = connection.Producer(auto_declare=False)
    EXCHANGE(producer.channel).declare()
    return producer


class _Outbox:
    """This process's connection to the broker for hints, made at first use and again when it broke."""

    def __init__(self) -> None:
        self._producer: Any = None
        self.is_connecting = False

    def try_send(self) -> bool:
        """Publish over the connection that is there; False when there is none, or a broken one."""
        if self._producer is None:
            return False
        try:
            if not self._is_stale():
                self._put()
                return True
        except Exception as error:  # noqa: BLE001 -- a broker that restarted, in whatever words
            log.debug("the broker connection broke", error=str(error))
        self.forget()
        return False

    def send_over(self, producer: Any) -> None:
        """Publish over a new connection, and keep it. Raises what the broker's client raises."""
        self._producer = producer
        try:
            self._put()
        except Exception:
            self.forget()
            raise

    def forget(self) -> None:
        stale, self._producer = self._producer, None
        if stale is None:
            return
        try:
            stale.connection.collapse()
        except Exception as error:  # noqa: BLE001 -- it was broken before
            log.debug("the stale broker connection did not close cleanly", error=str(error))

    def _put(self) -> None:
        self._producer.publish({}, exchange=EXCHANGE, routing_key="", serializer="json", retry=False)

    def _is_stale(self) -> bool:
        """Whether the broker has said goodbye: we ask it nothing, so anything that there is to read says that."""
        sock = getattr(self._producer.connection.connection, "sock", None)
        return bool(sock is not None and select.select([sock], [], [], 0)[0])


_outbox = _Outbox()


def queue(worker: str) -> Queue:
    """The queue on which the worker of that name hears hints; it goes with the worker."""
    return Queue(
        f"jobhouse.hints.{worker}",
        EXCHANGE,
        durable=False,
        auto_delete=True,
        exclusive=False,
        # One hint is as good as a thousand: what a busy worker has not read does not pile up.
        queue_arguments={"x-max-length": 8, "x-expires": 60_000},
    )


# --- The embedded house: an abstract datagram socket named after its data folder --------------------------------------
def _address() -> str:
    return "\0jobhouse-" + hashlib.sha256(str(settings.DATA_DIR).encode()).hexdigest()[:32]


def _send_datagram() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sender:
        try:
            sender.sendto(b"!", _address())
        except OSError:
            return  # nobody listens, or more hints than needed wait already


class Ear(threading.Thread):
    """Hears the datagrams of the other processes of an embedded house."""

    def __init__(self, wake: Callable[[], None]) -> None:
        super().__init__(name="hints", daemon=True)
        self._wake = wake
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(_address())

    def run(self) -> None:
        while True:
            try:
                if not self._socket.recv(16):
                    return
            except OSError:
                return
            self._wake()

    def close(self) -> None:
        """End the thread; hints find nobody from now on."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            log.debug("the hint socket was not connected")
        self._socket.close()
