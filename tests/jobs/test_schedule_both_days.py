"""`&` before the day of the week: it and the day of the month must both match."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from jobs.schedule import ScheduleError, parse, preview

START = datetime(2026, 1, 1, tzinfo=UTC)
END = datetime(2028, 12, 31, 12, tzinfo=UTC)


def brute_force(days: set[int], weekdays: set[int]) -> list[datetime]:
    """The days, at midnight, on which both match; weekdays count from Sunday."""
    every = (datetime.fromordinal(n).replace(tzinfo=UTC) for n in range(START.toordinal(), END.toordinal() + 1))
    return [day for day in every if day.day in days and day.isoweekday() % 7 in weekdays]


@pytest.mark.parametrize(
    ("text", "days", "weekdays"),
    [
        ("0 0 13 * &5", {13}, {5}),
        ("0 0 13 * &fri", {13}, {5}),
        ("0 0 1-7 * &1", set(range(1, 8)), {1}),
        ("0 0 15,31 * &mon-fri", {15, 31}, {1, 2, 3, 4, 5}),
        ("0 0 */10 * &7", {1, 11, 21, 31}, {0}),
    ],
)
def test_only_days_on_which_both_match_are_due(text, days, weekdays):
    schedule = parse(text)
    expected = brute_force(days, weekdays)

    assert list(schedule.instants(START, END)) == expected
    assert schedule.count_between(START, END) == len(expected)
    assert schedule.latest_between(START, END, newest=3).newest == tuple(expected[-3:])


def test_it_is_said_in_words_and_needs_no_warning():
    told = preview("30 9 13 * &5", "UTC", START, 1)

    assert told.words == "At 09:30 on the 13th day of month if it's on Friday"
    assert told.notes == []


def test_with_seconds_it_is_the_sixth_field():
    assert parse("15 0 0 13 * &5").next_after(START) == datetime(2026, 2, 13, 0, 0, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["0 0 13 * &", "0 0 13 * &&5", "0 0 13 * 5&", "0 0 &13 * 5", "0 & 13 * 5", "0 0 13 * &9"]
)
def test_it_stands_before_a_weekday_and_nowhere_else(text):
    with pytest.raises(ScheduleError):
        parse(text)
