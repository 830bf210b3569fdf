"""Publishing job types, and holding them back."""

from __future__ import annotations

from typing import Any

import pytest

from jobtypes import services
from jobtypes.manifest import system_manifest
from jobtypes.models import JobType
from tests.builders import HOUR, NOON, a_job_type

pytestmark = pytest.mark.django_db


def publish(title: str = "Counter", **schemas: Any) -> JobType:
    return services.publish_system(
        "counter",
        executor="task",
        manifest=system_manifest("counter", title=title),
        input_schema=schemas.get("input_schema", {}),
        configuration_schema=schemas.get("configuration_schema", {}),
    )


def test_a_system_type_is_made_with_its_first_revision():
    job_type = publish()

    assert (job_type.name, job_type.version, job_type.executor) == ("counter", "1.0.0", "task")
    assert (job_type.is_system, job_type.max_tries, job_type.revision_num) == (True, 1, 1)
    assert job_type.revisions.get().manifest == job_type.manifest


def test_publishing_the_same_again_makes_no_revision():
    publish()

    assert publish().revisions.count() == 1


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Counts"},
        {"input_schema": {"type": "object"}},
        {"configuration_schema": {"type": "object"}},
    ],
)
def test_a_change_is_a_new_revision_and_the_old_one_stays(change):
    first = publish().revisions.get()

    changed = publish(**change)

    assert changed.revision_num == 2
    newer, older = changed.revisions.all()
    assert (older.pk, older.input_schema, newer.revision_num) == (first.pk, first.input_schema, 2)


def test_what_an_operator_decided_about_a_system_type_stays():
    JobType.objects.filter(pk=publish().pk).update(max_scheduled=3, is_paused=True, configuration={"priority": 5})

    changed = publish("Counts")

    assert (changed.max_scheduled, changed.is_paused, changed.priority) == (3, True, 5)


def test_a_paused_type_keeps_the_time_of_its_first_pause():
    job_type = a_job_type()
    services.pause(job_type, NOON)

    services.pause(job_type, NOON + HOUR)

    job_type.refresh_from_db()
    assert (job_type.is_paused, job_type.paused) == (True, NOON)


def test_a_type_that_goes_on_has_no_pause():
    job_type = a_job_type()
    services.pause(job_type, NOON)

    services.resume(job_type, NOON + HOUR)

    job_type.refresh_from_db()
    assert (job_type.is_paused, job_type.paused, job_type.last_modified) == (False, None, NOON + HOUR)


def test_a_type_that_is_not_paused_is_not_touched_when_it_is_resumed():
    job_type = a_job_type()
    modified = JobType.objects.get(pk=job_type.pk).last_modified

    services.resume(job_type, NOON)

    assert JobType.objects.get(pk=job_type.pk).last_modified == modified
