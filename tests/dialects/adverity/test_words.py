"""Adverity's words for states, times and lengths; no database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from config.dialects.adverity import words
from executions.models import Execution
from executions.states import FINAL, LIVE, Reason, Status

LABELS = {
    0: "Scheduled",
    1: "Running",
    2: "Success",
    3: "Cancelled",
    4: "Failed",
    5: "Discarded",
    6: "Stale",
}


def test_every_state_has_its_number_and_label():
    assert {state.number: state.label for state in words.ALL_STATES} == LABELS


def test_running_is_orange():
    assert words.RUNNING.color == "orange"


@pytest.mark.parametrize("status", Status)
def test_every_status_has_a_state(status):
    state = words.state_of(Execution(status=status))

    assert state.is_final == (status in FINAL)
    assert state in words.ALL_STATES


@pytest.mark.parametrize("status", sorted(LIVE - {Status.RUNNING}))
def test_what_waits_is_scheduled(status):
    assert words.state_of(Execution(status=status)).label == "Scheduled"


@pytest.mark.parametrize(
    ("reason", "label"),
    [
        (Reason.USER, "Discarded"),
        (Reason.UPSTREAM, "Discarded"),
        (Reason.EXPIRED, "Discarded"),
        (Reason.SYSTEM, "Cancelled"),
        (Reason.CONCURRENCY, "Cancelled"),
        (Reason.MISSED, "Cancelled"),
        (Reason.TIMEOUT, "Cancelled"),
        (Reason.WORKER_LOST, "Cancelled"),
        (Reason.SKIPPED, "Cancelled"),
        (None, "Cancelled"),
    ],
)
def test_a_canceled_run_is_discarded_by_exactly_three_rules(reason, label):
    assert words.state_of(Execution(status=Status.CANCELED, reason=reason)).label == label


@pytest.mark.parametrize("reason", [None, *Reason])
def test_no_status_and_reason_makes_stale(reason):
    assert words.STALE not in {words.state_of(Execution(status=status, reason=reason)) for status in Status}


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.WORKER_LOST, Reason.EXPIRED, None])
def test_a_failed_run_is_failed_whatever_the_reason(reason):
    assert words.state_of(Execution(status=Status.FAILED, reason=reason)) is words.FAILED


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.9, "0s"), (5, "5s"), (60, "1m 0s"), (125, "2m 5s"), (3600, "1h 0m 0s"), (90_061, "25h 1m 1s")],
)
def test_a_length_of_time_is_a_short_text(seconds, text):
    assert words.duration(timedelta(seconds=seconds)) == text


def test_what_has_not_started_took_no_time():
    assert words.duration(None) == "0s"


def test_a_moment_is_in_utc_with_z_and_without_a_fraction():
    assert words.moment(datetime(2022, 10, 31, 23, 59, 59, 700_000, UTC)) == "2022-10-31T23:59:59Z"
    assert words.moment(None) is None


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("2022-10-31", date(2022, 10, 31)),
        ("2022-10-31T00:00:00Z", datetime(2022, 10, 31, tzinfo=UTC)),
        ("2022-10-31T00:00:00", datetime(2022, 10, 31, tzinfo=UTC)),
        ("2022-10-31T02:00:00+02:00", datetime(2022, 10, 31, tzinfo=UTC)),
        ("2022-10-31T02:00:00 02:00", datetime(2022, 10, 31, tzinfo=UTC)),
        (" 2022-10-31T00:00Z ", datetime(2022, 10, 31, tzinfo=UTC)),
        ("2022-10-31T12:00:00.5Z", datetime(2022, 10, 31, 12, 0, 0, 500_000, UTC)),
    ],
)
def test_a_date_or_a_time_is_read(text, read):
    assert words.read_moment(text) == read


@pytest.mark.parametrize(
    "text", ["", "today", "2022-13-01", "2022-10-31T25:00:00Z", "1667174400", "0001-01-01T00:00:00+14:00"]
)
def test_what_is_neither_date_nor_time_is_refused(text):
    with pytest.raises(ValueError, match=r"no ISO|range|must be in|day is out"):
        words.read_moment(text)


def test_a_date_is_its_whole_day():
    day = date(2022, 10, 31)

    assert words.begin_of(day) == datetime(2022, 10, 31, tzinfo=UTC)
    assert words.end_of(day) == datetime(2022, 10, 31, 23, 59, 59, tzinfo=UTC)
