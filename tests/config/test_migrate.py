"""Migrating under a lock."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper

from config import migrate
from tests.config.houses import ROOT

SCRIPT = """
import django; django.setup()
from config.migrate import ensure_migrated
print(ensure_migrated(print))
"""


@pytest.mark.django_db
def test_there_is_nothing_to_do_in_a_database_that_is_up_to_date():
    said: list[str] = []

    assert migrate.ensure_migrated(said.append) is False
    assert said == []


@pytest.mark.slow
def test_of_several_that_start_at_once_one_migrates_and_the_others_wait(tmp_path: Path):
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": "",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", SCRIPT]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for _ in range(3)
    ]

    outputs = [process.communicate(timeout=90)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], outputs
    assert sorted(output.splitlines()[-1] for output in outputs) == ["False", "False", "True"]


@pytest.mark.django_db(transaction=True)
def test_whoever_comes_second_waits_and_says_so():
    entered, may_leave = threading.Event(), threading.Event()
    said: list[str] = []

    def first():
        with migrate.alone():
            entered.set()
            may_leave.wait(20)
        connection.close()

    def second():
        with migrate.alone(said.append):
            said.append("inside")
        connection.close()

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert entered.wait(20)
    threads[1].start()
    threads[1].join(0.5)
    assert "inside" not in said
    may_leave.set()
    for thread in threads:
        thread.join(20)
    assert said == ["Waiting for another process that is setting up the database.", "inside"]


def test_a_database_that_does_not_answer_is_asked_again_and_then_given_up(monkeypatch: pytest.MonkeyPatch):
    asked: list[int] = []
    said: list[str] = []

    def refuse(_connection: object):
        asked.append(1)
        raise OperationalError("connection refused\nis it running?")

    monkeypatch.setattr(BaseDatabaseWrapper, "ensure_connection", refuse)  # as pytest-django does it: for the class

    with pytest.raises(OperationalError):
        migrate.ensure_migrated(said.append, wait_for_database=1)
    assert len(asked) > 1
    assert said == ["The database does not answer yet (connection refused); waiting for it."]
