"""`manage.py import dkron` and `manage.py export dkron`: a file as GET /v1/jobs answers, or a live server."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import CommandError, CommandParser
from django.db import transaction
from rest_framework.exceptions import ParseError

from config.dialects.dkron import body, changes, executors, job, restore
from config.dialects.dkron.body import Definition, Unparsable, Wrong
from config.dialects.moving import Mover
from errors.exceptions import Refused
from executions import clock
from executions.executors import outbound
from executions.executors.addresses import Allowed
from executions.management.base import HouseCommand, who
from executions.management.tables import Column, table

TIMEOUT = 60.0  # seconds for a server to answer with all its jobs
_BATCH = 500
_COLUMNS = (Column("job"), Column("result"), Column("why", may_shrink=True))
_COUNTED = frozenset({"success_count", "error_count", "last_success", "last_error", "status", "next"})
MADE, CHANGED, SAME, REFUSED = "made", "changed", "unchanged", "refused"


class DkronMover(Mover):
    system: ClassVar[str] = "Dkron"

    def add_import_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", help="a file (- for standard input), or the address of a server")
        parser.add_argument("--token", default="", help="what to send as Authorization: Bearer; $DKRON_TOKEN otherwise")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")

    def add_export_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", nargs="?", default="-", help="where to write; standard output otherwise")
        parser.add_argument("--secrets", action="store_true", help="with passwords and tokens in the clear")

    def take_in(self, command: HouseCommand, options: dict[str, Any]) -> int | None:
        """Store what the source holds; one job that is refused keeps no other out. Exit code 1 if any is."""
        definitions, refused = _read(_text(options["source"], options["token"] or os.environ.get("DKRON_TOKEN", "")))
        rows = [*refused, *_stored(definitions, clock.now(), is_dry=options["dry_run"])]
        if rows:
            command.say(table(_COLUMNS, rows, command.width))
        counts = {word: sum(result == word for _, result, _ in rows) for word in (MADE, CHANGED, SAME, REFUSED)}
        told = ", ".join(f"{count} {word}" for word, count in counts.items())
        command.say(f"{len(rows)} jobs: {told}." + (" Nothing was stored." if options["dry_run"] else ""))
        return 1 if counts[REFUSED] else None

    def give_out(self, command: HouseCommand, options: dict[str, Any]) -> int | None:
        text = "".join(_document(with_secrets=options["secrets"]))
        if options["file"] == "-":
            command.say(text.rstrip("\n"))
            return None
        try:
            _write(Path(options["file"]), text)
        except OSError as error:
            raise CommandError(f"{options['file']}: {error.strerror}") from None
        return None


Row = tuple[str, str, str]


def _text(source: str, token: str) -> bytes:
    """What the source holds. Raises CommandError."""
    if urlsplit(source).scheme in ("http", "https"):
        return _fetched(source, token)
    try:
        return sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise CommandError(f"{source}: {error.strerror}") from None


def _fetched(address: str, token: str) -> bytes:
    url = address.rstrip("/")
    if not url.endswith("/jobs"):
        url += "/jobs" if url.endswith("/v1") else "/v1/jobs"
    secret = {"Authorization": f"Bearer {token}"} if token else {}
    request = outbound.Request("GET", url, secret_headers=secret, timeout=TIMEOUT)
    try:
        found = outbound.fetch(request, allow=Allowed.parse(settings.OUTBOUND_ALLOW))
    except outbound.OutboundError as error:
        raise CommandError(f"{address}: {error}") from None
    if found.status != 200:
        raise CommandError(f"{address}: the server answered {found.status} {found.reason}")
    if found.truncated:
        raise CommandError(
            f"{address}: more than {outbound.MAX_BODY} bytes; save its /v1/jobs as a file, and import it"
        )
    return found.body


def _read(text: bytes) -> tuple[list[Definition], list[Row]]:
    """The jobs in `text`, and those that are none. Raises CommandError for what is no export."""
    try:
        value = restore.ExportParser().loads(text)
    except ParseError as error:
        raise CommandError(f"This is no export: {error.detail}") from None
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        raise CommandError("This is no export: it holds no list of jobs.")
    read: list[Definition] = []
    refused: list[Row] = []
    for number, one in enumerate(value, 1):
        try:
            read.append(body.read(one))
        except Unparsable as error:
            name = one.get("name") if isinstance(one, dict) else None
            refused.append((name if isinstance(name, str) else f"(number {number})", REFUSED, str(error)))
    return read, refused


def _stored(definitions: list[Definition], now: datetime, *, is_dry: bool) -> Iterator[Row]:
    """Store each in a transaction of its own, or all in one that is given up again."""
    if not is_dry:
        yield from (_one(definition, now) for definition in restore.in_order(definitions))
        return
    with transaction.atomic():
        rows = [_one(definition, now) for definition in restore.in_order(definitions)]
        transaction.set_rollback(True)
    yield from rows


def _one(definition: Definition, now: datetime) -> Row:
    try:
        with transaction.atomic():
            before = job.living().filter(name=definition.name).first()
            was = _facts(before, now) if before else None
            stored, is_new = changes.store(definition, by=who(), now=now)
            changes.remember(stored, definition.past)
            result = MADE if is_new else SAME if was == _facts(changes.find(stored.name), now) else CHANGED
    except (Refused, Wrong) as refusal:
        return definition.name, REFUSED, str(refusal)
    absent = stored.job_type.name == executors.ABSENT
    said = definition.executor or "no executor"
    return definition.name, result, f"{said} is not here: its runs will fail" if absent else ""


def _facts(one: Any, now: datetime) -> dict[str, Any]:
    """What is shown of a job besides what came of it so far."""
    return {name: value for name, value in job.shown([one], now)[0].items() if name not in _COUNTED}


def _document(*, with_secrets: bool) -> Iterator[str]:
    """The text of an export, piece by piece."""
    rows, now = job.living(), clock.now()
    if with_secrets:
        rows = rows.defer(None).select_related("payload")
    keys = list(rows.order_by("name").values_list("pk", flat=True))
    yield "["
    for start in range(0, len(keys), _BATCH):
        batch = list(rows.filter(pk__in=keys[start : start + _BATCH]).order_by("name"))
        for number, (one, shown) in enumerate(zip(batch, job.shown(batch, now), strict=True), start):
            if with_secrets:
                shown["executor_config"] = executors.revealed(one)
            yield (",\n" if number else "\n") + json.dumps(shown, ensure_ascii=False)
    yield "\n]\n"


def _write(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
