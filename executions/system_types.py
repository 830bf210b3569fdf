"""The house's own job types: one for each executor that can be told what to do, one for each registered Python task."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from executions.executors import executors
from executions.models import House
from jobtypes import registry
from jobtypes.manifest import system_manifest
from jobtypes.models import JobType
from jobtypes.services import publish_system
from jobtypes.signature import seed_inputs

TASK = "task"
MISSING = "task"
"""What a type lacks, in `unmet_resources`, whose task is not installed."""
SEED_ONLY = frozenset({"container"})
"""Executors that run what a manifest says have no job type of their own."""


def publish(**_: Any) -> None:
    """Bring the system job types up to date with what is installed; those whose task is gone become inactive."""
    House.row()
    with transaction.atomic():
        for name, executor in executors().items():
            if name != TASK and name not in SEED_ONLY:
                publish_system(
                    name,
                    executor=name,
                    manifest=system_manifest(
                        name, title=executor.title or name.title(), description=executor.description
                    ),
                    input_schema={},
                    configuration_schema=executor.configuration_schema,
                )
        for name in registry.names():
            task = registry.find(name)
            publish_system(
                name,
                executor=TASK,
                manifest=system_manifest(
                    name,
                    title=task.title,
                    description=task.description,
                    timeout=task.timeout,
                    inputs=seed_inputs(task.schema),
                ),
                input_schema=task.schema,
                configuration_schema={"type": "object", "properties": {}, "additionalProperties": False},
            )
        tasks = JobType.objects.filter(is_system=True, executor=TASK)
        gone = tasks.filter(is_active=True).exclude(name__in=registry.names())
        gone.update(is_active=False, unmet_resources=MISSING)
        # What an operator deactivated stays so.
        back = tasks.filter(name__in=registry.names(), unmet_resources=MISSING)
        back.update(is_active=True, unmet_resources=None)
