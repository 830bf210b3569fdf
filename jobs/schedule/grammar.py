"""Reads the text of a schedule."""

import re
from datetime import datetime, timedelta
from fractions import Fraction
from functools import lru_cache

from jobs.schedule.clock import whole_second, zone
from jobs.schedule.crontime import cron_time
from jobs.schedule.errors import ScheduleError, refusal
from jobs.schedule.kinds import CronSchedule, IntervalSchedule, ManualSchedule, MomentSchedule, Schedule
from jobs.schedule.pattern import read

MAX_TEXT = 255  # characters
MANUALLY = "@manually"
SHORTHANDS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
    "@minutely": "* * * * *",
}

SOONEST = timedelta(seconds=1)
YEARS = range(2, 9999)
"""Years of an `@at`: the calendar's first and last are not the same everywhere, and in some zone not there at all."""
LONGEST_HOURS = 2_562_047  # 292 years, the longest that Go can say, whose notation this is
UNITS = {  # in seconds
    "h": Fraction(3600),
    "m": Fraction(60),
    "s": Fraction(1),
    "ms": Fraction(1, 10**3),
    "us": Fraction(1, 10**6),
    "\N{MICRO SIGN}s": Fraction(1, 10**6),
    "\N{GREEK SMALL LETTER MU}s": Fraction(1, 10**6),
    "ns": Fraction(1, 10**9),
}
AMOUNT = rf"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)({'|'.join(UNITS)})(?![a-z])"
DURATION = re.compile(rf"(?:{AMOUNT})+")


@lru_cache(maxsize=4096)
def parse(text: str, timezone: str = "UTC") -> Schedule:
    """The schedule that `text` says, on the clock of `timezone`; cheap to ask again.

    Raises ScheduleError, whose message names the bad part and what is allowed there.
    """
    zone(timezone)
    if len(text) > MAX_TEXT:
        raise ScheduleError(f"schedule: must have at most {MAX_TEXT} characters, not {len(text)}")
    words = text.split()
    tidy = " ".join(words)
    if tidy in ("", MANUALLY):
        return ManualSchedule(MANUALLY, timezone)
    if words[0] == "@every":
        return IntervalSchedule(tidy, timezone, _duration(tidy))
    if words[0] == "@at":
        return MomentSchedule(tidy, timezone, _moment(tidy))
    return CronSchedule(tidy, timezone, cron_time(read(_six_fields(tidy)), timezone))


def _six_fields(text: str) -> list[str]:
    """The fields of a cron expression or of a shorthand, seconds first."""
    fields = SHORTHANDS.get(text, text).split()
    if text.startswith("@"):
        if text not in SHORTHANDS:
            known = ", ".join([*SHORTHANDS, "@every 1h30m", "@at 2026-11-21T10:00:00Z", MANUALLY])
            raise refusal("schedule", text, f"must be one of {known}, or cron fields")
    elif text.startswith(("TZ=", "CRON_TZ=")):
        raise refusal("schedule", text, "must not name a zone, which has a place of its own")
    elif len(fields) not in (5, 6):
        raise refusal(
            "schedule",
            text,
            f"must have five fields (minute hour day month weekday) or six (seconds first), not {len(fields)}",
        )
    return fields if len(fields) == 6 else ["0", *fields]


def _duration(text: str) -> timedelta:
    """The period of an `@every`, its fraction of a second cut."""
    said = text.removeprefix("@every").strip()
    if not DURATION.fullmatch(said):
        raise refusal("schedule", text, "must be @every and a duration without spaces in h, m and s, like 1h30m")
    seconds = int(sum(Fraction(amount) * UNITS[unit] for amount, unit in re.findall(AMOUNT, said)))
    if seconds < SOONEST.total_seconds():
        raise refusal("schedule", text, "must not be sooner than every 1s")
    if seconds > LONGEST_HOURS * 3600:
        raise refusal("schedule", text, f"must not be longer than {LONGEST_HOURS}h")
    return timedelta(seconds=seconds)


def _moment(text: str) -> datetime:
    """The instant of an `@at`, its fraction of a second cut."""
    said = text.removeprefix("@at").strip()
    try:
        instant = whole_second(datetime.fromisoformat(said.upper()))
    except (ValueError, OverflowError) as error:
        example = "2026-11-21T10:00:00Z"
        raise refusal("schedule", text, f"must be @at and a date and time with its offset, like {example}") from error
    if instant.year not in YEARS:
        raise refusal("schedule", text, f"must be in one of the years {YEARS[0]} to {YEARS[-1]}")
    return instant
