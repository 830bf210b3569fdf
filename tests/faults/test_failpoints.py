"""A house killed at every place where a commit or a process boundary could be cut in two."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from executions import failpoints
from tests.faults import stock
from tests.faults.conftest import Story
from tests.faults.jobs import fire_each_second
from tests.faults.site import Site

KILLED_AT = {
    "between_insert_and_move": "kill@3",
    "after_fire_commit": "kill@3",
    "before_claim_commit": "kill@2",
    "after_claim": "kill@2",
    "after_start": "kill@2",
    "after_perform": "kill@2",
    "before_finish_commit": "kill@2",
    "after_finish_commit": "kill@2",
    "before_renew": "kill@2",
    "before_sweep": "kill@2",
}
TAKEN_UP_WITHIN = 45.0


def killed_at(name: str) -> Story:
    """The story of a house whose worker is killed at the failpoint `name`, and replaced."""

    def story(site: Site) -> None:
        house = site.embedded()
        house.agent()
        worker = house.start_worker("first", JOBHOUSE_FAILPOINTS=f"{name}={KILLED_AT[name]}")
        until = fire_each_second(house, 2, 15, script="sleep 0.5", policies=["all"])
        house.dismiss_agent()
        assert worker.ended(60), f"nothing was killed at {name}"
        died = time.monotonic()
        house.start_worker("second")
        house.over(until)
        taken_up = time.monotonic() - died
        found = stock.take(house)
        print(f"\nkilled at {name}: at rest {taken_up:.0f} s later; {found}")

        assert found.problems == []
        assert found.missed == 0
        assert taken_up <= TAKEN_UP_WITHIN + 20

    story.__name__ = f"killed_at_{name}"
    return story


def killed_after_submit_commit(site: Site) -> None:
    house = site.embedded()
    house.make_job("asked-for", "true")
    house.dismiss_agent()
    house.agent(JOBHOUSE_FAILPOINTS="after_submit_commit=kill")
    with pytest.raises(EOFError):
        house.run("asked-for")
    house.start_worker()
    house.rest()
    found = stock.take(house)

    assert found.statuses == {"COMPLETED": 1}
    assert found.problems == []


def an_error_in_the_middle_of_a_transaction_costs_nothing(site: Site) -> None:
    house = site.embedded()
    points = "between_insert_and_move=raise@2!,before_finish_commit=raise@2!,before_sweep=raise@4!"
    house.agent()
    first = house.start_worker("first", JOBHOUSE_FAILPOINTS=points)
    until = fire_each_second(house, 5, 12, script="sleep 0.1", policies=["all"])
    assert first.ended(90)  # by the last of them: a worker whose thread broke leaves
    assert first.exit_code == 70
    house.start_worker("second")
    house.over(until)
    found = stock.take(house)
    print(f"\nafter three errors: {found}")

    assert found.problems == []
    assert found.missed == 0


STORIES = (
    *map(killed_at, KILLED_AT),
    killed_after_submit_commit,
    an_error_in_the_middle_of_a_transaction_costs_nothing,
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_nothing_is_lost_or_repeated(told: Callable[[Story], None], story: Story) -> None:
    told(story)


def test_every_failpoint_is_tried() -> None:
    assert {*KILLED_AT, "after_submit_commit"} == failpoints.NAMES
