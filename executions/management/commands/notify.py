"""`manage.py notify test TARGET` and `manage.py notify log`: is anybody reached, and what was sent?"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from executions import clock
from executions.api.notifications import NotificationTrySerializer, log
from executions.management.base import HouseCommand
from executions.management.tables import Column, table, when
from executions.notifications import outbox
from executions.notifications.models import NotificationTarget, NotificationTry


class Command(HouseCommand):
    takes_json = False  # each deed has its own
    help = "Send a test to a notification target, or show what was sent lately, try by try."

    def add_arguments(self, parser: CommandParser) -> None:
        deeds = parser.add_subparsers(dest="deed", required=True, metavar="test|log")
        test = deeds.add_parser("test", help="send a test now and say what came of it; exit code 1 if it was not sent")
        test.add_argument("target", metavar="TARGET", help="the name of a target")
        shown = deeds.add_parser("log", help="what was sent, newest first")
        shown.add_argument("--limit", type=int, default=20, metavar="N", help="at most N tries (default: 20)")
        shown.add_argument("--target", metavar="NAME", help="only those to this target")
        for deed in (test, shown):
            deed.add_argument("--json", action="store_true", help="print JSON, in the fields of the API")

    def answer(self, **options: Any) -> int | None:
        if options["deed"] == "test":
            return self._test(**options)
        self._log(**options)
        return None

    def _test(self, **options: Any) -> int:
        target = NotificationTarget.objects.filter(name=options["target"]).first()
        if target is None:
            names = ", ".join(NotificationTarget.objects.values_list("name", flat=True)[:20])
            raise CommandError(f"No target named '{options['target']}'. There are: {names or 'none'}.")
        made = outbox.test(target, clock.now())
        if options["json"]:
            self.show_json(NotificationTrySerializer(made).data)
        else:
            self.say(f"{made.outcome}: {made.message}")
        return 0 if made.outcome == NotificationTry.Outcome.SENT else 1

    def _log(self, **options: Any) -> None:
        if options["limit"] < 1:
            raise CommandError("--limit: must be 1 or more")
        wanted = log().order_by("-id")
        if options["target"]:
            wanted = wanted.filter(delivery__target_name=options["target"])
        rows = list(wanted[: options["limit"]])
        if options["json"]:
            self.show_json([NotificationTrySerializer(row).data for row in rows])
            return
        if not rows:
            self.say("Nothing was sent.")
            return
        now = clock.now()
        columns = [
            *(Column("time"), Column("event"), Column("job", may_shrink=True), Column("target", may_shrink=True)),
            *(Column("try", right=True), Column("outcome"), Column("says", may_shrink=True)),
        ]
        cells = [
            (
                when(row.time, now),
                row.delivery.event.kind,
                row.delivery.event.job.name if row.delivery.event.job else "",
                row.delivery.target_name,
                row.number,
                row.outcome,
                row.message,
            )
            for row in rows
        ]
        self.say(table(columns, cells, self.width))
