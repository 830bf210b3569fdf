"""Resources: what a worker has, what an execution needs, and what nobody can give.

Only Seed types need any; everything else runs wherever a slot is free. A worker's own claimer alone gives its
resources away, so what is free is what it has less what its RUNNING executions were allocated.

Small runs may pass a large one that does not fit yet, but not for ever: what has waited for room for PATIENCE on a
worker that is large enough is first in line there, and nothing behind it gets room before it.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol, TypeVar

from django.conf import settings

from executions.executors.seed import inputs
from executions.executors.seed.failure import Failure
from executions.models import LEASE, Execution, ExecutionFile, Worker
from executions.querysets import ExecutionQuerySet
from executions.states import Status
from jobs.models import Payload
from jobtypes import seed
from jobtypes.models import JobType, JobTypeRevision
from jobtypes.seed.read import MINIMUMS

CONTAINER = "container"
ENGINE, IMAGE = "engine", "image"
"""What a type lacks, in `unmet_resources`, besides resources by name."""
PATIENCE = timedelta(minutes=1)
"""How long a run that needs room lets others pass."""
_IN_MEMORY = "sharedmem"
_AT_ONCE = 500
_IN_LINE = 50
_PLACES = ("", "localhost/", "docker.io/library/")
"""What Podman puts before the name of an image that names no registry."""

Amounts = Mapping[str, float]


class Asking(Protocol):
    """An execution that asks for room."""

    @property
    def id(self) -> int: ...
    @property
    def priority(self) -> int: ...
    @property
    def revision(self) -> int: ...
    @property
    def payload(self) -> int: ...
    @property
    def type_name(self) -> str: ...


One = TypeVar("One", bound=Asking)


def of_this_machine() -> dict[str, float]:
    """What a worker here has: the machine's CPUs, memory and free disk in MiB, and what WORKER_RESOURCES says."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
    disk = shutil.disk_usage(tempfile.gettempdir()).free / 2**20
    has = {"cpus": float(os.cpu_count() or 1), "mem": float(int(memory)), "disk": float(int(disk))}
    return has | {name.lower(): amount for name, amount in settings.WORKER_RESOURCES.items()}


def needs(revision: int, payload: int) -> dict[str, float]:
    """What a run of a Seed type needs: its manifest's resources, with the size of its input."""
    return seed.resources(_manifest(revision), _input_mib(payload))


Place = tuple[int, int]
"""Where an execution stands in the queue: its priority and its id."""


def allocate(
    worker: Worker, candidates: Sequence[One], line: Place | None
) -> tuple[list[tuple[One, dict[str, float]]], list[One]]:
    """The candidates that fit on `worker` beside what runs there, with what each gets; and the others.

    `line` is what is first in line for it: nothing behind it gets room.
    """
    free = _free(worker)
    fitting, others = [], []
    for candidate in candidates:
        needed = needs(candidate.revision, candidate.payload)
        is_behind = line is not None and (candidate.priority, candidate.id) > line
        if _can_run(worker, candidate.type_name) and not is_behind and not _lacking(needed, free):
            free.subtract(needed)
            fitting.append((candidate, needed))
        else:
            others.append(candidate)
    return fitting, others


def first_in_line(worker: Worker, ready: ExecutionQuerySet, now: datetime) -> Place | None:
    """The most urgent of `ready` that has waited for long, that `worker` is large enough for, and that has no room."""
    waiting = ready.filter(job_type__executor=CONTAINER, queued__lt=now - PATIENCE)
    rows = waiting.values_list("priority", "id", "revision_id", "payload_id", "job_type__name")[:_IN_LINE]
    free = _free(worker) if rows else Counter()
    for priority, key, revision, payload, name in rows:
        needed = needs(revision, payload)
        if not _can_run(worker, name) or _lacking(needed, worker.resources):
            continue
        if _lacking(needed, free):
            return priority, key
        free.subtract(needed)
    return None


def crowded_out(worker: Worker, ready: ExecutionQuerySet) -> set[int]:
    """The job types of `ready` for which `worker` has no room at the moment, whatever their input."""
    waiting = ready.filter(job_type__executor=CONTAINER).order_by()
    asked = waiting.values_list("job_type_id", "revision_id", "job_type__name").distinct()[:_AT_ONCE]
    free = _free(worker)
    crowded: dict[int, bool] = {}
    for job_type, revision, name in asked:
        fits = _can_run(worker, name) and not _lacking(seed.resources(_manifest(revision)), free)
        crowded[job_type] = crowded.get(job_type, True) and not fits
    return {job_type for job_type, is_crowded in crowded.items() if is_crowded}


def why(execution: Execution, now: datetime) -> str | None:
    """Why no worker has room for `execution`, in one sentence; None when one has, or when it needs none."""
    if execution.job_type.executor != CONTAINER:
        return None
    alive = list(Worker.objects.alive(now, LEASE).order_by("pk"))
    if not alive:
        return None
    name = execution.job_type.name
    able = [worker for worker in alive if _can_run(worker, name)]
    if not able:
        return "No living worker has a container engine."
    needed = needs(execution.revision_id, execution.payload_id)
    large = [worker for worker in able if not _lacking(needed, worker.resources)]
    if not large:
        lacking = _lacking_everywhere(needed, [worker.resources for worker in able])
        return f"No living worker has {_amounts(needed, lacking)}."
    free = [(worker, _free(worker)) for worker in large]
    if with_room := [worker for worker, amounts in free if not _lacking(needed, amounts)]:
        return _why_behind(execution, with_room, now)
    worker, amounts = max(free, key=lambda one: -len(_lacking(needed, one[1])))
    short = _lacking(needed, amounts)
    left = " and ".join(f"{max(0.0, amounts[part]):g} of {worker.resources[part]:g} {_unit(part)}" for part in short)
    holders = (
        Execution.objects.running_on(worker.pk).exclude(resources=None).order_by("pk").values_list("pk", flat=True)
    )
    held = ", ".join(map(str, holders[:5]))
    return f"It needs {_amounts(needed, short)}, and {worker} has {left} free beside what runs there ({held})."


def _why_behind(execution: Execution, workers: Sequence[Worker], now: datetime) -> str | None:
    """Why none of `workers`, which have room for `execution`, gives it any; None when one does."""
    ahead = 0
    for worker in workers:
        line = first_in_line(worker, Execution.objects.ready_for(worker.pk).with_room(), now)
        if line is None or (execution.priority, execution.pk) <= line:
            return None
        ahead = line[1]
    return f"Execution {ahead} has waited for room for long and goes first."


def refresh_unmet(now: datetime) -> int:
    """Bring `unmet_resources` of all active Seed types up to date; return how many changed."""
    types = list(
        JobType.objects.filter(executor=CONTAINER, is_active=True).values_list(
            "pk", "name", "revision_num", "docker_image", "unmet_resources"
        )
    )
    if not types:
        return 0
    alive = list(Worker.objects.alive(now, LEASE))
    failed = _failed_pulls([key for key, *_ in types]) if settings.CONTAINER_PULL != "never" else None
    changed = 0
    for key, name, number, image, present in types:
        lacking = _unmet(_resources_of(key, number), name, alive)
        if ENGINE not in lacking and not _has_program(name, alive) and not _is_anywhere(image, alive):
            lacking += [IMAGE] if failed is None or key in failed else []
        told = ",".join(lacking)[:250] or None
        if told != present:
            changed += JobType.objects.filter(pk=key, revision_num=number).update(unmet_resources=told)
    return changed


def _is_anywhere(image: str, alive: Sequence[Worker]) -> bool:
    """Whether an engine of a living worker has the image, or may have it: one that has not looked for it yet."""
    return any((worker.images or {}).get(image, True) for worker in alive if worker.engine)


def images_of_types(here: Collection[str]) -> dict[str, bool]:
    """The images of active Seed types; whether each is among those an engine has, which may give it a longer name."""
    wanted = (
        JobType.objects.filter(executor=CONTAINER, is_active=True).order_by().values_list("docker_image", flat=True)
    )
    return {image: _has(here, image) for image in sorted(set(wanted))}


def _has(images: Collection[str], image: str) -> bool:
    return any(f"{place}{image}{tag}" in images for place in _PLACES for tag in ("", ":latest"))


def _failed_pulls(types: Iterable[int]) -> set[int]:
    """The types whose newest run that ended could not get its image."""
    rows = Execution.objects.filter(
        job_type__in=types, status=Status.FAILED, error__name="pull", error__job_type_name=None, is_last_try=True
    )
    return set(rows.order_by().values_list("job_type", flat=True).distinct())


def _unmet(needed: Amounts, name: str, alive: Sequence[Worker]) -> list[str]:
    able = [worker.resources for worker in alive if _can_run(worker, name)]
    if not alive:
        return []  # nobody to ask: that no worker is alive is said elsewhere
    return _lacking_everywhere(needed, able) if able else [ENGINE]


def _lacking_everywhere(needed: Amounts, workers: Sequence[Amounts]) -> list[str]:
    """What is lacking on the worker that lacks least."""
    return min((_lacking(needed, has) for has in workers), key=len)


def _lacking(needed: Amounts, has: Amounts) -> list[str]:
    """The resources of which `has` is less than needed. Shared memory is memory where it is not counted apart."""
    return [
        name
        for name, amount in needed.items()
        if amount > 0 and amount > has.get(name, has.get("mem", 0.0) if name == _IN_MEMORY else 0.0) + 1e-9
    ]


def _can_run(worker: Worker, type_name: str) -> bool:
    return bool(worker.engine) or _has_program(type_name, [worker])


def _has_program(type_name: str, workers: Iterable[Worker]) -> bool:
    return any(type_name in (worker.programs or ()) for worker in workers)


def _free(worker: Worker) -> Counter[str]:
    free: Counter[str] = Counter(worker.resources)
    for taken in Execution.objects.running_on(worker.pk).exclude(resources=None).values_list("resources", flat=True):
        free.subtract(taken)
    for name in [name for name in free if name not in worker.resources]:
        del free[name]
    return free


def _amounts(needed: Amounts, names: Sequence[str]) -> str:
    return " and ".join(f"{needed[name]:g} {_unit(name)}" for name in names)


def _unit(name: str) -> str:
    return f"MiB of {name}" if name in ("mem", "disk", _IN_MEMORY) else name


def _input_mib(payload: int) -> float:
    files = _files(payload)
    if not files:
        return 0.0
    try:
        wanted = [one for listed in inputs.references(files).values() for one in listed]
    except Failure:
        return 0.0  # the run will say what is wrong with it
    ids = [one.id for one in wanted if one.id is not None]
    kept = dict(ExecutionFile.objects.filter(pk__in=ids).values_list("pk", "bytes")) if ids else {}
    return inputs.size(wanted, kept, settings.INPUT_FOLDERS)


# Revisions and payloads never change.
@lru_cache(maxsize=2048)
def _files(payload: int) -> dict[str, Any]:
    given: dict[str, Any] = Payload.objects.values_list("input", flat=True).get(pk=payload)
    return dict(given.get("files") or {})


@lru_cache(maxsize=2048)
def _manifest(revision: int) -> dict[str, Any]:
    """Of a manifest what it says of resources."""
    return _resources_part(JobTypeRevision.objects.values_list("manifest", flat=True).get(pk=revision))


@lru_cache(maxsize=2048)
def _resources_of(job_type: int, number: int) -> dict[str, float]:
    """What a run without input needs; nothing more than the least where that revision is about to be made."""
    of_type = JobTypeRevision.objects.filter(job_type=job_type, revision_num=number)
    manifest = of_type.values_list("manifest", flat=True).first()
    return seed.resources(_resources_part(manifest)) if manifest else dict(MINIMUMS)


def _resources_part(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {"job": {"resources": manifest.get("job", {}).get("resources") or {}}}
