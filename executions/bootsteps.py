"""What the house adds to a Celery worker: its engine, its ear for hints, and in the embedded house its scheduler."""

from __future__ import annotations

import os
import threading
from typing import Any

import structlog
from celery import bootsteps
from celery.beat import Service
from celery.signals import worker_shutting_down
from django.conf import settings
from kombu import Consumer

from executions.engine import hints
from executions.engine.worker import EMBEDDED_LOOK_SECONDS, IDLE_LOOK_SECONDS, Identity, WorkerEngine
from executions.executors.process.family import keep_private

log = structlog.get_logger(__name__)

_engine: WorkerEngine | None = None


@worker_shutting_down.connect
def _note_wish(**_: Any) -> None:
    """In the signal's handler: Celery takes its time until it stops the engine."""
    if _engine is not None:
        _engine.note_wish()


class EngineStep(bootsteps.StartStopStep):
    """Runs the engine beside Celery's own pool; `-c N` gives it N slots."""

    requires = ("celery.worker.components:Pool",)

    def __init__(self, worker: Any, **kwargs: Any) -> None:
        super().__init__(worker, **kwargs)
        self.engine: WorkerEngine | None = None

    def start(self, worker: Any) -> None:
        global _engine
        keep_private()  # jobs run under the same account as a rule, and must not read our environment
        look = EMBEDDED_LOOK_SECONDS if settings.IS_EMBEDDED_BROKER else IDLE_LOOK_SECONDS
        self.engine = _engine = WorkerEngine(Identity(int(worker.concurrency), dict(settings.WORKER_TAGS), look))
        self.engine.take_in_orphans()
        self.engine.start()

    def stop(self, worker: Any) -> None:
        if self.engine is not None:
            self.engine.stop()

    def terminate(self, worker: Any) -> None:
        """Told to go at once: what runs is stopped and handed back."""
        if self.engine is not None:
            self.engine.stop(grace=0)


class HintStep(bootsteps.ConsumerStep):
    """Hears hints over the broker; they only wake the engine, whatever they say."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def get_consumers(self, channel: Any) -> list[Consumer]:
        if settings.IS_EMBEDDED_BROKER or _engine is None or _engine.worker is None:
            return []
        _engine.wake()  # whatever was hinted at while the broker was away
        queue = hints.queue(_engine.worker.name)
        # What a message says is never looked at: one that cannot be decoded would end the worker.
        return [Consumer(channel, queues=[queue], on_message=self.hear, on_decode_error=self.hear, no_ack=True)]

    def hear(self, message: Any, error: Any = None) -> None:
        if _engine is not None:
            _engine.wake()


class SchedulerStep(bootsteps.StartStopStep):
    """In the embedded house the scheduler is a thread of the worker: the two share Celery's memory broker."""

    requires = (EngineStep,)

    def include_if(self, worker: Any) -> bool:
        return os.environ.get("JOBHOUSE_EMBEDDED_SCHEDULER") == "1"

    def start(self, worker: Any) -> None:
        self.service = Service(
            worker.app, max_interval=1, scheduler_cls=worker.app.conf.beat_scheduler, remote_control=False
        )
        self.thread = threading.Thread(target=self._schedule, args=(worker.app,), name="scheduler", daemon=True)
        self.thread.start()
        log.info("scheduler ready", threads=threading.active_count())

    def _schedule(self, app: Any) -> None:
        try:
            app.set_current()
            self.service.start()
        except Exception:
            # A house whose scheduler broke would look alive and fire nothing: better a new one.
            log.critical("the scheduler broke; leaving", exc_info=True)
            os._exit(70)

    def stop(self, worker: Any) -> None:
        self.service.stop()
        self.thread.join(timeout=5)
