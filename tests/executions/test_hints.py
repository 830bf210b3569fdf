"""Hints: given after the commit, heard at once, and never in anybody's way."""

from __future__ import annotations

import subprocess
import sys
import time
from threading import Event

import pytest
from django.db import transaction

from executions.engine import hints
from tests.builders import NOON, a_job, a_worker
from tests.executions.acts import ask, end, take_one


@pytest.fixture
def heard():
    """The hints that are given in this process."""
    given: list[int] = []
    unlisten = hints.listen(lambda: given.append(1))
    yield given
    unlisten()


@pytest.mark.django_db(transaction=True)
def test_a_hint_comes_with_the_commit(heard):
    with transaction.atomic():
        hints.after_commit()
        assert heard == []

    assert heard == [1]


@pytest.mark.django_db(transaction=True)
def test_what_is_rolled_back_gives_no_hint(heard):
    with transaction.atomic():
        hints.after_commit()
        transaction.set_rollback(True)

    assert heard == []


@pytest.mark.django_db(transaction=True)
def test_a_run_a_retry_and_a_released_child_give_hints(heard):
    a_job("parent", retries=1, retry_delay=0)
    child = a_job("child", parents=["parent"])
    parent = child.parents.get()

    ask(parent)
    assert heard
    heard.clear()
    end(take_one(a_worker()), error="algorithm-unknown")
    assert heard
    heard.clear()
    end(take_one(a_worker()))
    assert heard


@pytest.mark.django_db(transaction=True)
def test_a_run_for_later_gives_none(heard):
    ask(a_job(), at=NOON.replace(year=2099))

    assert heard == []


@pytest.mark.django_db(transaction=True)
def test_a_listener_that_breaks_does_not_undo_what_was_committed():
    def broken() -> None:
        raise RuntimeError("deaf")

    unlisten = hints.listen(broken)
    try:
        assert ask(a_job()).pk
    finally:
        unlisten()


def test_nobody_hears_after_having_stopped_to_listen():
    given: list[int] = []
    hints.listen(lambda: given.append(1))()

    hints.send()

    assert given == []


# --- Between the processes of an embedded house -----------------------------------------------------------------------
SENDER = """
import os, sys
import django
django.setup()
from django.conf import settings
settings.DATA_DIR = sys.argv[1]
from executions.engine import hints
hints.send()
"""


def test_another_process_of_the_house_is_heard(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    woken = Event()
    ear = hints.Ear(woken.set)
    ear.start()
    try:
        subprocess.run([sys.executable, "-c", SENDER, str(tmp_path)], check=True, timeout=60)
        assert woken.wait(5)
    finally:
        ear.close()
    ear.join(timeout=5)
    assert not ear.is_alive()


def test_a_house_has_one_ear(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    ear = hints.Ear(lambda: None)
    try:
        with pytest.raises(OSError, match="in use"):
            hints.Ear(lambda: None)
    finally:
        ear.close()


def test_a_hint_that_nobody_hears_is_lost_without_a_word(settings, tmp_path):
    settings.DATA_DIR = tmp_path

    hints.send()


def test_more_hints_than_are_needed_keep_nobody_waiting(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    ear = hints.Ear(lambda: None)  # it does not run: nothing is taken off its socket
    begun = time.monotonic()
    try:
        for _ in range(2000):
            hints.send()
    finally:
        ear.close()

    assert time.monotonic() - begun < 5
