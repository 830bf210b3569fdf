"""The servers some tests talk to, and whether they answer.

Tests name what they need by a marker of the same name: `postgres`, `rabbitmq`, `redis`, `nats`, `containers`,
`browser`. Where it does not answer, the test is left out and the closing report says so; where JOBHOUSE_REQUIRE names
it (as in CI, all of them, with commas between), the test fails instead, so that nothing is left out unseen.
"""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from urllib.parse import urlsplit

import kombu
import psycopg
import redis
from kombu.exceptions import OperationalError

PATIENCE = 3
"""Seconds that a server on this machine may take to answer."""


def _ask_postgres(url: str) -> None:
    server = url.replace("postgresql://", "postgres://", 1).rpartition("/")[0] + "/postgres"
    with psycopg.connect(server, connect_timeout=PATIENCE) as connection:
        connection.execute("select 1")


def _ask_rabbitmq(url: str) -> None:
    with kombu.Connection(url, connect_timeout=PATIENCE) as connection:
        connection.ensure_connection(max_retries=1, timeout=PATIENCE)


def _ask_redis(url: str) -> None:
    with redis.Redis.from_url(url, socket_connect_timeout=PATIENCE, socket_timeout=PATIENCE) as client:
        client.ping()


def _ask_nats(url: str) -> None:
    place = urlsplit(url)
    with socket.create_connection((place.hostname or "", place.port or 4222), timeout=PATIENCE) as server:
        if not server.recv(64).startswith(b"INFO "):
            raise ConnectionRefusedError(url)


def _ask_containers(url: str) -> None:
    if find_spec("docker") is None or shutil.which("busybox") is None:
        raise ConnectionRefusedError("the docker SDK, or a static busybox to make images of, is missing")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as engine:
        engine.settimeout(PATIENCE)
        engine.connect(url.removeprefix("unix://"))
        engine.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
        if b"200" not in engine.recv(64):
            raise ConnectionRefusedError(url)


def _ask_browser(url: str) -> None:
    if find_spec("playwright") is None or not os.access(urlsplit(url).path, os.X_OK):
        raise ConnectionRefusedError("playwright or its browser is missing")


@dataclass(frozen=True)
class Service:
    """What tests need: its marker, its name for people, its address, and how to ask whether it is there."""

    name: str
    label: str
    url: str
    ask: Callable[[str], None]

    @property
    def place(self) -> str:
        address = urlsplit(self.url)
        if address.scheme in ("unix", "file"):
            return address.path
        return f"{address.hostname}:{address.port}"

    @property
    def is_required(self) -> bool:
        return self.name in os.environ.get("JOBHOUSE_REQUIRE", "").replace(" ", "").split(",")

    @property
    def absence(self) -> str:
        return f"needs {self.label}, and none answers on {self.place}"


@cache
def answers(service: Service) -> bool:
    """Whether `service` answers; asked once in a process."""
    try:
        service.ask(service.url)
    except (OSError, psycopg.Error, redis.RedisError, OperationalError):
        return False
    return True


def _under_test(default: str) -> str:
    url = os.environ.get("DATABASE_URL", "")
    return url if url.startswith("postgres") else default


POSTGRES = Service("postgres", "PostgreSQL", _under_test("postgres://postgres@127.0.0.1:5432/jobhouse"), _ask_postgres)
RABBITMQ = Service("rabbitmq", "RabbitMQ", "amqp://guest:guest@127.0.0.1:5672//", _ask_rabbitmq)
REDIS = Service("redis", "Redis", "redis://127.0.0.1:6379/0", _ask_redis)
NATS = Service("nats", "a NATS server", "nats://127.0.0.1:4222", _ask_nats)
CONTAINERS = Service(
    "containers",
    "a container engine (with the extra `containers` and busybox-static)",
    os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"),
    _ask_containers,
)
BROWSER = Service(
    "browser",
    "Chromium (with the extra `browser`)",
    f"file://{os.environ.get('CHROMIUM', '/usr/bin/chromium')}",
    _ask_browser,
)
SERVICES = (POSTGRES, RABBITMQ, REDIS, NATS, CONTAINERS, BROWSER)
