"""`manage.py export SYSTEM …`: give jobs out as another system writes them."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from config.dialects.moving import Mover, MovingCommand, mover


class Command(MovingCommand):
    help = "Write the jobs of the house as another system's export has them."

    def fits(self, found: Mover) -> bool:
        return found.gives_out

    def add_system(self, found: Mover, parser: CommandParser) -> None:
        found.add_export_arguments(parser)

    def answer(self, **options: Any) -> int | None:
        return mover(options["dialect"]).give_out(self, options)
