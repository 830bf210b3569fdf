"""`manage.py why ID|JOB`: why something is not running."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from executions import clock
from executions.engine.why import why, why_job
from executions.management.base import HouseCommand, find_execution, find_job
from executions.management.follow import how
from executions.models import Execution


class Command(HouseCommand):
    help = "Say in one sentence why an execution, or a job, is not running."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("what", metavar="ID|JOB", help="an execution's number, or a job's name")

    def answer(self, **options: Any) -> None:
        sentence, otherwise = _answer(options["what"])
        if options["json"]:
            self.show_json({"why": sentence})
        else:
            self.say(sentence or otherwise)


def _answer(what: str) -> tuple[str | None, str]:
    """The sentence, and what to say where there is none."""
    now = clock.now()
    if what.isdecimal():
        try:
            execution = find_execution(int(what))
        except CommandError:
            # A job may be named by digits too.
            job = find_job(what)
        else:
            return why(execution, now), f"Nothing keeps execution {execution.pk} waiting. It is {how(execution)}."
    else:
        job = find_job(what)
    newest = Execution.objects.filter(job=job).order_by("-created", "-id").first()
    last = f" Its newest execution, {newest.pk}, is {how(newest)}." if newest else ""
    return why_job(job, now), f"Nothing keeps {job.name} from running.{last}"
