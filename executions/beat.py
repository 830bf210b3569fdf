"""The scheduler: a Celery beat scheduler class (`celery -A config beat`) that fires the house's jobs from their rows.

Any number may run side by side. Each tick costs what is due, never what exists: no schedule is kept in memory, so a
changed job counts from the next tick on. The plain PeriodicTasks of django-celery-beat go on working; one scheduler,
the leader, looks at them, under a lease in the database, and housekeeping is kept as such tasks. It does so in a thread
of its own: sending such a task may wait for a broker that is away, and no job does.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from datetime import datetime, timedelta
from typing import Any

import structlog
from celery.signals import beat_init
from django.db import DatabaseError, InterfaceError, close_old_connections, connections
from django.db.models import Q
from django_celery_beat.models import PeriodicTasks
from django_celery_beat.schedulers import DatabaseScheduler

from executions import clock
from executions.engine import fire, sweep
from executions.models import House
from executions.notifications import loop as notifications

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
LEADER_LEASE = timedelta(seconds=10)
_SET_BACK = timedelta(seconds=2)
"""The clock was set back when a tick comes so much before the last one."""


class LeadLost(Exception):
    """Another scheduler leads, or may soon."""


class JobScheduler(DatabaseScheduler):
    """Fires due jobs at every tick; as the leader, also django-celery-beat's periodic tasks."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.name = f"{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}"
        self.is_leader = False
        self._last_tick: datetime | None = None
        self._swept = 0.0
        self._over = threading.Event()
        self._leading: threading.Thread | None = None
        super().__init__(*args, **kwargs)
        self.max_interval = TICK_SECONDS

    def setup_schedule(self) -> None:
        """Nothing: only the leader loads the periodic tasks, when it becomes one."""

    def reserve(self, entry: Any) -> Any:
        """Note a periodic task's run before it is sent: whoever takes over does not send it again.

        Raises LeadLost when this scheduler leads no more (it was paused, say) or the run could not be noted.
        """
        if not House.objects.filter(id=1, leader=self.name, leader_until__gt=clock.now()).exists():
            raise LeadLost
        reserved = super().reserve(entry)
        self.sync()
        if self._dirty:
            raise LeadLost
        return reserved

    def should_sync(self) -> bool:
        """Never: every run is noted when it is reserved."""
        return False

    @property
    def schedule(self) -> dict[str, Any]:
        return super().schedule if self.is_leader else {}

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Fire what is due; return the seconds until the next tick. A database that is away is tried for ever."""
        begun = time.monotonic()
        try:
            self._tick()
            again = TICK_SECONDS if self._leading else self._lead(*args, **kwargs)
        except (DatabaseError, InterfaceError) as error:
            log.warning("no tick: the database does not answer", error=str(error).strip())
            close_old_connections()
            again = TICK_SECONDS
        # Ticks keep to whole seconds, as due instants do: an instant is fired right after it has come.
        to_the_second = TICK_SECONDS - time.time() % TICK_SECONDS + 0.002
        return max(0.0, min(again, TICK_SECONDS, to_the_second)) if time.monotonic() - begun < 5 else 0.0

    def _tick(self) -> None:
        now = clock.now()
        self._mind_the_clock(now)
        fired = fire.fire_due(now)
        sweep.queue_ready(now)
        if time.monotonic() - self._swept >= sweep.EVERY.total_seconds():
            sweep.sweep(now)
            self._swept = time.monotonic()
        House.objects.filter(id=1).update(last_tick=now)
        if fired.executions or fired.missed:
            log.debug("fired", jobs=fired.jobs, executions=fired.executions, missed=fired.missed)

    def _mind_the_clock(self, now: datetime) -> None:
        last = self._last_tick or House.row().last_tick
        if last and now < last - _SET_BACK:
            fire.reanchor(now)
        self._last_tick = now

    def _lead(self, *args: Any, **kwargs: Any) -> float:
        """Take or keep the lead where it is free, and do what only the leader does."""
        now = clock.now()
        free = Q(leader=self.name) | Q(leader_until=None) | Q(leader_until__lt=now)
        leads = bool(House.objects.filter(free, id=1).update(leader=self.name, leader_until=now + LEADER_LEASE))
        if leads and not self.is_leader:
            log.info("leads the periodic tasks", scheduler=self.name)
            self.is_leader = True
            self._load()
        elif self.is_leader and not leads:
            self._lose()
        if not leads:
            return TICK_SECONDS
        try:
            return float(super().tick(*args, **kwargs))
        except LeadLost:
            self._lose()
            return TICK_SECONDS

    def lead_in_background(self) -> None:
        """From now on the periodic tasks are looked at in a thread of their own, until `close`."""
        self._leading = threading.Thread(target=self._lead_forever, name="periodic tasks", daemon=True)
        self._leading.start()
        notifications.start()

    def _lead_forever(self) -> None:
        again = 0.0
        while not self._over.wait(max(0.0, min(again, TICK_SECONDS))):
            try:
                again = self._lead()
            except (DatabaseError, InterfaceError) as error:
                log.warning("periodic tasks wait for the database", error=str(error).strip())
                close_old_connections()
                again = TICK_SECONDS
            except Exception:
                # A scheduler that leads and sends nothing would keep the others from it: better a new one.
                log.critical("the thread of the periodic tasks broke; leaving", exc_info=True)
                os._exit(70)
        connections.close_all()

    def _lose(self) -> None:
        log.warning("lost the lead", scheduler=self.name)
        self.is_leader = False
        self._forget()

    def _load(self) -> None:
        """Build the list of periodic tasks anew: another scheduler may have run them since ours was made."""
        self._forget()
        self._last_timestamp = PeriodicTasks.last_change()

    def _forget(self) -> None:
        self._schedule: Any = None
        self._heap: Any = None
        self._initial_read = True
        self._dirty.clear()

    def close(self) -> None:
        self._over.set()
        if self._leading is not None:
            self._leading.join(timeout=2)
            notifications.stop()
        if self.is_leader:
            super().close()
            House.objects.filter(id=1, leader=self.name).update(leader_until=None)


@beat_init.connect
def _lead_in_background(sender: Any, **_: Any) -> None:
    """Celery's beat service starts, whether it is a process or a thread of the embedded house's worker."""
    if isinstance(sender.scheduler, JobScheduler):
        sender.scheduler.lead_in_background()
