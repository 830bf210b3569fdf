"""Houses of real processes: embedded ones under `manage.py up`, and large ones on PostgreSQL and RabbitMQ."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError

import psycopg

from tests.faults import guard, ledger
from tests.faults.processes import Process, Program, end_all, marked

ROOT = Path(__file__).resolve().parents[2]
SECONDS = float(os.environ.get("JOBHOUSE_FAULT_SECONDS", "20"))
"""How long jobs go on firing while processes of the house die."""
_OURS = ("DATABASE_URL", "BROKER_URL", "DATA_DIR", "HOST", "PORT", "DJANGO_SETTINGS_MODULE", "JOBHOUSE_FAILPOINTS")
STARTS_WITHIN = 90.0
"""Seconds for a process of the house to be there; the machine may be busy."""
_starting = threading.Semaphore(3)
"""A start costs seconds of a processor: not all at once."""


def eventually(what: str, condition: Callable[[], Any], within: float, every: float = 0.1) -> Any:
    """The first true answer of `condition`; fails when there was none within so many seconds."""
    end = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {within:g} s: {what}"
        time.sleep(every)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def moment(value: Any) -> datetime:
    """A database's time as an aware datetime."""
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return datetime.fromisoformat(str(value)).replace(tzinfo=UTC)


def manage(environment: Mapping[str, str], *words: str) -> str:
    """What `manage.py` prints; a failure of it fails the test."""
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(command, cwd=ROOT, env=dict(environment), capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout


class House:
    """The processes that share one database, its jobs' ledger, and all that a test does to them.

    Nothing that was started in it, and nothing that those started, is alive after `close`.
    """

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.mark = f"faults-{uuid.uuid4().hex}"
        guard.watch_over(self.mark)
        self.ledger = folder / "ledger"
        self.programs: list[Program] = []
        self._agent: subprocess.Popen[str] | None = None
        self.port = free_port()
        self.environment = {
            **{name: value for name, value in os.environ.items() if name not in _OURS},
            "DATA_DIR": str(folder / "data"),
            "HOST": "127.0.0.1",
            "PORT": str(self.port),
            "DEMO": "0",
            "LOG_FORMAT": "text",
            "WORKER_SLOTS": "8",
            "FAULTS_MARK": self.mark,
            **settings,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything, at once."""
        self.dismiss_agent()
        end_all(self.mark)
        for program in self.programs:
            program.ended(10)

    # --- processes ----------------------------------------------------------------------------------------------------
    def start(self, name: str, *words: str, **settings: str) -> Program:
        """Start `python WORDS` in the house's environment and `settings`."""
        program = Program(name, [sys.executable, *words], self.environment | settings, self.folder)
        self.programs.append(program)
        return program

    def start_up(self) -> Program:
        """The embedded house; returns when a worker is there."""
        with _starting:
            before = self.workers()
            program = self.start("up", "manage.py", "up")
            eventually("the house is up", lambda: self.workers() - before or not program.is_alive, STARTS_WITHIN)
        assert program.is_alive, program.said()[-3000:]
        return program

    def start_worker(self, name: str = "worker", slots: int = 8, **settings: str) -> Program:
        """A worker; in an embedded house it carries the scheduler. Returns when it has registered."""
        return self.start_workers([name], slots, **settings)[0]

    def start_workers(
        self, names: Sequence[str], slots: int = 8, *, more: Sequence[str] = (), **settings: str
    ) -> list[Program]:
        words = ["-m", "celery", "-A", "config", "worker", "-c", str(slots), "--without-gossip", "--without-mingle"]
        embedded = {} if "BROKER_URL" in self.environment else {"JOBHOUSE_EMBEDDED_SCHEDULER": "1"}
        with _starting:
            before = self.workers()
            programs = [
                self.start(name, *words, "-n", f"{name}@{self.mark}", *more, **embedded, **settings) for name in names
            ]
            eventually(
                f"workers {', '.join(names)} registered",
                lambda: len(self.workers() - before) >= len(names) or not all(p.is_alive for p in programs),
                STARTS_WITHIN,
            )
        return programs

    def start_scheduler(self, name: str = "scheduler", **settings: str) -> Program:
        return self.start(name, "-m", "celery", "-A", "config", "beat", "--pidfile=", **settings)

    def start_web(self, threads: int = 8, **settings: str) -> Program:
        """The API; returns when it answers."""
        bind = f"127.0.0.1:{self.port}"
        words = ["--bind", bind, "--worker-class", "gthread", "--threads", str(threads), "--no-control-socket"]
        program = self.start("web", "-m", "gunicorn", "config.wsgi", *words, **settings)
        eventually("the API answers", lambda: self.call("GET", "/health/live")[0] == 200, STARTS_WITHIN)
        return program

    def processes(self, *words: str, name: str = "") -> list[Process]:
        """The house's living processes whose command line has all of `words`, and which call themselves `name`."""
        return [
            process
            for process in marked(self.mark)
            if all(word in process.command for word in words) and (not name or process.name == name)
        ]

    def runners(self) -> list[Process]:
        """Without what they fork: a command bears its runner's name until it becomes itself."""
        named = self.processes(name="jobhouse-runner")
        return [process for process in named if process.parent not in {runner.pid for runner in named}]

    def fork_servers(self) -> list[Process]:
        return [p for p in self.processes("process.forkserver") if p.name != "jobhouse-runner"]

    def kill_one(self, processes: Sequence[Process]) -> int | None:
        """SIGKILL to the last of `processes`; its number, None where there is none."""
        if not processes:
            return None
        with suppress(ProcessLookupError):
            os.kill(processes[-1].pid, signal.SIGKILL)
        return processes[-1].pid

    def said(self) -> str:
        """Everything that the house's processes have printed."""
        return "\n".join(path.read_text(errors="replace") for path in sorted(self.folder.glob("*.log")))

    # --- what is done in it -------------------------------------------------------------------------------------------
    def agent(self, **settings: str) -> subprocess.Popen[str]:
        """The house's agent, started at first use; a dead one is replaced."""
        if self._agent is None or self._agent.poll() is not None:
            with (self.folder / "agent.log").open("ab") as log:
                self._agent = subprocess.Popen(
                    [sys.executable, "-m", "tests.faults.agent"],
                    cwd=ROOT,
                    env=self.environment | settings,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    start_new_session=True,
                )
        return self._agent

    def dismiss_agent(self) -> None:
        """End the agent; the next deed starts another."""
        if self._agent is not None:
            self._agent.kill()
            self._agent.communicate()
            self._agent = None

    def do(self, what: str, **words: Any) -> dict[str, Any]:
        """Have the agent do something; its answer. An agent that dies raises EOFError."""
        agent = self.agent()
        assert agent.stdin is not None
        assert agent.stdout is not None
        with suppress(BrokenPipeError):
            agent.stdin.write(json.dumps({"do": what, **words}) + "\n")
            agent.stdin.flush()
        line = agent.stdout.readline()
        if not line:
            raise EOFError
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer

    def job(self, name: str, script: str = "", **fields: Any) -> dict[str, Any]:
        """The fields of a shell job that keeps the ledger."""
        told = ledger.configuration(script, self.ledger, self.mark)
        return {"name": name, "job_type": {"name": "shell"}, "configuration": told, **fields}

    def make_job(self, name: str, script: str = "", **fields: Any) -> None:
        self.do("create", jobs=[self.job(name, script, **fields)])

    def run(self, job: str) -> int:
        """Ask for a run by hand; the execution's id."""
        return int(self.do("run", job=job)["execution"])

    def call(self, method: str, path: str, key: str = "", body: Any = None, within: float = 30) -> tuple[int, Any]:
        """Call the API: status and answer; status 0 where nothing answered."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Token {key}"} if key else {})
        data = json.dumps(body).encode() if body is not None else None
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=within) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except HTTPError as refusal:
            return refusal.code, refusal.read().decode(errors="replace")
        except (OSError, ValueError) as error:
            return 0, str(error)

    # --- what is in its database --------------------------------------------------------------------------------------
    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What the house's database says, read beside the house."""
        with closing(sqlite3.connect(self.folder / "data" / "db.sqlite3", timeout=30)) as connection:
            return connection.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        return self.rows(sql)[0][0]

    def workers(self) -> set[str]:
        return {row[0] for row in self.rows("SELECT name FROM executions_worker")}

    def state(self, execution: int) -> str:
        return str(self.value(f"SELECT status FROM executions_execution WHERE id = {execution}"))

    def live(self) -> int:
        live = "('PENDING', 'BLOCKED', 'QUEUED', 'RUNNING')"
        return int(self.value(f"SELECT count(*) FROM executions_execution WHERE status IN {live}"))

    def rest(self, patience: float = 90.0) -> float:
        """Wait until nothing waits or runs; return how long it took. Fails after `patience` seconds without an end."""
        begun = changed = time.monotonic()
        last = -1
        while left := self.live():
            done = self.value("SELECT count(*) FROM executions_execution WHERE ended IS NOT NULL")
            if done != last:
                last, changed = done, time.monotonic()
            assert time.monotonic() - changed < patience, f"{left} executions went no further for {patience:g} s"
            time.sleep(0.5)
        return time.monotonic() - begun

    def over(self, until: datetime) -> float:
        """Wait until the instants up to `until` have come and are decided about, then as `rest` does."""
        eventually("the last second has come", lambda: datetime.now(UTC) > until, 300)
        waiting = "SELECT count(*) FROM jobs_job WHERE next_run_at IS NOT NULL AND expires_at IS NOT NULL"
        eventually("every instant is decided about", lambda: self.value(waiting) == 0, 90)
        return self.rest()

    def entries(self) -> list[ledger.Entry]:
        return ledger.read(self.ledger)


class LargeHouse(House):
    """A house on PostgreSQL and RabbitMQ, at the addresses given."""

    def __init__(self, folder: Path, database: str, broker: str, **settings: str) -> None:
        super().__init__(folder, DATABASE_URL=database, BROKER_URL=broker, **settings)
        self.database = database

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database, connect_timeout=10, application_name="faults") as connection:
            return connection.execute(sql.encode()).fetchall()


def copy(template: Path, folder: Path) -> Path:
    """A data folder like `template`, migrated and with the same keys."""
    shutil.copytree(template, folder / "data")
    return folder
