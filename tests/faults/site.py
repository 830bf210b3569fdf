"""Where a fault test builds its houses, each on a database of its own; nothing of them is left after the test."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import ExitStack
from functools import cached_property
from itertools import count
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit, urlunsplit

import psycopg

from tests.faults.house import House, LargeHouse, copy
from tests.faults.proxy import Proxy
from tests.services import POSTGRES, RABBITMQ

_numbers = count(1)


def database_address(name: str) -> str:
    return urlunsplit(urlsplit(POSTGRES.url)._replace(path=f"/{name}"))


def tell_postgres(sql: str) -> None:
    """Have the server do something outside of any transaction."""
    with psycopg.connect(database_address("postgres"), autocommit=True) as connection:
        connection.execute(sql.encode())


def place_of(address: str) -> tuple[str, int]:
    place = urlsplit(address)
    return place.hostname or "127.0.0.1", place.port or {"postgres": 5432, "amqp": 5672}[place.scheme]


def through(proxy: Proxy, address: str) -> str:
    """`address` as it is reached through `proxy`."""
    place = urlsplit(address)
    account = place.netloc.rpartition("@")[0]
    return urlunsplit(place._replace(netloc=f"{account}@127.0.0.1:{proxy.port}"))


def rabbitmqctl(*words: str) -> bool:
    """Tell the broker something that only its administrator may; False where we are none."""
    program = shutil.which("rabbitmqctl")
    if program is None or os.geteuid() != 0:
        return False
    return subprocess.run([program, "-q", *words], capture_output=True, timeout=120, check=False).returncode == 0


class Site:
    """Houses and proxies, all gone on leaving."""

    def __init__(self, folder: Path, template: Path, database: str | None) -> None:
        """`template` is a migrated data folder, `database` the name of a migrated PostgreSQL database."""
        self.folder = folder
        self.has_own_broker = False
        self._template = template
        self._database = database
        self._stack = ExitStack()

    def __enter__(self) -> Site:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @cached_property
    def broker(self) -> str:
        """The broker's address: a virtual host of this site's own where we may make one, else the one all share."""
        name, user = f"faults-{os.getpid()}-{next(_numbers)}", urlsplit(RABBITMQ.url).username or "guest"
        if not rabbitmqctl("add_vhost", name):
            return RABBITMQ.url
        self._stack.callback(rabbitmqctl, "delete_vhost", name)
        self.has_own_broker = rabbitmqctl("set_permissions", "-p", name, user, ".*", ".*", ".*")
        return urlunsplit(urlsplit(RABBITMQ.url)._replace(path=f"/{name}")) if self.has_own_broker else RABBITMQ.url

    def embedded(self, name: str = "house", **settings: str) -> House:
        """A house on SQLite, migrated, with nothing started."""
        return self._stack.enter_context(House(self._folder(name), **settings))

    def large(self, name: str = "house", broker: str = "", **settings: str) -> LargeHouse:
        """A house on PostgreSQL and RabbitMQ, migrated, with nothing started."""
        assert self._database, "mark the test `postgres` and `rabbitmq`"
        folder = self._folder(name)
        database = f"{self._database}_{next(_numbers)}"
        tell_postgres(f'CREATE DATABASE "{database}" TEMPLATE "{self._database}"')
        self._stack.callback(tell_postgres, f'DROP DATABASE "{database}" WITH (FORCE)')
        return self._stack.enter_context(
            LargeHouse(folder, database_address(database), broker or self.broker, **settings)
        )

    def proxy(self, address: str) -> Proxy:
        """A proxy in front of the server at `address`, which other tests share."""
        return self._stack.enter_context(Proxy(*place_of(address)))

    def _folder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True)
        return copy(self._template, folder)
