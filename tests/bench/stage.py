"""A stage: a database, a broker's virtual host and a data folder of its own, and the processes that play on it.

    with House() as house:                          PostgreSQL and RabbitMQ; House(embedded=True): SQLite, no broker
        house.worker(slots=8)
        house.call("tests.bench.house:submit_each", count=100)

Leaving the `with` ends the processes and removes everything again, also after an error.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg

from tests.bench.executor import DISTRIBUTION
from tests.bench.process import ROOT, Process
from tests.services import POSTGRES, RABBITMQ

PATIENCE = 60.0
"""Seconds that a process may take to be ready."""
_SERVER = POSTGRES.url.replace("postgresql://", "postgres://", 1).rpartition("/")[0]


class Late(Exception):
    """Something did not happen in time; the message says what, and shows the end of what the processes wrote."""


class Stage:
    """What the house's stage and the peers' have in common."""

    settings = ""

    def __init__(self, *, embedded: bool = False) -> None:
        self.is_embedded = embedded
        self.name = f"jobhouse_bench_{secrets.token_hex(4)}"
        self.folder = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        self.processes: list[Process] = []
        self.environment = self._environment()
        self._connection: psycopg.Connection | None = None

    def __enter__(self) -> Stage:
        try:
            if not self.is_embedded:
                _on_server(f'CREATE DATABASE "{self.name}"')
                _virtual_host("add_vhost", self.name)
            self.run([sys.executable, "-m", "django", "migrate", "--verbosity=0"])
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for process in reversed(self.processes):
            process.stop()
        if self._connection is not None:
            self._connection.close()
        if not self.is_embedded:
            _on_server(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')
            _virtual_host("delete_vhost", self.name)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _environment(self) -> dict[str, str]:
        ours = {
            key: value for key, value in os.environ.items() if not key.startswith(("JOBHOUSE_", "DATABASE_", "BROKER_"))
        }
        ours |= {
            "DJANGO_SETTINGS_MODULE": self.settings,
            "DATA_DIR": str(self.folder),
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(self.folder)]),
            "LOG_LEVEL": "WARNING",
            "DEMO": "0",
        }
        if not self.is_embedded:
            ours |= {"DATABASE_URL": f"{_SERVER}/{self.name}", "BROKER_URL": _broker(self.name)}
        return ours

    # --- processes --------------------------------------------------------------------------------------------------
    def run(self, argv: list[str]) -> None:
        """Run a command to its end."""
        subprocess.run(argv, cwd=ROOT, env=self.environment, check=True, timeout=PATIENCE * 5)

    def call(self, function: str, **arguments: Any) -> Any:
        """What `function` ("module:name") returns, run in a process of its own with this stage's settings."""
        answer = self.folder / f"answer-{secrets.token_hex(4)}"
        self.run([sys.executable, "-m", "tests.bench.inside", function, json.dumps(arguments), str(answer)])
        return json.loads(answer.read_text())

    def start(self, name: str, argv: list[str], **environment: str) -> Process:
        """Start a process that goes on until it, or the stage, is stopped."""
        process = Process(argv, self.environment | environment, self.folder / f"{name}.log")
        self.processes.append(process)
        return process

    def stop(self, process: Process) -> None:
        process.stop()
        self.processes.remove(process)

    def celery(self, app: str, *words: str) -> list[str]:
        return [sys.executable, "-m", "celery", "--quiet", "-A", app, *words]

    # --- looking ----------------------------------------------------------------------------------------------------
    def ask(self, sql: str) -> Any:
        """The one value that `sql` answers with."""
        return self.rows(sql)[0][0]

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if self.is_embedded:
            with sqlite3.connect(self.folder / "db.sqlite3", timeout=20) as file:
                return file.execute(sql).fetchall()
        if self._connection is None:
            self._connection = psycopg.connect(self.environment["DATABASE_URL"], autocommit=True)
        cursor = self._connection.execute(sql.encode())
        return cursor.fetchall() if cursor.description else []

    def wait(self, what: str, happened: Callable[[], bool], seconds: float = PATIENCE, every: float = 0.02) -> None:
        """Wait until `happened`. Raises Late, also when a process has ended by itself."""
        deadline = time.monotonic() + seconds
        while not happened():
            dead = [process for process in self.processes if not process.is_alive]
            if dead or time.monotonic() > deadline:
                said = "".join(p.log.read_text(errors="replace")[-2000:] for p in (dead or self.processes))
                raise Late(f"{what}: {'a process ended' if dead else f'not within {seconds:g} s'}\n{said}")
            time.sleep(every)


class House(Stage):
    """A house: its database migrated, its processes real."""

    settings = "config.settings"
    FINAL = "SELECT count(*) FROM executions_execution WHERE status IN ('COMPLETED', 'FAILED', 'CANCELED')"

    def _environment(self) -> dict[str, str]:
        installed = self.folder / "jobhouse_bench-0.dist-info"
        installed.mkdir()
        for name, text in DISTRIBUTION.items():
            (installed / name).write_text(text)
        return super()._environment()

    def worker(self, slots: int = 8, *, warm: str = "noop", **environment: str) -> Process:
        """A worker with `slots` slots, which has run a job of the type `warm` in each; none with an empty one."""
        process = self.start(
            "worker", self.celery("config", "worker", "-c", str(slots), "--without-mingle"), **environment
        )
        self.wait(
            "the worker registers", lambda: self.ask("SELECT count(*) FROM executions_worker WHERE stopped IS NULL")
        )
        if warm:
            self.call("tests.bench.house:queue", executor=warm, jobs=1, each=slots * 2)
            self.wait("the worker is warm", lambda: not self.unfinished())
            self.clear()
        return process

    def scheduler(self) -> Process:
        process = self.start("scheduler", self.celery("config", "beat", "--pidfile="))
        tick = "SELECT count(*) FROM executions_house WHERE last_tick > now() - interval '2 seconds'"
        self.wait("the scheduler ticks", lambda: self.ask(tick))
        return process

    def final(self) -> int:
        """How many executions have come to their end."""
        return int(self.ask(self.FINAL))

    def unfinished(self) -> int:
        return int(self.ask("SELECT count(*) FROM executions_execution")) - self.final()

    def clear(self) -> None:
        """Forget all executions and jobs, as if the stage were new."""
        self.call("tests.bench.house:clear")


class Peer(Stage):
    """Celery with django-celery-results and django-celery-beat, on the same servers."""

    settings = "tests.bench.peer.settings"
    FINAL = "SELECT count(*) FROM django_celery_results_taskresult WHERE status = 'SUCCESS'"

    def worker(self, pool: str, slots: int) -> Process:
        words = [
            "worker",
            "-P",
            pool,
            "-c",
            str(slots),
            "--loglevel",
            "WARNING",
            "--without-mingle",
            "--without-gossip",
        ]
        return self.start("worker", self.celery("tests.bench.peer", *words))

    def final(self) -> int:
        return int(self.ask(self.FINAL))

    def clear(self) -> None:
        self.rows("TRUNCATE django_celery_results_taskresult")


def _on_server(sql: str) -> None:
    with psycopg.connect(f"{_SERVER}/postgres", autocommit=True) as connection:
        connection.execute(sql.encode())


def _broker(name: str) -> str:
    return RABBITMQ.url.rstrip("/") + "/" + (name if shutil.which("rabbitmqctl") else "")


def _virtual_host(verb: str, name: str) -> None:
    """Where there is no rabbitmqctl the default virtual host is used, and only one bench may run at a time."""
    if not shutil.which("rabbitmqctl"):
        return
    subprocess.run(["rabbitmqctl", "-q", verb, name], check=True, capture_output=True)
    if verb == "add_vhost":
        subprocess.run(
            ["rabbitmqctl", "-q", "set_permissions", "-p", name, "guest", ".*", ".*", ".*"],
            check=True,
            capture_output=True,
        )
