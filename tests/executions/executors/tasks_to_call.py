"""Registered tasks that tests have called."""

import sys
from datetime import date

from jobtypes.registry import schedulable


@schedulable
def double_it(number: int, times: int = 2) -> int:
    print("doubling")
    return number * times


@schedulable
def next_year(day: date) -> date:
    return day.replace(year=day.year + 1)


@schedulable
def break_down(text: str) -> None:
    deeper(text)


def deeper(text: str) -> None:
    raise ValueError(text)


@schedulable
def give_up(code: int) -> None:
    sys.exit(code)
