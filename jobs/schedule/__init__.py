"""Schedules: one text and a time zone become the instants at which a job is due.

    text, zone --parse--> Schedule --next_after-----> the next due instant
                              |-----latest_between--> what fell due meanwhile: the newest, and how many
                              '-----preview---------> what a person is shown before saving

The grammar is one column of text:

    30 2 * * *   15 30 2 * * *          five cron fields, or six with seconds first
    @yearly @annually @monthly @weekly @daily @midnight @hourly @minutely
    @every 1h30m                        a period, counted from an anchor
    @at 2026-11-21T10:00:00Z            one moment
    @manually                           never by itself; so is an empty text

Cron runs by the wall clock of its zone, as Debian's cron does across daylight saving: a time that is skipped runs
once, right after the gap, and a time that occurs twice runs the first time only. A schedule whose minute or hour field
starts with `*` follows real time instead: it runs whenever the clock shows a matching time, so not in a gap, and in
both passes of a repeated hour. The seconds field has no say in that: `*/10 30 2 * * *` belongs to 02:30 as
`30 2 * * *` does. If either day field starts with `*`, or the weekday with `&`, both must match, otherwise either will
do.

Nothing here reads a clock, a database or a setting: time is an argument, and must know its zone. Instants are whole
seconds in UTC. `grammar` reads the text, `kinds` answers for each kind, `pattern` knows cron fields, `clock` knows
what a zone's clock shows, `crontime` joins the two, `preview` explains.
"""

from jobs.schedule.clock import zone
from jobs.schedule.errors import ScheduleError
from jobs.schedule.grammar import MAX_TEXT, SHORTHANDS, parse
from jobs.schedule.kinds import Due, Kind, Schedule
from jobs.schedule.pattern import BOTH
from jobs.schedule.preview import Preview, preview

__all__ = [
    "BOTH",
    "MAX_TEXT",
    "SHORTHANDS",
    "Due",
    "Kind",
    "Preview",
    "Schedule",
    "ScheduleError",
    "parse",
    "preview",
    "zone",
]
