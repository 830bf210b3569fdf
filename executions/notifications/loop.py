"""The thread that notifies: one in every worker and every scheduler process, none of which leads.

    rules into mind, late and long     every five seconds
    events into deliveries             at once when this process recorded one, otherwise every two seconds
    deliveries to senders              each in a thread of its own; Apprise's in one child process at a time

Only this thread speaks with the database. Senders cannot hold it up: it hands them what to send and hears of the answer
when there is one.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from datetime import datetime

import structlog
from django.db import DatabaseError, InterfaceError, close_old_connections, connections

from executions import clock
from executions.notifications import interest, outbox, sender, watch
from executions.notifications.outbox import Claimed
from executions.notifications.parcels import Answer, Push
from executions.notifications.record import news

log = structlog.get_logger(__name__)

LOOK_SECONDS = 2.0
WATCH_SECONDS = 5.0
MOST_AT_ONCE = 8
STOPS_WITHIN = 12.0
"""Seconds that what is being sent may take when the process stops: longer than a webhook or a mail server may."""


class Notifier:
    """`start`, then `stop` once."""

    def __init__(self) -> None:
        self._over = threading.Event()
        self._answers: queue.SimpleQueue[tuple[Claimed, Answer]] = queue.SimpleQueue()
        self._pushes: queue.SimpleQueue[Claimed | None] = queue.SimpleQueue()
        self._underway = 0
        self._watched = 0.0
        self._thread = threading.Thread(target=self._run, name="notifier", daemon=True)
        self._courier: threading.Thread | None = None

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let what is being sent end and be recorded, within 12 s."""
        self._over.set()
        news.set()
        self._thread.join(STOPS_WITHIN + 2)

    def _run(self) -> None:
        while not self._over.is_set():
            news.clear()
            self._guarded(lambda: self.turn(clock.now()))
            news.wait(LOOK_SECONDS)
        self._pushes.put(None)
        end = time.monotonic() + STOPS_WITHIN
        while self._underway and time.monotonic() < end:
            self._guarded(lambda: self._record(within=1.0))
        connections.close_all()

    def _guarded(self, step: Callable[[], None]) -> None:
        """Whatever goes wrong with notifications, jobs go on."""
        try:
            step()
        except (DatabaseError, InterfaceError) as error:
            log.warning("notifications wait for the database", error=str(error).strip())
            close_old_connections()
            self._over.wait(1)
        except Exception:
            log.exception("notifications: going on in a moment")
            self._over.wait(5)

    def turn(self, now: datetime) -> None:
        """Everything that is to be done at `now`."""
        while not self._answers.empty():
            self._record(within=0)
        if time.monotonic() - self._watched >= WATCH_SECONDS:
            self._watched = time.monotonic()
            watch.look(interest.reload(), now)
        outbox.dispatch(now)
        for claimed in outbox.claim(MOST_AT_ONCE - self._underway, now):
            self._underway += 1
            self._hand_over(claimed)

    def _record(self, within: float) -> None:
        try:
            claimed, answer = self._answers.get(timeout=within) if within else self._answers.get_nowait()
        except queue.Empty:
            return
        self._underway -= 1
        outbox.record(claimed.delivery, claimed.number, answer, clock.now())

    def _hand_over(self, claimed: Claimed) -> None:
        if isinstance(claimed.parcel, Push):
            self._pushes.put(claimed)
            if self._courier is None:
                self._courier = threading.Thread(target=self._push_forever, name="courier", daemon=True)
                self._courier.start()
        else:
            threading.Thread(target=self._send, args=(claimed,), name="sender", daemon=True).start()

    def _send(self, claimed: Claimed) -> None:
        parcel = claimed.parcel
        try:
            answer = parcel if isinstance(parcel, Answer) else sender.send(parcel)
        except Exception as error:
            log.exception("a notification could not be sent", delivery=claimed.delivery)
            answer = Answer(False, f"It could not be sent: {type(error).__name__}")
        self._answer([claimed], [answer])

    def _push_forever(self) -> None:
        """One child process at a time takes all that waits for one."""
        while (claimed := self._pushes.get()) is not None:
            batch = [claimed]
            while len(batch) < sender.MOST_PUSHES and not self._pushes.empty():
                following = self._pushes.get()
                if following is None:
                    self._pushes.put(None)
                    break
                batch.append(following)
            try:
                answers = sender.pushed([one.parcel for one in batch if isinstance(one.parcel, Push)])
            except Exception as error:
                log.exception("notifications could not be sent", deliveries=[one.delivery for one in batch])
                answers = [Answer(False, f"It could not be sent: {type(error).__name__}")] * len(batch)
            self._answer(batch, answers)

    def _answer(self, batch: list[Claimed], answers: list[Answer]) -> None:
        for claimed, answer in zip(batch, answers, strict=True):
            self._answers.put((claimed, answer))
        news.set()


_lock = threading.Lock()
_users = 0
_notifier: Notifier | None = None


def start() -> None:
    """Have this process notify; worker and scheduler may share one."""
    global _users, _notifier
    with _lock:
        _users += 1
        if _notifier is None:
            try:
                interest.reload()
            except (DatabaseError, InterfaceError) as error:
                log.warning("the rules of notifications are not known yet", error=str(error).strip())
            _notifier = Notifier()
            _notifier.start()


def stop() -> None:
    """The opposite of `start`, as often as that."""
    global _users, _notifier
    with _lock:
        _users = max(0, _users - 1)
        if _users == 0 and _notifier is not None:
            _notifier.stop()
            _notifier = None
