"""Another name for a job."""

from __future__ import annotations

import pytest

from errors.exceptions import Invalid
from executions.engine.archive import archive
from executions.engine.submit import ad_hoc_job
from jobs import services
from jobtypes.models import JobType
from tests.builders import NOON, a_job, an_execution

pytestmark = pytest.mark.django_db


def test_a_renamed_job_keeps_all_that_belongs_to_it():
    job, child = a_job("nightly"), a_job(parents=["nightly"])
    run = an_execution(job)

    services.rename(job, "weekly", by="ada")

    job.refresh_from_db()
    assert job.name == "weekly"
    assert list(child.parents.values_list("name", flat=True)) == ["weekly"]
    run.refresh_from_db()
    assert run.job == job
    assert a_job("nightly").pk != job.pk


@pytest.mark.parametrize("name", ["", "Weekly", "validation", "taken", "a" * 129, "a\0b"])
def test_a_name_that_no_job_may_have_is_refused_and_the_old_one_stays(name):
    a_job("taken")
    job = a_job("nightly")

    with pytest.raises(Invalid) as refused:
        services.rename(job, name, by="ada")

    assert refused.value.fields.keys() == {"name"}
    job.refresh_from_db()
    assert job.name == "nightly"


def test_a_deleted_job_and_the_houses_own_are_not_renamed():
    job = a_job("nightly")
    archive(job, by="ada", now=NOON, cancel_running=True)

    with pytest.raises(services.Gone):
        services.rename(job, "weekly", by="ada")
    with pytest.raises(services.BelongsToTheHouse):
        services.rename(ad_hoc_job(JobType.objects.get(name="shell")), "weekly", by="ada")
