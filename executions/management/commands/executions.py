"""`manage.py executions`: what ran, newest first."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from executions import clock
from executions.api.serializers import ExecutionSerializer
from executions.management.base import HouseCommand, find_job
from executions.management.tables import Column, span, table, when
from executions.models import Execution
from executions.states import Status


class Command(HouseCommand):
    help = "List executions, the newest first: one line for each try of each run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--job", metavar="NAME", help="only those of this job")
        parser.add_argument("--status", type=str.upper, choices=Status.values, help="only those in this state")
        parser.add_argument("--limit", type=int, default=20, metavar="N", help="at most N of them (default: 20)")

    def answer(self, **options: Any) -> None:
        if options["limit"] < 1:
            raise CommandError("--limit: must be 1 or more")
        wanted = Execution.objects.with_names().order_by("-created", "-id")
        if options["job"]:
            wanted = wanted.filter(job=find_job(options["job"]))
        if options["status"]:
            wanted = wanted.filter(status=options["status"])
        rows = list(wanted[: options["limit"]])
        if options["json"]:
            self.show_json(ExecutionSerializer(rows, many=True).data)  # type: ignore[arg-type]  # the stubs know no `many`
        else:
            self._show(rows)

    def _show(self, rows: list[Execution]) -> None:
        if not rows:
            self.say("No executions.")
            return
        now = clock.now()
        columns = [
            Column("id", right=True),
            Column("job", may_shrink=True),
            Column("status", paint=self.status_paint()),
            Column("try", right=True),
            Column("created"),
            Column("took", right=True),
            Column("says", may_shrink=True),
        ]
        cells = [
            (
                row.pk,
                row.job.name,
                f"{row.status} {row.reason}" if row.reason else row.status,
                row.attempt,
                when(row.created, now),
                span(row.duration or (now - row.started if row.started and not row.ended else None)),
                row.message,
            )
            for row in rows
        ]
        self.say(table(columns, cells, self.width))
