"""What a job is to become: every field checked, references resolved, and all that is wrong said at once.

Nothing is written here. `services` carries a Plan out that has no problems; the API's validation only shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.conf import settings

from errors.exceptions import Invalid
from jobs import lineage, payloads, rules, target
from jobs.models import Job, Payload
from jobs.schedule import ScheduleError, parse
from jobs.target import KEPT, Target
from jobtypes.limits import Problem

_OWN_CHECKS = ("name", "job_type", "job_type_revision", "configuration", "input", "schedule", "timezone", "parents")
WRITABLE = frozenset({*_OWN_CHECKS, *rules.FIELDS})
_OF_THE_RUN = ("job_type", "job_type_revision", "configuration", "input")
_OF_TIME = ("schedule", "timezone", "starts_at", "expires_at")
_LENIENT: Mapping[str, rules.Rule] = {"owner_email": rules.Rule("", rules.text(rules.MAX_LABEL))}
"""Rules that hold in place of the house's own where it is lenient."""


@dataclass(slots=True)
class Plan:
    """What a job is to become. `target`, `payload` and `parents` are None where they stay as they are."""

    values: dict[str, Any] = field(default_factory=dict)
    """Attributes of the job, by name."""
    target: Target | None = None
    payload: Payload | None = None
    parents: list[Job] | None = None
    problems: list[Problem] = field(default_factory=list)

    def refuse(self, name: str, message: str) -> None:
        self.problems.append(Problem(name, message))

    def has(self, *names: str) -> bool:
        """Whether any of these fields has a problem."""
        return any(problem.path.partition(".")[0] in names for problem in self.problems)

    def check(self) -> None:
        """Raise Invalid with all problems, by field, if there are any."""
        fields: dict[str, list[str]] = {}
        for problem in self.problems:
            if not problem.is_warning:
                fields.setdefault(problem.path, []).append(problem.message)
        if fields:
            raise Invalid("; ".join(_said(name, text) for name, texts in fields.items() for text in texts), fields)


def _said(name: str, message: str) -> str:
    """`message` with the field before it, where it does not name it already."""
    return message if message.startswith((name, name.rpartition(".")[2])) else f"{name}: {message}"


def examine(fields: Mapping[str, Any], job: Job | None, *, partial: bool = False, lenient: bool = False) -> Plan:
    """What `job` (None: a new one) would become with `fields`; one that is not among them gets its default or, when the
    change is `partial`, stays as it is. Reads the database, changes nothing; never raises for what `fields` hold.
    What `lenient` means, `services.create` says.
    """
    plan = Plan()
    for unknown in sorted(map(str, set(fields) - WRITABLE)):
        plan.refuse(unknown[:100], "Unknown field.")
    _name(plan, fields, job)
    for name, rule in rules.FIELDS.items():
        if name in fields:
            _take(plan, name, fields[name], _LENIENT.get(name, rule) if lenient else rule)
        elif not partial:
            plan.values[name] = rule.default
    _time(plan, fields, job, partial, lenient)
    if not partial or any(name in fields for name in _OF_THE_RUN):
        _run(plan, fields, job, partial, lenient)
    if not partial or "parents" in fields:
        _parents(plan, fields.get("parents", []), job)
    return plan


def warnings(plan: Plan, now: datetime) -> Iterable[Problem]:
    """What is allowed and yet may not be meant; for a plan that states all its fields and has no problems."""
    values = plan.values
    schedule = parse(values["schedule"], values["timezone"] or settings.TIME_ZONE)
    after = max(now, values["starts_at"] or now)
    upcoming = schedule.next_after(after)
    if values["expires_at"] and values["expires_at"] <= now:
        yield Problem("expires_at", "is in the past: the job will not run by itself", is_warning=True)
    elif schedule.text.startswith("@at") and upcoming is None:
        yield Problem("schedule", "this moment is in the past: the job will not run by itself", is_warning=True)
    elif not schedule.text.startswith("@manually") and upcoming is None:
        yield Problem("schedule", "is never due", is_warning=True)
    elif upcoming and values["expires_at"] and upcoming > values["expires_at"]:
        yield Problem("schedule", "is not due before expires_at", is_warning=True)
    if plan.target and plan.target.job_type.is_paused:
        yield Problem("job_type", f"{plan.target.job_type} is paused: runs will wait", is_warning=True)


def _take(plan: Plan, name: str, value: Any, rule: rules.Rule) -> None:
    try:
        plan.values[name] = rule.clean(value)
    except ValueError as error:
        plan.refuse(name, str(error))


def _name(plan: Plan, fields: Mapping[str, Any], job: Job | None) -> None:
    if job:
        if fields.get("name", job.name) != job.name:
            plan.refuse("name", "cannot be changed")
        return
    _take(plan, "name", fields.get("name", ""), rules.Rule("", rules.name))
    if "name" in plan.values and is_taken(plan.values["name"]):
        plan.refuse("name", TAKEN)


TAKEN = "belongs to another job already"


def is_taken(name: str) -> bool:
    return Job.objects.living().filter(name=name).exists()


def _time(plan: Plan, fields: Mapping[str, Any], job: Job | None, partial: bool, lenient: bool) -> None:
    """Schedule, zone and window, which only mean something together."""
    if partial and not any(name in fields for name in _OF_TIME):
        return

    def present(name: str, default: Any) -> Any:
        return fields.get(name, getattr(job, name) if partial else default)

    text, zone = present("schedule", "@manually"), present("timezone", "")
    for name, value in (("schedule", text), ("timezone", zone)):
        if not isinstance(value, str):
            plan.refuse(name, "must be a text")
    if not plan.has("schedule", "timezone"):
        try:
            plan.values["schedule"] = parse(rules.storable(text), zone or settings.TIME_ZONE).text
            plan.values["timezone"] = zone
        except ScheduleError as error:
            plan.refuse("timezone" if error.field == "timezone" else "schedule", str(error))
        except ValueError as error:
            plan.refuse("schedule", str(error))
    if not lenient and not plan.has("starts_at", "expires_at"):
        starts, expires = (plan.values.get(name, getattr(job, name, None)) for name in ("starts_at", "expires_at"))
        if starts and expires and expires <= starts:
            plan.refuse("expires_at", "must be later than starts_at")


def _run(plan: Plan, fields: Mapping[str, Any], job: Job | None, partial: bool, lenient: bool) -> None:
    """What is run, and what it is told."""
    if "job_type" not in fields and not partial:
        plan.refuse("job_type", "This field is required.")
        return
    revision_num = fields.get("job_type_revision", KEPT if partial else None)
    try:
        plan.target = target.resolve(fields.get("job_type", KEPT), revision_num, job)
    except Invalid as refusal:
        for name, messages in refusal.fields.items():
            plan.refuse(name, messages[0])
        return
    present = job.payload if job else None
    configuration, input = (
        fields.get(name, getattr(present, name) if present and partial else default)
        for name, default in payloads.DEFAULTS.items()
    )
    plan.payload, wrong = payloads.compose(plan.target.revision, configuration, input, present, lenient=lenient)
    plan.problems += wrong


def _parents(plan: Plan, names: Any, job: Job | None) -> None:
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        plan.refuse("parents", "must be a list of names of jobs")
        return
    wanted = list(dict.fromkeys(names))
    if len(wanted) > lineage.MAX_PARENTS:
        plan.refuse("parents", f"must be at most {lineage.MAX_PARENTS} jobs, not {len(wanted)}")
        return
    found = list(Job.objects.living().filter(name__in=wanted, is_ad_hoc=False).order_by("pk")) if wanted else []
    if missing := sorted(set(wanted) - {parent.name for parent in found}):
        plan.refuse("parents", f"there is no job {', '.join(name[: rules.MAX_NAME] for name in missing)}")
    elif problem := lineage.problem(job, found):
        plan.refuse("parents", problem)
    else:
        plan.parents = found
