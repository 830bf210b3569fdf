"""A program of a house that does what it is told on standard input, a JSON object a line, and answers likewise.

    {"do": "create", "jobs": [{...}, ...]}      {"do": "run", "job": NAME}      {"do": "cancel", "execution": ID}
    {"do": "periodic", "name": NAME, "task": TASK, "seconds": 2}

`python -m tests.faults.agent`, in the environment of the house.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import transaction  # noqa: E402 - models need Django set up
from django_celery_beat.models import IntervalSchedule, PeriodicTask  # noqa: E402

from executions import clock  # noqa: E402
from executions.engine.cancel import cancel  # noqa: E402
from executions.engine.submit import submit  # noqa: E402
from executions.models import Execution  # noqa: E402
from executions.states import Door  # noqa: E402
from jobs import services  # noqa: E402
from jobs.models import Job  # noqa: E402

NAME = "faults"


@transaction.atomic
def create(jobs: list[dict[str, Any]]) -> dict[str, Any]:
    """All of them or none."""
    now = clock.now()
    for fields in jobs:
        moments = {n: datetime.fromisoformat(fields[n]) for n in ("starts_at", "expires_at") if fields.get(n)}
        services.create(fields | moments, by=NAME, now=now)
    return {"made": len(jobs)}


def run(job: str) -> dict[str, Any]:
    found = Job.objects.living().select_related("job_type", "payload").get(name=job)
    return {"execution": submit(found, by=NAME, door=Door.NATIVE, now=clock.now()).pk}


def stop(execution: int) -> dict[str, Any]:
    return {"status": cancel(Execution.objects.get(pk=execution), by=NAME, now=clock.now()).status}


def periodic(name: str, task: str, seconds: int) -> dict[str, Any]:
    schedule, _ = IntervalSchedule.objects.get_or_create(every=seconds, period=IntervalSchedule.SECONDS)
    return {"id": PeriodicTask.objects.create(name=name, task=task, interval=schedule, kwargs="{}").pk}


DEEDS: dict[str, Callable[..., dict[str, Any]]] = {
    "create": create,
    "run": run,
    "cancel": stop,
    "periodic": periodic,
}


def main() -> None:
    for line in sys.stdin:
        told = json.loads(line)
        try:
            answer = DEEDS[told.pop("do")](**told)
        except Exception as error:  # noqa: BLE001 - whatever it was, the test is told
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
