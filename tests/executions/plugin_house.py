"""A worker that has whatever packages stand on its path: ``python -m tests.executions.plugin_house FILE``.

Makes a job of the example's executor with the example's processor, runs it in a real slot and prints what came of it.
"""

from __future__ import annotations

import json
import sys
import time

import django


def main() -> None:
    django.setup()
    from executions import clock, output, system_types
    from executions.engine.submit import submit
    from executions.engine.worker import Identity, WorkerEngine
    from executions.models import Execution
    from executions.states import Door
    from jobs import services

    system_types.publish()
    fields = {
        "name": "stock",
        "job_type": {"name": "sql"},
        "configuration": {"file": sys.argv[1], "statement": "SELECT item, pieces FROM stock WHERE pieces < :low"},
        "input": {"json": {"low": 100}},
        "processors": {"count": {"word": "rows"}},
    }
    job = services.create(fields, by="ada", now=clock.now())
    engine = WorkerEngine(Identity(slots=1, tags={}, look_seconds=0.2))
    engine.start()
    execution = submit(job, by="ada", door=Door.NATIVE, now=clock.now())
    end = time.monotonic() + 30
    while not (execution := Execution.objects.get(pk=execution.pk)).is_final and time.monotonic() < end:
        time.sleep(0.05)
    engine.stop(grace=0)
    print(json.dumps([execution.status, execution.message, "".join(output.text(execution))]))


if __name__ == "__main__":
    main()
