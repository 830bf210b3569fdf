"""Dkron's schedules and ours; pure.

Dkron wants six fields, seconds first, in robfig/cron's grammar; descriptors (`@daily`); `@every`, `@at`, `@manually`;
`~` for a number made of the job's name; and perhaps a zone before them (`TZ=`, `CRON_TZ=`). What is the same for us is
left as it was written, since our words for a schedule are those of its text. What differs:

    ?                    *
    5/15                 5-59/15
    */2 as a day         1-31/2, since for us a day field that begins with `*` is no restriction
    names                numbers
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple
from zoneinfo import ZoneInfoNotFoundError

from config.dialects.dkron import goes, moments
from jobs import schedule

MANUALLY = "@manually"
DESCRIPTORS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@minutely"})
LOCAL = "Local"
_ZONE_WORDS = ("TZ=", "CRON_TZ=")
_NUMBER = re.compile(r"\+?[0-9]{1,9}", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")


class BadSchedule(ValueError):
    """Dkron would not read it; the message says why."""


class BadZone(ValueError):
    """There is no such time zone."""


class Field(NamedTuple):
    name: str
    low: int
    high: int
    hash: tuple[int, int]
    """What `~` becomes: the sum of the name modulo the first, plus the second."""
    names: dict[str, int] = {}
    is_day: bool = False


FIELDS = (
    Field("second", 0, 59, (60, 0)),
    Field("minute", 0, 59, (60, 0)),
    Field("hour", 0, 23, (24, 0)),
    Field("day-of-month", 1, 31, (28, 1), is_day=True),
    Field("month", 1, 12, (12, 1), dict(zip(_MONTHS, range(1, 13), strict=True))),
    Field("day-of-week", 0, 6, (7, 0), dict(zip(_DAYS, range(7), strict=True)), is_day=True),
)


@dataclass(frozen=True, slots=True)
class Ours:
    """A schedule in the house's words; an empty `timezone` is the house's own."""

    schedule: str
    timezone: str


def translate(text: str, timezone: str, job: str) -> Ours:
    """What `text` says for the job of that name, in the zone `timezone`. Raises BadSchedule and BadZone.

    A job's zone counts for cron fields without a zone of their own, and for nothing else.
    """
    named = _zone(timezone)
    words = text.split()
    if not words:
        return Ours(MANUALLY, named)
    own = ""
    if words[0].startswith(_ZONE_WORDS):
        said = words[0].partition("=")[2]
        try:
            own = _zone(said) or LOCAL
        except BadZone as error:
            raise BadSchedule(str(error)) from None
        words = words[1:]
    if words and words[0].startswith("@"):
        return Ours(_descriptor(words, has_zone=bool(own)), "" if own == LOCAL else own)
    if len(words) != len(FIELDS):
        raise BadSchedule(f"expected exactly 6 fields (seconds first), found {len(words)}: {text[:60]!r}")
    fields = " ".join(_field(field, word, job) for field, word in zip(FIELDS, words, strict=True))
    return Ours(_checked(fields), named if not own else "" if own == LOCAL else own)


def shown(text: str) -> str:
    """A schedule of ours as Dkron would write it: cron fields with their seconds."""
    return f"0 {text}" if not text.startswith("@") and len(text.split()) == len(FIELDS) - 1 else text


def _zone(name: str) -> str:
    """A zone in our words. Raises BadZone."""
    if name in ("", LOCAL):
        return ""
    try:
        schedule.zone(name)
    except (schedule.ScheduleError, ZoneInfoNotFoundError, ValueError):
        raise BadZone(f"unknown time zone {name[:60]}") from None
    return name


def _descriptor(words: list[str], *, has_zone: bool) -> str:
    first, rest = words[0], " ".join(words[1:])
    if first in DESCRIPTORS and not rest and not (has_zone and first == "@minutely"):
        return first
    if first == MANUALLY and not rest and not has_zone:
        return MANUALLY
    if first == "@every":
        return _every(rest)
    if first == "@at" and not has_zone:
        return _at(rest)
    raise BadSchedule(f"unrecognized descriptor: {' '.join(words)[:60]}")


def _every(said: str) -> str:
    try:
        seconds = goes.duration(said)
    except ValueError as error:
        raise BadSchedule(f"failed to parse duration @every {said[:40]}: {error}") from None
    return _checked(f"@every {said.lstrip('+')}" if seconds >= 1 else "@every 1s")


def _at(said: str) -> str:
    try:
        moments.read(said)
    except ValueError as error:
        raise BadSchedule(f"failed to parse date @at {said[:40]}: {error}") from None
    return _checked(f"@at {said}")


def _checked(text: str) -> str:
    """`text`, which the house must be able to read, too."""
    try:
        return schedule.parse(text).text
    except schedule.ScheduleError as error:
        raise BadSchedule(str(error)) from None


def _field(field: Field, text: str, job: str) -> str:
    """One field in our words. Raises BadSchedule."""
    if "~" in text:
        modulo, plus = field.hash
        text = text.replace("~", str(sum(map(ord, job)) % modulo + plus))
    terms = [_term(field, term) for term in text.split(",") if term]
    if not terms:
        raise BadSchedule(f"the {field.name} field {text[:40]!r} is empty")
    # One term that takes everything takes the others in; and it is no restriction, where two day fields meet.
    return "*" if "*" in terms else ",".join(terms)


def _term(field: Field, term: str) -> str:
    values, *steps = term.split("/")
    if len(steps) > 1:
        raise BadSchedule(f"too many slashes: {term[:40]}")
    step = _number(field, steps[0], term) if steps else 1
    if step == 0:
        raise BadSchedule(f"step of range should be a positive number: {term[:40]}")
    low, *ends = values.split("-")
    if low in ("*", "?"):
        if len(ends) > 1:
            raise BadSchedule(f"too many hyphens: {term[:40]}")
        first, last = field.low, field.high
        if step == 1:
            return "*"
        if not field.is_day:
            return f"*/{min(step, field.high + 1)}"
    else:
        if len(ends) > 1:
            raise BadSchedule(f"too many hyphens: {term[:40]}")
        first = _value(field, low, term)
        last = _value(field, ends[0], term) if ends else field.high if steps else first
    if first < field.low or last > field.high:
        raise BadSchedule(f"the {field.name} field must be within {field.low}-{field.high}: {term[:40]}")
    if first > last:
        raise BadSchedule(f"beginning of range beyond the end of range: {term[:40]}")
    return _written(first, last, step)


def _written(first: int, last: int, step: int) -> str:
    if first == last or step > last - first:
        return str(first)
    return f"{first}-{last}" if step == 1 else f"{first}-{last}/{step}"


def _value(field: Field, word: str, term: str) -> int:
    named = field.names.get(word.lower())
    return _number(field, word, term) if named is None else named


def _number(field: Field, word: str, term: str) -> int:
    if not _NUMBER.fullmatch(word):
        raise BadSchedule(f"failed to parse the {field.name} field {term[:40]!r}: {word[:40]!r} is no number")
    return int(word)
