"""`manage.py schedule preview EXPR`: what a schedule means, and when it is due next."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import CommandError, CommandParser

from executions import clock
from executions.management.base import HouseCommand
from executions.management.tables import when
from jobs.schedule import preview


class Command(HouseCommand):
    help = (
        "Explain schedules: `schedule preview '*/5 * * * *' --tz Europe/Paris` says what that means and when it is due."
    )
    takes_json = False  # its subcommand does

    def add_arguments(self, parser: CommandParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True, metavar="preview")
        shown = deeds.add_parser("preview", help="say what a schedule means and when it is due next")
        shown.add_argument(
            "schedule",
            metavar="EXPR",
            help="five or six cron fields (seconds first), @hourly and the like, '@every 1h30m', "
            "'@at 2026-11-21T10:00:00Z'; quote it, or the shell takes the stars for files",
        )
        shown.add_argument("--tz", default=settings.TIME_ZONE, metavar="ZONE", help="time zone (default: %(default)s)")
        shown.add_argument("--count", type=int, default=10, metavar="N", help="how many instants (default: 10)")
        shown.add_argument("--json", action="store_true", help="print JSON, in the fields of the API")

    def answer(self, **options: Any) -> int | None:
        now = clock.now()
        if not 0 <= options["count"] <= 1000:
            raise CommandError("--count: must be from 0 to 1000")
        shown = preview(options["schedule"], options["tz"], now, options["count"])
        if options["json"]:
            self.show_json(asdict(shown))
            return None if shown.is_valid else 1
        if not shown.is_valid:
            raise CommandError(shown.error)
        zone = ZoneInfo(shown.timezone or settings.TIME_ZONE)
        self.say(f"{shown.words} ({zone.key}; {shown.per_day:g} a day)")
        for moment in shown.next:
            self.say(f"  {moment.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}   {when(moment, now)}")
        if not shown.next:
            self.say("  It is never due.")
        for note in shown.notes:
            self.say(f"  Note: {note}")
        return None
