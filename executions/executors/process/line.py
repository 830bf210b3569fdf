"""A runner's end of the socket to its worker."""

from __future__ import annotations

import select
import socket

from executions.executors.process.protocol import Frames, Kind, frame

_READ = 65536


class Closed(Exception):
    """The worker is gone: its end of the socket closed."""


class Line:
    """Frames in and out, without ever waiting for the worker unless asked to."""

    def __init__(self, control: socket.socket) -> None:
        control.setblocking(False)
        self.control = control
        self._frames = Frames()
        self._unsent = bytearray()

    @property
    def is_clear(self) -> bool:
        """Everything that was put is on its way."""
        return not self._unsent

    def read(self) -> None:
        """Take what has arrived. Raises Closed."""
        try:
            data = self.control.recv(_READ)
        except BlockingIOError:
            return
        except ConnectionError as error:
            raise Closed from error
        if not data:
            raise Closed
        self._frames.feed(data)

    def next(self) -> tuple[Kind, bytes] | None:
        return self._frames.next()

    def put(self, kind: Kind, payload: bytes) -> None:
        """Queue a frame; `send` lets it go."""
        self._unsent += frame(kind, payload)

    def send(self) -> None:
        """Send what the worker has room for. Raises Closed."""
        try:
            while self._unsent:
                sent = self.control.send(self._unsent)
                del self._unsent[:sent]
        except BlockingIOError:
            pass
        except ConnectionError as error:
            raise Closed from error

    def send_all(self) -> None:
        """Send everything, however long the worker takes. Raises Closed."""
        poll = select.poll()
        poll.register(self.control, select.POLLOUT)
        self.send()
        while not self.is_clear:
            poll.poll()
            self.send()
