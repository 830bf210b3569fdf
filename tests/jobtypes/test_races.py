"""Several who publish and edit one job type at once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from errors.models import Error
from jobtypes import publish
from jobtypes.models import JobType
from tests.jobs.test_races import at_once
from tests.jobtypes.seed.manifests import a_manifest

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ERRORS = [{"code": code, "name": f"error-{code}"} for code in (3, 1, 2)]


def upload(**job):
    manifest = a_manifest(errors=ERRORS, **job)
    return publish.publish(publish.Changes(manifest=manifest, docker_image="image:1"), now=NOW)


def test_of_many_that_upload_one_version_one_makes_it_and_the_others_edit():
    results = at_once([upload] * 8)

    assert sorted(result.is_new for result in results) == [False] * 7 + [True]
    job_type = JobType.objects.get(name="count-words")
    assert job_type.revision_num == 8
    assert sorted(job_type.revisions.values_list("revision_num", flat=True)) == list(range(1, 9))


def test_many_edits_at_once_each_make_a_revision():
    upload()
    edit = publish.Changes(manifest=a_manifest(errors=ERRORS))

    at_once([lambda: publish.edit("count-words", "1.0.0", edit, now=NOW)] * 8)

    job_type = JobType.objects.get(name="count-words")
    assert job_type.revision_num == job_type.revisions.count() == 9


def test_versions_of_one_name_register_their_shared_errors_at_once():
    at_once([lambda number=number: upload(jobVersion=f"1.{number}.0") for number in range(8)])

    assert JobType.objects.filter(name="count-words").count() == 8
    assert Error.objects.filter(job_type_name="count-words").count() == 3
