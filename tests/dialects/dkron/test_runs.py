"""Dkron's jobs really run: by a worker of the house, read back through Dkron's door."""

from __future__ import annotations

import base64
import time
from typing import Any

import pytest

from executions.models import Execution
from executions.states import FINAL
from jobs.models import Job
from tests.builders import a_client
from tests.dialects.dkron.acts import JOBS, body, send

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE = 60.0
"""Seconds that all of it may take on a busy machine before a test fails."""

SHELL = "shell"
CASES: dict[str, tuple[str, dict[str, str], bool, str]] = {
    "words": (SHELL, {"command": "echo 'a;  b' $HOME `id` * ; echo no"}, True, "a;  b $HOME `id` *\n"),
    "pipe": (SHELL, {"command": "echo a 2>&1 | wc"}, True, "a\n"),
    "by-shell": (
        SHELL,
        {"command": "echo out; echo $A $ENV_JOB_NAME; exit 3", "shell": "1", "env": "A=1,B=2"},
        False,
        "exit status 3\nout\n1 by-shell\n",
    ),
    "payload": (SHELL, {"command": "od -An -tx1", "payload": base64.b64encode(b"\xff\x00hi").decode()}, True, "ff 00"),
    "cwd": (SHELL, {"command": "pwd", "cwd": "/usr"}, True, "/usr\n"),
    "timeout": (SHELL, {"command": "sleep 60", "timeout": "300ms"}, False, "timeout was exceeded: the job was killed"),
    "killed": (SHELL, {"command": "kill -9 $$", "shell": "true"}, False, "signal: killed\n"),
    "no-program": (SHELL, {"command": "no-such-program"}, False, "executable file not found: no-such-program\n"),
    "no-command": (SHELL, {}, False, "configuration.command: is required"),
    "quotes": (SHELL, {"command": "echo 'open"}, False, "No closing quotation"),
    "parentheses": (SHELL, {"command": "echo (a)"}, False, "bare parenthesis"),
    "no-base64": (SHELL, {"command": "cat", "payload": "%"}, False, "not base64"),
    "no-method": ("http", {"url": "https://example.org/"}, False, "configuration.method: '' is not one of"),
    "no-url": ("http", {"method": "GET"}, False, "configuration.url"),
    "no-executor": ("", {}, False, "The job names no executor"),
    "docker": ("docker", {"image": "x"}, False, "The specified executor 'docker' is not present"),
    "grpc": ("grpc", {"url": "a:1/p.S/M"}, False, "Jobhouse makes no gRPC calls"),
    "no-topic": ("kafka", {"brokerAddress": "a"}, False, "configuration.topic: is required"),
}
DATA = {"no-command", "quotes", "parentheses", "no-base64", "no-method", "no-url", "no-executor", "docker", "no-topic"}
"""What never can run as it was told."""


def wait_for(count: int) -> None:
    end = time.monotonic() + PATIENCE
    while Execution.objects.filter(status__in=FINAL).count() < count:
        assert time.monotonic() < end, "not all has run in time"
        time.sleep(0.1)


def test_every_executor_does_what_dkrons_would_or_says_why_not(engine):
    client = a_client("editor")
    for name, (executor, config, _, _) in CASES.items():
        job = body(name, schedule="@manually", executor=executor, executor_config=config)
        assert send(client, job, "?runoncreate").status_code == 201
    wait_for(len(CASES))

    wrong: dict[str, Any] = {}
    for name, (_, _, succeeds, output) in CASES.items():
        (one,) = client.get(f"{JOBS}/{name}/executions").json()
        job = client.get(f"{JOBS}/{name}").json()
        counts = (job["success_count"], job["error_count"], job["status"])
        expected = (1, 0, "success") if succeeds else (0, 1, "failed")
        if one["success"] != succeeds or output not in one["output"] or counts != expected:
            wrong[name] = (one, counts)
    assert wrong == {}
    of_data = Execution.objects.filter(error__category="DATA").values_list("job__name", flat=True)
    assert set(of_data) >= DATA


def test_a_chain_with_a_retry_and_an_ephemeral_end_runs_through(engine, tmp_path):
    client = a_client("editor")
    flag = tmp_path / "tried"
    once = f"test -e {flag} || {{ touch {flag}; exit 1; }}"
    fails_once = {"executor_config": {"command": once, "shell": "true"}, "retries": 1}
    send(client, body("first", schedule="@manually", **fails_once))
    send(client, body("second", parent_job="first", ephemeral=True))

    assert client.post(f"{JOBS}/first").status_code == 202
    end = time.monotonic() + PATIENCE
    while Job.objects.living().filter(name="second").exists():
        assert time.monotonic() < end, "the child was not run, or not deleted after its success"
        time.sleep(0.1)

    rows = client.get(f"{JOBS}/first/executions").json()
    job = client.get(f"{JOBS}/first").json()
    assert [(one["attempt"], one["success"]) for one in rows] == [(2, True), (1, False)]
    assert len({one["group"] for one in rows}) == 1
    assert (job["success_count"], job["error_count"], job["status"]) == (1, 1, "partially_failed")
    assert job["dependent_jobs"] is None
