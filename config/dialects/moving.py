"""Moving in and out: what `manage.py import NAME` and `manage.py export NAME` call.

A dialect that can be moved from has a class that derives from `Mover`, named in MOVERS.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from importlib import import_module
from typing import Any, ClassVar

from django.core.management.base import CommandParser

from executions.management.base import HouseCommand

MOVERS = {
    "crontab": "config.dialects.crontab.mover:CrontabMover",
    "dkron": "config.dialects.dkron.transfer:DkronMover",
}
"""Where each dialect's class is, by the word that the commands take; no module is imported before it is asked for."""


class Mover(ABC):
    """Takes a system's things in, and gives them back."""

    system: ClassVar[str]
    """Its name for people."""
    gives_out: ClassVar[bool] = True
    """Whether jobs can be given out as it writes them, too."""

    @abstractmethod
    def add_import_arguments(self, parser: CommandParser) -> None:
        """What `manage.py import` takes for this system."""

    @abstractmethod
    def add_export_arguments(self, parser: CommandParser) -> None:
        """What `manage.py export` takes for this system."""

    @abstractmethod
    def take_in(self, command: HouseCommand, options: dict[str, Any]) -> int | None:
        """Import, and tell `command` what became of each thing; return its exit code."""

    @abstractmethod
    def give_out(self, command: HouseCommand, options: dict[str, Any]) -> int | None:
        """Export; return the exit code of `command`."""


def mover(word: str) -> Mover:
    module, _, name = MOVERS[word].partition(":")
    found: Mover = getattr(import_module(module), name)()
    return found


class MovingCommand(HouseCommand):
    """A command whose first word is a dialect's."""

    takes_json: ClassVar[bool] = False

    def add_arguments(self, parser: CommandParser) -> None:
        systems = parser.add_subparsers(dest="dialect", required=True, metavar="SYSTEM", title="systems")
        for word in MOVERS:
            found = mover(word)
            if self.fits(found):
                self.add_system(found, systems.add_parser(word, help=found.system))

    def fits(self, found: Mover) -> bool:
        """Whether this command can do anything with that system."""
        return True

    @abstractmethod
    def add_system(self, found: Mover, parser: CommandParser) -> None:
        """Let `parser` take what `found` takes."""
