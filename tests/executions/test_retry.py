"""Is another try due, and when: the decisions by themselves."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from executions.retry import MAX_DELAY, POISON, History, Policy, delay_after_failure, follows_loss

SECOND = timedelta(seconds=1)


def test_a_job_without_retries_is_not_tried_again():
    assert delay_after_failure(History(failures=1), Policy(retries=0), should_be_retried=False) is None


@pytest.mark.parametrize(("failures", "again"), [(1, True), (2, True), (3, False), (4, False)])
def test_two_retries_are_three_tries(failures, again):
    delay = delay_after_failure(History(failures), Policy(retries=2), should_be_retried=False, chance=1)

    assert (delay is not None) is again


@pytest.mark.parametrize(("failures", "again"), [(1, True), (2, True), (3, False)])
def test_an_error_that_should_be_retried_is_until_the_types_tries_are_used_up(failures, again):
    delay = delay_after_failure(History(failures), Policy(retries=0, max_tries=3), should_be_retried=True, chance=1)

    assert (delay is not None) is again


def test_the_jobs_retries_and_the_types_tries_do_not_add_up():
    policy = Policy(retries=2, max_tries=3)

    assert delay_after_failure(History(3), policy, should_be_retried=True) is None


def test_a_system_type_with_one_try_is_not_tried_again_by_itself():
    assert delay_after_failure(History(1), Policy(max_tries=1), should_be_retried=True) is None


def test_the_delay_doubles_from_the_jobs_own():
    policy = Policy(retries=10, delay=3)

    delays = [delay_after_failure(History(failures), policy, False, chance=1) for failures in range(1, 5)]

    assert delays == [3 * SECOND, 6 * SECOND, 12 * SECOND, 24 * SECOND]


def test_the_delay_is_never_longer_than_an_hour():
    assert delay_after_failure(History(100), Policy(retries=100, delay=3600), False, chance=1) == MAX_DELAY


def test_a_delay_of_nothing_is_at_once():
    assert delay_after_failure(History(3), Policy(retries=5, delay=0), False, chance=1) == timedelta()


@settings(deadline=None)  # a busy machine is slow, not wrong
@given(failures=st.integers(1, 1000), retries=st.integers(0, 100), delay=st.integers(0, 3600), chance=st.floats(0, 1))
def test_the_delay_is_a_part_of_the_doubled_one(failures, retries, delay, chance):
    policy = Policy(retries=retries, delay=delay)

    found = delay_after_failure(History(failures), policy, False, chance=chance)

    if failures > retries:
        assert found is None
    else:
        full = min(timedelta(seconds=delay) * 2 ** min(failures - 1, 20), MAX_DELAY)
        assert timedelta() <= found <= full


def test_the_jitter_is_full():
    policy = Policy(retries=1, delay=1000)

    delays = {delay_after_failure(History(1), policy, False) for _ in range(200)}

    assert min(delays) < 200 * SECOND
    assert max(delays) > 800 * SECOND


def test_at_most_once_is_never_tried_again():
    policy = Policy(retries=5, max_tries=5, at_most_once=True)

    assert delay_after_failure(History(1), policy, should_be_retried=True) is None
    assert not follows_loss(History(0, losses=1), policy)


@pytest.mark.parametrize(("losses", "again"), [(1, True), (2, True), (POISON, False), (POISON + 1, False)])
def test_the_third_loss_in_a_row_is_the_last(losses, again):
    assert follows_loss(History(failures=0, losses=losses), Policy()) is again


def test_losses_do_not_use_up_retries():
    assert delay_after_failure(History(failures=1, losses=0), Policy(retries=1), False, chance=0) == timedelta()
