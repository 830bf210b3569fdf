"""Celery's crontab, five texts, and the house's cron text; pure.

Celery's grammar in each member: `*`, numbers, names of days and months, ranges (which may wrap: `22-2`), steps over `*`
or a range, and lists of these. The weekday is 0 (Sunday) to 6. Where both day members are limited, both must match.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import groupby

from jobs.schedule import BOTH, MAX_TEXT, SHORTHANDS

Crontab = dict[str, str]
"""The five members, by name."""

_DAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_PART = re.compile(r"(?P<low>\*|\w+)(?:-(?P<high>\w+))?(?:/(?P<step>\w+))?", re.ASCII)
_SHORTEST_NAME = 3
_SHOWN = 30
MAX_MEMBER = 200
"""Characters of one member: more than any list of different values needs."""


class NotACrontab(ValueError):
    """The text is none of Celery's grammar; the message says why."""


@dataclass(frozen=True, slots=True)
class Member:
    """One of the five: the values that it may hold, and the names that some of them have."""

    name: str
    low: int
    high: int
    names: tuple[str, ...] = field(default=(), repr=False)

    @property
    def every(self) -> range:
        return range(self.low, self.high + 1)

    def number(self, word: str) -> int:
        """A number or a name. Raises NotACrontab."""
        if word.isdecimal() and len(word) <= MAX_MEMBER:
            value = int(word)
            if value not in self.every:
                raise NotACrontab(f"{word[:_SHOWN]} is not within {self.low}-{self.high}")
            return value
        said = word.lower()
        for place, name in enumerate(self.names):
            if len(said) >= _SHORTEST_NAME and name.startswith(said):
                return self.low + place
        or_a_name = f" or a name such as {self.names[0]}" if self.names else ""
        raise NotACrontab(f"'{word[:_SHOWN]}' is not a number within {self.low}-{self.high}{or_a_name}")

    def part(self, text: str) -> list[int]:
        """The values of one part of a list, in Celery's order. Raises NotACrontab."""
        if not text:
            raise NotACrontab("has an empty part")
        found = _PART.fullmatch(text)
        if found is None:
            raise NotACrontab(f"'{text[:_SHOWN]}' is not '*', a number, a range or a step")
        low, high, step = found["low"], found["high"], found["step"]
        if low == "*" and high is None:
            values = list(self.every)
        elif low == "*":
            raise NotACrontab(f"'{text[:_SHOWN]}' is not a range")
        elif high is None and step is not None:
            raise NotACrontab(f"'{text[:_SHOWN]}' has a step without a range; write {low[:_SHOWN]}-{self.high}/{step}")
        else:
            first = self.number(low)
            last = first if high is None else self.number(high)
            values = [*range(first, last + 1)] if first <= last else [*range(first, self.high + 1)]
            values += [*range(self.low, last + 1)] if first > last else []
        return values[:: self._step(step)] if step is not None else values

    def _step(self, text: str) -> int:
        if not text.isdecimal() or int(text) == 0:
            raise NotACrontab(f"'{text[:_SHOWN]}' is not a step: it must be a whole number from 1 up")
        return int(text)

    def values(self, text: str) -> frozenset[int]:
        """The values that `text` stands for. Raises NotACrontab."""
        if not text:
            raise NotACrontab("must not be empty")
        if len(text) > MAX_MEMBER:
            raise NotACrontab(f"must have at most {MAX_MEMBER} characters, not {len(text)}")
        return frozenset(value for part in text.split(",") for value in self.part(part))


MINUTE = Member("minute", 0, 59)
HOUR = Member("hour", 0, 23)
DAY_OF_WEEK = Member("day_of_week", 0, 6, _DAYS)
DAY_OF_MONTH = Member("day_of_month", 1, 31)
MONTH_OF_YEAR = Member("month_of_year", 1, 12, _MONTHS)

MEMBERS = (MINUTE, HOUR, DAY_OF_WEEK, DAY_OF_MONTH, MONTH_OF_YEAR)
"""In the order of the JSON object."""
CRON_ORDER = (MINUTE, HOUR, DAY_OF_MONTH, MONTH_OF_YEAR, DAY_OF_WEEK)

ANY = "*"


def house_text(crontab: Crontab) -> str:
    """The five fields that mean what `crontab` means; cheap to ask again. Raises NotACrontab."""
    return _house_text(tuple(crontab[member.name] for member in MEMBERS))


@lru_cache(maxsize=4096)
def _house_text(members: tuple[str, ...]) -> str:
    crontab = dict(zip((member.name for member in MEMBERS), members, strict=True))
    values = {member: member.values(crontab[member.name]) for member in MEMBERS}
    said = {member: _field(member, crontab[member.name], values[member]) for member in MEMBERS}
    if sum(map(len, said.values())) > MAX_TEXT - len(MEMBERS):
        said = {member: _listed(member, values[member]) for member in MEMBERS}
    if not said[DAY_OF_WEEK].startswith(ANY) and not said[DAY_OF_MONTH].startswith(ANY):
        said[DAY_OF_WEEK] = BOTH + said[DAY_OF_WEEK]
    return " ".join(said[member] for member in CRON_ORDER)


def _field(member: Member, text: str, values: frozenset[int]) -> str:
    """One field as cron has it: in numbers where Celery allows what cron does not."""
    is_every = len(values) == len(member.every)
    return text.lower() if _is_plain(member, text) and not is_every else _listed(member, values)


def _is_plain(member: Member, text: str) -> bool:
    """Whether `text` means the same to cron: short names or none, nothing that wraps, no step over a single value."""
    for part in text.split(","):
        ends, _, step = part.partition("/")
        words = ends.split("-")
        if any(word.isalpha() and len(word) != _SHORTEST_NAME for word in words):
            return False
        numbers = [member.number(word) for word in words if word != ANY]
        if numbers != sorted(numbers) or (step and len(set(numbers)) == 1):
            return False
    return True


def _listed(member: Member, values: frozenset[int]) -> str:
    """`values` as a list of numbers and ranges; a star for all of them."""
    if len(values) == len(member.every):
        return ANY
    runs = [
        [value for _, value in run]
        for _, run in groupby(enumerate(sorted(values)), key=lambda placed: placed[1] - placed[0])
    ]
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


@lru_cache(maxsize=4096)
def crontab_of(text: str) -> tuple[tuple[str, str], ...] | None:
    """The members of a schedule of ours that is five cron fields or a shorthand for them; None for all others.

    None as well for what Celery has no words for: the last day of a month, its second Friday.
    """
    fields = SHORTHANDS.get(text, text).split()
    if len(fields) != len(CRON_ORDER) or text.startswith("@") != (text in SHORTHANDS):
        return None
    said = dict(zip((member.name for member in CRON_ORDER), fields, strict=True))
    try:
        return tuple((member.name, _celery(member, said[member.name])) for member in MEMBERS)
    except NotACrontab:
        return None


def _celery(member: Member, text: str) -> str:
    """One field of ours in Celery's words. Raises NotACrontab."""
    if member is DAY_OF_WEEK:
        text = text.removeprefix(BOTH)
    try:
        member.values(text)
    except NotACrontab:
        return _listed(member, frozenset(value for part in text.split(",") for value in _cron_values(member, part)))
    return text


def _cron_values(member: Member, part: str) -> list[int]:
    """The values of a part that cron takes and Celery does not: Sunday as 7, and a step from one value to the end."""
    low, slash, step = part.partition("/")
    if slash and "-" not in low and low != ANY:
        return member.part(f"{low}-{member.high}/{step}")
    if member is not DAY_OF_WEEK or "7" not in low:
        return member.part(part)
    week = Member(member.name, member.low, member.high + 1, member.names)
    return [value % len(member.every) for value in week.part(part)]


def display(crontab: Crontab) -> str:
    """The five members as udata shows them, in cron's order."""
    return " ".join(crontab[member.name] for member in CRON_ORDER)
