"""Schedules against a slow oracle: for any expression, in zones whose clocks are changed in every known way."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import islice, takewhile
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jobs.schedule import ScheduleError, parse, preview
from tests.jobs.slow_cron import (
    HOUR,
    MINUTE,
    SECOND,
    changes_of,
    day_lines,
    looped,
    moments,
    place_called,
    shown_at,
    time_lines,
    within,
)

ZONES = [
    "Europe/Berlin",
    "Europe/Dublin",
    "America/New_York",
    "America/Santiago",  # changed at midnight
    "America/Nuuk",  # changed before midnight, so a date is skipped into
    "Asia/Beirut",  # put back from midnight into the day before
    "Africa/Casablanca",
    "Australia/Lord_Howe",  # changed by half an hour
    "Antarctica/Troll",  # changed by two hours
]
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
thorough = settings(deadline=None, derandomize=True, max_examples=150)
quick = settings(thorough, max_examples=50)


def compare_around_a_change(data: st.DataObject, with_seconds: bool, margin: timedelta) -> None:
    """Every answer about the time around a change of the clock is the oracle's."""
    name = data.draw(st.sampled_from(ZONES), "zone")
    place, change = place_called(name), data.draw(st.sampled_from(changes_of(name)), "change")
    start, end = change - margin, change + margin
    hours = {shown_at(place, change + minutes * MINUTE).hour for minutes in (-90, -30, 0, 30, 90)}
    line = data.draw(time_lines(with_seconds, near=sorted({*hours, (min(hours) + 1) % 24})), "line")
    expected = line.due(place, start, end)
    schedule = parse(line.text, name)

    assert schedule.count_between(start, end) == len(expected)
    assert list(schedule.instants(start, end, limit=200)) == expected[:200]
    some_moment = moments(start, end) | moments(change - 2 * HOUR, change + 2 * HOUR)
    for _ in range(5):
        after, until = sorted(data.draw(st.tuples(some_moment, some_moment), "range"))
        meant = within(expected, after, until)
        assert schedule.latest_between(after, until, newest=30) == (tuple(meant[-30:]), len(meant))
        later = within(expected, after, end)
        following = schedule.next_after(after)
        assert following == later[0] if later else following is None or following > end


@thorough
@given(data=st.data())
def test_five_fields_run_as_in_debian_when_clocks_are_changed(data):
    compare_around_a_change(data, with_seconds=False, margin=13 * HOUR)


@quick
@given(data=st.data())
def test_six_fields_run_as_in_debian_when_clocks_are_changed(data):
    compare_around_a_change(data, with_seconds=True, margin=2.5 * HOUR)


@quick
@given(line=day_lines(), name=st.sampled_from(["UTC", "Asia/Tehran"]))
def test_day_fields_choose_the_days_that_the_calendar_says(line, name):
    offset = START.astimezone(place_called(name)).utcoffset()
    days = [START + timedelta(days=number) for number in range((END - START).days)]
    expected = [day - offset for day in days if line.takes_day(day.date())]

    found = list(parse(line.text, name).instants(START - offset - SECOND, END - offset - SECOND))

    assert found == expected


@quick
@given(data=st.data(), line=time_lines(with_seconds=True), name=st.sampled_from(ZONES))
def test_the_next_instant_is_later_than_the_moment_and_never_moves_back(data, line, name):
    schedule = parse(line.text, name)
    one, other = sorted(data.draw(st.tuples(moments(START, END), moments(START, END))))

    first, second = schedule.next_after(one), schedule.next_after(other)

    assert first is None or first > one
    assert second is None or (second > other and first is not None and first <= second)


@quick
@given(data=st.data(), line=time_lines(with_seconds=False), name=st.sampled_from(ZONES))
def test_six_fields_that_begin_with_second_zero_mean_the_five_behind_it(data, line, name):
    moment = data.draw(moments(START, END))

    five, six = parse(line.text, name), parse(f"0 {line.text}", name)

    assert list(five.instants(moment, limit=20)) == list(six.instants(moment, limit=20))


@quick
@given(data=st.data(), line=time_lines(with_seconds=True), name=st.sampled_from(ZONES))
def test_counts_over_years_add_up(data, line, name):
    schedule = parse(line.text, name)
    after, middle, until = sorted(data.draw(st.tuples(*[moments(START, END)] * 3)))

    parts = schedule.count_between(after, middle) + schedule.count_between(middle, until)

    assert schedule.count_between(after, until) == parts


@settings(quick, max_examples=15)
@given(minute=st.integers(0, 59), hour=st.integers(0, 23), wild=st.booleans(), name=st.sampled_from(ZONES))
def test_a_count_over_two_years_is_the_number_of_instants(minute, hour, wild, name):
    schedule = parse(f"{'*/20' if wild else minute} {hour} * * *", name)

    instants = list(schedule.instants(START, END))

    assert schedule.count_between(START, END) == len(instants) == len(set(instants))
    assert schedule.latest_between(START, END) == (tuple(instants[-100:]), len(instants))


@quick
@given(
    period=st.integers(1, 10_000).map(lambda seconds: timedelta(seconds=seconds)),
    anchor=moments(START, END),
    ahead=st.integers(-20_000, 100_000),
    width=st.integers(0, 100_000),
)
def test_the_arithmetic_of_intervals_is_a_loop(period, anchor, ahead, width):
    schedule = parse(f"@every {int(period.total_seconds())}s")
    after = anchor + timedelta(seconds=ahead)
    until = after + timedelta(seconds=width)
    steps = looped(anchor.replace(microsecond=0), period)
    expected = [instant for instant in takewhile(lambda instant: instant <= until, steps) if instant > after]

    assert schedule.count_between(after, until, anchor) == len(expected)
    assert schedule.latest_between(after, until, anchor, newest=7) == (tuple(expected[-7:]), len(expected))
    assert list(islice(schedule.instants(after, until, anchor), 50)) == expected[:50]
    assert schedule.next_after(after, anchor) > after


@quick
@given(text=st.text(max_size=30) | st.text("0123456789*/,-#LW? @JANMON", max_size=30), zone=st.text(max_size=20))
def test_any_text_is_explained_or_refused_and_nothing_else(text, zone):
    assert preview(text, "Europe/Berlin", START).is_valid in (True, False)
    if zone != "UTC":
        assume(zone not in ZONES)
        with pytest.raises(ScheduleError):
            parse("@daily", f"{zone}/")


@quick
@given(line=time_lines(with_seconds=True) | day_lines())
def test_every_valid_expression_has_words_and_an_average(line):
    shown = preview(line.text, "Europe/Berlin", START, count=1)

    assert shown.is_valid
    assert shown.words
    assert 0 <= shown.per_day <= 86_400


@pytest.mark.parametrize("host", ["UTC", "America/New_York", "Pacific/Apia"])
def test_the_zone_of_the_host_does_not_matter(host):
    script = (
        "from datetime import UTC, datetime\n"
        "from jobs.schedule import parse\n"
        "start = datetime(2026, 10, 24, 12, tzinfo=UTC)\n"
        "for text in ('30 2 * * *', '*/30 * * * *', '@every 7h', '@at 2026-10-25T02:30:00+01:00'):\n"
        "    print(*parse(text, 'Europe/Berlin').instants(start, limit=3))\n"
    )

    printed = subprocess.run(
        [sys.executable, "-c", script],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "TZ": host},
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    ).stdout.splitlines()

    assert printed == [
        "2026-10-25 00:30:00+00:00 2026-10-26 01:30:00+00:00 2026-10-27 01:30:00+00:00",
        "2026-10-24 12:30:00+00:00 2026-10-24 13:00:00+00:00 2026-10-24 13:30:00+00:00",
        "2026-10-24 19:00:00+00:00 2026-10-25 02:00:00+00:00 2026-10-25 09:00:00+00:00",
        "2026-10-25 01:30:00+00:00",
    ]
