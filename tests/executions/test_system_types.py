"""The house's own job types: one for each executor, one for each Python task."""

from __future__ import annotations

from dataclasses import replace

import pytest

from executions import system_types
from executions.executors.http import HttpExecutor
from executions.executors.shell import ShellExecutor
from jobtypes import registry
from jobtypes.models import JobType, JobTypeRevision

pytestmark = pytest.mark.django_db

HOUSEKEEPING = {"purge-history", "analyze-database", "vacuum-database", "reap-workers"}
SHOWING = {"test-log", "test-error", "test-sleep", "test-low-queue", "test-default-queue", "test-high-queue"}


def system(name: str) -> JobType:
    return JobType.objects.get(name=name, is_system=True)


def count_things() -> None:
    """Count things."""


@pytest.fixture
def registered():
    """Let a test register tasks, and forget them afterwards."""
    before = dict(registry._registered)
    yield
    registry._registered.clear()
    registry._registered.update(before)


def test_every_executor_and_every_task_has_a_type():
    names = set(JobType.objects.filter(is_system=True, is_active=True).values_list("name", flat=True))

    assert {"shell", "http"} | HOUSEKEEPING | SHOWING <= names
    assert not names & {"task", "container"}


@pytest.mark.parametrize("executor", [ShellExecutor, HttpExecutor])
def test_an_executors_type_knows_what_it_must_be_told(executor):
    revision = system(executor.name).revisions.get()

    assert revision.configuration_schema == executor.configuration_schema
    assert revision.manifest["job"]["title"] == executor.title


@pytest.mark.parametrize("name", sorted(HOUSEKEEPING | SHOWING))
def test_no_task_of_the_house_needs_input(name):
    schema = system(name).revisions.get().input_schema

    assert not schema["properties"].get("json", {}).get("required")
    assert "json" not in schema.get("required", [])


def test_a_tasks_type_says_what_the_task_says():
    purge = system("purge-history")

    assert (purge.executor, purge.max_tries, purge.title) == ("task", 1, "Purge history")
    assert purge.description.startswith("Delete executions that have ended")
    inputs = purge.manifest["job"]["interface"]["inputs"]["json"]
    assert {one["name"] for one in inputs} == {"days", "per_job"}


def test_publishing_again_changes_nothing():
    before = list(JobType.objects.order_by("pk").values_list("pk", "revision_num", "last_modified"))

    system_types.publish()

    assert list(JobType.objects.order_by("pk").values_list("pk", "revision_num", "last_modified")) == before


def test_a_new_interface_of_a_task_is_a_new_revision(registered):
    registry.schedulable(count_things)
    system_types.publish()
    first = system("count-things").revisions.get()

    found = registry._registered["count-things"]
    schema = {**found.schema, "title": "another"}
    registry._registered["count-things"] = replace(found, schema=schema)
    system_types.publish()

    job_type = system("count-things")
    assert job_type.revision_num == 2
    assert job_type.revisions.count() == 2
    assert JobTypeRevision.objects.get(pk=first.pk).input_schema == first.input_schema


def test_the_type_of_a_task_that_is_gone_becomes_inactive_and_comes_back_with_it(registered):
    registry.schedulable(count_things)
    system_types.publish()
    found = registry._registered.pop("count-things")

    system_types.publish()
    assert (system("count-things").is_active, system("count-things").unmet_resources) == (False, "task")
    registry._registered["count-things"] = found
    system_types.publish()

    assert (system("count-things").is_active, system("count-things").unmet_resources) == (True, None)
    assert system("count-things").revision_num == 1


def test_a_type_that_an_operator_deactivated_stays_inactive(registered):
    registry.schedulable(count_things)
    system_types.publish()
    JobType.objects.filter(name__in=["count-things", "shell"]).update(is_active=False)
    found = registry._registered["count-things"]

    system_types.publish()
    registry._registered.pop("count-things")
    system_types.publish()
    registry._registered["count-things"] = found
    system_types.publish()

    assert (system("count-things").is_active, system("shell").is_active) == (False, False)
