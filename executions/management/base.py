"""What the house's shell commands share: refusals in words, `--json`, and finding what a word on the line means."""

from __future__ import annotations

import difflib
import getpass
import json
import os
import shutil
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError, ProgrammingError

from errors import acting
from errors.exceptions import Refused
from executions.models import Execution
from executions.states import Status
from jobs.models import Job

INTERRUPTED = 130
"""The exit code of a program that was stopped by Ctrl-C."""
LIKELY = 2_000
"""Names that are looked through for a likely one."""


class HouseCommand(BaseCommand):
    """A command that shows something: `answer` does the work."""

    takes_json: ClassVar[bool] = True
    requires_system_checks: list[str] = []  # a look at the house need not examine its code first

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        if self.takes_json:
            parser.add_argument("--json", action="store_true", help="print JSON, in the fields of the API")
        return parser

    def handle(self, *args: Any, **options: Any) -> None:
        """Call `answer`; what it refuses is an error of one or a few lines, never a traceback."""
        try:
            with acting.bound(acting.at_the_shell(who())):
                code = self.answer(**options)
        except Refused as refusal:
            raise CommandError(_worded(refusal)) from None
        except (OperationalError, ProgrammingError) as error:
            raise CommandError(f"The database does not answer: {error}\n`manage.py up` makes and updates it.") from None
        except KeyboardInterrupt:
            code = INTERRUPTED
        except BrokenPipeError:  # `manage.py jobs | head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        if code:
            sys.exit(code)

    def answer(self, **options: Any) -> int | None:
        """Do what the command is for; return its exit code, None for 0."""
        raise NotImplementedError

    def say(self, text: str = "") -> None:
        self.stdout.write(text)

    def show_json(self, value: Any) -> None:
        self.say(json.dumps(value, cls=DjangoJSONEncoder, indent=2, ensure_ascii=False))

    @property
    def width(self) -> int | None:
        """Columns of the terminal; None when the output goes to a file or a program, which want everything."""
        return shutil.get_terminal_size().columns if self.stdout.isatty() else None

    def status_paint(self) -> Callable[[str], str]:
        """Colours the text of a status, where colours are wanted."""
        paints = {
            Status.COMPLETED: self.style.SUCCESS,
            Status.FAILED: self.style.ERROR,
            Status.RUNNING: self.style.WARNING,
        }

        def paint(text: str) -> str:
            found = paints.get(text.strip().partition(" ")[0])  # type: ignore[call-overload]  # any word may be asked for
            return str(found(text)) if found else text

        return paint


def who() -> str:
    """The name of whoever sits at this shell."""
    try:
        return getpass.getuser()[:150]
    except (KeyError, OSError):  # a container's user without a name
        return f"uid {os.getuid()}"


def json_object(text: str | None, option: str) -> dict[str, Any] | None:
    """The JSON object given with `option`; raises CommandError when it is something else."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except ValueError as error:
        hint = """In a shell, put it in single quotes: '{"a": 1}'"""
        raise CommandError(f"{option}: this is not JSON ({error}). {hint}") from None
    if not isinstance(value, dict):
        raise CommandError(f"{option}: expected an object such as '{{\"a\": 1}}', not {text}")
    return value


def find_job(name: str) -> Job:
    """The living job of that name. Raises CommandError with a likely name when there is none."""
    jobs = Job.objects.living().select_related("job_type", "job_type_revision", "payload", "record")
    job = jobs.filter(name=name).first()
    if job is None:
        names = Job.objects.living().filter(is_ad_hoc=False).values_list("name", flat=True)[:LIKELY]
        likely = difflib.get_close_matches(name, list(names), n=1)
        hint = f" Did you mean '{likely[0]}'?" if likely else ""
        raise CommandError(f"No job named '{name}'.{hint} `manage.py jobs` lists them.")
    return job


def find_execution(key: int) -> Execution:
    """The execution with that id. Raises CommandError when there is none."""
    execution = Execution.objects.with_names().filter(pk=key).first() if 0 < key < 2**63 else None
    if execution is None:
        raise CommandError(f"No execution {key}. `manage.py executions` lists the newest.")
    return execution


def said(moment: datetime | None) -> str:
    """A moment for a sentence."""
    return moment.strftime("%Y-%m-%d %H:%M:%S %Z") if moment else ""


def _worded(refusal: Refused) -> str:
    lines = [f"{field}: {message}" for field, messages in refusal.fields.items() for message in messages]
    return "\n".join(lines) or refusal.message
