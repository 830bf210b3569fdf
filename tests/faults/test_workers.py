"""Workers that are paused, cut off, stopped, or killed by their own jobs."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tests.faults import ledger, stock
from tests.faults.conftest import Story
from tests.faults.house import House, eventually, moment
from tests.faults.ledger import beating
from tests.faults.processes import Program, survivors
from tests.faults.site import Site, through

TAKEN_UP_WITHIN = 45.0
LONG_AT_FIRST = f'if [ "$JOB_ATTEMPT" = 1 ]; then\n{beating(300)}else\n{beating(1)}fi'
"""Script: the first try goes on for minutes, the next one for a second."""


def boot() -> datetime:
    """When the machine's uptime was 0, which is what the ledger counts from."""
    with open("/proc/uptime") as file:
        return datetime.now(UTC) - timedelta(seconds=float(file.read().split()[0]))


def worker_of(house: House, execution: int) -> int | None:
    """The process number of the worker that runs, or ran, `execution`."""
    sql = "SELECT w.pid FROM executions_execution e JOIN executions_worker w ON w.id = e.worker_id WHERE e.id = {}"
    rows = house.rows(sql.format(execution))
    return rows[0][0] if rows else None


def job_of(house: House, execution: int) -> int:
    return int(house.value(f"SELECT job_id FROM executions_execution WHERE id = {execution}"))


def started(house: House, execution: int) -> bool:
    return any(entry.execution == execution for entry in house.entries())


def ended(house: House, execution: int) -> bool:
    return house.state(execution) in {"COMPLETED", "FAILED", "CANCELED"}


def next_try(house: House, execution: int) -> int | None:
    rows = house.rows(f'SELECT id FROM executions_execution WHERE "group" = {execution} AND attempt = 2')
    return rows[0][0] if rows else None


def a_worker_that_is_paused_or_loses_the_database_ends_its_jobs_before_another_takes_them(site: Site) -> None:
    house = site.large()
    house.agent()
    house.make_job("long", LONG_AT_FIRST)
    house.make_job("short", "sleep 4")
    cut, stalled = site.proxy(house.database), site.proxy(house.database)
    addresses = {
        "paused": house.database,
        "cut": through(cut, house.database),
        "stalled": through(stalled, house.database),
    }
    victims: dict[str, Program] = {}
    for name, address in addresses.items():
        (victims[name],) = house.start_workers([name], 1, DATABASE_URL=address)
    of_pid = {program.pid: name for name, program in victims.items()}
    first = [house.run("long") for _ in victims]
    eventually("all three run", lambda: all(started(house, key) for key in first), 60)
    runs = {of_pid[worker_of(house, key) or 0]: key for key in first}
    assert set(runs) == set(victims)

    victims["paused"].tell(signal.SIGSTOP)
    cut.cut()
    stalled.stall()
    leases = {
        name: moment(house.value(f"SELECT lease_until FROM executions_execution WHERE id = {key}"))
        for name, key in runs.items()
    }
    (healthy,) = house.start_workers(["healthy"])
    began = time.monotonic()
    tries = {name: eventually("its next try", partial(next_try, house, key), 60) for name, key in runs.items()}
    for key in tries.values():
        eventually("the next try starts", partial(started, house, key), 60)
    taken_up = time.monotonic() - began
    victims["paused"].tell(signal.SIGCONT)
    cut.mend()
    stalled.mend()
    house.rest()
    found = stock.take(house)
    seen, since = ledger.tries(house.entries()), boot()
    margins = {
        name: (leases[name] - (since + timedelta(seconds=seen[key].last))).total_seconds() for name, key in runs.items()
    }
    print(f"\n{found}; seconds from a job's death to its lease's end {margins}; taken up after {taken_up:.1f} s")

    assert found.problems == []
    assert all(margin > 0 for margin in margins.values())
    assert all(worker_of(house, key) == healthy.pid for key in tries.values())
    assert [house.state(key) for key in runs.values()] == ["FAILED"] * 3
    assert taken_up <= TAKEN_UP_WITHIN
    eventually(
        "the paused one was told", lambda: "too late" in victims["paused"].said() or not victims["paused"].is_alive, 20
    )
    healthy.kill()
    again = [house.run("short") for _ in victims]
    eventually("the three go on", lambda: all(house.state(key) == "COMPLETED" for key in again), 60)
    assert {worker_of(house, key) for key in again} == set(of_pid)


def what_ends_while_the_database_is_away_is_recorded_when_it_is_back(site: Site) -> None:
    house = site.large()
    proxy = site.proxy(house.database)
    house.make_job("short", "sleep 3")
    house.start_workers(["worker"], DATABASE_URL=through(proxy, house.database))
    runs = [house.run("short") for _ in range(4)]
    eventually("they run", lambda: all(started(house, key) for key in runs), 60)

    proxy.cut()
    eventually("they have ended", lambda: sum(e.kind == "end" for e in house.entries()) == 4, 30)
    time.sleep(5)
    proxy.mend()
    back = time.monotonic()
    house.rest()
    recorded = time.monotonic() - back
    found = stock.take(house)
    print(f"\n{found}; recorded {recorded:.1f} s after the database was back")

    assert found.problems == []
    assert found.lost_tries == 0
    assert recorded < 10


def sigterm_lets_short_jobs_end_and_hands_back_what_ignores_it(site: Site) -> None:
    house = site.embedded()
    house.make_job("five-seconds", "sleep 5")
    stubborn = f'if [ "$JOB_ATTEMPT" = 1 ]; then trap "" TERM\n{beating(300)}fi'
    house.make_job("stubborn", stubborn)
    up = house.start_up()
    short, long = house.run("five-seconds"), house.run("stubborn")
    eventually("both run", lambda: started(house, short) and started(house, long), 60)

    up.tell(signal.SIGTERM)
    began = time.monotonic()
    eventually("the short one has ended", lambda: house.state(short) != "RUNNING", 40)
    house.dismiss_agent()
    assert up.ended(60)
    took = time.monotonic() - began
    left_over = survivors(house.mark, 5)
    rows = house.rows(f"SELECT status, reason FROM executions_execution WHERE id IN ({short}, {long}) ORDER BY id")
    print(f"\nthe house was down after {took:.1f} s: {rows}, exit code {up.exit_code}")
    house.start_up()
    house.rest()
    found = stock.take(house)
    print(found)

    assert rows == [("COMPLETED", None), ("CANCELED", "system")]
    assert took <= 45
    assert up.exit_code == 0
    assert left_over == []
    assert found.problems == []
    assert house.rows(f"SELECT error_count FROM jobs_jobrecord WHERE job_id = {job_of(house, long)}") == [(0,)]


def a_stopping_worker_waits_for_a_five_second_job_only(site: Site) -> None:
    house = site.embedded()
    house.make_job("five-seconds", "sleep 5")
    worker = house.start_worker()
    run = house.run("five-seconds")
    eventually("it runs", lambda: started(house, run), 60)

    worker.tell(signal.SIGTERM)
    began = time.monotonic()
    assert worker.ended(60)
    took = time.monotonic() - began
    print(f"\nthe worker was gone after {took:.1f} s")

    assert house.state(run) == "COMPLETED"
    assert took <= 35
    house.dismiss_agent()
    assert survivors(house.mark, 5) == []


def a_cancel_reaches_what_runs_and_kills_what_ignores_it(site: Site) -> None:
    house = site.embedded()
    house.make_job("patient", beating(60))
    house.make_job("stubborn", f"trap '' TERM\n{beating(60)}")
    house.start_worker()
    runs = {name: house.run(name) for name in ("patient", "stubborn")}
    eventually("both run", lambda: all(started(house, key) for key in runs.values()), 60)

    took = {}
    for name, key in runs.items():
        house.do("cancel", execution=key)
        asked = time.clock_gettime(time.CLOCK_BOOTTIME)
        eventually(f"{name} is over", partial(ended, house, key), 60)
        took[name] = round(ledger.tries(house.entries())[key].last - asked, 2)
    print(f"\nlast sign of life after the cancel: {took} s")

    assert took["patient"] <= 2
    assert took["stubborn"] <= 12
    assert stock.take(house, ends=frozenset({"CANCELED"})).problems == []


def a_job_that_kills_the_processes_it_runs_in_is_poison_after_the_third(site: Site) -> None:
    house = site.embedded()
    kill_parent = "kill -9 $PPID; sleep 30"
    kill_server = "kill -9 $(cut -d ' ' -f 4 /proc/$PPID/stat); sleep 30"
    house.make_job("kills-runner", kill_parent)
    house.make_job("kills-fork-server", kill_server)
    house.make_job("harmless", "sleep 0.2")
    worker = house.start_worker()
    bad = [house.run("kills-runner"), house.run("kills-fork-server")]
    house.rest()
    good = house.run("harmless")
    house.rest()
    error = "SELECT e.name FROM executions_execution x JOIN errors_error e ON e.id = x.error_id"
    ends = {key: house.rows(f'{error} WHERE x."group" = {key} ORDER BY x.attempt') for key in bad}
    print(f"\n{ends}")

    assert house.state(good) == "COMPLETED"
    assert [names[-1] for names in ends.values()] == [("poison",), ("poison",)]
    assert [len(names) for names in ends.values()] == [3, 3]
    assert worker.is_alive
    found = stock.take(house, ends=frozenset({"COMPLETED", "FAILED"}))
    assert found.problems == []
    house.dismiss_agent()
    left_over = [process for process in survivors(house.mark, 0) if "sleep 30" in process.command]
    assert left_over == []


def a_job_that_kills_its_worker_costs_the_house_a_restart(site: Site) -> None:
    house = site.embedded()
    # Its runner's parent is the fork server, whose parent is the worker: once only, the third time would be poison.
    ancestor = "$(cut -d ' ' -f 4 /proc/$(cut -d ' ' -f 4 /proc/$PPID/stat)/stat)"
    house.make_job("kills-worker", f'if [ "$JOB_ATTEMPT" = 1 ]; then kill -9 {ancestor}; sleep 60; fi')
    house.start_up()
    run = house.run("kills-worker")
    began = time.monotonic()
    again = eventually("its next try", lambda: next_try(house, run), 90)
    eventually("the next try starts", lambda: started(house, again), 60)
    took = time.monotonic() - began
    house.rest()
    found = stock.take(house)
    print(f"\n{found}; taken up after {took:.1f} s")

    assert found.problems == []
    assert took <= TAKEN_UP_WITHIN + 5


EMBEDDED = (
    sigterm_lets_short_jobs_end_and_hands_back_what_ignores_it,
    a_stopping_worker_waits_for_a_five_second_job_only,
    a_cancel_reaches_what_runs_and_kills_what_ignores_it,
    a_job_that_kills_the_processes_it_runs_in_is_poison_after_the_third,
    a_job_that_kills_its_worker_costs_the_house_a_restart,
)
LARGE = (
    a_worker_that_is_paused_or_loses_the_database_ends_its_jobs_before_another_takes_them,
    what_ends_while_the_database_is_away_is_recorded_when_it_is_back,
)


@pytest.mark.parametrize("story", EMBEDDED, ids=lambda story: story.__name__)
def test_embedded(told: Callable[[Story], None], story: Story) -> None:
    told(story)


@pytest.mark.postgres
@pytest.mark.rabbitmq
@pytest.mark.parametrize("story", LARGE, ids=lambda story: story.__name__)
def test_large(told: Callable[[Story], None], story: Story) -> None:
    told(story)
