"""The same house over a real broker: a worker process hears a hint and starts at once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
JOB = """
from executions import clock
from jobs import services
services.create({"name": "hello", "job_type": {"name": "shell"}, "configuration": {"command": "echo hello"}},
                by="test", now=clock.now())
"""
pytestmark = [pytest.mark.faults, pytest.mark.timeout(180)]


@contextmanager
def house(folder: Path, broker: str) -> Iterator[dict[str, str]]:
    """A migrated house on SQLite with one worker on `broker`; gives the environment of its commands."""
    env = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "JOBHOUSE_TESTS"}}
    env |= {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATA_DIR": str(folder),
        "BROKER_URL": broker,
        "LOG_FORMAT": "text",
    }
    manage(env, "migrate", "--verbosity", "0")
    manage(env, "shell", "--verbosity", "0", "-c", JOB)
    with (folder / "worker.log").open("w") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "config", "worker", "-c", "2"],
            cwd=ROOT,
            env=env,
            stdout=log,
            stderr=log,
        )
        try:
            wait_for(lambda: "ready." in (folder / "worker.log").read_text(), 60)
            yield env
        finally:
            worker.terminate()
            try:
                worker.wait(50)
            except subprocess.TimeoutExpired:
                worker.kill()
                raise


def manage(env: dict[str, str], *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def wait_for(condition, seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"not within {seconds} s"
        time.sleep(0.1)


def delays_of_three_runs(env: dict[str, str]) -> list[float]:
    """Seconds between creation and start of runs that other processes asked for."""
    for _ in range(3):
        assert "hello" in manage(env, "run_job", "hello", "--follow")
    rows = json.loads(manage(env, "executions", "--json"))
    rows = rows["results"] if isinstance(rows, dict) else rows
    assert {row["status"] for row in rows} == {"COMPLETED"}
    return [
        (datetime.fromisoformat(row["started"]) - datetime.fromisoformat(row["created"])).total_seconds()
        for row in rows
    ]


@pytest.mark.rabbitmq
def test_a_run_asked_for_elsewhere_starts_at_once_over_rabbitmq(tmp_path: Path, rabbitmq_url: str) -> None:
    with house(tmp_path, rabbitmq_url) as env:
        delays = delays_of_three_runs(env)

    assert sorted(delays)[1] < 1, delays  # without hints an idle worker looks every five seconds


@pytest.mark.redis
def test_a_run_asked_for_elsewhere_starts_at_once_over_redis(tmp_path: Path, redis_url: str) -> None:
    with house(tmp_path, redis_url) as env:
        delays = delays_of_three_runs(env)

    assert sorted(delays)[1] < 1, delays


def test_without_a_broker_other_processes_wake_the_worker_too(tmp_path: Path) -> None:
    with house(tmp_path, "") as env:
        delays = delays_of_three_runs(env)

    assert sorted(delays)[1] < 1, delays
