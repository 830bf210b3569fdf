"""The containers of this machine: which engine there is, what images it has, and what of ours must not be there.

Every worker looks, at its start and again and again: a container stays only while its execution is RUNNING, under a
lease that holds, by the worker that its label names, and that worker's process lives. Others go, whoever left them.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
from contextlib import suppress
from datetime import datetime

import structlog
from django.db import connection

from executions.engine import capacity
from executions.executors.seed.engine import Engine, NoEngine, address, has_sdk
from executions.executors.seed.plan import LABEL
from executions.models import Execution, Worker
from executions.states import Status

log = structlog.get_logger(__name__)

ASKS_ANEW = 30.0  # seconds between two questions for the engine's name and images
ANSWERS_WITHIN = 10.0  # seconds


def house() -> str:
    """Tells this house's containers from those of another that uses the same engine: made of its database's address."""
    database = connection.settings_dict
    place = "|".join(str(database.get(part) or "") for part in ("ENGINE", "HOST", "PORT", "NAME"))
    return hashlib.sha256(place.encode()).hexdigest()[:12]


def labels(execution: Execution) -> dict[str, str]:
    """What the container of `execution` is labelled with; `run` is the same for all tries, so the next finds it."""
    return {
        f"{LABEL}.house": house(),
        f"{LABEL}.execution": str(execution.pk),
        f"{LABEL}.run": f"{execution.group}.{execution.slot}",
        f"{LABEL}.worker": str(execution.worker_id),
    }


def is_there() -> bool:
    """Whether this machine seems to have an engine, and we what it takes to speak to it."""
    return has_sdk() and address() is not None


class Containers:
    """One worker's view of its machine's engine. `sweep` is called from one thread."""

    def __init__(self) -> None:
        self.engine = ""
        """Which one, for people; empty: none."""
        self._asked = 0.0

    def sweep(self, worker: Worker, now: datetime) -> int:
        """Remove what must not be there; return how many. Note on `worker` which engine there is."""
        if not is_there():
            self._found(worker, "", None)
            return 0
        try:
            with Engine.connect(ANSWERS_WITHIN) as engine:
                if time.monotonic() - self._asked > ASKS_ANEW or not self._asked:
                    self._found(worker, engine.name, capacity.images_of_types(engine.images()))
                    self._asked = time.monotonic()
                return _remove_strays(engine, now)
        except NoEngine as missing:
            if self.engine:
                log.warning("the container engine does not answer", reason=str(missing))
            self._found(worker, "", None)
            self._asked = 0.0
            return 0

    def _found(self, worker: Worker, name: str, images: dict[str, bool] | None) -> None:
        if (self.engine, worker.engine, worker.images) != (name, name, images):
            self.engine = worker.engine = name
            worker.images = images
            Worker.objects.filter(pk=worker.pk).update(engine=name, images=images)


def _remove_strays(engine: Engine, now: datetime) -> int:
    ours = dict(engine.ours({f"{LABEL}.house": house()}))
    if not ours:
        return 0
    executions = {_number(has, "execution") for has in ours.values()}
    running = Execution.objects.filter(pk__in=executions, status=Status.RUNNING, lease_until__gte=now)
    workers = {row.pk: row.worker for row in running.select_related("worker").only("pk", "worker")}
    removed = 0
    for has in ours.values():
        worker = workers.get(_number(has, "execution"))
        if worker is None or worker.pk != _number(has, "worker") or _is_dead(worker):
            removed += engine.remove({f"{LABEL}.{part}": has[f"{LABEL}.{part}"] for part in ("house", "execution")})
    if removed:
        log.warning("containers that nobody runs any more were removed", containers=removed)
    return removed


def _number(labels: dict[str, str], part: str) -> int:
    with suppress(ValueError):
        return int(labels.get(f"{LABEL}.{part}", ""))
    return 0


def _is_dead(worker: Worker) -> bool:
    """Whether the process of a worker of this machine is gone."""
    if worker.host != socket.gethostname():
        return False
    try:
        os.kill(worker.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False
