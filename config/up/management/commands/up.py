"""`manage.py up`: the whole house in the foreground."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any, NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connections

from config.migrate import alone, ensure_migrated
from config.up import parts
from config.up.address import PATIENCE, Address, NoPlace, listen, lock
from config.up.demo import make_demonstration
from config.up.first_start import Administrator, first_administrator
from config.up.greeting import greeting
from config.up.supervise import Order, become_supervisor
from executions import clock

REFUSED = 1
DATABASE_SECONDS = 30.0
"""How long a database that does not answer is waited for."""


class Command(BaseCommand):
    help = (
        "Run the house: console, API, scheduler and worker, in the foreground until Ctrl-C or SIGTERM. "
        "Makes or updates the database first; at the very first start also an administrator and a few demonstration "
        "jobs (DEMO=0 leaves them out). Exit codes: 0 stopped when asked, 1 refused to start, 2 a part cannot start."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--host", default=settings.HOST, help="address to listen on (or HOST; default: %(default)s)"
        )
        parser.add_argument(
            "--port", default=settings.PORT, type=int, help="port to listen on (or PORT; default: %(default)s)"
        )

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> NoReturn:
        try:
            folder = lock(settings.DATA_DIR, Address(host, port))
        except NoPlace as refusal:
            raise CommandError(str(refusal), returncode=REFUSED) from None
        try:
            listening = listen(Address(host, port), patience=PATIENCE if folder.was_killed else 0)
            address = Address(host, listening.getsockname()[1])
            administrator = self._prepare(address)
        except (NoPlace, OperationalError) as refusal:
            folder.release()
            raise CommandError(str(refusal).strip(), returncode=REFUSED) from None
        order = Order(parts.house(listening), address.url, greeting(address, administrator), folder.descriptor)
        become_supervisor(order, parts.environment(address))

    def _prepare(self, address: Address) -> Administrator | None:
        """Bring the database up to date, and make what a first start makes."""
        ensure_migrated(self._say, wait_for_database=DATABASE_SECONDS, refresh=True)
        with alone(self._say):
            administrator = first_administrator(settings.DATA_DIR)
            if settings.DEMO:
                for line in make_demonstration(address.url, clock.now()):
                    self._say(line)
        settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # whitenoise looks there
        connections.close_all()  # nothing of ours talks to the database from here on
        return administrator

    def _say(self, text: str) -> None:
        self.stdout.write(f"{'house':<10}| {text}")
        self.stdout.flush()
