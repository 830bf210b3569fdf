"""`manage.py import dkron` and `manage.py export dkron`: a round trip loses nothing."""

from __future__ import annotations

import io
import json
import stat
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from jobs.models import Job
from tests.dialects.dkron.acts import JOBS, body, names, shown, store
from tests.executions.executors.http_server import Call, serve

pytestmark = pytest.mark.django_db

EVERYTHING = [
    body(
        "full",
        displayname="Füll",
        timezone="Europe/Berlin",
        schedule="0 0 ~ ? * MON",
        owner="Platform Team",
        owner_email="not a mail address",
        disabled=True,
        tags={"role": "web:2"},
        metadata={"a": "b"},
        retries=3,
        processors={"files": {"forward": "true", "log_dir": "/x"}, "unknown": {"a": "b"}},
        concurrency="forbid",
        executor_config={"command": "echo 'a' ; x", "env": "A=1", "timeout": "90s", "whatever": "kept"},
        ephemeral=True,
        starts_at="2030-01-01T00:00:00Z",
        expires_at="2031-01-01T00:00:00.5Z",
        success_count=7,
        error_count=2,
        last_success="2019-08-24T14:15:22.123456Z",
        last_error="2019-08-24T14:15:23Z",
        status="partially_failed",
    ),
    body("child", parent_job="zparent", schedule="0 0 1 * * *", concurrency="", tags={}, metadata={}),
    body("docker", executor="docker", executor_config={"image": "x"}, schedule="@every 500ms"),
    body("empty", executor="", executor_config={}),
    body("zparent", timezone="Local", executor="http", executor_config={"method": "GET", "url": "https://example.org"}),
]


def take_in(*arguments: str) -> tuple[str, int]:
    """What the command said, and its exit code."""
    out = io.StringIO()
    try:
        call_command("import", "dkron", *arguments, stdout=out)
    except SystemExit as end:
        return out.getvalue(), int(end.code or 0)
    return out.getvalue(), 0


def give_out(*arguments: str) -> str:
    out = io.StringIO()
    call_command("export", "dkron", *arguments, stdout=out)
    return out.getvalue()


def without_next(jobs: list[dict]) -> list[dict]:
    """`jobs` without what the clock alone decides."""
    return [{name: value for name, value in one.items() if name != "next"} for one in jobs]


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps(EVERYTHING))
    return path


def test_an_import_makes_every_job_and_says_so(dkron, export):
    said, code = take_in(str(export))

    assert code == 0
    assert "5 jobs: 5 made, 0 changed, 0 unchanged, 0 refused." in said
    assert "docker is not here: its runs will fail" in said
    assert names(dkron) == ["child", "docker", "empty", "full", "zparent"]
    for sent in EVERYTHING:
        assert sent.items() <= shown(dkron, sent["name"]).items()


def test_a_round_trip_loses_nothing(dkron, export, tmp_path):
    take_in(str(export))
    before = dkron.get(JOBS).json()
    copy = tmp_path / "copy.json"
    give_out(str(copy))
    Job.objects.update(archived="2026-01-01T00:00:00Z")
    assert names(dkron) == []

    said, _ = take_in(str(copy))

    assert "5 made" in said
    assert without_next(dkron.get(JOBS).json()) == without_next(before)
    assert without_next(json.loads(give_out())) == without_next(json.loads(copy.read_text()))


def test_an_export_is_what_the_list_answers_and_nobody_else_may_read_it(dkron, export, tmp_path):
    take_in(str(export))
    copy = tmp_path / "copy.json"

    give_out(str(copy))

    assert json.loads(copy.read_text()) == dkron.get(JOBS).json() == json.loads(give_out())
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


def test_an_import_again_changes_what_differs_only(dkron, export):
    take_in(str(export))
    store(dkron, "docker", displayname="Other")

    said, _ = take_in(str(export))

    assert "5 jobs: 0 made, 1 changed, 4 unchanged, 0 refused." in said


def test_a_dry_run_says_all_and_does_nothing(dkron, export):
    said, code = take_in(str(export), "--dry-run")

    assert (code, names(dkron)) == (0, [])
    assert "5 made" in said
    assert "Nothing was stored." in said


def test_a_job_that_is_refused_is_told_with_the_reason_and_keeps_no_other_out(dkron, tmp_path):
    path = tmp_path / "jobs.json"
    path.write_text(json.dumps([body("good"), body("Bad"), body("worse", retries="2"), body("orphan", parent_job="x")]))

    said, code = take_in(str(path))

    assert code == 1
    assert names(dkron) == ["good"]
    assert "name contains illegal character 'B'" in said
    assert "retries: a text is no whole number" in said
    assert "specified parent job not found" in said
    assert "4 jobs: 1 made, 0 changed, 0 unchanged, 3 refused." in said


@pytest.mark.parametrize("content", ["", "no json", "5", '"x"'])
def test_what_is_no_export_is_said_in_one_line(db, tmp_path, content):
    path = tmp_path / "jobs.json"
    path.write_text(content)

    with pytest.raises(CommandError, match="This is no export"):
        take_in(str(path))


def test_a_file_that_is_not_there_is_said_in_one_line(db, tmp_path):
    with pytest.raises(CommandError, match="No such file"):
        take_in(str(tmp_path / "nothing"))
    with pytest.raises(CommandError, match="No such file"):
        give_out(str(tmp_path / "nothing" / "x"))


def test_a_system_that_is_not_known_is_an_error(db):
    with pytest.raises(CommandError, match="invalid choice"):
        call_command("import", "cron", "x")


def reply(call: Call) -> None:
    if call.headers.get("Authorization") != "Bearer sesame":
        call.answer(401)
    elif call.path == "/v1/jobs":
        call.answer(200, json.dumps(EVERYTHING).encode())
    else:
        call.answer(404)


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/jobs", "/v1/jobs/"])
def test_the_jobs_of_a_live_server_are_taken_with_a_token(dkron, settings, path):
    settings.OUTBOUND_ALLOW = ["127.0.0.1"]
    with serve(reply) as server:
        said, _ = take_in(server.url(path), "--token", "sesame")

    assert "5 made" in said


def test_a_server_that_refuses_or_must_not_be_reached_is_said_in_one_line(dkron, settings):
    with serve(reply) as server:
        with pytest.raises(CommandError, match="OUTBOUND_ALLOW"):
            take_in(server.url(""))
        settings.OUTBOUND_ALLOW = ["127.0.0.1"]
        with pytest.raises(CommandError, match="answered 401"):
            take_in(server.url(""))


def test_secrets_are_masked_in_an_export_unless_they_are_asked_for(dkron, tmp_path):
    secrets = {
        "api": (
            "http",
            {"method": "GET", "url": "https://u:pa55word@x/", "headers": '["X-Token: t0ken-t0ken", "A: b"]'},
        ),
        "bus": ("nats", {"url": "nats://a", "subject": "s", "password": "pa55word-2"}),
    }
    for name, (executor, config) in secrets.items():
        store(dkron, name, executor=executor, executor_config=config)

    assert "pa55word" not in give_out()
    assert "t0ken" not in give_out()
    told = {one["name"]: one["executor_config"] for one in json.loads(give_out("--secrets"))}
    assert told == {name: config for name, (_, config) in secrets.items()}
