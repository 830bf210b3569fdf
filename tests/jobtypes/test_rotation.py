"""Encryption keys are rotated while the house runs."""

from __future__ import annotations

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management import call_command
from django.core.management.base import CommandError

from jobs.models import Payload
from jobtypes.encryption import CannotDecrypt
from jobtypes.models import JobType, JobTypeSecrets
from tests.builders import a_job_type

pytestmark = pytest.mark.django_db


@pytest.fixture
def keys(settings):
    """An old key, under which secrets were stored, and a new one."""
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    for number in range(5):
        Payload.objects.create(secrets={"/token": f"secret {number}"})
    Payload.objects.create()
    JobTypeSecrets.objects.create(job_type=a_job_type("mine"), settings={"PASS": "hunter2"})
    return old, new


def rotated(*words: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *words, stdout=out)
    return out.getvalue()


def test_after_a_rotation_the_old_key_is_needed_no_more(keys, settings):
    old, new = keys
    settings.ENCRYPTION_KEYS = [new, old]

    said = rotated("--chunk", "2")

    assert "Secrets of jobs: 5 encrypted anew.\nSecrets of job types: 1 encrypted anew.\n" in said
    settings.ENCRYPTION_KEYS = [new]
    assert {payload.secrets.get("/token") for payload in Payload.objects.all()} == {
        None, *(f"secret {number}" for number in range(5))
    }  # fmt: skip
    assert JobType.objects.get(name="mine").secrets == {"PASS": "hunter2"}


def test_before_it_the_new_key_alone_opens_nothing_and_nothing_is_changed(keys, settings):
    old, new = keys
    settings.ENCRYPTION_KEYS = [new]

    with pytest.raises(CannotDecrypt):
        list(Payload.objects.all())
    with pytest.raises(CommandError, match="Is the old key still among them"):
        rotated()

    settings.ENCRYPTION_KEYS = [old]
    assert JobType.objects.get(name="mine").secrets == {"PASS": "hunter2"}


def test_rotating_twice_does_no_harm(keys):
    rotated()
    rotated()

    assert JobType.objects.get(name="mine").secrets == {"PASS": "hunter2"}
    assert [keys[0]] == settings.ENCRYPTION_KEYS
