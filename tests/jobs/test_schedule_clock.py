"""What becomes of a schedule when clocks are changed, when it was not looked at for long, and what that costs."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.schedule import Due, parse
from jobs.schedule.kinds import next_cron

SECOND = timedelta(seconds=1)
YEAR = timedelta(days=365)
# Europe/Berlin: back from 03:00 to 02:00 on 25 October 2026, on from 02:00 to 03:00 on 28 March 2027.
AUTUMN = datetime(2026, 10, 25, 1, tzinfo=UTC)
SPRING = datetime(2027, 3, 28, 1, tzinfo=UTC)


def around(text: str, change: datetime, zone: str = "Europe/Berlin", hours: float = 1.5) -> list[str]:
    """The due instants near `change`, in UTC; however they are asked for, they are the same."""
    schedule, margin = parse(text, zone), timedelta(hours=hours)
    due = list(schedule.instants(change - margin, change + margin))
    assert schedule.latest_between(change - margin, change + margin) == (tuple(due), len(due))
    return [f"{instant:%d %H:%M:%S}".removesuffix(":00") for instant in due]


def test_a_skipped_time_runs_once_right_after_the_gap():
    assert around("30 2 * * *", SPRING) == ["28 01:00"]


def test_all_that_a_gap_skips_is_one_run():
    assert around("0,20,40 2 * * *", SPRING) == ["28 01:00"]
    assert around("0,20 2 * * *", SPRING) == ["28 01:00"]
    assert around("*/10 30 2 * * *", SPRING) == ["28 01:00"]
    assert around("0,30 2,3 * * *", SPRING) == ["28 01:00", "28 01:30"]


def test_a_time_that_occurs_twice_runs_the_first_time_only():
    assert around("30 2 * * *", AUTUMN) == ["25 00:30"]
    assert around("15 30 2 * * *", AUTUMN) == ["25 00:30:15"]


def test_within_the_repeated_hour_the_next_run_is_after_it():
    twenty_past_two_again = AUTUMN + timedelta(minutes=20)

    following = parse("30 2,3 * * *", "Europe/Berlin").next_after(twenty_past_two_again)

    assert following == datetime(2026, 10, 25, 2, 30, tzinfo=UTC)


def test_a_minute_that_starts_with_a_star_follows_real_time():
    assert around("*/30 2 * * *", AUTUMN) == ["25 00:00", "25 00:30", "25 01:00", "25 01:30"]
    assert around("*/30 2 * * *", SPRING) == []


def test_an_hour_that_starts_with_a_star_follows_real_time():
    assert around("30 * * * *", AUTUMN) == ["25 00:30", "25 01:30", "25 02:30"]
    assert around("30 * * * *", SPRING) == ["28 00:30", "28 01:30", "28 02:30"]
    assert around("15 30 */1 * * *", SPRING, hours=1) == ["28 00:30:15", "28 01:30:15"]


def test_a_second_that_starts_with_a_star_does_not_follow_real_time():
    assert around("*/30 30 2 * * *", AUTUMN) == ["25 00:30", "25 00:30:30"]


def test_a_midnight_that_is_skipped_runs_at_one():
    change = datetime(2026, 9, 6, 4, tzinfo=UTC)

    assert around("@daily", change, "America/Santiago") == ["06 04:00"]
    assert around("*/20 0 * * *", change, "America/Santiago") == []


def test_a_change_of_half_an_hour_skips_and_repeats_half_an_hour():
    on, back = datetime(2026, 10, 3, 15, 30, tzinfo=UTC), datetime(2026, 4, 4, 15, tzinfo=UTC)

    assert around("15 2 * * *", on, "Australia/Lord_Howe") == ["03 15:30"]
    assert around("0 3 * * *", on, "Australia/Lord_Howe") == ["03 16:00"]
    assert around("*/15 3 * * *", on, "Australia/Lord_Howe") == ["03 16:00", "03 16:15", "03 16:30", "03 16:45"]
    assert around("45 1 * * *", back, "Australia/Lord_Howe") == ["04 14:45"]
    assert around("*/15 1 * * *", back, "Australia/Lord_Howe")[-4:] == ["04 14:30", "04 14:45", "04 15:00", "04 15:15"]


def test_intervals_do_not_know_of_clocks():
    assert around("@every 1h", AUTUMN) == ["25 00:30", "25 01:30", "25 02:30"]


def test_a_time_that_is_always_skipped_never_comes():
    assert parse("*/10 2 * 3 0L", "Europe/Berlin").next_after(AUTUMN) is None


def test_a_year_of_seconds_is_counted_without_a_loop():
    ago = AUTUMN - YEAR
    newest = tuple(AUTUMN - number * SECOND for number in reversed(range(100)))

    for text in ("@every 1s", "* * * * * *"):
        assert parse(text, "Europe/Berlin").latest_between(ago, AUTUMN) == Due(newest, 31_536_000)


@pytest.mark.parametrize(
    ("text", "newest"),
    [
        ("@every 2h", ["25 10:00", "25 12:00"]),
        ("0 */2 * * *", ["25 09:00", "25 11:00"]),
        ("30 10 * * *", ["24 08:30", "25 09:30"]),
        ("@at 2026-10-25T03:00:00Z", ["25 03:00"]),
        ("@manually", []),
        ("0 0 30 2 *", []),
    ],
)
def test_what_was_missed_is_the_newest_in_order_and_the_number_of_all(text, newest):
    start, noon = datetime(2026, 10, 20, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC)
    schedule = parse(text, "Europe/Berlin")

    missed = schedule.latest_between(start, noon, newest=2)

    assert [f"{instant:%d %H:%M}" for instant in missed.newest] == newest
    assert missed.total == len(list(schedule.instants(start, noon)))


def test_nothing_is_due_in_a_range_that_is_empty_or_turned_around():
    for text in ("* * * * *", "30 2 * * *", "@every 1s", "@at 2026-10-25T01:00:00Z"):
        schedule = parse(text, "Europe/Berlin")

        assert schedule.latest_between(AUTUMN, AUTUMN) == Due((), 0)
        assert schedule.latest_between(AUTUMN, AUTUMN - YEAR) == Due((), 0)
        assert list(schedule.instants(AUTUMN, AUTUMN - YEAR)) == []


def test_a_count_stops_at_its_cap():
    assert parse("@every 1s").count_between(AUTUMN - YEAR, AUTUMN, cap=1000) == 1000
    assert parse("@hourly").count_between(AUTUMN - YEAR, AUTUMN, cap=1000) == 1000
    assert parse("@hourly").count_between(AUTUMN - 2 * 3600 * SECOND, AUTUMN, cap=1000) == 2


def test_a_burst_of_equal_jobs_costs_one_computation():
    next_cron.cache_clear()

    for number in range(10_000):
        parse("0 3 * * *", "Europe/Berlin").next_after(AUTUMN + timedelta(microseconds=number))

    assert next_cron.cache_info().misses == 1
