"""`manage.py import SYSTEM …`: take another system's jobs in."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from config.dialects.moving import Mover, MovingCommand, mover


class Command(MovingCommand):
    help = "Take another system's jobs in, and say what became of each."

    def add_system(self, found: Mover, parser: CommandParser) -> None:
        found.add_import_arguments(parser)

    def answer(self, **options: Any) -> int | None:
        return mover(options["dialect"]).take_in(self, options)
