"""The threads of a worker process, between the database and the slots.

    hint, poll --> claimer --(orders)--> slot 1 … n --(outcomes)--> clerk --> database
                                            ^                          '-- output, several times a second
                     keeper --stop, lease---'
                     sweeper: what crashes swallowed; tidier: containers that nobody runs
                     bulk actions: deeds for thousands, a portion at a time

Only claimer, clerk, keeper and sweeper speak with the database, each over a connection of its own; a slot is a thread
that waits for one runner process. No thread ends because the database does: it waits a moment and goes on.
"""

from __future__ import annotations

import os
import queue
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, OperationalError, close_old_connections, connections

from executions import clock
from executions.engine import bulk_actions, capacity, claim, containers, finish, hints, lease, sweep
from executions.engine.finish import Finished, keep_output
from executions.engine.run import HANDED_BACK, LOST, Run
from executions.engine.transactions import again_on_conflict
from executions.executors.base import Outcome
from executions.executors.process.client import Processes, Runner
from executions.executors.process.protocol import alive_clock
from executions.failpoints import reached
from executions.models import Execution, Worker
from executions.notifications import loop as notifications
from executions.querysets import ExecutionQuerySet
from jobs.models import Job

log = structlog.get_logger(__name__)

IDLE_LOOK_SECONDS = 5.0
"""An idle worker looks into the database this often, hints or not."""
EMBEDDED_LOOK_SECONDS = 1.0
FLUSH_SECONDS = 0.25
"""How often output is stored while jobs run."""
STOP_LOOK_SECONDS = 1.0
GRACE_SECONDS = 30.0
"""How long a worker that is told to stop lets its jobs go on."""
PRELOADED = (
    "executions.executors.python_task",
    "executions.executors.http",
    "executions.executors.container",
    "executions.executors.messaging",
    "executions.processors.chain",
)
"""Modules that the fork server has imported before a first run needs them."""
_BATCH = 100
_SHORT_SECONDS = 0.1
"""Work whose tries take less than this, on average, is claimed ahead of free slots, and its ends are recorded together.
"""
_GATHER_SECONDS = 0.005
"""How long an end waits for others that are about to come."""
_FEW = 3
_REST = 2.0
_LONGEST_REST_SECONDS = 0.05
"""When hints come in a stream (a look for work finds more than a few, and meanwhile there was another hint), the
claimer rests twice as long as that look took, and hears several together. One that comes alone is heard at once.
"""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a worker says of itself."""

    slots: int
    tags: dict[str, str]
    look_seconds: float = IDLE_LOOK_SECONDS


class WorkerEngine:
    """Everything that a worker process does besides Celery's own work. `start`, then `stop` once."""

    def __init__(self, identity: Identity) -> None:
        self.identity = identity
        self.worker: Worker | None = None
        self._orders: queue.SimpleQueue[Run | None] = queue.SimpleQueue()
        self._outcomes: queue.SimpleQueue[tuple[Run, Outcome, datetime] | None] = queue.SimpleQueue()
        self._runs: dict[int, Run] = {}
        self._runs_lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._ending = threading.Event()
        self._wished: float | None = None
        self._idle = threading.Condition(self._runs_lock)
        self._containers = containers.Containers()
        self._processes = Processes(preload=[*PRELOADED, *(["docker"] if containers.is_there() else [])])
        self._threads: list[threading.Thread] = []
        self._claimer: threading.Thread | None = None
        self._clerk: threading.Thread | None = None
        self._unknown: set[int] = set()
        self._is_claiming = False
        self._last_looked = 0.0
        self._renewed = alive_clock()
        self._mean_seconds = 1.0
        self._is_more = True
        self._unlisten: Callable[[], None] = lambda: None
        self._ear: hints.Ear | None = None

    # --- life -------------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Register the worker and start its threads."""
        self.worker = _register(self.identity)
        notifications.start()
        self._unlisten = hints.listen(self.wake)
        if settings.IS_EMBEDDED_BROKER:
            try:
                self._ear = hints.Ear(self.wake)
                self._ear.start()
            except OSError as error:
                log.warning("no hints from other processes: looking every second instead", error=str(error))
        self._claimer = self._spawn("claimer", self._claim_forever)
        loops = {
            "keeper": self._keep_forever,
            "sweeper": self._sweep_forever,
            "tidier": self._tidy_forever,
            "bulk actions": self._do_in_bulk_forever,
            "fork server": self._warm_up,
        }
        for name, loop in loops.items():
            self._spawn(name, loop)
        self._clerk = self._spawn("clerk", self._record_forever)
        for number in range(self.identity.slots):
            self._spawn(f"slot {number + 1}", self._work_forever)
        log.info("worker ready", worker=self.worker.name, slots=self.identity.slots, tags=self.identity.tags)

    def take_in_orphans(self) -> None:
        """For a worker process of its own: what loses every process between it and this one is ended here."""
        self._processes.take_in_orphans()

    def note_wish(self) -> None:
        """Somebody wishes this process to stop: the grace of `stop` counts from now. Fit for a signal handler."""
        self._wished = time.monotonic()

    def stop(self, grace: float = GRACE_SECONDS) -> None:
        """Take no new work, let what runs end within `grace` seconds, stop and hand back the rest, and go."""
        assert self.worker is not None
        if self._stopping.is_set():
            return
        end = (self._wished or time.monotonic()) + grace
        self._stopping.set()
        self._wake.set()
        self._unlisten()
        try:
            Worker.objects.filter(pk=self.worker.pk).update(is_stopping=True)
        except DatabaseError as error:
            log.warning("could not say that this worker is stopping", error=str(error))
        if self._claimer is not None:
            self._claimer.join(timeout=10)  # what it is claiming at the moment is ours to run or to hand back
        log.info("worker stopping", running=len(self._runs), grace_seconds=grace)
        if not self._wait_idle(max(0.0, end - time.monotonic())):
            self._stop_all(HANDED_BACK)
            self._wait_idle(15.0)
        self._ending.set()
        for _ in range(self.identity.slots):
            self._orders.put(None)
        self._outcomes.put(None)
        if self._clerk is not None:
            self._clerk.join(timeout=10)
        if self._ear is not None:
            self._ear.close()
        self._processes.close()
        notifications.stop()
        try:
            Worker.objects.filter(pk=self.worker.pk).update(stopped=clock.now(), is_stopping=True)
        except DatabaseError as error:
            log.warning("could not sign off", error=str(error))
        log.info("worker stopped", worker=self.worker.name)

    def wake(self) -> None:
        """There may be work."""
        self._wake.set()

    def _spawn(self, name: str, loop: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=self._guarded, args=(name, loop), name=name, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _guarded(self, name: str, loop: Callable[[], None]) -> None:
        """Run `loop` until it returns; a database error only makes it start again, anything else ends the process."""
        while True:
            try:
                loop()
                break
            except (DatabaseError, InterfaceError) as error:
                log.warning("database error: going on in a second", thread=name, error=str(error).strip())
                close_old_connections()
                time.sleep(1)
            except Exception:
                # A worker with a dead thread would look alive and do nothing: better a new one.
                log.critical("a thread of the worker broke; leaving", thread=name, exc_info=True)
                os._exit(70)
        connections.close_all()

    def _warm_up(self) -> None:
        try:
            self._processes.start()
        except Exception as error:  # noqa: BLE001 -- whatever it is, the first run that needs it says so again
            log.error("the fork server did not start", error=str(error))

    # --- claiming ---------------------------------------------------------------------------------------------------
    def _claim_forever(self) -> None:
        while True:
            self._wake.clear()
            if self._stopping.is_set():  # looked at after the clearing: the wish to stop came with a wake
                return
            begun = time.monotonic()
            self._is_more = True  # before the room is measured: who makes room later sees it and wakes us
            room = self._room()
            claimed = self._claim(room) if room > 0 else 0
            # A full batch means that there may be more: look again at once, as soon as there is room.
            if claimed < room or room <= 0:
                self._is_more = room <= 0
                if claimed > _FEW and self._wake.is_set():
                    self._stopping.wait(min(_REST * (time.monotonic() - begun), _LONGEST_REST_SECONDS))
                self._wake.wait(self.identity.look_seconds)

    @property
    def _is_short(self) -> bool:
        return self._mean_seconds < _SHORT_SECONDS

    def _room(self) -> int:
        """How many executions to claim now: the free slots, and some ahead of them where work is short."""
        slots = self.identity.slots
        ahead = slots * 3 if self._is_short else 0
        free = slots + ahead - len(self._runs)
        # Small claims cost as much as large ones: where work is short, wait until a batch is worth it.
        return min(free, _BATCH) if free >= (slots if ahead else 1) else 0

    def _claim(self, room: int) -> int:
        assert self.worker is not None
        now = clock.now()
        self._is_claiming = True
        try:
            keys = claim.claim(self.worker, room, now)
            if keys:
                reached("after_claim")
                self._begin_all(keys, now)
        finally:
            self._is_claiming = False
        self._looked(now)
        return len(keys)

    def _begin_all(self, keys: list[int], now: datetime) -> None:
        for execution in self._claimed(keys).order_by("priority", "id"):
            self._begin(execution, now)

    def _claimed(self, keys: Iterable[int]) -> ExecutionQuerySet:
        """Those of `keys` that are still this worker's, with all that a run needs."""
        assert self.worker is not None
        rows = Execution.objects.running_on(self.worker.pk).filter(pk__in=keys).select_related("job", "job_type")
        return rows.defer("job_type__manifest", "job_type__configuration", "job__description", "job__metadata")

    def _begin(self, execution: Execution, now: datetime) -> None:
        try:
            run = Run(execution)
        except (DatabaseError, InterfaceError):
            raise
        except Exception as error:  # a payload that does not open fails its own execution only
            log.exception("an execution could not be prepared", execution=execution.pk)
            finish.finish(
                [Finished(execution, Outcome.failed("unknown", f"It could not be prepared: {error}"), now)], now
            )
            return
        with self._runs_lock:
            self._runs[run.id] = run
        self._orders.put(run)

    def _looked(self, now: datetime) -> None:
        if time.monotonic() - self._last_looked > 2:
            self._last_looked = time.monotonic()
            assert self.worker is not None
            Worker.objects.filter(pk=self.worker.pk).update(last_looked=now)

    # --- working ----------------------------------------------------------------------------------------------------
    def _work_forever(self) -> None:
        runner: Runner = self._processes.runner()
        while (run := self._orders.get()) is not None:
            begun = time.monotonic()
            outcome = run.perform(runner)
            took = time.monotonic() - begun
            self._mean_seconds += (took - self._mean_seconds) * 0.05
            self._outcomes.put((run, outcome, datetime.now().astimezone()))
        runner.close()

    # --- recording --------------------------------------------------------------------------------------------------
    def _record_forever(self) -> None:
        pending: list[tuple[Run, Outcome, datetime]] = []
        flushed = time.monotonic()
        ended = False
        while not (ended and not pending):
            if not pending and not ended:
                try:
                    item = self._outcomes.get(timeout=FLUSH_SECONDS if self._runs else 1.0)
                    ended = item is None
                    pending += [item] if item else []
                    if item and self._is_short and len(self._runs) > 1:
                        time.sleep(_GATHER_SECONDS)
                except queue.Empty:
                    pass
            while len(pending) < _BATCH and not self._outcomes.empty():
                item = self._outcomes.get()
                ended = ended or item is None
                pending += [item] if item else []
            try:
                if pending:
                    self._record(pending)
                    pending = []
                if time.monotonic() - flushed >= FLUSH_SECONDS:
                    self._flush()
                    flushed = time.monotonic()
            except (DatabaseError, InterfaceError) as error:
                log.warning("results wait for the database", waiting=len(pending), error=str(error).strip())
                close_old_connections()
                time.sleep(0.5)

    def _record(self, pending: list[tuple[Run, Outcome, datetime]]) -> None:
        now = clock.now()
        # The slots' clock is the host's, which may be off: nothing ends before it started.
        finished = [
            run.finished(outcome, max(min(ended, now), run.execution.started or now)) for run, outcome, ended in pending
        ]
        try:
            finish.finish(finished, now)
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("a batch of results could not be stored: storing them one by one", results=len(finished))
            for item in finished:
                _finish_alone(item, now)
        reached("after_finish_commit")
        with self._idle:
            for run, _, _ in pending:
                self._runs.pop(run.id, None)
            self._idle.notify_all()
        if self._is_more or any(_is_limited(run.execution) for run, _, _ in pending):
            self._wake.set()

    def _flush(self) -> None:
        """Store the output that has come since the last time, of all runs, in one transaction."""
        with self._runs_lock:
            runs = list(self._runs.values())
        fresh: list[tuple[Run, list[Any]]] = []
        stale: list[tuple[int, tuple[int, int]]] = []
        for run in runs:
            chunks, dropped = run.output.unsaved(time.time())
            if chunks:
                fresh.append((run, chunks))
                if dropped:
                    stale.append((run.id, dropped))
        if fresh:
            _store([chunk for _, chunks in fresh for chunk in chunks], stale)
            for run, chunks in fresh:
                run.output.saved(chunks)

    # --- keeping ----------------------------------------------------------------------------------------------------
    def _keep_forever(self) -> None:
        due = 0.0
        while not self._ending.wait(STOP_LOOK_SECONDS):
            try:
                if time.monotonic() >= due:
                    self._renew()
                    due = time.monotonic() + lease.RENEW_SECONDS
                self._look_for_stops()
            except (DatabaseError, InterfaceError) as error:
                log.warning("leases are not renewed", error=str(error).strip())
                close_old_connections()
            if alive_clock() - self._renewed > lease.GIVE_UP_SECONDS:
                self._stop_all(LOST)

    def _renew(self) -> None:
        assert self.worker is not None
        begun = alive_clock()
        lease.renew(self.worker, clock.now())
        self._renewed = begun
        self._processes.renewed(begun)
        self._processes.end_strays(is_patient=False)

    def _look_for_stops(self) -> None:
        assert self.worker is not None
        with self._runs_lock:
            before = dict(self._runs)
        held = {item.execution: item.stop_reason for item in lease.held(self.worker)}
        for key, run in before.items():
            if key not in held:
                run.stop(LOST)  # its lease passed, and somebody else has decided about it
            elif (reason := held[key]) is not None:
                run.stop(reason)
        self._adopt(held.keys() - before.keys())

    def _adopt(self, unknown: set[int]) -> None:
        """Begin, or hand back, what is ours by the database and was not begun: an error came after its claim."""
        if self._is_claiming:  # it may be about to begin them
            unknown = set()
        with self._runs_lock:
            unknown -= self._runs.keys()
        forgotten = sorted(unknown & self._unknown)
        self._unknown = unknown
        if forgotten:
            log.warning("claimed and not begun", executions=forgotten)
            now = clock.now()
            if self._stopping.is_set():
                back = Outcome(ok=False, stopped=True)
                rows = self._claimed(forgotten)
                finish.finish([Finished(row, back, now, handed_back=True) for row in rows], now)
            else:
                self._begin_all(forgotten, now)

    def _sweep_forever(self) -> None:
        while not self._stopping.wait(sweep.EVERY.total_seconds()):
            sweep.sweep(clock.now())

    def _tidy_forever(self) -> None:
        """Apart from the sweeper, which must not wait for an engine that hangs."""
        assert self.worker is not None
        self._containers.sweep(self.worker, clock.now())
        self._wake.set()  # it may be known only now that there is an engine
        while not self._stopping.wait(sweep.EVERY.total_seconds()):
            self._containers.sweep(self.worker, clock.now())

    def _do_in_bulk_forever(self) -> None:
        pause = bulk_actions.Next.LATER.value
        while not self._stopping.wait(pause):
            pause = bulk_actions.work(clock.now()).value

    # --- ends -------------------------------------------------------------------------------------------------------
    def _stop_all(self, why: str) -> None:
        with self._runs_lock:
            runs = list(self._runs.values())
        for run in runs:
            run.stop(why)

    def _wait_idle(self, seconds: float) -> bool:
        with self._idle:
            return self._idle.wait_for(lambda: not self._runs, timeout=seconds)


def _is_limited(execution: Execution) -> bool:
    """Whether its end may let another one start that was left waiting."""
    is_limited = bool(execution.job_type.max_scheduled) or execution.job.concurrency != Job.Concurrency.ALLOW
    return is_limited or execution.job_type.executor == capacity.CONTAINER


def _finish_alone(item: Finished, now: datetime) -> None:
    """Record one result; where that is impossible, that it failed for this reason. One bad result stops nobody."""
    try:
        finish.finish([item], now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        log.exception("a result could not be stored", execution=item.execution.pk)
        outcome = Outcome.failed("unknown", f"Its result could not be stored: {type(error).__name__}")
        finish.finish([Finished(item.execution, outcome, now, item.output_bytes, item.output_lost_bytes)], now)


@again_on_conflict
def _store(chunks: list[Any], stale: list[tuple[int, tuple[int, int]]]) -> None:
    for execution, (above, until) in stale:
        finish.drop_stale(execution, above, until)
    keep_output(chunks)


def _register(identity: Identity) -> Worker:
    host = socket.gethostname()
    return Worker.objects.create(
        name=f"{host}-{os.getpid()}-{uuid.uuid4().hex[:6]}",
        host=host,
        pid=os.getpid(),
        tags=identity.tags,
        slots=identity.slots,
        version=settings.VERSION,
        resources=capacity.of_this_machine(),
        programs=sorted(settings.SEED_PROGRAMS),
        started=clock.now(),
        last_seen=clock.now(),
    )
