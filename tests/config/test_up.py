"""`manage.py up`: whole houses, as processes, each in a data folder of its own."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
from cryptography.fernet import Fernet

from tests.config.houses import ROOT, HouseProcess, lives, started, wait_until
from tests.services import POSTGRES

pytestmark = [pytest.mark.faults, pytest.mark.slow, pytest.mark.timeout(180)]

RUNNING = "Jobhouse is running"
Up = Callable[..., AbstractContextManager[HouseProcess]]


@pytest.fixture
def up(tmp_path: Path) -> Up:
    """Starts a house in a folder of its own, on a free port."""

    @contextmanager
    def start(*arguments: str, folder: Path = tmp_path / "house", **environment: str) -> Iterator[HouseProcess]:
        with started(["manage.py", "up", "--port", "0", *arguments], settings_of(folder) | environment) as house:
            yield house

    return start


def settings_of(folder: Path) -> dict[str, str]:
    """The environment of an embedded house in `folder`, whatever the tests themselves run with."""
    return {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATA_DIR": str(folder),
        "DATABASE_URL": "",
        "BROKER_URL": "",
        "SECRET_KEY": "",
        "ENCRYPTION_KEYS": "",
        "WORKER_SLOTS": "4",
        "DEMO": "0",
    }


def manage(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        env={**os.environ, **settings_of(folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def console(house: HouseProcess) -> str:
    return house.says(r"Console +(http://\S+)/admin/", 60)[1]


def answers(url: str) -> bool:
    with urllib.request.urlopen(f"{url}/health/live", timeout=10) as answer:
        return bool(answer.status == 200)


def rows(folder: Path, query: str) -> list[tuple]:
    with sqlite3.connect(f"file:{folder / 'db.sqlite3'}?mode=ro", uri=True, timeout=20) as database:
        return database.execute(query).fetchall()


def test_it_makes_the_house_and_says_how_to_enter(up: Up, tmp_path: Path) -> None:
    folder = tmp_path / "house"
    with up() as house:
        assert answers(console(house))
        password = house.says(r"Sign in +admin / (\S+)")[1]
        assert (folder / "admin_password").read_text().strip() == password
        assert (folder / "admin_password").stat().st_mode & 0o077 == 0
        assert manage(folder, "jobs").stdout == "No jobs.\n"

        house.send(signal.SIGINT)

        assert house.ends(45) == 0
        assert house.pids() == []

    with up() as house:
        house.says(rf"Sign in +admin / {re.escape(password)}", 60)


def test_a_second_one_in_the_same_folder_is_refused(up: Up, tmp_path: Path) -> None:
    with up() as first:
        first.says(RUNNING, 60)

        with up() as second:
            assert second.ends(30) == 1
            second.says(rf"already running with the data in {tmp_path / 'house'} \(process {first.process.pid}")
            second.says("DATA_DIR=/another/folder")

        assert answers(console(first))


def test_a_port_that_is_taken_is_said_before_anything_is_done(up: Up, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with up("--port", str(port)) as house:
            assert house.ends(30) == 1
            house.says(f"Another program is listening on 127.0.0.1:{port}")
            house.says(f"--port {port + 1}")

    assert not (tmp_path / "house" / "db.sqlite3").exists()
    with up() as house:
        house.says(RUNNING, 60)


@pytest.mark.parametrize("part", ["gunicorn", "celery"])
def test_a_part_that_is_killed_comes_back(up: Up, part: str) -> None:
    with up() as house:
        url = console(house)
        house.says("worker ready")
        before = house.part(part)
        assert before

        os.kill(before, signal.SIGKILL)

        wait_until(lambda: house.part(part) not in (None, before), 15, f"another {part}")
        assert answers(url)  # the socket stays open meanwhile: the call waits for the new process
        wait_until(lambda: house.text.count("worker ready") == (2 if part == "celery" else 1), 20, "a worker")


def test_when_it_is_killed_nothing_is_left_after_five_seconds(up: Up, tmp_path: Path) -> None:
    with up() as house:
        house.says("worker ready", 60)
        house.says(RUNNING, 60)
        make_sleeper(tmp_path / "house")
        wait_until(lambda: any(lives(pid) and is_sleep(pid) for pid in house.pids()), 20, "the job's process")
        everything = house.pids()

        house.send(signal.SIGKILL)

        wait_until(lambda: not any(map(lives, everything)), 5, "the end of everything")


def test_a_house_that_was_killed_starts_again_at_once_on_the_same_port(up: Up) -> None:
    with up() as house:
        port = console(house).rpartition(":")[2]
        house.send(signal.SIGKILL)
        house.process.wait(5)

        with up("--port", port) as again:
            again.says(RUNNING, 60)


def test_running_jobs_may_end_when_it_stops(up: Up, tmp_path: Path) -> None:
    with up() as house:
        house.says("worker ready", 60)
        house.says(RUNNING, 60)
        make_sleeper(tmp_path / "house", seconds=4)
        wait_until(lambda: any(is_sleep(pid) for pid in house.pids()), 20, "the job's process")

        house.send(signal.SIGTERM)

        assert house.ends(45) == 0
    assert rows(tmp_path / "house", "select status, count(*) from executions_execution group by 1") == [
        ("COMPLETED", 1)
    ]


def test_asked_twice_it_stops_at_once_and_leaves_nothing(up: Up, tmp_path: Path) -> None:
    with up() as house:
        house.says("worker ready", 60)
        house.says(RUNNING, 60)
        make_sleeper(tmp_path / "house")
        wait_until(lambda: any(is_sleep(pid) for pid in house.pids()), 20, "the job's process")

        house.send(signal.SIGINT)
        house.says("Once more stops them at once")
        time.sleep(1)
        house.send(signal.SIGINT)

        assert house.ends(10) == 0
        assert house.pids() == []


def test_the_demonstration_fires_all_three_kinds_within_half_a_minute(up: Up, tmp_path: Path) -> None:
    folder = tmp_path / "house"
    fired = (
        "select distinct t.executor from executions_execution e join jobtypes_jobtype t on t.id = e.job_type_id"
        " where e.status = 'COMPLETED' and e.trigger = 'schedule'"
    )
    retried = (
        "select count(*) from executions_execution e join jobs_job j on j.id = e.job_id"
        " where j.name = 'demo-second-try' and e.attempt = 2 and e.status = 'COMPLETED'"
    )
    with up(DEMO="1") as house:
        house.says(RUNNING, 60)

        wait_until(
            lambda: {kind for (kind,) in rows(folder, fired)} == {"shell", "http", "task"}, 30, "all three kinds"
        )
        wait_until(lambda: rows(folder, retried)[0][0] >= 1, 30, "a retry that succeeded")

        seen = manage(folder, "jobs").stdout
        assert seen.count("demo-") == 6
        assert ("FAILED",) not in rows(folder, "select status from executions_execution where attempt = 2")


@pytest.fixture
def empty_database() -> Iterator[str]:
    """The address of a PostgreSQL database of the test's own."""
    name = f"jobhouse_up_{os.getpid()}"
    address = POSTGRES.url.rpartition("/")[0]
    with psycopg.connect(f"{address}/postgres", autocommit=True) as connection:
        connection.execute(f"create database {name}")
        yield f"{address}/{name}"
        connection.execute(f"drop database {name} with (force)")


@pytest.mark.postgres
@pytest.mark.rabbitmq
def test_two_on_one_database_share_the_work(up: Up, tmp_path: Path, empty_database: str, rabbitmq_url: str) -> None:
    shared = {
        "DATABASE_URL": empty_database,
        "BROKER_URL": rabbitmq_url,
        "SECRET_KEY": "x" * 60,
        "ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }

    def ask(query: str) -> list[tuple]:
        with psycopg.connect(empty_database) as connection:
            return connection.execute(query).fetchall()

    with up(folder=tmp_path / "one", DEMO="1", **shared) as one, up(folder=tmp_path / "two", DEMO="1", **shared) as two:
        for house in (one, two):
            house.says(RUNNING, 90)
            house.says("worker ready", 60)
            house.says("starting web, worker, scheduler")

        assert [house.text.count("Bringing the database up to date") for house in (one, two)].count(1) == 1
        assert [house.text.count("demonstration jobs") for house in (one, two)].count(1) == 1
        assert ask("select count(*) from jobs_job where name like 'demo-%'") == [(6,)]
        assert ask("select count(*) from executions_worker where stopped is null") == [(2,)]
        wait_until(lambda: ask("select 1 from executions_execution where status = 'COMPLETED'"), 30, "a run")
        two.send(signal.SIGTERM)
        assert two.ends(45) == 0
        assert answers(console(one))
        one.send(signal.SIGTERM)
        assert one.ends(45) == 0
        assert ask(FIRED_TWICE) == []
    assert (one.pids(), two.pids()) == ([], [])


def make_sleeper(folder: Path, seconds: int = 600) -> None:
    """A job that sleeps, and a run of it."""
    made = manage(folder, "shell", "-v", "0", "-c", MAKE_SLEEPER.format(seconds=seconds))
    assert made.returncode == 0, made.stderr
    ran = manage(folder, "run_job", "sleeper")
    assert ran.returncode == 0, ran.stderr


FIRED_TWICE = """
select job_id, scheduled_for from executions_execution
where attempt = 1 and scheduled_for is not null group by job_id, scheduled_for, slot having count(*) > 1
"""

MAKE_SLEEPER = """
from jobs.services import create
from executions.clock import now
fields = {{"name": "sleeper", "job_type": {{"name": "shell"}}, "configuration": {{"command": "sleep {seconds}"}}}}
create(fields, by="test", now=now())
"""


def is_sleep(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"sleep\0")
    except OSError:
        return False
