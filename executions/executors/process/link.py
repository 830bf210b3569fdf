"""The worker's end of the socket to a runner."""

from __future__ import annotations

import os
import select
import signal
import socket
import threading
import time
from contextlib import suppress

from executions.executors.process.protocol import Frames, Kind, Order, frame

LISTENS_WITHIN = 15.0  # seconds for a runner to take an order
_READ = 256 * 1024


class Link:
    """The worker's end of the socket to one runner process."""

    def __init__(self, server: int, pid: int, control: socket.socket, pidfd: int) -> None:
        control.setblocking(False)
        self.server = server
        self.pid = pid
        self._control = control
        self._pidfd = pidfd
        self._lock = threading.Lock()
        self._frames = Frames()
        self._readable = select.poll()
        self._readable.register(control, select.POLLIN)

    def is_alive(self) -> bool:
        """Whether the process lives and listens."""
        poll = select.poll()
        poll.register(self._pidfd, select.POLLIN)
        poll.register(self._control, 0)
        return not poll.poll(0)

    def order(self, order: Order) -> None:
        """Send an order. Raises OSError."""
        unsent = memoryview(frame(Kind.ORDER, order.encode()))
        writable = select.poll()
        writable.register(self._control, select.POLLOUT)
        give_up = time.monotonic() + LISTENS_WITHIN
        with self._lock:
            while unsent:
                if not writable.poll(1000) and time.monotonic() > give_up:
                    raise TimeoutError("the runner does not listen")
                with suppress(BlockingIOError):
                    unsent = unsent[self._control.send(unsent) :]

    def tell(self, kind: Kind, payload: bytes = b"", within: float = 1.0) -> None:
        """Send a short frame, if the runner has room for it and nothing else is being sent for long; never raises."""
        if self._lock.acquire(timeout=within):
            try:
                with suppress(OSError):
                    self._control.send(frame(kind, payload))
            finally:
                self._lock.release()

    def hear(self, within: float) -> tuple[Kind, bytes] | None:
        """The next frame; None when there was none `within` seconds. Raises ConnectionError when the runner is gone."""
        until = time.monotonic() + within
        while (got := self._frames.next()) is None:
            if not self._readable.poll(max(0.0, until - time.monotonic()) * 1000):
                return None
            data = self._control.recv(_READ)
            if not data:
                raise ConnectionResetError
            self._frames.feed(data)
        return got

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)

    def hang_up(self) -> None:
        """Let the runner see that nobody is here any more; it ends its family and itself. For any thread, any time."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give the descriptors back. Only for the thread that hears."""
        with self._lock:
            self._control.close()
            os.close(self._pidfd)
