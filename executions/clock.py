"""The one clock. Schedules and leases go by the database's time, so that machines may disagree about theirs."""

from __future__ import annotations

from datetime import datetime

from django.db import connection
from django.utils import timezone


def now() -> datetime:
    """The database's present time, aware; on SQLite the host's. Only shells (views, tasks, commands, loops) ask."""
    if connection.vendor != "postgresql":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
        return moment
