"""A job of ours as udata shows one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from config.dialects.udata import crontab, interval
from config.dialects.udata.crontab import Crontab, NotACrontab
from config.dialects.udata.interval import Interval, NotAnInterval
from executions.models import Execution
from executions.states import Trigger
from jobs.models import Job
from jobs.schedule import ScheduleError

DOOR = "udata"
"""Under this name a job keeps what only udata knows of it: `Job.foreign`."""

_MARK = "6a6f6273"
_DIGITS = 24
_LARGEST = 2**63 - 1


# --- Ids --------------------------------------------------------------------------------------------------------------
def public_id(key: int) -> str:
    """A job's id as udata has ids: 24 hexadecimal digits."""
    return f"{_MARK}{key:0{_DIGITS - len(_MARK)}x}"


def key_of(public: str) -> int | None:
    """The job's own id; None for a text that `public_id` never made."""
    said = public.lower()
    if len(said) != _DIGITS or not said.startswith(_MARK) or not said.isascii() or not said.isalnum():
        return None
    try:
        key = int(said[len(_MARK) :], 16)
    except ValueError:
        return None
    return key if 0 < key <= _LARGEST else None


# --- Which jobs -------------------------------------------------------------------------------------------------------
def scheduled() -> QuerySet[Job]:
    """The living jobs with a schedule, in the order in which they were made; one query, whatever their number.

    Each has all that `view` shows; `last_sent` and `last_group` say when its schedule last made a run, and which.
    """
    sent = Execution.objects.filter(job=OuterRef("pk"), attempt=1, trigger=Trigger.SCHEDULE)
    newest = sent.order_by("-scheduled_for", "-slot")  # as the index has them that makes an instant fire once
    return (
        Job.objects.living()
        .filter(is_ad_hoc=False)
        .exclude(Q(schedule="@manually") | Q(schedule__startswith="@at"))
        .select_related("job_type", "payload")
        .only(
            *("name", "description", "schedule", "is_enabled", "foreign", "last_scheduled_for"),
            *("job_type__name", "job_type__executor", "payload__input", "follows_newest"),
        )
        .annotate(
            last_sent=Subquery(newest.values("created")[:1]),
            last_group=Subquery(newest.values("group")[:1]),
            ever_ended=F("record__last_execution"),
        )
        .order_by("pk")
    )


# --- Parts ------------------------------------------------------------------------------------------------------------
def name_of(job: Job) -> str:
    """The name that udata's client gave the job, or its own."""
    return str(_kept(job).get("name") or job.name)


def crontab_of(job: Job) -> Crontab | None:
    """Its crontab: as it was sent, if its schedule still is what was made of that."""
    kept = _kept(job).get("crontab")
    if isinstance(kept, dict):
        try:
            if crontab.house_text(kept) == job.schedule:
                return kept
        except (NotACrontab, KeyError):
            pass
    found = crontab.crontab_of(job.schedule)
    return dict(found) if found else None


def interval_of(job: Job) -> Interval | None:
    """Its interval: likewise."""
    if not job.schedule.startswith("@every"):
        return None
    kept = _kept(job).get("interval")
    if isinstance(kept, dict):
        told = Interval(every=kept["every"], period=kept["period"])
        try:
            if interval.house_text(told) == job.schedule:
                return told
        except NotAnInterval:
            pass
    try:
        return interval.interval_of(job.schedule)
    except ScheduleError:
        return None


def schedule_of(job: Job) -> str | None:
    """Its schedule as a text; None where it has neither a crontab nor an interval: udata does not know such a job."""
    every = interval_of(job)
    return _display(crontab_of(job) if every is None else None, every)


def _display(cron: Crontab | None, every: Interval | None) -> str | None:
    if every is not None:
        return interval.display(every)
    return crontab.display(cron) if cron is not None else None


def args_of(job: Job) -> list[Any]:
    args = job.payload.input.get("args")
    return args if isinstance(args, list) else []


def kwargs_of(job: Job) -> dict[str, Any]:
    """Its input by name, whichever way it was given."""
    parts = (job.payload.input.get(name) for name in ("json", "kwargs"))
    return {key: value for part in parts if isinstance(part, dict) for key, value in part.items()}


def _kept(job: Job) -> dict[str, Any]:
    return job.foreign.get(DOOR) or {}


# --- The whole --------------------------------------------------------------------------------------------------------
def view(job: Job) -> dict[str, Any] | None:
    """A job of `scheduled()` in udata's fields, all of them; None where `schedule_of` finds nothing."""
    every = interval_of(job)
    cron = crontab_of(job) if every is None else None
    schedule = _display(cron, every)
    if schedule is None:
        return None
    group = job.last_group  # type: ignore[attr-defined]  # annotated by scheduled()
    return {
        "id": public_id(job.pk),
        "name": name_of(job),
        "description": job.description or None,
        "task": job.job_type.name,
        "crontab": cron,
        "interval": every,
        "args": args_of(job),
        "kwargs": kwargs_of(job),
        "schedule": schedule,
        "last_run_at": _moment(_last_sent(job)),
        "last_run_id": None if group is None else str(group),
        "enabled": job.is_enabled,
    }


def _last_sent(job: Job) -> datetime | None:
    """When its schedule last had a run made; of a run that has been purged since, the instant at which it was due."""
    if job.last_sent is not None:  # type: ignore[attr-defined]  # annotated by scheduled()
        return job.last_sent  # type: ignore[attr-defined,no-any-return]
    return job.last_scheduled_for if job.ever_ended is not None else None  # type: ignore[attr-defined]


def _moment(value: datetime | None) -> str | None:
    """ISO 8601 with its offset, as Python writes it: `+00:00`, and no fraction where there is none."""
    return None if value is None else value.astimezone(UTC).isoformat()
