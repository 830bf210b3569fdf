"""What a house gets at its first start: an administrator, and the demonstration."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from config.up.demo import HEALTH, demonstration, make_demonstration
from config.up.first_start import first_administrator
from executions.engine.archive import archive
from jobs import services
from jobs.models import Job
from tests.builders import NOON, a_job

pytestmark = pytest.mark.django_db
URL = "http://127.0.0.1:8000"


def test_the_first_administrator_may_enter_with_the_password_that_is_kept(tmp_path: Path):
    found = first_administrator(tmp_path)

    assert found
    user = User.objects.get()
    assert (user.username, user.is_staff, user.is_superuser) == ("admin", True, True)
    assert user.check_password(found.password)
    assert (tmp_path / "admin_password").read_text() == found.password + "\n"
    assert (tmp_path / "admin_password").stat().st_mode & 0o777 == 0o600
    assert first_administrator(tmp_path) == found


def test_a_password_that_was_changed_is_shown_no_more(tmp_path: Path):
    first_administrator(tmp_path)
    user = User.objects.get()
    user.set_password("something else entirely")
    user.save()

    assert first_administrator(tmp_path) is None
    assert User.objects.count() == 1


def test_another_administrator_is_enough(tmp_path: Path):
    User.objects.create_superuser("ada", password="correct horse battery")

    assert first_administrator(tmp_path) is None
    assert not User.objects.filter(username="admin").exists()


def test_an_admin_that_a_token_brought_into_being_becomes_the_administrator(tmp_path: Path):
    user = User.objects.create_user("admin")

    assert first_administrator(tmp_path)
    user.refresh_from_db()
    assert user.is_superuser


def test_an_admin_with_a_password_of_its_own_is_left_alone(tmp_path: Path):
    User.objects.create_user("admin", password="correct horse battery")

    assert first_administrator(tmp_path) is None
    assert not User.objects.get().is_superuser


def test_a_password_without_its_account_is_used(tmp_path: Path):
    (tmp_path / "admin_password").write_text("left by a crash\n")

    found = first_administrator(tmp_path)

    assert found
    assert found.password == "left by a crash"


def test_an_empty_house_gets_the_demonstration():
    said = make_demonstration(URL, NOON)

    assert len(said) == 1
    names = [job["name"] for job in demonstration(URL)]
    assert list(Job.objects.order_by("id").values_list("name", flat=True)) == names
    assert all(name.startswith("demo-") for name in names)
    kinds = set(Job.objects.exclude(schedule="@manually").values_list("job_type__executor", flat=True))
    assert kinds == {"shell", "http", "task"}
    assert not Job.objects.filter(description="").exists()


def test_each_kind_of_the_demonstration_fires_within_half_a_minute():
    make_demonstration(URL, NOON)

    first = {}
    for job in Job.objects.exclude(next_run_at=None).select_related("job_type"):
        kind = job.job_type.executor
        first[kind] = min(first.get(kind, 99.0), (job.next_run_at - NOON).total_seconds())
    assert max(first.values()) <= 20


def test_a_house_with_a_job_gets_none():
    a_job("mine")

    assert make_demonstration(URL, NOON) == []
    assert Job.objects.count() == 1


def test_what_was_deleted_does_not_come_back():
    make_demonstration(URL, NOON)
    for name in ("demo-report", *(job["name"] for job in demonstration(URL) if job["name"] != "demo-report")):
        archive(Job.objects.living().get(name=name), by="ada", now=NOON, cancel_running=True)

    assert make_demonstration(URL, NOON) == []
    assert not Job.objects.living().exists()


def test_the_health_check_follows_the_house_to_another_address():
    make_demonstration(URL, NOON)

    assert make_demonstration("http://127.0.0.1:9000", NOON) == [f"{HEALTH} now asks http://127.0.0.1:9000"]

    job = Job.objects.select_related("payload").get(name=HEALTH)
    assert job.payload.configuration["url"] == "http://127.0.0.1:9000/health/live"


def test_a_health_check_that_was_given_another_task_is_left_alone():
    make_demonstration(URL, NOON)
    job = Job.objects.get(name=HEALTH)
    services.update(job, {"configuration": {"url": "https://example.org/"}}, by="ada", now=NOON, partial=True)

    assert make_demonstration("http://127.0.0.1:9000", NOON) == []


def test_without_an_executor_the_others_are_made(settings):
    settings.EXECUTORS_ALLOWED = ["http", "task"]

    said = make_demonstration(URL, NOON)

    assert said[0] == "made 2 demonstration jobs: demo-health, demo-task"
    assert "no demonstration job demo-clock: job_type: the executor shell is not allowed in this house" in said
