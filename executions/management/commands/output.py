"""`manage.py output ID`: what an execution printed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.core.management.base import CommandParser

from executions import output
from executions.management.base import HouseCommand, find_execution
from executions.management.follow import LINES, lines_of, shown
from executions.models import Execution


class Command(HouseCommand):
    help = "Show what an execution printed: its standard output here as standard output, its errors as errors."
    takes_json = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, help="the execution; `manage.py executions` lists the newest")
        parser.add_argument("--follow", action="store_true", help="stay and show what comes, until it has ended")

    def answer(self, **options: Any) -> int | None:
        execution = find_execution(options["id"])
        for stream, text in lines_of(execution.pk) if options["follow"] else _so_far(execution):
            out = self.stdout if stream == "stdout" else self.stderr
            out.write(text, style_func=str)
            out.flush()
        return None


def _so_far(execution: Execution) -> Iterator[tuple[str, str]]:
    after = 0
    while (page := output.read(execution, after, LINES)).lines:
        yield from shown(page, after)
        after = page.after
