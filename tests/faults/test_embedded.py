"""The embedded house, `manage.py up`, while each of its processes is killed in turn."""

from __future__ import annotations

import time

from tests.faults import stock
from tests.faults.house import SECONDS, eventually
from tests.faults.jobs import fire_each_second, paced
from tests.faults.processes import marked, survivors
from tests.faults.site import Site
from tests.faults.watch import LeaseWatch

JOBS = 50
GONE_WITHIN = 8.0
"""Seconds for everything below a killed process to be gone; promised are 5, and the machine may be busy."""


def test_every_due_second_is_accounted_for_while_each_process_is_killed_in_turn(site: Site) -> None:
    house, killed = site.embedded(), []
    house.agent()
    house.start_up()
    until = fire_each_second(house, JOBS, SECONDS + 20)
    victims = {
        "runner": house.runners,
        "fork server": house.fork_servers,
        "web": lambda: house.processes("gunicorn")[-1:],
        "worker": lambda: house.processes("config.up.part", "celery"),
        "web's master": lambda: house.processes("gunicorn")[:1],
    }
    with LeaseWatch(house) as watch:
        for number in paced(until, SECONDS / 5, len(victims)):
            name, find = list(victims.items())[number % len(victims)]
            house.kill_one(eventually(f"there is a {name}", find, 60))
            killed.append(name)
            time.sleep(SECONDS / 5)
        house.programs[-1].kill()
        killed.append("up")
        began = time.monotonic()
        house.dismiss_agent()
        left_over = survivors(house.mark, GONE_WITHIN)
        gone_after = time.monotonic() - began
        house.start_up()
        took = house.over(until)
    found = stock.take(house)
    print(f"\nkilled {', '.join(killed)}; {found}; longest past its lease {watch.worst:.1f} s; rest after {took:.0f} s")
    print(f"everything below a killed `up` was gone after {gone_after:.1f} s")

    assert left_over == []
    assert found.problems == []
    assert found.due == found.fired + found.missed > 0
    assert watch.worst < 20
    assert house.call("GET", "/health/ready")[0] == 200
    assert len(marked(house.mark)) < 30
