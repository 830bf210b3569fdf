"""A database that drops connections, answers late, or is locked by somebody else."""

from __future__ import annotations

import re
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from tests.faults import stock
from tests.faults.conftest import Story
from tests.faults.house import House, LargeHouse, eventually, manage
from tests.faults.jobs import fire_each_second, left
from tests.faults.site import Site, through
from tests.faults.watch import LeaseWatch

CUTTING_SECONDS = 10
_TROUBLE = re.compile(r"database is locked|\[(?:warning|error|critical)|Traceback", re.IGNORECASE)


def trouble(house: House) -> list[str]:
    """The lines in which a process of the house says that something was wrong."""
    known = ("No hostname was supplied", "superuser privileges", "lost the lead")
    return [line for line in house.said().splitlines() if _TROUBLE.search(line) and not any(k in line for k in known)]


def _terminate_all(house: LargeHouse) -> int:
    database = urlsplit(house.database).path.lstrip("/")
    return len(
        house.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            f" WHERE datname = '{database}' AND application_name <> 'faults' AND pid <> pg_backend_pid()"
        )
    )


def connections_that_are_cut_every_second_lose_and_repeat_nothing(site: Site) -> None:
    house = site.large()
    house.agent()
    schedulers = [house.start_scheduler(f"scheduler-{number}") for number in (1, 2)]
    house.start_web()
    workers = house.start_workers(["worker-1", "worker-2"])
    key = manage(house.environment, "create_token", "faults", "--role", "editor").strip()
    house.make_job("by-hand", "true")
    until = fire_each_second(house, 10, CUTTING_SECONDS + 8, policies=["all"])
    house.dismiss_agent()
    answers: list[int] = []
    cut = 0
    with LeaseWatch(house) as watch:
        end = time.monotonic() + CUTTING_SECONDS
        while time.monotonic() < end:
            cut += _terminate_all(house)
            second = time.monotonic() + 1
            while time.monotonic() < second:
                answers.append(house.call("POST", "/v6/jobs/by-hand/run/", key, {})[0])
                time.sleep(0.1)
        back = time.monotonic()
        last = house.call("POST", "/v6/jobs/by-hand/run/", key, {})
        eventually("a run after that", lambda: last[0] == 201 and house.state(last[1]["id"]) == "COMPLETED", 30)
        again = time.monotonic() - back
        house.over(until)
    found = stock.take(house)
    made = house.value("SELECT count(*) FROM executions_execution WHERE \"trigger\" = 'manual' AND attempt = 1") - 1
    accepted = Counter(answers)[201]
    print(f"\n{cut} connections cut; {found}; submissions {dict(Counter(answers))}, {made} made")
    print(f"a run right after that took {again:.1f} s; longest past its lease {watch.worst:.1f} s")

    assert found.problems == []
    assert found.missed == 0
    assert found.lost_tries == 0
    assert watch.worst <= 0
    assert set(answers) <= {201, 503}
    assert accepted <= made <= len(answers)
    assert all(program.is_alive for program in [*schedulers, *workers])


def a_commit_whose_answer_is_lost_is_not_made_twice(site: Site) -> None:
    house = site.large()
    proxy = site.proxy(house.database)
    house.make_job("asked-for", "true")
    house.dismiss_agent()
    house.agent(DATABASE_URL=through(proxy, house.database))
    runs = []
    for _ in range(4):
        proxy.lose_answers(to=b"COMMIT", times=1)
        runs.append(house.run("asked-for"))
    made = [row[0] for row in house.rows("SELECT id FROM executions_execution ORDER BY id")]

    assert (house.folder / "agent.log").read_text().count("transaction again") == 4
    assert made == runs == [1, 2, 3, 4]  # without a gap: the first attempt was the one that counted


def commits_whose_answers_are_lost_lose_and_repeat_nothing(site: Site) -> None:
    house = site.large()
    proxy = site.proxy(house.database)
    house.agent()
    house.start_scheduler(DATABASE_URL=through(proxy, house.database))
    house.start_workers(["worker"], DATABASE_URL=through(proxy, house.database))
    until = fire_each_second(house, 5, 15, policies=["all"])
    house.dismiss_agent()
    while left(until) > 2:
        proxy.lose_answers(to=b"COMMIT", times=1)
        time.sleep(0.4)
    proxy.lose_answers(to=b"", times=0)
    house.over(until)
    found = stock.take(house)
    repeated = house.said().count("transaction again")
    print(f"\n{repeated} transactions repeated; {found}")

    assert repeated > 10
    assert found.problems == []
    assert found.missed == 0
    assert found.lost_tries == 0


def a_lock_of_three_seconds_is_not_noticed(site: Site) -> None:
    house = site.embedded()
    house.agent()
    house.start_worker()
    until = fire_each_second(house, 5, 20, script="sleep 0.2; echo done", policies=["all"])
    house.dismiss_agent()
    for _ in range(3):
        with closing(sqlite3.connect(house.folder / "data" / "db.sqlite3", timeout=30, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(3)
            other.execute("ROLLBACK")
        time.sleep(1)
    house.over(until)
    found = stock.take(house)
    print(f"\n{found}")

    assert found.problems == []
    assert found.missed == 0
    assert found.lost_tries == 0
    assert trouble(house) == []


def sixteen_jobs_that_print_at_once_meet_no_locked_database(site: Site) -> None:
    house = site.embedded()
    house.environment["WORKER_SLOTS"] = "16"
    prints = "n=0; while [ $n -lt 60 ]; do echo line $n of some output that is kept; n=$((n+1)); sleep 0.1; done"
    names = [f"printer-{number:02}" for number in range(16)]
    house.do("create", jobs=[house.job(name, prints) for name in names])
    house.start_up()
    key = manage(house.environment, "create_token", "faults", "--role", "editor").strip()
    statuses: Counter[int] = Counter()
    over = threading.Event()

    def read() -> None:
        while not over.is_set():
            statuses[house.call("GET", "/v6/executions/?page_size=100", key)[0]] += 1
            statuses[house.call("POST", "/v6/jobs/printer-00/run/", key, {})[0]] += 1
            time.sleep(0.5)

    reader = threading.Thread(target=read)
    reader.start()
    runs = [house.run(name) for name in names]
    most = eventually(
        "sixteen run",
        lambda: house.value("SELECT count(*) FROM executions_execution WHERE status = 'RUNNING'") == 16,
        60,
    )
    eventually("they are over", lambda: all(house.state(key) == "COMPLETED" for key in runs), 120)
    over.set()
    reader.join(60)
    house.rest()
    lines = [house.value(f"SELECT sum(lines) FROM executions_outputchunk WHERE execution_id = {key}") for key in runs]
    found = stock.take(house)
    print(f"\n{found}; API answers {dict(statuses)}")

    assert most
    assert lines == [60] * 16
    assert found.problems == []
    assert set(statuses) == {200, 201}
    assert trouble(house) == []


EMBEDDED = (a_lock_of_three_seconds_is_not_noticed, sixteen_jobs_that_print_at_once_meet_no_locked_database)
LARGE = (
    connections_that_are_cut_every_second_lose_and_repeat_nothing,
    a_commit_whose_answer_is_lost_is_not_made_twice,
    commits_whose_answers_are_lost_lose_and_repeat_nothing,
)


@pytest.mark.parametrize("story", EMBEDDED, ids=lambda story: story.__name__)
def test_embedded(told: Callable[[Story], None], story: Story) -> None:
    told(story)


@pytest.mark.postgres
@pytest.mark.rabbitmq
@pytest.mark.parametrize("story", LARGE, ids=lambda story: story.__name__)
def test_large(told: Callable[[Story], None], story: Story) -> None:
    told(story)
