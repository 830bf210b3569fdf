"""Who waits for whom."""

from __future__ import annotations

import pytest

from errors.exceptions import Invalid
from jobs import services
from jobs.models import Job
from tests.builders import NOON, a_job

pytestmark = pytest.mark.django_db


def chain(length: int, prefix: str = "link") -> list[Job]:
    """So many jobs of which each waits for the one before."""
    jobs: list[Job] = []
    for number in range(length):
        jobs.append(a_job(f"{prefix}-{number}", parents=[job.name for job in jobs[-1:]]))
    return jobs


def adopt(job: Job, *parents: Job) -> Job:
    return services.update(job, {"parents": [p.name for p in parents]}, by="ada", now=NOON, partial=True)


def names(jobs: list[Job]) -> list[str]:
    return sorted(job.name for job in jobs)


def test_a_job_waits_for_the_jobs_it_names():
    mother, father = a_job("mother"), a_job("father")

    child = a_job("child", parents=["mother", "father", "mother"])

    assert names(list(child.parents.all())) == ["father", "mother"]
    assert names(list(mother.children.all())) == names(list(father.children.all())) == ["child"]


def test_an_edit_replaces_the_parents_and_one_that_does_not_name_them_keeps_them():
    mother, father = a_job("mother"), a_job("father")
    child = a_job("child", parents=["mother"])

    adopt(child, father)
    services.update(child, {"title": "x"}, by="ada", now=NOON, partial=True)

    assert list(child.parents.all()) == [father]
    assert list(mother.children.all()) == []


def test_a_job_cannot_wait_for_itself():
    job = a_job("alone")

    with pytest.raises(Invalid, match="alone cannot wait for itself"):
        adopt(job, job)


def test_a_circle_is_refused_and_the_one_who_closes_it_is_named():
    first, _, last = chain(3)
    other = a_job("other")

    with pytest.raises(Invalid, match="link-0 would wait for itself: link-2 already waits for it"):
        adopt(first, other, last)


def test_twenty_jobs_in_a_row_are_the_most():
    jobs = chain(20)

    with pytest.raises(Invalid) as refused:
        a_job("one-more", parents=[jobs[-1].name])

    assert set(refused.value.fields) == {"parents"}


def test_two_chains_cannot_be_joined_to_one_that_is_too_long():
    upper, lower = chain(11, "upper"), chain(10, "lower")

    with pytest.raises(Invalid):
        adopt(lower[0], upper[-1])
    adopt(lower[0], upper[-2])


def test_a_diamond_is_no_circle():
    a_job("top")
    a_job("left", parents=["top"])
    a_job("right", parents=["top", "left"])

    assert a_job("bottom", parents=["left", "right", "top"])


def test_twenty_parents_are_the_most():
    parents = [a_job().name for _ in range(21)]

    assert a_job(parents=parents[:20])
    with pytest.raises(Invalid):
        a_job(parents=parents)


def test_only_living_jobs_can_be_waited_for():
    gone, own = a_job("gone"), a_job("own")
    Job.objects.filter(pk=gone.pk).update(archived=NOON)
    Job.objects.filter(pk=own.pk).update(is_ad_hoc=True)

    with pytest.raises(Invalid, match="there is no job gone, nobody, own"):
        a_job(parents=["gone", "own", "nobody"])


def test_an_archived_job_between_two_others_ties_them_no_more():
    first, middle, last = chain(3)
    Job.objects.filter(pk=middle.pk).update(archived=NOON)

    assert list(adopt(first, last).parents.all()) == [last]


def test_wide_families_are_walked_by_generations(django_assert_max_num_queries):
    tops = [a_job().name for _ in range(10)]
    middles = [a_job(parents=tops).name for _ in range(10)]
    job = a_job()

    with django_assert_max_num_queries(25):
        services.update(job, {"parents": middles}, by="ada", now=NOON, partial=True)
