"""Celery's crontab, member by member: what it means is judged by Celery's own parser."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from celery.schedules import crontab_parser
from hypothesis import given, settings
from hypothesis import strategies as st

from config.dialects.udata import crontab
from config.dialects.udata.crontab import DAY_OF_WEEK, HOUR, MEMBERS, NotACrontab
from jobs.schedule import parse

CELERY = {
    "minute": crontab_parser(60),
    "hour": crontab_parser(24),
    "day_of_week": crontab_parser(7),
    "day_of_month": crontab_parser(31, 1),
    "month_of_year": crontab_parser(12, 1),
}
ANY = {member.name: "*" for member in MEMBERS}


@st.composite
def members(draw: st.DrawFn) -> tuple[crontab.Member, str]:
    """A member, and a text of Celery's grammar for it."""
    member = draw(st.sampled_from(MEMBERS))

    def word() -> str:
        value = draw(st.sampled_from(list(member.every)))
        name = member.names[value - member.low] if member.names else ""
        return draw(st.sampled_from([str(value), *([name, name[:3], name[:3].upper()] if name else [])]))

    def part() -> str:
        kind = draw(st.sampled_from(["star", "value", "range"]))
        if kind == "value":
            return word()
        text = "*" if kind == "star" else f"{word()}-{word()}"
        return f"{text}/{draw(st.integers(1, 70))}" if draw(st.booleans()) else text

    return member, ",".join(part() for _ in range(draw(st.integers(1, 3))))


@settings(deadline=None, derandomize=True, max_examples=150)
@given(said=members())
def test_a_member_means_what_celery_makes_of_it_and_so_does_the_schedule_of_ours(said):
    member, text = said
    meant = set(CELERY[member.name].parse(text))

    house = crontab.house_text({**ANY, member.name: text})
    back = dict(crontab.crontab_of(house) or ())

    assert member.values(text) == meant
    assert parse(house).next_after(datetime(2026, 1, 1, tzinfo=UTC)) is not None
    assert set(CELERY[member.name].parse(back[member.name])) == meant
    assert {name: value for name, value in back.items() if name != member.name} == {
        name: "*" for name in ANY if name != member.name
    }


@pytest.mark.parametrize(
    ("name", "text", "house"),
    [
        ("minute", "*/15", "*/15 * * * *"),
        ("minute", "0-59/20", "0-59/20 * * * *"),
        ("minute", "05", "05 * * * *"),
        ("hour", "22-2", "* 0-2,22-23 * * *"),
        ("hour", "22-2/2", "* 0,2,22 * * *"),
        ("hour", "0-23", "* * * * *"),
        ("day_of_week", "mon,tue", "* * * * mon,tue"),
        ("day_of_week", "Monday", "* * * * 1"),
        ("day_of_week", "fri-mon", "* * * * 0-1,5-6"),
        ("day_of_week", "sunday", "* * * * 0"),
        ("month_of_year", "january-mar", "* * * 1-3 *"),
        ("month_of_year", "nov-feb", "* * * 1-2,11-12 *"),
        ("day_of_month", "1-7", "* * 1-7 * *"),
        ("day_of_month", "5-5/10", "* * 5 * *"),
    ],
)
def test_each_form_becomes_a_schedule_of_ours(name, text, house):
    assert crontab.house_text({**ANY, name: text}) == house
    assert parse(house).text == house


@pytest.mark.parametrize(
    ("member", "text", "message"),
    [
        (HOUR, "", "must not be empty"),
        (HOUR, "24", "24 is not within 0-23"),
        (HOUR, "zzz", "'zzz' is not a number within 0-23"),
        (HOUR, "-1", "'-1' is not '*', a number, a range or a step"),
        (HOUR, "1.5", "'1.5' is not '*', a number, a range or a step"),
        (HOUR, "5/10", "'5/10' has a step without a range; write 5-23/10"),
        (HOUR, "*/0", "'0' is not a step: it must be a whole number from 1 up"),
        (HOUR, "1,,2", "has an empty part"),
        (HOUR, "*-5", "'*-5' is not a range"),
        (HOUR, "jan", "'jan' is not a number within 0-23"),
        (HOUR, "1 2", "'1 2' is not '*', a number, a range or a step"),
        (HOUR, "1," * 200, "must have at most 200 characters, not 400"),
        (DAY_OF_WEEK, "7", "7 is not within 0-6"),
        (DAY_OF_WEEK, "sunny", "'sunny' is not a number within 0-6 or a name such as sunday"),
        (DAY_OF_WEEK, "mo", "'mo' is not a number within 0-6 or a name such as sunday"),
        (crontab.DAY_OF_MONTH, "0", "0 is not within 1-31"),
        (crontab.MONTH_OF_YEAR, "0", "0 is not within 1-12"),
        (crontab.MONTH_OF_YEAR, "13", "13 is not within 1-12"),
        (crontab.MINUTE, "60", "60 is not within 0-59"),
        (crontab.MINUTE, "\N{ARABIC-INDIC DIGIT ONE}", "is not '*', a number, a range or a step"),
    ],
)
def test_nonsense_is_refused_with_the_reason(member, text, message):
    with pytest.raises(NotACrontab) as refusal:
        member.values(text)

    assert message in str(refusal.value)


def test_where_both_days_are_limited_both_must_match_as_for_celery():
    friday_the_13th = crontab.house_text(
        {**ANY, "minute": "0", "hour": "0", "day_of_week": "fri", "day_of_month": "13"}
    )

    assert friday_the_13th == "0 0 13 * &fri"
    assert parse(friday_the_13th).next_after(datetime(2026, 11, 22, tzinfo=UTC)) == datetime(2027, 8, 13, tzinfo=UTC)


def test_long_lists_become_shorter_ones_that_mean_the_same():
    text = ",".join(["10-20"] * 33)

    house = crontab.house_text({name: text if name in ("minute", "hour") else "*" for name in ANY})

    assert house == "10-20 10-20 * * *"


@pytest.mark.parametrize(
    ("house", "shown"),
    [
        ("@daily", "0 0 * * *"),
        ("@hourly", "0 * * * *"),
        ("0 0 * * 7", "0 0 * * 0"),
        ("0 0 * * 5-7", "0 0 * * 0,5-6"),
        ("5/20 * * * *", "5,25,45 * * * *"),
        ("0 0 * * MON", "0 0 * * MON"),
        ("0 0 13 * &5", "0 0 13 * 5"),
    ],
)
def test_a_schedule_of_another_door_is_shown_in_celerys_grammar(house, shown):
    found = dict(crontab.crontab_of(house) or ())

    assert crontab.display(found) == shown
    assert all(CELERY[name].parse(text) for name, text in found.items())


@pytest.mark.parametrize(
    "house", ["0 0 L * *", "0 0 LW * *", "0 0 * * 5#2", "0 0 * * 5L", "0 0 0 * * *", "@manually", "@every 1h"]
)
def test_a_schedule_that_celery_has_no_words_for_is_none(house):
    assert crontab.crontab_of(house) is None
