"""`manage.py jobs`: what should run, when it will, and how it went last."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils.datastructures import MultiValueDict

from executions import clock
from executions.api import last_runs
from executions.api.jobs import JobListFilters
from executions.management.base import HouseCommand
from executions.management.tables import Column, table, when
from executions.states import Status
from jobs.api.filters import shown
from jobs.api.serializers import JobSerializer
from jobs.models import Job
from jobs.schedule import ScheduleError


class Command(HouseCommand):
    help = "List jobs: whether they are on, their schedule in words, when they run next, how their newest run stands."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--type", metavar="NAME", help="only jobs of this job type")
        parser.add_argument(
            "--status", type=str.upper, choices=Status.values, help="only jobs whose newest run stands like this"
        )
        parser.add_argument("--search", metavar="TEXT", help="only jobs with this in their name, title or description")
        parser.add_argument("--limit", type=int, default=1000, metavar="N", help="at most N of them (default: 1000)")

    def answer(self, **options: Any) -> None:
        if options["limit"] < 1:
            raise CommandError("--limit: must be 1 or more")
        asked = {"job_type_name": options["type"], "status": options["status"], "keyword": options["search"]}
        asked_for = MultiValueDict({name: [value] for name, value in asked.items() if value})
        living = shown(Job.objects.living().filter(is_ad_hoc=False)).order_by("name", "id")
        rows = list(JobListFilters(asked_for, queryset=living).qs[: options["limit"]])
        newest = last_runs.of(rows)
        if options["json"]:
            self.show_json(JobSerializer(rows, many=True, context={"last_runs": newest}).data)
        elif rows:
            self._show(rows, newest)
        else:
            self.say("No jobs.")

    def _show(self, rows: list[Job], newest: dict[int, last_runs.LastRun]) -> None:
        now = clock.now()
        columns = [
            Column("name", may_shrink=True),
            Column("state"),
            Column("schedule", may_shrink=True),
            Column("next"),
            Column("last run", paint=self.status_paint()),
        ]
        cells = []
        for row in rows:
            last = newest.get(row.pk)
            how = f"{last.status} {when(last.ended or last.started, now)}".strip() if last else ""
            cells.append((row.name, _state(row), _words(row), when(row.next_run_at, now), how))
        self.say(table(columns, cells, self.width))


def _state(job: Job) -> str:
    """Whether a job's schedule is on, in one word."""
    return "off" if not job.is_enabled else "paused" if job.is_paused else "on"


def _words(job: Job) -> str:
    """A job's schedule in words; as it was written where it cannot be read."""
    try:
        return job.parsed_schedule.words
    except ScheduleError:
        return job.schedule
