"""What a person is shown about a schedule before saving it."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.schedule import Preview, parse, preview

NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)


def notes(text: str, zone: str = "Europe/Berlin") -> list[str]:
    return preview(text, zone, NOW).notes


def test_a_good_schedule_is_explained():
    assert preview("0 */2 * * *", "Asia/Tokyo", NOW, count=2) == Preview(
        is_valid=True,
        error=None,
        words="At minute 0 past every second hour",
        timezone="Asia/Tokyo",
        next=[datetime(2026, 10, 20, 13, tzinfo=UTC), datetime(2026, 10, 20, 15, tzinfo=UTC)],
        notes=[],
        per_day=12,
    )


def test_a_bad_schedule_is_not_valid_and_says_why():
    shown = preview("0 25 * * *", "UTC", NOW)

    assert shown == Preview(is_valid=False, error='hour field "25": must be within 0-23', words="", timezone="UTC")


def test_a_bad_zone_is_not_valid_and_says_why():
    shown = preview("@daily", "Mars/Olympus", NOW)

    assert shown.error == 'timezone "Mars/Olympus": must be a known zone like Europe/Berlin or UTC'


def test_the_instants_shown_are_the_instants_that_fire():
    for text in ("30 2 * * *", "*/7 * * * * *", "@every 5h", "@at 2026-11-21T10:00:00Z", ""):
        shown = preview(text, "Europe/Berlin", NOW)
        following, moment = [], NOW
        while len(following) < 10 and (moment := parse(text, "Europe/Berlin").next_after(moment, NOW)):
            following.append(moment)

        assert shown.next == following


@pytest.mark.parametrize(
    ("text", "per_day"),
    [
        ("*/2 * * * *", 720),
        ("* * * * * *", 86_400),
        ("0 0 * * 0", 0.1429),
        ("@yearly", 0.0027),
        ("0 0 30 2 *", 0),
        ("@every 90s", 960),
        ("@every 48h", 0.5),
        ("@at 2026-11-21T10:00:00Z", 0),
        ("@manually", 0),
    ],
)
def test_it_says_how_often_an_average_day_starts_it(text, per_day):
    assert preview(text, "UTC", NOW).per_day == per_day


def test_changes_of_the_clock_within_a_year_are_told():
    assert notes("30 2 * * *") == [
        "2026-10-25 02:30 occurs twice in Europe/Berlin: runs the first time only.",
        "2027-03-28 02:30 does not exist in Europe/Berlin: runs at 03:00.",
    ]
    assert notes("0,30 2 * * *") == [
        "2026-10-25 02:00 to 03:00 occurs twice in Europe/Berlin: runs the first time only.",
        "2027-03-28 02:00 to 03:00 does not exist in Europe/Berlin: 2 starts become one, at 03:00.",
    ]
    assert notes("*/30 2 * * *") == [
        "2026-10-25 02:00 to 03:00 occurs twice in Europe/Berlin: runs both times.",
        "2027-03-28 02:00 to 03:00 does not exist in Europe/Berlin: 2 starts are left out.",
    ]


def test_a_gap_that_ends_on_the_next_day_is_told_with_that_day():
    assert "2027-03-27 23:30 does not exist in America/Nuuk: runs at 2027-03-28 00:00." in notes(
        "30 23 * * *", "America/Nuuk"
    )


def test_schedules_that_a_change_does_not_touch_need_no_note():
    assert notes("30 4 * * *") == []
    assert notes("*/5 * * * *") == []
    assert notes("0 * * * *") == []
    assert notes("@every 1h") == []
    assert notes("30 2 * * *", "Asia/Tokyo") == []


def test_what_never_runs_says_so():
    assert notes("0 0 30 2 *") == ["This date never comes."]
    assert notes("@at 2020-01-01T00:00:00Z") == ["This moment is in the past: it will not run."]
    assert notes("@at 2027-01-01T00:00:00Z") == []
    assert notes("@manually") == []


def test_two_limited_day_fields_say_that_either_will_do():
    assert notes("0 12 13 * 5") == ["Both day fields are limited: a day that matches either of them counts."]
    assert notes("0 12 */2 * 5") == []


def test_a_rare_date_is_shown_without_delay():
    shown = preview("* 0 29 2 */7", "Europe/Berlin", NOW, count=100)

    assert shown.next[60] - shown.next[59] > timedelta(days=28 * 365)
