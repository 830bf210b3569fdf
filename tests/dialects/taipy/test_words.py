"""Taipy's words for statuses and times, and its ids; no database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest

from config.dialects.taipy import names, words
from executions.models import Execution
from executions.states import Reason, Status


@pytest.mark.parametrize(
    ("status", "reason", "word"),
    [
        (Status.PENDING, None, "Status.SUBMITTED"),
        (Status.BLOCKED, None, "Status.BLOCKED"),
        (Status.BLOCKED, Reason.CONCURRENCY, "Status.BLOCKED"),
        (Status.QUEUED, None, "Status.PENDING"),
        (Status.RUNNING, None, "Status.RUNNING"),
        (Status.COMPLETED, None, "Status.COMPLETED"),
        (Status.COMPLETED, Reason.SKIPPED, "Status.SKIPPED"),
        (Status.FAILED, None, "Status.FAILED"),
        (Status.FAILED, Reason.TIMEOUT, "Status.FAILED"),
        (Status.FAILED, Reason.WORKER_LOST, "Status.FAILED"),
        (Status.CANCELED, Reason.USER, "Status.CANCELED"),
        (Status.CANCELED, Reason.SYSTEM, "Status.CANCELED"),
        (Status.CANCELED, Reason.UPSTREAM, "Status.ABANDONED"),
        (Status.CANCELED, Reason.EXPIRED, "Status.ABANDONED"),
    ],
)
def test_a_status_is_the_text_of_taipys_enumeration(status, reason, word):
    assert words.status_of(Execution(status=status, reason=reason)) == word


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("reason", [None, *Reason])
def test_every_status_and_reason_has_a_word(status, reason):
    assert words.status_of(Execution(status=status, reason=reason)).removeprefix("Status.") in words.STATUSES


def test_a_creation_date_is_in_utc_with_a_space_and_without_a_zone():
    zone = timezone(timedelta(hours=2))

    assert words.created(datetime(2026, 11, 21, 23, 23, 4, 638_758, UTC)) == "2026-11-21 23:23:04.638758"
    assert words.created(datetime(2026, 11, 22, 1, 23, 4, tzinfo=zone)) == "2026-11-21 23:23:04"


@pytest.mark.parametrize("config", ["fast", "my_config", "a-b", "a_b-1_", "TASK", "JOB_x", "é", "x" * 300])
@pytest.mark.parametrize("key", [1, 42, 2**53 + 1, 2**62 - 1])
def test_an_id_says_what_it_was_made_of(config, key):
    text = names.write(names.JOB, config, key)

    assert names.read(text) == (names.JOB, config, key)
    assert text.startswith(f"JOB_{config}_")


def test_the_uuid_of_an_id_is_one_of_version_4():
    uuid = names.uuid_of(4711)

    assert (uuid.version, uuid.variant) == (4, UUID("75750ed8-4e09-4e00-958d-e352ee426cc9").variant)


def test_a_uuid_that_is_not_ours_names_nothing_of_ours():
    read = names.read("TASK_my_config_75750ed8-4e09-4e00-958d-e352ee426cc9")

    assert read == ("TASK", "my_config", None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "JOB",
        "cancel",
        "JOB_fast",
        f"JOB_{names.uuid_of(1)}",
        f"JOB__{names.uuid_of(1)}",
        f"fast_{names.uuid_of(1)}",
        str(names.uuid_of(1)),
        f"JOB_fast-{names.uuid_of(1)}",
        f"JOB_fast_{names.uuid_of(1)}x",
        f"JOB_fast_{names.uuid_of(1)}".upper(),
        f"JOB_fast_{names.uuid_of(1).hex}",
        "JOB_fast_" + "z" * 36,
        "JOB_fast_" + "\u0663" * 36,
    ],
)
def test_what_is_no_id_is_none(text):
    assert names.read(text) is None
