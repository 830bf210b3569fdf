"""`manage.py rotate_keys`: encrypt every stored secret anew, under the first of ENCRYPTION_KEYS."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError, CommandParser

from errors import audit
from executions.management.base import HouseCommand
from executions.models import House
from executions.notifications.models import NotificationTarget
from jobs.models import Payload
from jobtypes.encryption import CannotDecrypt, rotate
from jobtypes.models import JobTypeSecrets

ENCRYPTED = (
    ("jobs", Payload, "secrets"),
    ("job types", JobTypeSecrets, "settings"),
    ("notification targets", NotificationTarget, "url"),
)


class Command(HouseCommand):
    help = (
        "Encrypt every stored secret anew under the first key of ENCRYPTION_KEYS. Put the new key first and start the "
        "house with both; run this; then take the old key away. It may be stopped and run again at any time."
    )
    takes_json = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--chunk", type=int, default=500, metavar="N", help="rows a transaction (default: 500)")

    def answer(self, **options: Any) -> int | None:
        if options["chunk"] < 1:
            raise CommandError("--chunk: must be 1 or more")
        done = {}
        try:
            for what, model, column in ENCRYPTED:
                done[what] = rotate(model, column, options["chunk"])
                self.say(f"Secrets of {what}: {done[what]} encrypted anew.")
        except CannotDecrypt as error:
            raise CommandError(f"Nothing more is changed: {error}. Is the old key still among them?") from None
        audit.record(House.row(), "rotate-keys", after=done)
        return None
