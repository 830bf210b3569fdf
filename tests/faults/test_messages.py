"""Schedulers and hints: a scheduler is paused or killed, the broker goes, hints are lost, repeated or nonsense."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from collections.abc import Callable
from itertools import groupby, pairwise
from pathlib import Path

import kombu
import pytest

from executions.engine.hints import EXCHANGE
from tests.faults import stock
from tests.faults.conftest import Story
from tests.faults.house import LargeHouse, eventually, manage
from tests.faults.jobs import fire_each_second
from tests.faults.processes import Program
from tests.faults.site import Site, through

pytestmark = [pytest.mark.postgres, pytest.mark.rabbitmq]
BROKER_AWAY = 20.0
ANSWER_WITHIN = 3.0
PAUSE = 15.0
EVERY = 2
TAKEOVER_WITHIN = 15.0
"""Seconds for another scheduler to lead: a lease of 10, and some for a busy machine."""


def leader(house: LargeHouse, schedulers: list[Program]) -> Program | None:
    """The scheduler that leads the periodic tasks by the house's own row, which names its process."""
    name, until = house.rows("SELECT leader, leader_until > now() FROM executions_house")[0]
    return next((s for s in schedulers if until and f"-{s.pid}-" in name and s.is_alive), None)


def notes(path: Path) -> list[float]:
    """When the periodic task was called."""
    return [float(line.split()[0]) for line in path.read_text().splitlines()] if path.exists() else []


def senders(path: Path) -> list[str]:
    """Who sent the periodic task, one after the other."""
    return [sender for sender, _ in groupby(line.split()[1] for line in path.read_text().splitlines())]


def noting(site: Site, **settings: str) -> tuple[LargeHouse, Path]:
    """A house with a worker, whose PeriodicTask notes each of its runs in a file, every two seconds."""
    path = site.folder / "notes"
    house = site.large(FAULTS_NOTES=str(path), **settings)
    if not site.has_own_broker:
        pytest.skip("needs a virtual host of its own on the broker: other houses would take its periodic tasks")
    house.do("periodic", name="note", task="faults.note", seconds=EVERY)
    house.start_workers(["worker"], more=["--include", "tests.faults.tasks"])
    return house, path


def a_paused_and_a_killed_scheduler_repeat_and_lose_nothing(site: Site) -> None:
    house, path = noting(site)
    schedulers = [house.start_scheduler(f"scheduler-{number}") for number in (1, 2, 3)]
    first = eventually("one leads", lambda: leader(house, schedulers), 60)
    until = fire_each_second(house, 10, PAUSE + TAKEOVER_WITHIN + 15, policies=["all"])
    eventually("the periodic task ran", lambda: notes(path), 30)

    first.tell(signal.SIGSTOP)
    stopped = time.monotonic()
    second = eventually("another leads", lambda: (it := leader(house, schedulers)) is not first and it, 30)
    taken_over = [time.monotonic() - stopped]
    time.sleep(max(0.0, PAUSE - taken_over[0]))
    first.tell(signal.SIGCONT)
    second.kill()
    killed = time.monotonic()
    third = eventually("a third leads", lambda: (it := leader(house, schedulers)) is not second and it, 30)
    taken_over.append(time.monotonic() - killed)
    eventually("the third one's periodic tasks run", lambda: notes(path)[-1] > time.time() - EVERY - 1, 20)
    house.over(until)
    found, times = stock.take(house), notes(path)
    longest = max(second - first for first, second in pairwise(times))
    print(f"\n{found}; taken over after {', '.join(f'{s:.1f}' for s in taken_over)} s")
    print(f"{len(times)} periodic runs, at most {longest:.1f} s apart, sent by {', '.join(senders(path))} in turn")

    assert found.problems == []
    assert found.due == found.fired + found.missed > 0
    assert found.missed == 0
    assert max(taken_over) <= TAKEOVER_WITHIN
    assert third in schedulers
    assert len(senders(path)) == 3  # one after the other, never two at the same time
    assert len(times) <= (times[-1] - times[0]) / EVERY + 3
    assert longest <= TAKEOVER_WITHIN + EVERY + 2


def a_broker_that_goes_keeps_nothing_from_running(site: Site) -> None:
    broker = site.proxy(site.broker)
    house, path = noting(site, broker=through(broker, site.broker))
    house.start_scheduler()
    house.start_web()
    house.start_worker("another")
    key = manage(house.environment, "create_token", "faults", "--role", "editor").strip()
    house.make_job("by-hand", "true")
    until = fire_each_second(house, 10, BROKER_AWAY + 25, policies=["all"])
    answers: dict[str, list[tuple[int, float]]] = {}

    def ask(when: str, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            begun = time.monotonic()
            status, _ = house.call("POST", "/v6/jobs/by-hand/run/", key, {})
            answers.setdefault(when, []).append((status, time.monotonic() - begun))
            time.sleep(0.3)

    ask("there", 3)
    broker.cut()
    ask("gone", BROKER_AWAY * 0.75)
    broker.mend()
    ask("back", 3)
    broker.stall()
    ask("hanging", BROKER_AWAY * 0.25)
    broker.mend()
    ask("back again", 3)
    house.over(until)
    last_note = notes(path)[-1]
    eventually("the periodic task runs again", lambda: notes(path)[-1] > last_note, 40)
    found = stock.take(house)
    late = house.value(
        "SELECT max(extract(epoch FROM created - scheduled_for)) FROM executions_execution WHERE attempt = 1"
    )
    slowest = {when: round(max(took for _, took in given), 2) for when, given in answers.items()}
    statuses = Counter(status for given in answers.values() for status, _ in given)
    made = house.value("SELECT count(*) FROM executions_execution WHERE \"trigger\" = 'manual' AND attempt = 1")
    print(f"\n{found}; submissions {dict(statuses)}, slowest answers {slowest} s")
    print(f"a job was fired {float(late):.2f} s after its instant at most")

    assert found.problems == []
    assert found.missed == 0
    assert late < 3
    assert set(statuses) == {201}
    assert made == statuses[201]
    assert max(slowest.values()) <= ANSWER_WITHIN
    begun = time.monotonic()
    last = house.call("POST", "/v6/jobs/by-hand/run/", key, {})[1]["id"]
    eventually("a run after all that", lambda: house.state(last) == "COMPLETED", 10, every=0.02)
    print(f"a run after the broker came back took {time.monotonic() - begun:.2f} s")
    assert all(program.is_alive for program in house.programs), [p.name for p in house.programs if not p.is_alive]


NOBODY = "amqp://guest:guest@127.0.0.1:1//"
GARBAGE: list[tuple[bytes, str, str]] = [
    (b"", "application/json", "utf-8"),
    (b"{", "application/json", "utf-8"),
    (b"[1, 2", "text/plain", "utf-8"),
    (b"\xff\xfe\x00\x80", "application/json", "utf-8"),
    (b"\xff\xfe\x00\x80", "application/octet-stream", "binary"),
    (b"cos\nsystem\n(S'false'\ntR.", "application/x-python-serialize", "binary"),
    (b"x" * 1_000_000, "application/json", "nonsense"),
    (json.dumps({"task": "no.such.task", "id": "1", "args": [], "kwargs": {}}).encode(), "application/json", "utf-8"),
    (json.dumps([[], {}, {"callbacks": None}]).encode(), "application/json", "utf-8"),
    (json.dumps({"execution": 10**30}).encode(), "application/json", "utf-8"),
]


def garbage_and_repeated_hints_cost_nothing(site: Site) -> None:
    house = site.large()
    house.make_job("hinted", "true")
    worker = house.start_worker()
    house.run("hinted")
    with kombu.Connection(site.broker) as connection, connection.channel() as channel:
        producer = kombu.Producer(channel)
        EXCHANGE(channel).declare()  # as the worker does too, maybe a moment later
        for _ in range(10):
            for exchange, key in ((EXCHANGE.name, ""), ("", "jobhouse")):
                for body, kind, encoding in GARBAGE:
                    producer.publish(
                        body, exchange=exchange, routing_key=key, content_type=kind, content_encoding=encoding
                    )
            house.run("hinted")
            for _ in range(10):
                producer.publish({}, exchange=EXCHANGE, routing_key="", serializer="json")
    house.rest()
    time.sleep(1)
    assert worker.is_alive, worker.said()[-3000:]
    delays = [_delay(house) for _ in range(5)]
    found = stock.take(house)
    print(f"\n{found}; after that a run starts after {sorted(delays)[2] * 1000:.0f} ms (median of 5)")

    assert found.problems == []
    assert found.statuses == {"COMPLETED": 16}
    assert sorted(delays)[2] < 1


def _delay(house: LargeHouse) -> float:
    key = house.run("hinted")
    eventually("it is over", lambda: house.state(key) == "COMPLETED", 30)
    return float(house.value(f"SELECT extract(epoch FROM started - queued) FROM executions_execution WHERE id = {key}"))


def lost_hints_cost_a_few_seconds(site: Site) -> None:
    house = site.large()
    house.make_job("hinted", "true")
    house.start_worker()
    house.dismiss_agent()
    house.agent(BROKER_URL=NOBODY)
    delays = [_delay(house) for _ in range(3)]
    found = stock.take(house)
    print(f"\n{found}; without hints runs start after {', '.join(f'{delay:.1f}' for delay in delays)} s")

    assert found.problems == []
    assert max(delays) < 8


STORIES = (
    a_paused_and_a_killed_scheduler_repeat_and_lose_nothing,
    a_broker_that_goes_keeps_nothing_from_running,
    garbage_and_repeated_hints_cost_nothing,
    lost_hints_cost_a_few_seconds,
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_only_latency_changes(told: Callable[[Story], None], story: Story) -> None:
    told(story)
