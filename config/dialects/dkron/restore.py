"""A whole list of jobs at once, as an export holds it: parents before their children, whatever order they came in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from config.dialects.dkron import body, changes
from config.dialects.dkron.body import Definition, Unparsable, Wrong
from errors.api.parsers import StrictJSONParser
from errors.exceptions import Refused


class ExportParser(StrictJSONParser):
    """As for other bodies, and larger: an export holds every job of a house."""

    max_keys = 1_000_000


def read(text: bytes) -> list[Definition]:
    """The jobs of an export. Raises ParseError and Unparsable."""
    value = ExportParser().loads(text)
    if not isinstance(value, list):
        raise Unparsable("an export is a list of jobs")
    return [body.read(one) for one in value]


def in_order(definitions: Sequence[Definition]) -> list[Definition]:
    """Parents before their children; of one name that comes twice the last counts. A circle keeps its order."""
    named = {definition.name: definition for definition in definitions}
    placed: dict[str, Definition] = {}
    for name in named:
        line = []
        while name in named and name not in placed and name not in line:
            line.append(name)
            name = named[name].parent_job
        placed |= {one: named[one] for one in reversed(line)}
    return list(placed.values())


@transaction.atomic
def restore(text: bytes, *, by: str, now: datetime) -> str:
    """Store all jobs of an export, or none; return a JSON list of what became of each, as a text.

    Raises ParseError, Unparsable, and Wrong for a job that breaks a rule of Dkron's, whose parent is not in the file or
    which is its own ancestor. What only the house refuses (101 retries, say) is told, and keeps nothing else out.
    """
    definitions = read(text)
    for definition in definitions:
        body.check(definition)
    ordered = in_order(definitions)
    _check_parents(ordered)
    told = []
    for definition in ordered:
        try:
            with transaction.atomic():
                stored, _ = changes.store(definition, by=by, now=now)
                changes.remember(stored, definition.past)
            told.append(f"success create {definition.name}")
        except (Refused, Wrong):
            told.append(f"fail create {definition.name}")
    return json.dumps(told, ensure_ascii=False)


def _check_parents(ordered: Sequence[Definition]) -> None:
    """Raises Wrong for a parent that is not in the file, or does not come first, since it waits for its own child."""
    known = {definition.name for definition in ordered}
    before: set[str] = set()
    for definition in ordered:
        parent = definition.parent_job
        if parent and parent not in known:
            raise Wrong(f"{definition.name}: its parent {parent} is not in the file")
        if parent and parent not in before:
            raise Wrong(f"{definition.name}: its parent {parent} waits for it")
        before.add(definition.name)
