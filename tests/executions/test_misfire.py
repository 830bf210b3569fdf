"""What of a job's due instants runs, and what is counted as missed: the decision by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from executions.engine.misfire import MOST, due
from jobs.models import Job
from jobs.schedule import parse
from tests.builders import HOUR, MINUTE, NOON, SECOND


def standing(schedule: str, *, next_run_at=NOON, anchor=NOON - HOUR, **fields) -> Job:
    """A job as the scheduler finds it, not stored."""
    return Job(name="job", schedule=schedule, timezone="UTC", next_run_at=next_run_at, schedule_anchor=anchor, **fields)


def decide(job: Job, now):
    return due(job, job.parsed_schedule, now)


def test_an_instant_that_has_just_come_runs():
    found = decide(standing("@every 1h"), NOON)

    assert (found.fire, found.missed, found.last, found.next) == ((NOON,), 0, NOON, NOON + HOUR)


@pytest.mark.parametrize("policy", Job.Misfire.values)
def test_an_instant_that_is_ten_seconds_late_is_on_time_for_every_policy(policy):
    found = decide(standing("@hourly", misfire_policy=policy, misfire_grace=0), NOON + 10 * SECOND)

    assert (found.fire, found.missed) == ((NOON,), 0)


@pytest.mark.parametrize("schedule", ["@every 1m", "* * * * *", "0 * * * * *"])
class TestAnHourDown:
    """Sixty-one instants passed: noon and the sixty minutes after it."""

    now = NOON + HOUR

    def test_once_runs_the_last_one(self, schedule):
        found = decide(standing(schedule, misfire_policy="once"), self.now)

        assert (found.fire, found.missed) == ((self.now,), 60)
        assert (found.last, found.next) == (self.now, self.now + MINUTE)
        assert "60 of 61 due instants passed" in found.why_missed

    def test_all_runs_each(self, schedule):
        found = decide(standing(schedule, misfire_policy="all"), self.now)

        assert found.fire == tuple(NOON + n * MINUTE for n in range(61))
        assert (found.missed, found.why_missed) == (0, "")

    def test_skip_runs_the_one_that_is_on_time(self, schedule):
        found = decide(standing(schedule, misfire_policy="skip"), self.now + 5 * SECOND)

        assert (found.fire, found.missed) == ((self.now,), 60)

    def test_skip_runs_none_when_none_is_on_time(self, schedule):
        found = decide(standing(schedule, misfire_policy="skip"), self.now + 30 * SECOND)

        assert (found.fire, found.missed) == ((), 61)
        assert (found.last, found.next) == (self.now, self.now + MINUTE)

    def test_only_what_lies_within_the_grace_counts(self, schedule):
        found = decide(standing(schedule, misfire_policy="all", misfire_grace=600), self.now)

        assert found.fire == tuple(self.now - n * MINUTE for n in range(10, -1, -1))
        assert found.missed == 50


def test_once_outside_of_the_grace_runs_none():
    found = decide(standing("@daily", next_run_at=NOON, misfire_grace=60), NOON + HOUR)

    assert (found.fire, found.missed) == ((), 1)


def test_all_makes_up_for_the_newest_hundred():
    found = decide(standing("@every 1s", misfire_policy="all"), NOON + HOUR)

    assert len(found.fire) == MOST
    assert (found.fire[0], found.fire[-1]) == (NOON + HOUR - 99 * SECOND, NOON + HOUR)
    assert found.missed == 3601 - MOST


def test_nothing_is_due_after_a_job_has_expired():
    found = decide(standing("@every 1m", expires_at=NOON + 10 * MINUTE, misfire_policy="all"), NOON + HOUR)

    assert found.fire == tuple(NOON + n * MINUTE for n in range(11))
    assert found.next is None


def test_one_moment_has_no_next():
    found = decide(standing("@at 2026-11-21T12:00:00Z"), NOON + HOUR)

    assert (found.fire, found.missed, found.next) == ((NOON,), 0, None)


def test_years_of_downtime_are_counted_at_once():
    found = decide(standing("@every 1s"), NOON + timedelta(days=3650))

    assert found.missed == 3650 * 86_400


INSTANTS = st.sampled_from(["@every 7s", "@every 1m30s", "*/5 * * * *", "15,45 * * * * *", "@hourly", "7 3 * * *"])


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(
    schedule=INSTANTS,
    policy=st.sampled_from(Job.Misfire.values),
    grace=st.one_of(st.none(), st.integers(0, 4000)),
    gaps=st.lists(st.integers(0, 20_000), min_size=1, max_size=8),
    lifetime=st.one_of(st.none(), st.integers(1, 60_000)),
)
@example(schedule="@every 7s", policy="all", grace=None, gaps=[0, 0, 1, 7], lifetime=14)
def test_fired_and_missed_are_what_was_due_however_the_ticks_fall(schedule, policy, grace, gaps, lifetime):
    expires = NOON + lifetime * SECOND if lifetime else None
    job = standing(schedule, misfire_policy=policy, misfire_grace=grace, expires_at=expires)
    job.next_run_at = job.next_instant(NOON)
    now, fired, missed = NOON, [], 0

    for gap in gaps:
        now += gap * SECOND
        if job.next_run_at and (not expires or job.next_run_at <= expires) and job.next_run_at <= now:
            found = decide(job, now)
            fired += found.fire
            missed += found.missed
            assert found.next is None or found.next > found.last
            job.next_run_at = found.next

    wanted = list(parse(schedule, "UTC").instants(NOON, min(now, expires or now), job.schedule_anchor))
    assert fired == sorted(set(fired))
    assert set(fired) <= set(wanted)
    assert len(fired) + missed == len(wanted)
