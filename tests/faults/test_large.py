"""Three schedulers and two workers on PostgreSQL and RabbitMQ, while their processes die and their broker goes."""

from __future__ import annotations

import time

import pytest

from tests.faults import stock
from tests.faults.house import SECONDS, LargeHouse, eventually
from tests.faults.jobs import fire_each_second, paced
from tests.faults.processes import survivors
from tests.faults.site import Site
from tests.faults.watch import LeaseWatch

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq]
JOBS = 50


def test_three_schedulers_and_two_workers_lose_and_repeat_nothing_while_they_are_killed(site: Site) -> None:
    house = site.large()
    house.agent()
    schedulers = {name: house.start_scheduler(name) for name in ("scheduler-1", "scheduler-2", "scheduler-3")}
    workers = dict(zip(("worker-1", "worker-2"), house.start_workers(["worker-1", "worker-2"]), strict=True))
    until, killed = fire_each_second(house, JOBS, SECONDS + 15), []
    with LeaseWatch(house) as watch:
        for number in paced(until, SECONDS / 5, 5):
            time.sleep(SECONDS / 5)
            name = ("runner", "scheduler-1", "worker-1", "fork server", "scheduler-2")[number % 5]
            killed.append(name)
            if name in schedulers:
                schedulers[name].kill()
                schedulers[name] = house.start_scheduler(name)
            elif name in workers:
                workers[name].kill()
                house.start_workers([name])
            else:
                find = house.runners if name == "runner" else house.fork_servers
                house.kill_one(eventually(f"there is a {name}", find, 60))
        took = house.over(until)
    found = stock.take(house)
    print(f"\nkilled {', '.join(killed)}; {found}; longest past its lease {watch.worst:.1f} s; rest after {took:.0f} s")

    assert found.problems == []
    assert found.due == found.fired + found.missed > 0
    assert watch.worst < 20
    _stop_all(house)
    assert survivors(house.mark, 10) == []


def _stop_all(house: LargeHouse) -> None:
    house.dismiss_agent()
    for program in house.programs:
        program.kill()
