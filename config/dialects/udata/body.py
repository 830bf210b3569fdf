"""What a client may send about a job, and what is wrong with it; pure. `orders` asks the database what it must know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from config.dialects.udata import crontab, interval
from config.dialects.udata.crontab import Crontab, NotACrontab
from config.dialects.udata.interval import Interval, NotAnInterval
from errors.exceptions import Invalid
from jobtypes.limits import MAX_INPUT, excess

ALL = "__all__"
"""Stands where a field's name would, for what concerns several."""
MAX_NAME = 250
REQUIRED = "This field is required."
BOTH = "Cannot define both interval and crontab schedule"
NEITHER = "Either a crontab or an interval is required"


@dataclass(frozen=True, slots=True)
class Timing:
    """One of udata's two schedules, as it was sent, and the house's text that means the same."""

    text: str
    kind: Literal["crontab", "interval"]
    said: Crontab | Interval


@dataclass(slots=True)
class Order:
    """What a body asks for; None where it says nothing."""

    name: str | None = None
    task: str | None = None
    description: str | None = None
    enabled: bool | None = None
    args: list[Any] | None = None
    kwargs: dict[str, Any] | None = None
    timing: Timing | None = None
    cleared: frozenset[str] = frozenset()
    """The schedules that were sent as null."""


@dataclass(slots=True)
class _Reader:
    body: Mapping[str, Any]
    wrongs: list[tuple[str, str]] = field(default_factory=list)

    def refuse(self, place: str, message: str) -> None:
        self.wrongs.append((place, message))

    def text(self, name: str, *, is_new: bool) -> str | None:
        """A text that must not be empty: `name` or `task`."""
        if name not in self.body and not is_new:
            return None
        value = self.body.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            self.refuse(name, REQUIRED)
        elif not isinstance(value, str):
            self.refuse(name, "must be a text")
        elif len(value) > MAX_NAME:
            self.refuse(name, f"must have at most {MAX_NAME} characters, not {len(value)}")
        else:
            return value
        return None

    def plain(self, name: str, kind: type, default: Any, what: str) -> Any:
        """A value of `kind`; null stands for `default`."""
        if name not in self.body:
            return None
        value = self.body[name]
        if value is None:
            return default
        if not isinstance(value, kind):
            self.refuse(name, f"must be {what}")
        elif too_much := excess(value, name, MAX_INPUT):
            self.refuse(name, too_much.message)
        return value

    def timing(self, *, is_new: bool) -> Timing | None:
        sent = {name: self.body[name] for name in ("crontab", "interval") if self.body.get(name) is not None}
        if len(sent) == 2:
            self.refuse(ALL, BOTH)
        elif is_new and not sent:
            self.refuse(ALL, NEITHER)
        elif "crontab" in sent:
            return self._crontab(sent["crontab"])
        elif "interval" in sent:
            return self._interval(sent["interval"])
        return None

    def _crontab(self, sent: Any) -> Timing | None:
        names = [member.name for member in crontab.MEMBERS]
        if not isinstance(sent, dict):
            self.refuse("crontab", "Expected an object")
            return None
        said = {name: sent[name] for name in names if sent.get(name) is not None}
        if not said:
            self.refuse("crontab", f"must have at least one of {', '.join(names)}")
            return None
        told = dict.fromkeys(names, crontab.ANY)
        before = len(self.wrongs)
        for member in crontab.MEMBERS:
            if member.name in said:
                told[member.name] = self._member(member, said[member.name])
        if len(self.wrongs) > before:
            return None
        return Timing(crontab.house_text(told), "crontab", told)

    def _member(self, member: crontab.Member, value: Any) -> str:
        """A member's text; a number stands for its own."""
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str):
            self.refuse(f"crontab.{member.name}", "only accepts string values")
            return crontab.ANY
        text = value.strip()
        try:
            member.values(text)
        except NotACrontab as error:
            self.refuse(f"crontab.{member.name}", str(error))
        return text

    def _interval(self, sent: Any) -> Timing | None:
        if not isinstance(sent, dict):
            self.refuse("interval", "Expected an object")
            return None
        every, period = self._every(sent.get("every")), sent.get("period")
        if period is None:
            self.refuse("interval.period", REQUIRED)
        elif period not in interval.WORDS:
            self.refuse("interval.period", f"must be one of {', '.join(interval.WORDS)}")
        elif every is not None:
            told = Interval(every=every, period=period)
            try:
                return Timing(interval.house_text(told), "interval", told)
            except NotAnInterval as error:
                self.refuse("interval.every", str(error))
        return None

    def _every(self, value: Any) -> int | None:
        """A whole number, or a text or float that is one."""
        if value is None:
            self.refuse("interval.every", REQUIRED)
            return None
        if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
            return int(value)
        if isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        self.refuse("interval.every", "must be a whole number")
        return None


def read(body: Any, *, is_new: bool) -> Order:
    """The order that `body` is; what is only shown, and what is not known, is passed over. Raises Invalid with all that
    is wrong. A new job needs a name, a task and one schedule; of a change, what is not sent stays.
    """
    if not isinstance(body, Mapping):
        raise Invalid("expecting a JSON object", {"request": ["expecting a JSON object"]})
    reader = _Reader(body)
    order = Order(
        name=reader.text("name", is_new=is_new),
        task=reader.text("task", is_new=is_new),
        description=reader.plain("description", str, "", "a text"),
        enabled=reader.plain("enabled", bool, False, "true or false"),
        args=reader.plain("args", list, [], "a list"),
        kwargs=reader.plain("kwargs", dict, {}, "an object"),
        timing=reader.timing(is_new=is_new),
        cleared=frozenset(name for name in ("crontab", "interval") if name in body and body[name] is None),
    )
    if reader.wrongs:
        raise refusal(reader.wrongs)
    return order


def refusal(wrongs: list[tuple[str, str]]) -> Invalid:
    """The refusal for these places and messages; what concerns no single field is said without a place."""
    told = Invalid.listing(wrongs)
    if all(place == ALL for place, _ in wrongs):
        told.message = "; ".join(message for _, message in wrongs)
    return told
