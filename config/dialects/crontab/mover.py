"""`manage.py import crontab`: a crontab's lines become jobs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, ClassVar

from django.core.management.base import CommandError, CommandParser

from config.dialects.crontab import taking
from config.dialects.moving import Mover
from executions import clock
from executions.management.base import HouseCommand, who
from executions.management.tables import Column, table

_COLUMNS = (
    *(Column("line"), Column("job"), Column("schedule"), Column("in words", may_shrink=True), Column("next")),
    *(Column("result"), Column("why", may_shrink=True)),
)


class CrontabMover(Mover):
    system: ClassVar[str] = "a crontab, as crontab -l prints it"
    gives_out: ClassVar[bool] = False

    def add_import_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="the crontab (- for standard input)")
        parser.add_argument("--system", action="store_true", help="as /etc/crontab: its sixth field is a user")
        parser.add_argument("--zone", default="", help="the time zone that its times are in; the house's otherwise")
        parser.add_argument("--dry-run", action="store_true", help="say what would be made, and make nothing")

    def add_export_arguments(self, parser: CommandParser) -> None:
        raise NotImplementedError

    def take_in(self, command: HouseCommand, options: dict[str, Any]) -> int | None:
        """Make the jobs; one line that is refused keeps no other out. Exit code 1 if any is."""
        now = clock.now()
        planned = taking.plan(_text(options["file"]), now, zone=options["zone"], has_users=options["system"])
        is_dry = options["dry_run"]
        results = taking.store(planned, by=who(), now=now, only=() if is_dry else None)
        rows = []
        for one, result, why in results:
            if is_dry:
                result, why = _foretold(one)
            next_at = f"{one.shown.next[0]:%Y-%m-%d %H:%MZ}" if one.shown.next else "-"
            rows.append((str(one.line.number), one.name, one.line.schedule, one.shown.words, next_at, result, why))
        if rows:
            command.say(table(_COLUMNS, rows, command.width))
        words = (taking.MADE, taking.THERE, taking.REFUSED)
        told = ", ".join(f"{sum(row[5] == word for row in rows)} {word}" for word in words)
        command.say(f"{len(rows)} lines: {told}." + (" Nothing was stored." if is_dry else ""))
        return 1 if any(row[5] == taking.REFUSED for row in rows) else None

    def give_out(self, command: HouseCommand, options: dict[str, Any]) -> int | None:
        raise NotImplementedError


def _foretold(one: taking.Planned) -> tuple[str, str]:
    if one.existing:
        return taking.THERE, one.existing.name
    return (taking.REFUSED, "; ".join(one.problems)) if one.problems else (taking.MADE, "; ".join(one.notes))


def _text(file: str) -> str:
    """What the file holds. Raises CommandError."""
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode()
    except OSError as error:
        raise CommandError(f"{file}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise CommandError(f"{file} is no text in UTF-8") from None
