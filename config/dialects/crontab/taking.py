"""What a crontab would become here, line by line, and making it so."""

from __future__ import annotations

import base64
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from config.dialects.crontab import read
from config.dialects.crontab.read import Line
from errors.exceptions import Invalid, Refused
from jobs import services
from jobs.models import Job
from jobs.schedule import Preview, preview

MOST_TEXT, MOST_LINES = 200_000, 500
MADE, THERE, REFUSED, LEFT = "made", "there already", "refused", "left out"
_AGAIN = 100
"""Jobs of one name that are looked through for a free one."""
_OWN_SETTINGS = {"SHELL", "MAILTO", "MAILFROM", "CRON_TZ", "TZ", "LOGNAME", "CONTENT_TYPE", "CONTENT_TRANSFER_ENCODING"}


@dataclass(slots=True)
class Planned:
    """A line, and the job that it would become. With `problems` it becomes none; `notes` are what differs here."""

    line: Line
    fields: dict[str, Any]
    shown: Preview
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    existing: Job | None = None
    """The job that does the same already."""

    @property
    def name(self) -> str:
        return str(self.fields.get("name", ""))

    @property
    def is_makeable(self) -> bool:
        return not self.problems and self.existing is None


Result = tuple[Planned, str, str]
"""A line, what became of it, and why."""


def plan(text: str, now: datetime, *, zone: str = "", has_users: bool = False) -> list[Planned]:
    """What the lines of a crontab would become; nothing is stored. `zone` counts where the crontab names none.

    Raises Invalid for a text that is too long.
    """
    if len(text) > MOST_TEXT:
        raise Invalid(f"A crontab may have {MOST_TEXT:,} characters at most.")
    lines = list(read.lines(text, has_users=has_users))
    if len(lines) > MOST_LINES:
        raise Invalid(f"A crontab may have {MOST_LINES} lines with commands at most, not {len(lines):,}.")
    taken: set[str] = set()
    return [_planned(line, now, zone, taken) for line in lines]


def store(planned: Sequence[Planned], *, by: str, now: datetime, only: Collection[int] | None = None) -> list[Result]:
    """Make the jobs of these lines, or of those with the numbers in `only`: (line, result, why) of each.

    One that is refused keeps no other out.
    """
    return [(one, *_stored(one, by, now, only)) for one in planned]


def _stored(one: Planned, by: str, now: datetime, only: Collection[int] | None) -> tuple[str, str]:
    if only is not None and one.line.number not in only:
        return LEFT, ""
    if one.existing:
        return THERE, one.existing.name
    if one.problems:
        return REFUSED, "; ".join(one.problems)
    try:
        services.create(one.fields, by=by, now=now)
    except Refused as refusal:
        return REFUSED, refusal.message
    return MADE, "; ".join(one.notes)


def _planned(line: Line, now: datetime, zone: str, taken: set[str]) -> Planned:
    place = line.settings.get("CRON_TZ") or line.settings.get("TZ") or zone
    if line.problem:
        return Planned(line, {}, Preview(is_valid=False, error=line.problem, words="", timezone=place), [line.problem])
    shown = preview(line.schedule, place or settings.TIME_ZONE, now, 3)
    if line.schedule == "@reboot":
        return Planned(line, {}, shown, ["@reboot has no instant: a house runs at times, not when a machine starts"])
    fields = {
        "job_type": {"name": "shell"},
        "configuration": _configuration(line),
        "schedule": line.schedule,
        "timezone": place,
        "title": line.title[:250],
        "description": f"From a crontab: {line.text}"[:10_000],
    }
    mail = line.settings.get("MAILTO", "")
    if mail and "@" in mail and "," not in mail:
        fields["owner_email"] = mail
    one = Planned(line, fields, shown, notes=_notes(line, mail))
    fields["name"], one.existing = _named(line, fields, taken)
    if one.existing is None:
        for problem in services.problems(fields, now=now):
            (one.notes if problem.is_warning else one.problems).append(str(problem))
    return one


def _configuration(line: Line) -> dict[str, Any]:
    told: dict[str, Any] = {"command": line.command, "shell": True}
    if env := {name: value for name, value in line.settings.items() if name not in _OWN_SETTINGS}:
        told["env"] = env
    if line.stdin is not None:
        told["stdin_base64"] = base64.b64encode(line.stdin.encode(errors="replace")).decode()
    if line.user:
        told["user"] = line.user
    return told


def _notes(line: Line, mail: str) -> list[str]:
    notes = []
    if line.settings.get("SHELL", "/bin/sh") != "/bin/sh":
        notes.append(f"runs with /bin/sh, not {line.settings['SHELL']}")
    if mail and ("@" not in mail or "," in mail):
        notes.append(f"MAILTO={mail} is not taken over: a notification rule can send mail")
    if line.user:
        notes.append(f"runs as {line.user} only where the worker may become that user")
    return notes


def _named(line: Line, fields: dict[str, Any], taken: set[str]) -> tuple[str, Job | None]:
    """A free name, or the job of that name which does the same; names in `taken` are other lines'."""
    names = [line.name, *(f"{line.name}-{number}" for number in range(2, _AGAIN))]
    living = {job.name: job for job in Job.objects.living().filter(name__in=names).select_related("payload")}
    for name in names:
        if name in taken:
            continue
        job = living.get(name)
        if job is None or _is_same(job, fields):
            taken.add(name)
            return name, job
    return f"{line.name}-line-{line.number}", None


def _is_same(job: Job, fields: dict[str, Any]) -> bool:
    return bool(
        job.payload.configuration.get("command") == fields["configuration"]["command"]
        and " ".join(job.schedule.split()) == fields["schedule"]
        and job.timezone == fields["timezone"]
    )
