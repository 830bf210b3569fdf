"""What becomes of an output whose job names processors: the chain in a real runner, and all of it in a worker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from structlog.testing import capture_logs

from executions import clock, output, processors
from executions.engine import run
from executions.engine.cancel import cancel
from executions.engine.worker import Identity, WorkerEngine
from executions.executors.process.client import Processes, Runner
from executions.models import Execution, OutputChunk
from executions.processors import chain
from executions.processors.base import Ended
from executions.states import Status
from jobs.models import Job
from tests.builders import a_client, a_job, job_fields
from tests.executions.acts import ask, counts, loaded
from tests.executions.processors.slow_processors import DISTRIBUTION
from tests.executions.test_worker import eventually

ENDED = Ended(42, 40, 1, "nightly", "host-1", True, "", "hello\n")


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Iterator[Path]:
    """A folder on Python's path, in which the processors of slow_processors.py are an installed package."""
    folder = tmp_path_factory.mktemp("installed")
    package = folder / "jobhouse_slow_processors-0.dist-info"
    package.mkdir()
    for name, text in DISTRIBUTION.items():
        (package / name).write_text(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(folder)])
        patch.setenv("OUTPUT_FOLDERS", str(folder / "logs"))
        processors.processors.cache_clear()
        yield folder
    processors.processors.cache_clear()


# --- The chain --------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def runner(installed) -> Iterator[Runner]:
    with Processes(["executions.processors.chain"]) as processes, processes.runner() as runner:
        yield runner


def replaced(runner: Runner, **named: dict[str, str]) -> str | None:
    return chain.replaced(runner, named, ENDED)


def test_what_a_processor_returns_takes_the_place_of_the_output(runner):
    assert replaced(runner, shout={"more": "!"}) == "HELLO\n!"


@pytest.mark.parametrize("said", ["true", "True", "1", "t"])
def test_one_that_forwards_leaves_the_output(runner, said):
    assert replaced(runner, shout={"forward": said}) is None


@pytest.mark.parametrize("said", ["false", "", "no"])
def test_one_that_is_told_something_else_does_not(runner, said):
    assert replaced(runner, shout={"forward": said}) == "HELLO\n"


def test_of_several_each_gets_the_output_and_those_that_do_not_forward_have_a_line(runner, installed):
    stored = replaced(runner, shout={"forward": "true"}, files={"log_dir": "deep"}, log={})

    path = installed / "logs" / "deep" / "42.log"
    assert stored == f"{path}\nOutput in dkron log"
    assert path.read_text() == "hello\n"


def test_what_a_processor_prints_goes_to_the_workers_own_output(runner, capfd):
    replaced(runner, shout={}, log={"forward": "true"})

    said = capfd.readouterr().out
    assert "shouting for nightly\n" in said
    assert "execution 42\nhello\n--- END" in said


def test_one_that_is_not_installed_is_told_and_passed_over(runner):
    with capture_logs() as told:
        assert replaced(runner, nowhere={}, shout={}) == "HELLO\n"
        assert replaced(runner, nowhere={}) is None

    assert [(line["processor"], line["job"]) for line in told] == [("nowhere", "nightly")] * 2


def test_one_that_breaks_is_told_and_keeps_nobody_from_anything(runner):
    with capture_logs() as told:
        assert replaced(runner, **{"break": {}, "shout": {}}) == "HELLO\n"

    (line,) = told
    assert (line["processor"], line["reason"], line["execution"]) == ("break", "ValueError: it broke", 42)


@pytest.mark.parametrize("name", ["stop", "die"])
def test_one_that_takes_too_long_or_dies_is_told_and_leaves_the_output(runner, name, monkeypatch):
    monkeypatch.setattr(chain, "SECONDS", 0.5)

    with capture_logs() as told:
        assert replaced(runner, **{name: {}}) is None

    assert [line["event"] for line in told] == ["processors did not come to an end: the output stays"]


# --- In a worker ------------------------------------------------------------------------------------------------------
@pytest.fixture
def engine(settings, installed, tmp_path) -> Iterator[WorkerEngine]:
    settings.DATA_DIR = tmp_path
    run._payload.cache_clear()
    run._revision.cache_clear()
    made = WorkerEngine(Identity(slots=2, tags={}, look_seconds=0.2))
    made.start()
    yield made
    made.stop(grace=0)
    connection.close()


def job(command: str, **fields) -> Job:
    secret = fields.pop("secret_env", None)
    configuration = {"command": command, "shell": True, **({"secret_env": secret} if secret else {})}
    return a_job(configuration=configuration, now=timezone.now(), **fields)


def over(execution: Execution) -> Execution:
    return eventually(lambda: (row := loaded(execution)).is_final and row)


def said(execution: Execution) -> str:
    return "".join(output.text(execution))


@pytest.mark.django_db(transaction=True)
def test_an_output_that_was_stored_already_is_replaced_whole_and_so_is_that_of_a_canceled_run(engine):
    failing = ask(job("echo one; sleep 0.7; echo two; exit 1", processors={"shout": {}}), clock.now())
    canceled = ask(job("echo waiting; sleep 60", processors={"shout": {}}), clock.now())
    eventually(lambda: said(failing) == "one\n")
    eventually(lambda: said(canceled) == "waiting\n")
    cancel(canceled, by="ada", now=clock.now())

    failed, canceled = over(failing), over(canceled)

    assert (failed.status, failed.exit_code, said(failed)) == (Status.FAILED, 1, "ONE\nTWO\n")
    assert (failed.output_bytes, failed.output_lost_bytes) == (8, 0)
    assert [(line.seq, line.text) for line in output.read(failed).lines] == [(1, "ONE"), (2, "TWO")]
    assert OutputChunk.objects.filter(execution=failed).count() == 1
    assert (canceled.status, said(canceled)) == (Status.CANCELED, "WAITING\n")


@pytest.mark.django_db(transaction=True)
def test_processors_get_all_that_is_kept_and_no_secret_and_never_fail_a_run(engine, installed):
    made = job(
        'echo "$KEY"; seq 1 400000',
        secret_env={"KEY": "hush-hush-h"},
        processors={"files": {}, "break": {}, "nowhere": {}},
    )

    execution = over(ask(made, clock.now()))

    path = installed / "logs" / f"{execution.pk}.log"
    text = path.read_text()
    assert (execution.status, said(execution), counts(made)) == (Status.COMPLETED, str(path), (1, 0, 0))
    assert text.startswith("********\n1\n2\n")
    assert text.endswith("\n400000\n")
    assert "bytes left out …]" in text
    assert 1_000_000 < len(text) < 1_200_000


@pytest.mark.django_db(transaction=True)
def test_a_job_is_given_processors_by_the_api_and_runs_with_them(engine):
    client = a_client("editor")
    fields = job_fields("loud", configuration={"command": "echo hello"}, processors={"shout": {"forward": False}})

    made = client.post("/v6/jobs/", fields).json()
    asked = client.post("/v6/jobs/loud/run/", {}).json()

    assert made["processors"] == {"shout": {"forward": "false"}}
    execution = over(Execution.objects.get(pk=asked["id"]))
    text = client.get(f"/v6/executions/{execution.pk}/output/", HTTP_ACCEPT="text/plain")
    assert text.getvalue() == b"HELLO\n"
