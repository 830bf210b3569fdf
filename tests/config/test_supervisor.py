"""The supervisor of a house, with stubs for its parts."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from config.up.supervise import VARIABLE, Order, written
from config.up.supervisor import GAVE_UP, STOPPED, Part
from tests.config.houses import HouseProcess, lives, started, wait_until

Start = Callable[..., AbstractContextManager[HouseProcess]]


@pytest.fixture
def up(tmp_path: Path) -> Start:
    """Starts a house of these parts."""

    @contextmanager
    def start(*parts: Part) -> Iterator[HouseProcess]:
        lock = os.open(tmp_path / "up.lock", os.O_RDWR | os.O_CREAT)
        order = Order(list(parts), "http://127.0.0.1:9", "", lock)
        try:
            with written(order) as file:
                number = file.fileno()
                with started(["-m", "config.up.supervise"], {VARIABLE: str(number)}, [lock, number]) as house:
                    yield house
        finally:
            os.close(lock)

    return start


def stub(name: str, *words: str, stage: int = 0) -> Part:
    return Part(name, ["tests.config.stub", *words], stage=stage)


def numbers(file: Path) -> list[int]:
    return [int(line) for line in file.read_text().split()] if file.exists() else []


def wait_for_starts(file: Path, count: int) -> None:
    wait_until(lambda: len(numbers(file)) == count, 15, f"start {count}")


def test_every_line_carries_the_name_of_its_part(up: Start) -> None:
    with up(stub("web", "say", "hello", "wait"), stub("worker", "say", "good day", "wait")) as house:
        house.says(r"(?m)^web       \| hello$")
        house.says(r"(?m)^worker    \| good day$")


def test_a_part_that_is_killed_is_started_again_however_often(up: Start, tmp_path: Path) -> None:
    with up(stub("worker", "note", str(tmp_path / "runs"), "say", "here", "wait")) as house:
        for count in (1, 2):
            wait_for_starts(tmp_path / "runs", count)
            os.kill(numbers(tmp_path / "runs")[-1], signal.SIGKILL)
            house.says(rf"worker ended \(killed by SIGKILL\); starting it again in {count} s")
        wait_for_starts(tmp_path / "runs", 3)


@pytest.mark.slow
def test_a_part_that_cannot_start_ends_the_house_and_its_last_lines_are_shown(up: Start) -> None:
    with up(stub("web", "wait"), stub("worker", "say", "no such module", "fail", "3")) as house:
        code = house.ends(40)

        assert code == GAVE_UP
        house.says(r"worker cannot start: it ended 5 times in a row \(exit code 3\)")
        house.says(r"(?m)^house     \|   no such module$")
        assert house.pids() == []


def test_what_a_dead_part_left_behind_is_killed(up: Start, tmp_path: Path) -> None:
    with up(stub("worker", "child", str(tmp_path / "kids"), "note", str(tmp_path / "runs"), "wait")) as house:
        wait_until(lambda: numbers(tmp_path / "runs"), 15, "its start")
        first = numbers(tmp_path / "kids")[0]

        os.kill(numbers(tmp_path / "runs")[0], signal.SIGKILL)

        wait_until(lambda: not lives(first), 10, "the end of what it left")
        wait_until(lambda: len(numbers(tmp_path / "kids")) == 2, 10, "the second start")
        time.sleep(0.5)
        assert lives(numbers(tmp_path / "kids")[1])
        assert house.process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_it_gracefully(up: Start, number: signal.Signals) -> None:
    with up(stub("web", "say", "ready", "wait", stage=1), stub("worker", "say", "ready", "wait")) as house:
        house.says(r"web .*ready")
        house.says(r"worker .*ready")

        house.send(number)

        assert house.ends(10) == STOPPED
        assert house.pids() == []


def test_a_later_stage_is_stopped_when_the_earlier_ones_have_ended(up: Start) -> None:
    lingering = ("linger", "1.5", "say", "ready", "wait")
    with up(stub("web", *lingering, stage=1), stub("worker", *lingering)) as house:
        house.says(r"web .*ready")
        house.says(r"worker .*ready")

        house.send(signal.SIGTERM)

        assert house.ends(15) == STOPPED
        assert house.text.index("worker    | going") < house.text.index("worker    | gone")
        assert house.text.index("worker    | gone") < house.text.index("web       | going")


def test_a_second_signal_hurries(up: Start, tmp_path: Path) -> None:
    with up(stub("worker", "deaf", "child", str(tmp_path / "kids"), "say", "ready", "wait")) as house:
        house.says(r"worker .*ready")

        house.send(signal.SIGINT)
        house.says("Once more stops them at once")
        time.sleep(0.7)  # signals in quick succession are one wish
        house.send(signal.SIGINT)

        assert house.ends(10) == STOPPED
        house.says("worker did not end in time and is killed")
        assert not lives(numbers(tmp_path / "kids")[0])


def test_two_signals_at_once_are_one_wish(up: Start) -> None:
    with up(stub("worker", "linger", "1", "say", "ready", "wait")) as house:
        house.says(r"worker .*ready")

        house.send(signal.SIGINT)
        house.send(signal.SIGTERM)

        assert house.ends(10) == STOPPED
        house.says(r"worker    \| gone")


def test_when_it_is_killed_its_parts_end_even_the_deaf(up: Start, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    with up(stub("web", "note", str(runs), "wait"), stub("worker", "deaf", "note", str(runs), "wait")) as house:
        wait_until(lambda: len(numbers(runs)) == 2, 15, "both starts")

        house.send(signal.SIGKILL)

        wait_until(lambda: not any(map(lives, numbers(runs))), 5, "the end of both")
