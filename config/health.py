"""Is the house well? `/health` and `/health/live` say that this process answers, `/health/ready` that jobs run.

Ready means: the database answers within 2 s, its migrations are applied, the scheduler's last look for due jobs and
some worker's last look for work are at most 30 s old. A broker that is away is reported and does not make the house
unready: jobs go on without it, only a little later. None of these needs a token, and none tells more than that.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Generic, TypeVar

from celery import current_app
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models import Max
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from config.migrate import outstanding
from executions import clock
from executions.models import House, Worker

log = logging.getLogger(__name__)

ANSWER_SECONDS = 2.0
MAX_LAG = timedelta(seconds=30)
BROKER_KEPT_SECONDS = 5.0

T = TypeVar("T")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at. `status` is ok, failing, or degraded: reported, while the house goes on."""

    status: str
    detail: str


@dataclass(frozen=True)
class Facts:
    """What the database says."""

    now: datetime
    is_migrated: bool
    last_tick: datetime | None = None
    last_looked: datetime | None = None


class Bounded(Generic[T]):
    """Asks `question` in a thread of its own: what hangs costs the caller `seconds`, and holds one thread at most."""

    def __init__(self, question: Callable[[], T], seconds: float = ANSWER_SECONDS) -> None:
        self._question, self._seconds = question, seconds
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="health")
        self._lock = Lock()
        self._asked: Future[T] | None = None

    def ask(self) -> T:
        """The answer. Raises TookTooLong, or what the question raised. Callers at one time share one answer."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = self._pool.submit(self._question)
            asked = self._asked
        return asked.result(self._seconds)


class _Migrated:
    """Whether the migrations are applied; asked until it is so, since the answer takes a while and then stays."""

    def __init__(self) -> None:
        self._is_so = False

    def __call__(self) -> bool:
        self._is_so = self._is_so or not outstanding()
        return self._is_so


_is_migrated = _Migrated()


def read_facts() -> Facts:
    """Read them, over a connection that is closed afterwards: it belongs to no request."""
    try:
        if not _is_migrated():
            return Facts(clock.now(), is_migrated=False)
        last_tick = House.objects.values_list("last_tick", flat=True).filter(id=1).first()
        workers = Worker.objects.filter(stopped=None, is_stopping=False)
        last_looked = workers.aggregate(newest=Max("last_looked"))["newest"]
        return Facts(clock.now(), True, last_tick, last_looked)
    finally:
        connection.close()


def reach_broker() -> Check:
    """Connect to the broker as a publisher would."""
    broker = current_app.connection_for_write()
    try:
        broker.connect()
    except (OSError, *broker.connection_errors, *broker.channel_errors) as refusal:
        log.warning("the broker cannot be reached: %s", type(refusal).__name__)
        return Check("degraded", "The broker cannot be reached; runs start a little later.")
    finally:
        broker.release()
    return Check("ok", "The broker answers.")


class Broker:
    """The broker's check, looked at again after BROKER_KEPT_SECONDS."""

    def __init__(self) -> None:
        self._bounded = Bounded(reach_broker)
        self._check: Check | None = None
        self._looked = 0.0

    def check(self) -> Check:
        if settings.IS_EMBEDDED_BROKER:
            return Check("ok", "The broker is part of the worker.")
        if self._check is None or time.monotonic() - self._looked > BROKER_KEPT_SECONDS:
            try:
                self._check = self._bounded.ask()
            except TookTooLong:
                self._check = Check("degraded", f"The broker did not answer within {ANSWER_SECONDS:g} s.")
            self._looked = time.monotonic()
        return self._check


_database: Bounded[Facts] = Bounded(read_facts)
_broker = Broker()


def checks() -> dict[str, Check]:
    """Every check by its name."""
    return {**database_checks(_database), "broker": _broker.check()}


def database_checks(database: Bounded[Facts]) -> dict[str, Check]:
    """What can be said from the database; only that it fails, where it does."""
    try:
        facts = database.ask()
    except TookTooLong:
        return {"database": Check("failing", f"The database did not answer within {ANSWER_SECONDS:g} s.")}
    except DatabaseError as refusal:
        log.warning("the database cannot be asked: %s", type(refusal).__name__)
        return {"database": Check("failing", "The database cannot be asked.")}
    answered = {"database": Check("ok", "The database answers.")}
    if not facts.is_migrated:
        return {**answered, "migrations": Check("failing", "Some migrations have not been applied.")}
    return {
        **answered,
        "migrations": Check("ok", "All migrations are applied."),
        "scheduler": freshness("A scheduler last looked for due jobs", facts.last_tick, facts.now),
        "worker": freshness("A worker last looked for work", facts.last_looked, facts.now),
    }


def freshness(what: str, last: datetime | None, now: datetime) -> Check:
    """Ok when `last` is at most MAX_LAG ago."""
    if last is None:
        return Check("failing", f"{what}: never.")
    ago = max(timedelta(), now - last)
    return Check("ok" if ago <= MAX_LAG else "failing", f"{what} {ago.total_seconds():.1f} s ago.")


@csrf_exempt
@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """As Dkron answers it."""
    return JsonResponse({"status": "healthy"})


@csrf_exempt
@never_cache
@require_safe
def live(request: HttpRequest) -> JsonResponse:
    """This process answers; nothing else is looked at."""
    return JsonResponse({"status": "ok"})


@csrf_exempt
@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 when jobs run, 503 when they do not; either way with every check."""
    found = checks()
    statuses = {check.status for check in found.values()}
    overall = next((status for status in ("failing", "degraded") if status in statuses), "ok")
    answer = {"status": overall, "checks": {name: asdict(check) for name, check in found.items()}}
    return JsonResponse(answer, status=503 if overall == "failing" else 200)
