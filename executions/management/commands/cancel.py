"""`manage.py cancel ID`: end an execution."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from executions import clock
from executions.api.serializers import ExecutionSerializer
from executions.engine.cancel import cancel
from executions.management.base import HouseCommand, find_execution, who


class Command(HouseCommand):
    help = "Cancel an execution: one that waits never starts, one that runs is stopped within seconds."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("id", type=int, help="the execution; `manage.py executions` lists the newest")

    def answer(self, **options: Any) -> None:
        execution = cancel(find_execution(options["id"]), by=who(), now=clock.now())
        if options["json"]:
            self.show_json(ExecutionSerializer(find_execution(execution.pk)).data)
        elif execution.is_final:
            self.say(f"Execution {execution.pk} is canceled; it never started.")
        else:
            self.say(f"Execution {execution.pk} is being stopped.")
