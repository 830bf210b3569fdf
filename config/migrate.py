"""Migrating under a lock: of several processes that start at once, one migrates and the others wait for it."""

from __future__ import annotations

import fcntl
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

LOCK = 0x6A6F6268
"""The key of PostgreSQL's advisory lock: "jobh"."""

Say = Callable[[str], None]


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def ensure_migrated(say: Say = _to_stderr, *, wait_for_database: float = 0, refresh: bool = False) -> bool:
    """Bring the database up to date, alone; return whether a migration was outstanding.

    Waits while another process migrates. Costs one look into the database when nothing is outstanding; with `refresh`,
    what follows migrations (the roles, the system job types) is brought up to date then, too. A database that does not
    answer is asked again for `wait_for_database` seconds, then its OperationalError is raised. `say` gets a line for
    each thing that takes time; standard output stays the caller's.
    """
    _await_database(say, wait_for_database)
    if not outstanding() and not refresh:
        return False
    with alone(say):
        names = outstanding()
        if not names and not refresh:
            return False  # the one we waited for has done it
        if names:
            say(f"Bringing the database up to date: {len(names)} migrations.")
        started = time.monotonic()
        call_command("migrate", interactive=False, verbosity=0)
        if names:
            say(f"The database is up to date ({time.monotonic() - started:.1f} s).")
    return bool(names)


def outstanding() -> list[str]:
    """The migrations that have not been applied, as ``app.name``, in their order."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _backwards in plan]


@contextmanager
def alone(say: Say = _to_stderr) -> Iterator[None]:
    """Whatever runs inside runs in one process of this database at a time; waits, without a limit, for its turn."""
    with _advisory_lock(say) if connection.vendor == "postgresql" else _file_lock(say):
        yield


def _await_database(say: Say, seconds: float) -> None:
    end, said = time.monotonic() + seconds, False
    while True:
        try:
            connection.ensure_connection()
        except OperationalError as refusal:
            if time.monotonic() >= end:
                raise
            if not said:
                say(f"The database does not answer yet ({str(refusal).strip().splitlines()[0]}); waiting for it.")
                said = True
            time.sleep(0.5)
        else:
            return


@contextmanager
def _file_lock(say: Say) -> Iterator[None]:
    path = Path(settings.DATA_DIR) / "migrate.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another process that is setting up the database.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def _advisory_lock(say: Say) -> Iterator[None]:
    with connection.cursor() as cursor:
        # Neither waiting for the lock nor a migration of a large table may be cut short as a request would be.
        cursor.execute("SET statement_timeout = 0")
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            say("Waiting for another process that is setting up the database.")
            cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
            cursor.execute("RESET statement_timeout")
