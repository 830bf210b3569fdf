"""`manage.py run_job NAME`: run a job now."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import CommandParser

from executions import clock
from executions.api.serializers import ExecutionSerializer
from executions.engine.submit import submit
from executions.engine.why import why
from executions.management.base import INTERRUPTED, HouseCommand, find_execution, find_job, json_object, who
from executions.management.follow import exit_code, follow, how
from executions.management.tables import when
from executions.models import Execution
from executions.states import Door


class Command(HouseCommand):
    help = (
        "Run a job now, whatever its schedule says. With --follow, show what it prints as it prints it, through all "
        "its tries, and leave with its exit code (130 when it was canceled)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", help="the job; `manage.py jobs` lists them")
        parser.add_argument("--input", metavar="JSON", help="an object instead of the job's input")
        parser.add_argument("--configuration", metavar="JSON", help="an object instead of the job's configuration")
        parser.add_argument("--follow", action="store_true", help="stay until it has ended; Ctrl-C leaves it running")

    def answer(self, **options: Any) -> int | None:
        execution = submit(
            find_job(options["name"]),
            by=who(),
            door=Door.SHELL,
            now=clock.now(),
            input=json_object(options["input"], "--input"),
            configuration=json_object(options["configuration"], "--configuration"),
        )
        code = self._follow(execution, options["json"]) if options["follow"] else None
        if options["json"]:
            self.show_json(ExecutionSerializer(find_execution(execution.pk)).data)
        elif not options["follow"]:
            self.say(
                f"Execution {execution.pk} of {options['name']} is {execution.status}. "
                f"`manage.py output {execution.pk} --follow` shows what it prints."
            )
        return code

    def _follow(self, execution: Execution, only_stderr: bool) -> int:
        def write(stream: str, text: str) -> None:
            out = self.stdout if stream == "stdout" and not only_stderr else self.stderr
            out.write(text, style_func=str)
            out.flush()

        self.note(f"Execution {execution.pk} of {execution.job.name}. {why(execution, clock.now()) or ''}".rstrip())
        try:
            last = follow(execution, write, self._again)
        except KeyboardInterrupt:
            self.note(f"\nExecution {execution.pk} goes on; `manage.py cancel {execution.pk}` stops it.")
            return INTERRUPTED
        self.note(f"Execution {last.pk}: {how(last)}")
        return exit_code(last)

    def _again(self, ended: Execution, following: Execution) -> None:
        self.note(f"Execution {ended.pk}: {how(ended)}")
        now = clock.now()
        due = when(max(following.ready_at or now, now), now)
        self.note(f"Try {following.attempt} follows {due}: execution {following.pk}")

    def note(self, text: str) -> None:
        """To standard error, without the colour of an error."""
        print(text, file=sys.stderr, flush=True)
