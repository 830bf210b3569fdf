"""Dkron's schedule grammar, and what the house makes of it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from config.dialects.dkron.schedules import BadSchedule, BadZone, Ours, translate
from jobs.schedule import parse

JOB = "test_job"  # the sum of its letters is 858


def ours(text: str, timezone: str = "") -> str:
    return translate(text, timezone, JOB).schedule


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        ("0 30 2 * * *", "0 30 2 * * *"),
        ("  0\t30  2 * * * ", "0 30 2 * * *"),
        ("0 0 0 ? * ?", "0 0 0 * * *"),
        ("5/15 * * * * *", "5-59/15 * * * * *"),
        ("0 */5 * * * *", "0 */5 * * * *"),
        ("0 0 0 * JAN-mar SUN", "0 0 0 * 1-3 0"),
        ("0 0 0 * * mon-fri", "0 0 0 * * 1-5"),
        ("1,5,,9 * * * * *", "1,5,9 * * * * *"),
        ("0 0 0 1-5/2 * *", "0 0 0 1-5/2 * *"),
        ("0 0 0 7-7/3 * *", "0 0 0 7 * *"),
        ("0 0 0 */2 * 1", "0 0 0 1-31/2 * 1"),
        ("0 0 0 1 * */3", "0 0 0 1 * 0-6/3"),
        ("0 0 0 1-31 * 1", "0 0 0 1-31 * 1"),
        ("0 0 0 5,* * 1", "0 0 0 * * 1"),
        ("*/90 * * * * *", "*/60 * * * * *"),
        ("+5 * * * * *", "5 * * * * *"),
        ("0 0 0 30 2 *", "0 0 0 30 2 *"),
        ("@yearly", "@yearly"),
        ("@annually", "@annually"),
        ("@monthly", "@monthly"),
        ("@weekly", "@weekly"),
        ("@daily", "@daily"),
        ("@midnight", "@midnight"),
        ("@hourly", "@hourly"),
        ("@minutely", "@minutely"),
        ("@manually", "@manually"),
        ("@every 1h30m10s", "@every 1h30m10s"),
        ("@every 1.5h", "@every 1.5h"),
        ("@every 90s500ms", "@every 90s500ms"),
        ("@every +5m", "@every 5m"),
        ("@every 500ms", "@every 1s"),
        ("@every 0", "@every 1s"),
        ("@every -1h", "@every 1s"),
        ("@at 2018-01-02T15:04:00Z", "@at 2018-01-02T15:04:00Z"),
        ("@at 2030-01-02T15:04:00.5+02:00", "@at 2030-01-02T15:04:00.5+02:00"),
    ],
)
def test_what_dkron_reads_is_read(theirs, expected):
    assert ours(theirs) == expected


@pytest.mark.parametrize(
    "text",
    [
        "0 0 * * *",
        "* * * * * * *",
        "@Daily",
        "@daily now",
        "@reboot",
        "@every",
        "@every 5",
        "@every 1d",
        "@every 9999999999h",
        "@at tomorrow",
        "@at 2018-01-02",
        "@at 2018-01-02 15:04:00Z",
        "@at 2018-13-02T15:04:00Z",
        "60 * * * * *",
        "0 60 * * * *",
        "0 0 24 * * *",
        "0 0 0 0 * *",
        "0 0 0 32 * *",
        "0 0 0 * 13 *",
        "0 0 0 * * 7",
        "5-1 * * * * *",
        "-5 * * * * *",
        "*/0 * * * * *",
        "1/2/3 * * * * *",
        "1-2-3 * * * * *",
        "a * * * * *",
        ", * * * * *",
        "0 0 0 L * *",
        "0 0 0 15W * *",
        "0 0 0 * * 5#2",
        "0 0 0 * * &1",
        "TZ=Nowhere/Else 0 0 0 * * *",
        "TZ=UTC @manually",
        "TZ=UTC @minutely",
        "TZ=UTC @at 2018-01-02T15:04:00Z",
        "TZ=UTC",
    ],
)
def test_what_dkron_refuses_is_refused(text):
    with pytest.raises(BadSchedule):
        ours(text)


@pytest.mark.parametrize(
    ("text", "timezone", "expected"),
    [
        ("0 0 0 * * *", "Europe/Berlin", "Europe/Berlin"),
        ("0 0 0 * * *", "", ""),
        ("0 0 0 * * *", "Local", ""),
        ("TZ=Asia/Tokyo 0 0 0 * * *", "Europe/Berlin", "Asia/Tokyo"),
        ("CRON_TZ=Asia/Tokyo 0 0 0 * * *", "", "Asia/Tokyo"),
        ("CRON_TZ=Local 0 0 0 * * *", "Asia/Tokyo", ""),
        ("TZ=Asia/Tokyo @daily", "Europe/Berlin", "Asia/Tokyo"),
        ("@daily", "Europe/Berlin", ""),
        ("@every 1h", "Europe/Berlin", ""),
    ],
)
def test_a_zone_before_the_fields_wins_and_a_jobs_zone_counts_for_fields_only(text, timezone, expected):
    assert translate(text, timezone, JOB).timezone == expected


def test_an_unknown_zone_is_refused():
    with pytest.raises(BadZone):
        translate("0 0 0 * * *", "Mars/Phobos", JOB)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 0 ~ * * *", "0 0 18 * * *"),
        ("0 0 0 * ~ *", "0 0 0 * 7 *"),
        ("0 0 0 ~ * *", "0 0 0 19 * *"),
        ("0 0 0 * * ~", "0 0 0 * * 4"),
        ("~ ~ 0 * * *", "18 18 0 * * *"),
        ("~/15 * * * * *", "18-59/15 * * * * *"),
        ("TZ=UTC 0 0 ~ * * *", "0 0 18 * * *"),
    ],
)
def test_a_tilde_is_a_number_made_of_the_jobs_name(text, expected):
    assert ours(text) == expected


def test_a_step_over_days_is_a_restriction_so_either_day_will_do():
    after = datetime(2026, 3, 1, tzinfo=UTC)  # a Sunday; the 3rd is a Tuesday, the 2nd a Monday

    due = parse(ours("0 0 0 */2 * 1")).instants(after, limit=3)

    assert [instant.day for instant in due] == [2, 3, 5]


def test_an_empty_schedule_is_for_children():
    assert translate("", "Europe/Berlin", JOB) == Ours("@manually", "Europe/Berlin")
