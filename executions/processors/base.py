"""The seam between a finished try and what is done with its output: an Ended goes in, a text comes out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

TRUE = frozenset({"1", "t", "true"})
"""Texts that are a true, whatever their case."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a processor may know of a try that has ended; plain data, no database behind it."""

    execution: int
    group: int
    attempt: int
    job: str
    host: str
    """The machine that it ran on."""
    ok: bool
    message: str
    """One line about how it ended; often empty."""
    output: str
    """All that is kept of what it printed, without its secrets."""


class ProcessorError(Exception):
    """It cannot be done; says why, in one line for operators."""


class Processor(ABC):
    """Something that is done with outputs."""

    name: ClassVar[str]
    title: ClassVar[str] = ""

    @abstractmethod
    def process(self, ended: Ended, options: Mapping[str, str]) -> str:
        """Deal with the output; return what is stored in its place. `options` are what the job says.

        Called in a process of its own, which may be killed when time is up. May raise: the output stays then.
        """


def is_true(said: str) -> bool:
    return said.strip().lower() in TRUE
