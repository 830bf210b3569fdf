"""Seed images in a whole house: from an upload to a file that is downloaded, and what is left when a worker dies."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.executions.containers import images
from tests.executions.containers.slot import a_seed_manifest
from tests.faults.house import House, eventually, manage
from tests.faults.site import Site

pytestmark = pytest.mark.containers


@pytest.fixture
def house(site: Site, tmp_path: Path) -> House:
    images.provide()
    folder = tmp_path / "in"
    folder.mkdir()
    return site.embedded(
        INPUT_FOLDERS=str(folder), CONTAINER_PULL="never", WORKER_RESOURCES="cpus=4,mem=8192", WORKER_SLOTS="8"
    )


@pytest.fixture
def containers() -> Iterator[Any]:
    """Asks the engine for the containers of executions."""
    import docker

    api = docker.from_env(version="auto", timeout=20).api
    yield lambda *executions: [
        one
        for one in api.containers(all=True, filters={"label": "org.jobhouse.execution"})
        if int(one["Labels"]["org.jobhouse.execution"]) in executions
    ]
    api.close()


class Seed:
    """A client of the house who runs Seed types."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.key = manage(house.environment, "create_token", "ada", "--role", "editor").strip()

    def upload(self, name: str, manifest: dict[str, Any], **configuration: Any) -> None:
        manifest["job"]["name"] = name
        body = {"manifest": manifest, "docker_image": images.IMAGE, "configuration": configuration}
        status, answer = self.house.call("POST", "/v6/job-types/", self.key, body)
        assert status == 201, answer

    def run(self, name: str, **given: Any) -> int:
        body = {"job_type": {"name": name}, "input": given} if given else {"job_type": {"name": name}}
        status, answer = self.house.call("POST", "/v6/executions/", self.key, body)
        assert status == 201, answer
        return int(answer["id"])

    def shown(self, execution: int) -> dict[str, Any]:
        status, answer = self.house.call("GET", f"/v6/executions/{execution}/", self.key)
        assert status == 200, answer
        return dict(answer)

    def ended(self, execution: int, within: float = 60) -> dict[str, Any]:
        eventually(f"execution {execution} ended", lambda: self.shown(execution)["ended"], within, 0.5)
        return self.shown(execution)


def test_an_upload_runs_and_its_files_can_be_downloaded(house: House, tmp_path: Path) -> None:
    house.start_up()
    seed = Seed(house)
    (tmp_path / "in" / "a.txt").write_text("one two\n")
    manifest = a_seed_manifest(
        inputs={"files": [{"name": "TEXT"}]},
        outputs={
            "files": [{"name": "COPY", "pattern": "*.html", "mediaType": "text/html"}],
            "json": [{"name": "words", "type": "integer"}],
        },
        settings=[{"name": "PASSWORD", "secret": True}],
    )
    script = (
        'cp "$TEXT" "$OUTPUT_DIR/a\\"b.html"; echo "$PASSWORD";'
        ' echo "{\\"words\\": $(wc -w <"$TEXT")}" >"$OUTPUT_DIR/seed.outputs.json"'
    )
    settings = {"SCRIPT": script, "PASSWORD": "hunter2hunter2"}
    seed.upload("count", manifest, settings=settings, output_workspaces={"default": "workspace_1"})

    execution = seed.run("count", files={"TEXT": [str(tmp_path / "in" / "a.txt")]}, json={})
    done = seed.ended(execution)

    assert done["status"] == "COMPLETED", (done, house.said()[-3000:])
    assert done["outputs"]["json"] == {"words": 2}
    (file,) = done["outputs"]["files"]
    assert (file["name"], file["path"], file["bytes"], file["media_type"]) == ("COPY", 'a"b.html', 8, "text/html")
    assert "hunter2" not in json.dumps(house.call("GET", f"/v6/executions/{execution}/output/", seed.key)[1])

    request = urllib.request.Request(f"http://127.0.0.1:{house.port}{file['url']}")
    assert house.call("GET", file["url"])[0] in (401, 403)
    request.add_header("Authorization", f"Token {seed.key}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.read() == b"one two\n"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="a_b.html"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = seed.ended(seed.run("count", files={"TEXT": [file["id"]]}, json={}))
    assert again["outputs"]["json"] == {"words": 2}


def test_three_runs_of_one_and_a_half_cpus_on_four(house: House) -> None:
    house.start_up()
    seed = Seed(house)
    manifest = a_seed_manifest()
    manifest["job"]["resources"] = {"scalar": [{"name": "cpus", "value": 1.5}]}
    seed.upload("wide", manifest, settings={"SCRIPT": "sleep 12"})
    large = a_seed_manifest()
    large["job"]["resources"] = {"scalar": [{"name": "cpus", "value": 64}, {"name": "chocolate", "value": 1}]}
    seed.upload("huge", large, settings={"SCRIPT": "true"})

    runs = [seed.run("wide") for _ in range(3)]
    huge = seed.run("huge")
    eventually("two run", lambda: [seed.shown(run)["status"] for run in runs].count("RUNNING") == 2, 20)
    time.sleep(1)
    (third,) = [shown for shown in map(seed.shown, runs) if shown["status"] == "QUEUED"]

    assert third["why"].startswith("It needs 1.5 cpus, and ")
    assert "1 of 4 cpus free" in third["why"]
    assert seed.shown(huge)["why"] == "No living worker has 64 cpus and 1 chocolate."
    unmet = "/v6/job-types/huge/1.0.0/"
    eventually(
        "what is lacking is told",
        lambda: house.call("GET", unmet, seed.key)[1]["unmet_resources"] == "cpus,chocolate",
        20,
    )
    assert [seed.ended(run)["status"] for run in runs] == ["COMPLETED"] * 3


def test_a_killed_worker_leaves_no_container_and_the_next_try_runs_alone(house: House, containers: Any) -> None:
    up = house.start_up()
    seed = Seed(house)
    seed.upload("long", a_seed_manifest(), settings={"SCRIPT": '[ "$JOB_ATTEMPT" = 1 ] && sleep 300; echo done'})
    execution = seed.run("long")
    eventually("its container runs", lambda: containers(execution), 60)

    up.kill()
    house.kill_one(house.processes("config.up.part", "celery"))
    eventually("its container is gone", lambda: not containers(execution), 10)

    house.start_up()
    eventually(
        "it is tried again",
        lambda: house.rows(f'SELECT id FROM executions_execution WHERE "group" = {execution} AND attempt = 2'),
        60,
    )
    (second,) = house.rows(f'SELECT id FROM executions_execution WHERE "group" = {execution} AND attempt = 2')[0]
    assert seed.ended(second, 60)["status"] == "COMPLETED"


def test_a_container_whose_worker_and_runner_were_killed_is_swept_away(house: House, containers: Any) -> None:
    up = house.start_up()
    seed = Seed(house)
    seed.upload("long", a_seed_manifest(), settings={"SCRIPT": "sleep 300"})
    execution = seed.run("long")
    eventually("its container runs", lambda: containers(execution), 60)

    for process in house.processes():
        if process.pid != up.pid:
            house.kill_one([process])
    up.kill()
    assert containers(execution)
    house.start_up()

    eventually("its container is gone", lambda: not containers(execution), 30)


def test_a_canceled_run_loses_its_container(house: House, containers: Any) -> None:
    house.start_up()
    seed = Seed(house)
    seed.upload("long", a_seed_manifest(), settings={"SCRIPT": "trap 'exit 0' TERM; sleep 300 & wait"})
    execution = seed.run("long")
    eventually("its container runs", lambda: containers(execution), 60)

    assert house.call("POST", f"/v6/executions/{execution}/cancel/", seed.key, {})[0] == 202

    done = seed.ended(execution, 15)
    assert (done["status"], done["reason"]) == ("CANCELED", "user")
    assert containers(execution) == []
