"""The crontab page: a scratchpad for any schedule, and crontabs that are pasted, looked at, and made into jobs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from config.dialects.crontab import taking
from config.dialects.crontab.taking import Planned
from errors.exceptions import Refused
from jobs.schedule import MAX_TEXT, Preview, ScheduleError, preview, zone

NEXT = 10


@dataclass(slots=True)
class Sheet:
    """What the page shows."""

    text: str = ""
    zone: str = ""
    house_zone: str = ""
    has_users: bool = False
    planned: list[Planned] = field(default_factory=list)
    schedule: str = ""
    shown: Preview | None = None
    """What the schedule in the scratchpad means."""
    instants: list[tuple[datetime, str]] = field(default_factory=list)
    """Its next ones, each as the clock of its zone shows it."""
    is_done: bool = False
    """Everything that was asked for was made."""

    @property
    def makeable(self) -> int:
        return sum(one.is_makeable for one in self.planned)


def read(request: HttpRequest, now: datetime) -> Sheet:
    """The sheet that `request` asks for. A POST with `make` makes the jobs of the lines that are ticked."""
    told = request.POST if request.method == "POST" else request.GET
    sheet = Sheet(zone=_clean(told.get("zone", ""))[:64], house_zone=settings.TIME_ZONE)
    if request.method != "POST":
        _scratch(sheet, _clean(told.get("schedule", ""))[: MAX_TEXT + 1], now)
        return sheet
    sheet.text, sheet.has_users = told.get("crontab", "").replace("\x00", ""), told.get("has_users") == "on"
    try:
        if sheet.zone:
            zone(sheet.zone)
        sheet.planned = taking.plan(sheet.text, now, zone=sheet.zone, has_users=sheet.has_users)
    except (Refused, ScheduleError) as refusal:
        messages.error(request, refusal.message if isinstance(refusal, Refused) else str(refusal))
        return sheet
    if "make" in told:
        _make(request, sheet, now)
    return sheet


def _make(request: HttpRequest, sheet: Sheet, now: datetime) -> None:
    if not request.user.has_perm("jobs.add_job"):
        raise PermissionDenied
    ticked = {int(text) for text in request.POST.getlist("line") if text.isascii() and text.isdigit() and len(text) < 9}
    results = taking.store(sheet.planned, by=request.user.get_username(), now=now, only=ticked)
    counts = Counter(result for _, result, _ in results)
    for one, result, why in results:
        if result == taking.REFUSED:
            messages.error(request, f"Line {one.line.number}: {why}"[:500])
    if made := counts[taking.MADE]:
        messages.success(request, f"{made} job{'s were' if made != 1 else ' was'} made.")
    elif not counts[taking.REFUSED]:
        messages.warning(request, "Tick the lines that shall become jobs.")
    sheet.is_done = bool(made) and not counts[taking.REFUSED]


def _scratch(sheet: Sheet, text: str, now: datetime) -> None:
    sheet.schedule = text
    if text:
        sheet.shown = preview(text, sheet.zone or settings.TIME_ZONE, now, NEXT)
        if sheet.shown.is_valid:
            place = ZoneInfo(sheet.shown.timezone)
            sheet.instants = [(one, f"{one.astimezone(place):%a %Y-%m-%d %H:%M:%S %Z}") for one in sheet.shown.next]


def _clean(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())
