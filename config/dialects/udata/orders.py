"""Finding, making, changing and removing jobs in udata's words, for the API and for `manage.py job`.

Raises Invalid with udata's names of the fields; what else the services raise passes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction

from config.dialects.udata import job as words
from config.dialects.udata.body import ALL, NEITHER, Order, refusal
from config.dialects.udata.job import DOOR
from errors.exceptions import Invalid
from executions.engine.archive import archive
from jobs import rules, services
from jobs.models import Job
from jobtypes.interface import validate_configuration
from jobtypes.models import JobType

ZONE = "UTC"
"""udata reads crontabs in UTC, whatever the house's own zone is."""
PLACES: Mapping[str, str] = {
    "job_type": "task",
    "configuration": "task",
    "is_enabled": "enabled",
    "input.args": "args",
    "input.json": "kwargs",
    "input.kwargs": "kwargs",
    "input": "kwargs",
    "schedule": ALL,
    "timezone": ALL,
}
"""Where udata shows what the house says about one of its own fields; other fields have the same name in both."""
_SLUG = 110
"""Characters of a house's name that are made of a udata name; a mark that makes it unique follows."""


# --- Finding ----------------------------------------------------------------------------------------------------------
def schedulables() -> list[str]:
    """The names of what may be scheduled, sorted."""
    active = JobType.objects.filter(is_active=True)
    if settings.EXECUTORS_ALLOWED:
        active = active.filter(executor__in=settings.EXECUTORS_ALLOWED)
    return sorted(set(active.values_list("name", flat=True)))


def find(public: str) -> Job | None:
    """The job with that id of udata's form, as `job.scheduled` has it; None where udata knows none."""
    key = words.key_of(public)
    found = words.scheduled().filter(pk=key).first() if key is not None else None
    return found if found is not None and words.schedule_of(found) is not None else None


def calling(task: str, args: list[Any], kwargs: Mapping[str, Any]) -> list[Job]:
    """The jobs that call `task` with exactly these arguments, the oldest first."""
    return [
        job
        for job in words.scheduled().filter(job_type__name=task).iterator()
        if words.schedule_of(job) is not None and _equal([args, kwargs], [words.args_of(job), words.kwargs_of(job)])
    ]


# --- Changing ---------------------------------------------------------------------------------------------------------
def create(order: Order, *, by: str, now: datetime) -> Job:
    """Make the job that `order`, of a new job, asks for."""
    if order.name is None or order.task is None or order.timing is None:  # as body.read has refused already
        raise refusal([(ALL, "a job needs a name, a task and a schedule")])
    _refuse_unfit(order.task)
    name = house_name(order.name)
    fields = {
        "name": name,
        "title": "" if name == order.name else order.name,
        "description": order.description or "",
        "job_type": {"name": order.task},
        "input": input_of(order.args or [], order.kwargs or {}),
        "schedule": order.timing.text,
        "timezone": ZONE,
        "is_enabled": bool(order.enabled),
    }
    kept = _kept_name(name, order.name) | {order.timing.kind: order.timing.said}
    with _in_udatas_words():
        return services.create(fields, by=by, now=now, lenient=True, foreign={DOOR: kept})


@transaction.atomic
def change(job: Job, order: Order, *, by: str, now: datetime) -> Job:
    """Change what `order` says of `job`, and nothing else; what is sent back as it was shown changes nothing."""
    list(Job.objects.filter(pk=job.pk).select_for_update(no_key=True).values_list("pk"))
    held = words.scheduled().filter(pk=job.pk).first()
    if held is None:
        raise services.Gone
    fields: dict[str, Any] = {}
    kept = dict(held.foreign.get(DOOR) or {})
    if order.task is not None and order.task != held.job_type.name:
        _refuse_unfit(order.task)
        fields |= {"job_type": {"name": order.task}, "configuration": {}}
    if order.description is not None:
        fields["description"] = order.description
    if order.enabled is not None:
        fields["is_enabled"] = order.enabled
    _schedule(held, order, fields, kept)
    _arguments(held, order, fields)
    with _in_udatas_words():
        if order.name is not None and order.name != words.name_of(held):
            _rename(held, order.name, fields, kept, by)
        return services.update(held, fields, by=by, now=now, partial=True, lenient=True, foreign={DOOR: kept})


def remove(job: Job, *, by: str, now: datetime) -> None:
    """Archive `job`: its name is free, its history stays readable. What runs of it goes on, as udata has it; what waits
    is canceled.
    """
    archive(job, by=by, now=now, cancel_running=False, spare_running=True)


def _schedule(job: Job, order: Order, fields: dict[str, Any], kept: dict[str, Any]) -> None:
    present: dict[str, Any] = {"interval": words.interval_of(job), "crontab": words.crontab_of(job)}
    if order.timing is None:
        if any(present[kind] is not None for kind in order.cleared):
            raise refusal([(ALL, NEITHER)])
        return
    if order.timing.said == present[order.timing.kind]:
        return
    for kind in present:
        kept.pop(kind, None)
    kept[order.timing.kind] = order.timing.said
    fields["schedule"] = order.timing.text


def _arguments(job: Job, order: Order, fields: dict[str, Any]) -> None:
    args = words.args_of(job) if order.args is None else order.args
    kwargs = words.kwargs_of(job) if order.kwargs is None else order.kwargs
    if not _equal([args, kwargs], [words.args_of(job), words.kwargs_of(job)]):
        fields["input"] = input_of(args, kwargs, job.payload.input.get("files"))


def _rename(job: Job, name: str, fields: dict[str, Any], kept: dict[str, Any], by: str) -> None:
    new = house_name(name)
    if new != job.name:
        services.rename(job, new, by=by)
    if job.title in ("", words.name_of(job)):  # nobody gave it another one since
        fields["title"] = "" if new == name else name
    kept.pop("name", None)
    kept |= _kept_name(new, name)


def _refuse_unfit(task: str) -> None:
    """Raise Invalid unless a job of `task` can be made in udata's words."""
    newest = JobType.objects.newest_active([task]).get(task)
    if newest is None or task not in schedulables():
        raise refusal([("task", f"'{task[:50]}' is not one of the schedulables")])
    revision = newest.revisions.only("configuration_schema").get(revision_num=newest.revision_num)
    if missing := validate_configuration(revision.configuration_schema, {}):
        said = f"jobs of {task} need a configuration ({missing[0]}), which is said in the house's own API or console"
        raise refusal([("task", said)])


# --- Names and arguments ----------------------------------------------------------------------------------------------
def house_name(name: str) -> str:
    """The name that a job gets in the house for its `name` in udata, which may be any text: the same for the same, and
    another for another. It is `name` itself where the house allows that.
    """
    try:
        return rules.name(name)
    except ValueError:
        mark = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:8]
        slug = re.sub(r"[^a-z0-9]+", "-", name.lower())[:_SLUG].strip("-")
        return f"{slug or 'job'}-{mark}"


def label(task: str, args: list[Any], kwargs: Mapping[str, Any]) -> str:
    """How udata's commands show a call: `count-tags(10, kind=all)`."""
    said = [*map(str, args), *(f"{name}={kwargs[name]}" for name in sorted(kwargs))]
    return f"{task}({', '.join(said)})" if said else task


def _kept_name(house: str, name: str) -> dict[str, str]:
    return {} if house == name else {"name": name}


def input_of(args: list[Any], kwargs: dict[str, Any], files: dict[str, Any] | None = None) -> dict[str, Any]:
    """The input of ours that says these arguments, beside files that stay."""
    if args:
        return {"args": args, "kwargs": kwargs} | ({"files": files} if files else {})
    return {"json": kwargs, "files": files or {}}


def _equal(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON; to Python 1 and true are equal."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


# --- Refusals ---------------------------------------------------------------------------------------------------------
@contextmanager
def _in_udatas_words() -> Iterator[None]:
    """Turns a refusal of the services into one that names udata's fields."""
    try:
        yield
    except Invalid as refused:
        raise Invalid.listing(
            (place_of(path), message) for path, messages in refused.fields.items() for message in messages
        ) from refused


def place_of(path: str) -> str:
    """Where udata shows what is wrong at `path`, a place in the house's words."""
    for ours, theirs in PLACES.items():
        if path == ours or path.startswith((f"{ours}.", f"{ours}[")):
            return theirs
    return path
