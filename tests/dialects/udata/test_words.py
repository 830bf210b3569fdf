"""Intervals, masks, ids and names: what is translated without asking anybody."""

from __future__ import annotations

import pytest

from config.dialects.udata import interval, job, mask, orders, task
from config.dialects.udata.interval import NotAnInterval
from config.dialects.udata.mask import NotAMask
from executions.states import Status
from jobs import rules
from jobs.schedule import parse

JOB = {"name": "nightly", "crontab": None, "interval": {"every": 5, "period": "minutes"}, "args": [{"a": 1, "b": 2}]}


@pytest.mark.parametrize(
    ("every", "period", "house", "display"),
    [
        (1, "minutes", "@every 1m", "every minute"),
        (5, "minutes", "@every 5m", "every 5 minutes"),
        (1, "days", "@every 24h", "every day"),
        (2, "days", "@every 48h", "every 2 days"),
        (12, "hours", "@every 12h", "every 12 hours"),
        (90, "seconds", "@every 90s", "every 90 seconds"),
        (7_200, "seconds", "@every 2h", "every 7200 seconds"),
        (2_000_000, "microseconds", "@every 2s", "every 2000000 microseconds"),
        (5, "microseconds", "@every 1s", "every 5 microseconds"),
    ],
)
def test_an_interval_becomes_a_period_of_ours(every, period, house, display):
    said = interval.Interval(every=every, period=period)

    assert interval.house_text(said) == house
    assert interval.display(said) == display
    assert parse(house).text == house


@pytest.mark.parametrize(("every", "period"), [(0, "days"), (-1, "hours"), (10**30, "seconds"), (200_000, "days")])
def test_an_interval_without_pause_or_end_is_refused(every, period):
    with pytest.raises(NotAnInterval):
        interval.house_text(interval.Interval(every=every, period=period))


@pytest.mark.parametrize(
    ("house", "every", "period"),
    [
        ("@every 1h30m", 90, "minutes"),
        ("@every 24h", 1, "days"),
        ("@every 1m1s", 61, "seconds"),
        ("@every 3h", 3, "hours"),
    ],
)
def test_a_period_of_another_door_is_said_in_its_longest_unit(house, every, period):
    assert interval.interval_of(house) == {"every": every, "period": period}


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("name", {"name": "nightly"}),
        ("{name}", {"name": "nightly"}),
        ("name,interval{every}", {"name": "nightly", "interval": {"every": 5}}),
        ("{name, interval{every,period}}", {"name": "nightly", "interval": JOB["interval"]}),
        ("args{b}", {"args": [{"b": 2}]}),
        ("crontab{minute}", {"crontab": None}),
        ("name{x}", {"name": "nightly"}),
        ("unknown", {}),
        ("*,interval{every}", {**JOB, "interval": {"every": 5}}),
        ("", JOB),
        ("{}", JOB),
    ],
)
def test_a_mask_leaves_the_named_fields(said, left):
    assert mask.apply(mask.parse(said), JOB) == left


def test_a_mask_trims_each_of_a_list():
    assert mask.apply(mask.parse("name"), [JOB, JOB]) == [{"name": "nightly"}] * 2


@pytest.mark.parametrize(
    "said", ["{name", "name}", "a,,b", ",a", "a{b", "{{a}}", "a b", "a;b", "{" * 4000, "a{" * 2000]
)
def test_a_mask_that_cannot_be_read_is_refused(said):
    with pytest.raises(NotAMask):
        mask.parse(said)


@pytest.mark.parametrize("key", [1, 42, 2**40, 2**63 - 1])
def test_an_id_is_24_hexadecimal_digits_that_lead_back(key):
    public = job.public_id(key)

    assert len(public) == 24
    assert int(public, 16)
    assert job.key_of(public) == job.key_of(public.upper()) == key


@pytest.mark.parametrize(
    "said", ["", "1", "0" * 24, "6a6f6273" + "f" * 16, "6a6f6273" + "0" * 16, "6a6f6273 000000000000001"]
)
def test_what_is_no_id_of_ours_leads_nowhere(said):
    assert job.key_of(said) is None


def test_a_name_that_the_house_allows_stays_and_any_other_gets_one_of_its_own():
    assert orders.house_name("nightly-export_2") == "nightly-export_2"
    others = [
        orders.house_name(name) for name in ("Nightly export", "nightly export", "\N{SNOWMAN}", "A" * 250, "validation")
    ]

    assert len(set(others)) == 5
    assert [rules.name(name) for name in others] == others
    assert others[0].startswith("nightly-export-")


def test_a_label_shows_positions_first_and_keys_in_order():
    assert orders.label("count-tags", [], {}) == "count-tags"
    assert orders.label("count-tags", [10, "a"], {"z": 1, "kind": "all"}) == "count-tags(10, a, kind=all, z=1)"


def test_every_status_has_a_word_of_celerys():
    assert set(task.STATES) == set(Status)
    assert set(task.STATES.values()) <= set(task.ALL_STATES)
