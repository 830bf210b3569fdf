"""Resources: what fits beside what runs, why something waits, and what nobody can give."""

from __future__ import annotations

from typing import Any

import pytest

from executions.engine import capacity
from executions.engine.claim import claim
from executions.engine.why import why
from executions.models import Execution, ExecutionFile, Worker
from executions.states import Status
from jobs.models import Job, Payload
from jobtypes import publish
from jobtypes.models import JobType
from tests.builders import NOON, SECOND, a_client, a_name, a_worker, an_execution
from tests.executions.containers.slot import a_seed_manifest

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_is_remembered() -> None:
    """Rows of another test had these ids."""
    for remembered in (capacity._files, capacity._manifest, capacity._resources_of):
        remembered.cache_clear()


def a_seed_type(**amounts: float) -> JobType:
    manifest = a_seed_manifest()
    manifest["job"]["name"] = a_name("seed")
    scalar = [{"name": name, "value": value} for name, value in amounts.items()]
    manifest["job"]["resources"] = {"scalar": scalar}
    return publish.publish({"manifest": manifest, "docker_image": "some/image:1"}, now=NOON).job_type


def queued(job_type: JobType, **fields: Any) -> Execution:
    payload = Payload.objects.create(input={"json": {}, "files": {}})
    job = Job.objects.create(name=a_name(), job_type=job_type, payload=payload, created_by="ada")
    return an_execution(job, **fields)


def a_container_worker(images: dict[str, bool] | None = None, **resources: float) -> Worker:
    resources = {"cpus": 4.0, "mem": 4096.0, "disk": 9999.0, **resources}
    return a_worker(resources=resources, engine="Podman 4", images=images)


def test_of_three_runs_of_one_and_a_half_cpus_two_start_on_four():
    worker, wide = a_container_worker(), a_seed_type(cpus=1.5, mem=244)
    runs = [queued(wide) for _ in range(3)]

    assert claim(worker, 16, NOON) == [runs[0].pk, runs[1].pk]
    assert claim(worker, 16, NOON) == []

    third = Execution.objects.get(pk=runs[2].pk)
    held = f"{runs[0].pk}, {runs[1].pk}"
    assert why(third, NOON) == f"It needs 1.5 cpus, and {worker} has 1 of 4 cpus free beside what runs there ({held})."
    first = Execution.objects.get(pk=runs[0].pk)
    assert (first.resources or {})["cpus"] == 1.5
    Execution.objects.filter(pk=first.pk).move(Status.COMPLETED, ended=NOON + SECOND, lease_until=None)
    assert claim(worker, 16, NOON) == [third.pk]


def test_what_does_not_fit_keeps_nothing_else_from_starting():
    worker = a_container_worker()
    for _ in range(20):
        queued(a_seed_type(cpus=64))
    plain = an_execution()

    assert claim(worker, 1, NOON) == [plain.pk]


def test_without_an_engine_no_image_starts():
    worker, execution = a_worker(resources={"cpus": 4.0, "mem": 4096.0}), queued(a_seed_type())

    assert claim(worker, 16, NOON) == []
    assert why(execution, NOON) == "No living worker has a container engine."


def test_a_program_of_the_worker_needs_no_engine_whoever_asks():
    execution = queued(a_seed_type())
    worker = a_worker(resources={"cpus": 4.0, "mem": 4096.0}, programs=[execution.job_type.name])

    assert why(execution, NOON) == "A worker will take it in a moment."
    assert unmet_of(execution.job_type) == [None]
    assert claim(worker, 16, NOON) == [execution.pk]


def test_the_size_of_the_input_counts(tmp_path, settings):
    settings.INPUT_FOLDERS = [str(tmp_path)]
    (tmp_path / "a").write_bytes(bytes(3 * 2**20))
    job_type = a_seed_type()
    revision = job_type.revisions.get(revision_num=1)
    revision.manifest["job"]["resources"] = {"scalar": [{"name": "mem", "value": 128, "inputMultiplier": 4}]}
    revision.save()
    payload = Payload.objects.create(input={"json": {}, "files": {"F": [str(tmp_path / "a")]}})

    needed = capacity.needs(revision.pk, payload.pk)

    assert (needed["mem"], needed["disk"]) == (140.0, 3.0)


def unmet_of(*job_types: JobType) -> list[str | None]:
    capacity.refresh_unmet(NOON)
    return [JobType.objects.get(pk=one.pk).unmet_resources for one in job_types]


def test_unmet_resources_say_what_the_house_lacks(settings):
    settings.CONTAINER_PULL = "never"
    types = a_seed_type(), a_seed_type(cpus=64), a_seed_type(mem=9999, chocolate=1)

    a_worker(resources={"cpus": 4.0, "mem": 4096.0})
    assert unmet_of(*types) == ["engine"] * 3
    worker = a_container_worker(images=capacity.images_of_types({"docker.io/library/other:1"}))
    assert unmet_of(*types) == ["image", "cpus,image", "mem,chocolate,image"]
    Worker.objects.filter(pk=worker.pk).update(images=capacity.images_of_types({"localhost/some/image:1"}))
    assert unmet_of(*types) == [None, "cpus", "mem,chocolate"]
    a_container_worker(cpus=128.0, mem=99999.0, chocolate=2.0)
    assert unmet_of(*types) == [None, None, None]


def test_an_image_is_unmet_only_where_no_engine_of_the_house_has_it(settings):
    settings.CONTAINER_PULL = "never"
    job_type = a_seed_type()

    without = a_container_worker(images={"some/image:1": False})
    assert unmet_of(job_type) == ["image"]
    has = a_container_worker(images={"some/image:1": True})
    assert unmet_of(job_type) == [None]
    Worker.objects.filter(pk=has.pk).update(stopped=NOON)
    assert unmet_of(job_type) == ["image"]
    Worker.objects.filter(pk=without.pk).update(images=None)  # an engine that nobody has asked yet may have it
    assert unmet_of(job_type) == [None]


# --- Large runs and small ones ----------------------------------------------------------------------------------------
def test_a_large_run_lets_small_ones_pass_for_a_minute_and_not_for_ever():
    worker, small, large = a_container_worker(), a_seed_type(cpus=1), a_seed_type(cpus=3)
    first = [queued(small).pk for _ in range(2)]
    assert claim(worker, 16, NOON) == first
    waits = queued(large)
    passing, late = queued(small), queued(small)

    assert claim(worker, 1, NOON + 30 * SECOND) == [passing.pk]
    assert claim(worker, 16, NOON + 61 * SECOND) == []

    Worker.objects.filter(pk=worker.pk).update(last_seen=NOON + 61 * SECOND)
    assert why(late, NOON + 61 * SECOND) == f"Execution {waits.pk} has waited for room for long and goes first."
    assert (why(waits, NOON + 61 * SECOND) or "").startswith("It needs 3 cpus")
    ended(*first)
    assert claim(worker, 16, NOON + 62 * SECOND) == [waits.pk]
    ended(passing.pk)
    assert claim(worker, 16, NOON + 63 * SECOND) == [late.pk]


def test_what_is_more_urgent_still_goes_first():
    worker, small, large = a_container_worker(), a_seed_type(cpus=1), a_seed_type(cpus=4)
    running = queued(small)
    assert claim(worker, 16, NOON) == [running.pk]
    queued(large)
    urgent = queued(small, priority=1)

    assert claim(worker, 16, NOON + 61 * SECOND) == [urgent.pk]


@pytest.mark.parametrize("hindered", ["too large", "at its limit", "paused"])
def test_what_does_not_wait_for_room_alone_holds_up_nobody(hindered):
    worker, small = a_container_worker(), a_seed_type(cpus=1)
    large = a_seed_type(cpus=64 if hindered == "too large" else 3)
    running = queued(large if hindered == "at its limit" else small)
    assert claim(worker, 16, NOON) == [running.pk]
    JobType.objects.filter(pk=large.pk).update(max_scheduled=1, is_paused=hindered == "paused")
    queued(large)
    one = queued(small)

    assert claim(worker, 16, NOON + 61 * SECOND) == [one.pk]


def ended(*executions: int) -> None:
    Execution.objects.filter(pk__in=executions).move(Status.COMPLETED, ended=NOON + SECOND, lease_until=None)


def test_an_output_file_is_listed_and_downloaded_by_who_may(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    folder = tmp_path / "workspaces" / "workspace_1" / "7"
    folder.mkdir(parents=True)
    (folder / "k").write_bytes(b"<script>")
    execution = an_execution(status=Status.COMPLETED, outputs={"json": {}, "files": {"O": [1]}})
    row = ExecutionFile.objects.create(
        execution=execution, name="O", path='x/a"\n.html', workspace="workspace_1", key="7/k", bytes=8,
        media_type="text/html\r\nX: y",
    )  # fmt: skip

    (shown,) = a_client().get(f"/v6/executions/{execution.pk}/").json()["outputs"]["files"]
    answer = a_client().get(shown["url"])

    assert (shown["id"], shown["path"], shown["bytes"]) == (row.pk, 'x/a"\n.html', 8)
    assert b"".join(answer) == b"<script>"
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == 'attachment; filename="a__.html"'
    assert "sandbox" in answer["Content-Security-Policy"]
    other = an_execution(status=Status.COMPLETED)
    assert a_client().get(f"/v6/executions/{other.pk}/files/{row.pk}/").status_code == 404
    (folder / "k").unlink()
    assert a_client().get(shown["url"]).status_code == 404
