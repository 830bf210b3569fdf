"""What clients of Adverity ask for: the parameters of the lists, and the body that starts a fetch.

A value that cannot be read is refused as Invalid with the name of its parameter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from config.dialects import runs
from config.dialects.adverity import words
from errors.exceptions import Invalid

ORDERS = {"id": "group", "job_start": "started"}
NEWEST_FIRST = "-group"

_SHOWN = 60
_SECOND = timedelta(seconds=1)
_NO_MOMENT = "is no date (2022-10-31) and no time (2022-10-31T23:59:59Z)."


@dataclass(frozen=True, slots=True)
class Asked:
    """What a list shall hold: where neither bound is given, what is scheduled or runs. Both bounds are inclusive."""

    datastream: int | None
    since: datetime | None
    until: datetime | None
    """The first moment that lies no more within the range."""
    order: str

    @property
    def is_range(self) -> bool:
        return self.since is not None or self.until is not None


def asked(parameters: Mapping[str, str]) -> Asked:
    """Raises Invalid."""
    wrong: dict[str, list[str]] = {}
    datastream = _datastream(parameters.get("datastream_id", ""), wrong)
    since, until = (_moment(parameters.get(name, ""), name, wrong) for name in ("start", "end"))
    if wrong:
        raise refused(wrong)
    return Asked(
        datastream,
        words.begin_of(since) if since else None,
        _after(words.end_of(until)) if until else None,
        _order(parameters.get("ordering", "")),
    )


def datastream_of(parameters: Mapping[str, str]) -> int | None:
    """The datastream that is asked for; None for all. Raises Invalid."""
    wrong: dict[str, list[str]] = {}
    found = _datastream(parameters.get("datastream_id", ""), wrong)
    if wrong:
        raise refused(wrong)
    return found


def data_range(body: Any) -> dict[str, str]:
    """`start` and `end` of the data that shall be fetched, as the client wrote them. Raises Invalid."""
    if not isinstance(body, Mapping):
        raise Invalid("The body must be an object with start and end.")
    wrong: dict[str, list[str]] = {}
    given: dict[str, str] = {}
    for name in ("start", "end"):
        value = body.get(name)
        if value is None or value == "":
            wrong[name] = ["This field is required."]
        elif not isinstance(value, str):
            wrong[name] = [f"This {_NO_MOMENT}"]
        elif _moment(value, name, wrong):
            given[name] = value.strip()
    if not wrong and words.begin_of(words.read_moment(given["start"])) > words.end_of(words.read_moment(given["end"])):
        wrong["end"] = ["This must not lie before start."]
    if wrong:
        raise refused(wrong)
    return given


def refused(wrong: Mapping[str, list[str]]) -> Invalid:
    name, messages = next(iter(wrong.items()))
    return Invalid(f"{name}: {messages[0]}", wrong)


def _datastream(text: str, wrong: dict[str, list[str]]) -> int | None:
    """A number, with or without the slash that the documented example leaves in the value."""
    said = text.strip().removesuffix("/")
    if not said:
        return None
    if not (said.isascii() and said.isdigit()):
        wrong["datastream_id"] = [f"{said[:_SHOWN]!r} is not a number."]
        return None
    return runs.number(said)


def _moment(text: str, name: str, wrong: dict[str, list[str]]) -> datetime | date | None:
    if not text.strip():
        return None
    try:
        return words.read_moment(text)
    except ValueError:
        wrong[name] = [f"{text[:_SHOWN]!r} {_NO_MOMENT}"]
        return None


def _after(moment: datetime) -> datetime:
    try:
        return moment + _SECOND
    except OverflowError:
        return moment


def _order(text: str) -> str:
    column = ORDERS.get(text.removeprefix("-"))
    if column is None:
        return NEWEST_FIRST
    return f"-{column}" if text.startswith("-") else column
