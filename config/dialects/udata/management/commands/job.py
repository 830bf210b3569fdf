"""`manage.py job`: udata's commands for jobs, for who has them at their fingers' ends."""

from __future__ import annotations

import json
from argparse import SUPPRESS
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.db.models import Count, Q

from config.dialects.udata import body, crontab, orders, task
from config.dialects.udata import job as words
from executions import clock
from executions.engine.submit import submit_ad_hoc
from executions.management.base import HouseCommand, who
from executions.models import Execution
from executions.states import Door, Status
from jobs.models import Job
from jobtypes import registry, signature
from jobtypes.interface import validate_input
from jobtypes.models import JobType

UNKNOWN = 255
"""udata's exit code where a name or a job is not known."""

ORDER = "minute hour day-of-month month day-of-week"
SHOWN = 40
"""Characters of a wrong crontab that are repeated."""

_PARAMETERS = "a value, or key=value: a text, but where the task takes something else"


class Command(HouseCommand):
    help = (
        "udata's commands: what can be scheduled (list), run it (run), schedule it (schedule, unschedule), what is "
        "scheduled (scheduled), how a run stands (status)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        deeds = parser.add_subparsers(dest="deed", metavar="list|run|schedule|unschedule|scheduled|status")
        deeds.required = True
        self._deed(deeds, "list", "list what can be scheduled")
        run = self._deed(deeds, "run", "run a task here and now, or with --delay on a worker")
        run.add_argument("-d", "--delay", action="store_true", help="let a worker run it")
        schedule = self._deed(deeds, "schedule", "schedule a task, or change when a scheduled one runs")
        schedule.add_argument("cron", metavar="CRON", help=f"in quotes: {ORDER}")
        unschedule = self._deed(deeds, "unschedule", "delete the job that calls a task with exactly these parameters")
        for deed in (run, schedule, unschedule):
            deed.add_argument("name", metavar="NAME", help="the task; `manage.py job list` lists them")
            deed.add_argument("params", metavar="PARAM", nargs="*", help=_PARAMETERS)
        self._deed(deeds, "scheduled", "list scheduled jobs")
        status = self._deed(deeds, "status", "tell how a run stands; without one, what waits and runs")
        status.add_argument("id", metavar="ID", nargs="?", help="a job's last_run_id, or an execution's number")

    def _deed(self, deeds: Any, name: str, summary: str) -> CommandParser:
        deed: CommandParser = deeds.add_parser(name, help=summary, description=summary.capitalize() + ".")
        deed.add_argument("--json", action="store_true", default=SUPPRESS, help="print JSON")
        return deed

    def answer(self, **options: Any) -> int | None:
        args, kwargs = _parameters(options.get("params") or [], _schema(options.get("name")))
        match options["deed"]:
            case "list":
                self._list(options["json"])
            case "run" if options["delay"]:
                self._send(options["name"], args, kwargs, options["json"])
            case "run":
                self._run(options["name"], args, kwargs, options["json"])
            case "schedule":
                self._schedule(options["cron"], options["name"], args, kwargs, options["json"])
            case "unschedule":
                self._unschedule(options["name"], args, kwargs, options["json"])
            case "scheduled":
                self._scheduled(options["json"])
            case "status" if options["id"]:
                self._status(options["id"], options["json"])
            case "status":
                self._waiting(options["json"])
        return None

    def _list(self, as_json: bool) -> None:
        names = orders.schedulables()
        if as_json:
            self.show_json(names)
            return
        for name in names:
            self.say(name)

    def _run(self, name: str, args: list[Any], kwargs: dict[str, Any], as_json: bool) -> None:
        """In this process, as udata does; no execution is made of it. What the task raises ends it."""
        _known(name)
        try:
            function = registry.find(name).function
        except registry.UnknownTask:
            raise CommandError(f"{name} is no Python task. `manage.py job run --delay` sends it to a worker.") from None
        try:
            positional, named = signature.arguments(function, {"args": args, "kwargs": kwargs})
        except (TypeError, ValueError) as error:
            raise CommandError(f"{orders.label(name, args, kwargs)}: the parameters do not fit: {error}") from None
        value = function(*positional, **named)
        if as_json:
            self.show_json({"result": None if value is None else str(value)})

    def _send(self, name: str, args: list[Any], kwargs: dict[str, Any], as_json: bool) -> None:
        job_type = JobType.objects.newest_active([_known(name)])[name]
        execution = submit_ad_hoc(
            job_type, by=who(), door=Door.SHELL, now=clock.now(), input=orders.input_of(args, kwargs)
        )
        if as_json:
            self.show_json(task.status(str(execution.group)))
        else:
            label = orders.label(name, args, kwargs)
            self.say(
                f"{label} was sent as {execution.group}. `manage.py job status {execution.group}` tells how it goes."
            )

    def _schedule(self, cron: str, name: str, args: list[Any], kwargs: dict[str, Any], as_json: bool) -> None:
        label = orders.label(_known(name), args, kwargs)
        order = body.read(
            {
                "name": f"Job {label}",
                "description": f"Periodic {name} job",
                "task": name,
                "args": args,
                "kwargs": kwargs,
                "crontab": _crontab(cron),
                "enabled": True,
            },
            is_new=True,
        )
        present = orders.calling(name, args, kwargs)
        if present:
            job = orders.change(present[0], body.Order(timing=order.timing), by=who(), now=clock.now())
        else:
            job = orders.create(order, by=who(), now=clock.now())
        for problem in validate_input(_schema(name), orders.input_of(args, kwargs)):
            self.stderr.write(f"Note: its runs will fail: {problem}")
        if as_json:
            self.show_json(words.view(words.scheduled().get(pk=job.pk)))
        else:
            self.say(f"Scheduled {label} with the following crontab: {' '.join(cron.split())}")

    def _unschedule(self, name: str, args: list[Any], kwargs: dict[str, Any], as_json: bool) -> None:
        label = orders.label(name, args, kwargs)
        found = orders.calling(name, args, kwargs)
        if not found:
            said = f"No scheduled job match {label}. `manage.py job scheduled` lists what is scheduled."
            raise CommandError(said, returncode=UNKNOWN)
        now = clock.now()
        for job in found:
            orders.remove(job, by=who(), now=now)
        if as_json:
            self.show_json([words.public_id(job.pk) for job in found])
        else:
            self.say(f"Unscheduled {label}")

    def _scheduled(self, as_json: bool) -> None:
        found = [job for job in words.scheduled() if words.schedule_of(job) is not None]
        if as_json:
            self.show_json([words.view(job) for job in found])
            return
        known = set(orders.schedulables())
        for job in sorted(found, key=lambda job: (job.job_type.name, words.name_of(job))):
            self.say(_line(job) + ("" if job.job_type.name in known else " (unknown job)"))

    def _status(self, said: str, as_json: bool) -> None:
        told = task.status(said)
        if as_json:
            self.show_json(told)
            return
        for name in ("id", "status", "result", "exc", "traceback"):
            if told[name] is not None:
                self.say(f"{name}: {told[name]}".rstrip())

    def _waiting(self, as_json: bool) -> None:
        running = Count("pk", filter=Q(status=Status.RUNNING))
        live = Execution.objects.live().order_by("job_type__name").values("job_type__name")
        rows = live.annotate(live=Count("pk"), running=running)
        told = {
            row["job_type__name"]: {"waiting": row["live"] - row["running"], "running": row["running"]} for row in rows
        }
        if as_json:
            self.show_json(told)
        elif not told:
            self.say("Nothing waits or runs.")
        else:
            for name, counts in told.items():
                self.say(f"{name}: {counts['waiting']} waiting, {counts['running']} running")


def _known(name: str) -> str:
    """`name`, if something of that name can be scheduled. Raises CommandError."""
    if name not in orders.schedulables():
        raise CommandError(f"Job {name} not found. `manage.py job list` lists what there is.", returncode=UNKNOWN)
    return name


def _schema(task: str | None) -> Mapping[str, Any]:
    """What the newest version of `task` says of its input, an active one if there is any; empty where there is none."""
    if not task:
        return {}
    versions = JobType.objects.newest_of_each_name().filter(name=task)
    newest = JobType.objects.newest_active([task]).get(task) or versions.first()
    return newest.revisions.get(revision_num=newest.revision_num).input_schema if newest else {}


def _parameters(said: list[str], schema: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Values by position, and by the key before the first `=`. All are texts, but for parameters that take none: there
    `days=30` is the number.
    """
    declared, order = schema.get("properties", {}), schema.get("x-positional", [])
    kwargs = dict(param.split("=", 1) for param in said if "=" in param)
    args = [param for param in said if "=" not in param]
    names = [*order[: len(args)], *[""] * (len(args) - len(order))]
    return (
        [_value(text, declared.get(name, {})) for name, text in zip(names, args, strict=True)],
        {name: _value(text, declared.get(name, {})) for name, text in kwargs.items()},
    )


def _value(text: str, declared: Mapping[str, Any]) -> Any:
    """`text`, or the JSON that it writes where a text is not allowed."""
    kinds = declared.get("type", "string")
    if "string" in ([kinds] if isinstance(kinds, str) else kinds):
        return text
    try:
        return json.loads({"True": "true", "False": "false", "None": "null"}.get(text, text))
    except ValueError:
        return text


def _crontab(cron: str) -> dict[str, str]:
    """The five members in the order in which cron has them. Raises CommandError."""
    members = cron.split()
    if len(members) != len(crontab.CRON_ORDER):
        shown = cron if len(cron) <= SHOWN else f"{cron[:SHOWN]}…"
        hint = " Quote it, or the shell takes it apart, and the stars for files."
        raise CommandError(f"'{shown}' has {len(members)} members, not five: {ORDER}.{hint}")
    return {member.name: text for member, text in zip(crontab.CRON_ORDER, members, strict=True)}


def _line(job: Job) -> str:
    label = orders.label(job.job_type.name, words.args_of(job), words.kwargs_of(job))
    return f"{words.name_of(job)}: {label} ↦ {words.schedule_of(job)}"
