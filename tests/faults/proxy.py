"""A proxy in front of a server that other tests share: what cannot be stopped can be cut off."""

from __future__ import annotations

import socket
import struct
import threading
import time
from contextlib import suppress
from types import TracebackType

_PIECE = 65536
_Pair = tuple[socket.socket, socket.socket]
"""A client's connection and the one to the server for it."""


class Proxy:
    """Passes connections on to `target` until it is told to cut, stall or delay them. Safe to use from any thread."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._flows = threading.Event()
        self._flows.set()
        self._delay = 0.0
        self._unanswered: tuple[bytes, int] = (b"", 0)
        self._lock = threading.Lock()
        self._pairs: set[_Pair] = set()
        self._listener = self._listen(0)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        self._flows.set()

    def cut(self) -> None:
        """The server is gone: connections are reset, new ones are refused."""
        _end(self._listener)
        self.reset()

    def reset(self) -> None:
        """The connections of this moment are reset; new ones are welcome."""
        with self._lock:
            pairs, self._pairs = self._pairs, set()
        for pair in pairs:
            for end in pair:
                # A linger of no time sends RST, as a host that lost its memory of the connection does.
                with suppress(OSError):
                    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                _end(end)

    def stall(self) -> None:
        """The server stops without closing: connections are accepted, and nothing passes."""
        self._flows.clear()

    def delay(self, seconds: float) -> None:
        """Whatever passes takes so long each way."""
        self._delay = seconds

    def lose_answers(self, to: bytes, times: int) -> None:
        """What clients send with `to` in it reaches the server, and its answer is lost with the connection."""
        self._unanswered = (to, times)

    def mend(self) -> None:
        """Everything passes again."""
        self._delay = 0.0
        self._flows.set()
        if self._listener.fileno() < 0:
            self._listener = self._listen(self.port)

    def _is_to_be_lost(self, data: bytes) -> bool:
        words, times = self._unanswered
        if not times or words not in data:
            return False
        self._unanswered = (words, times - 1)
        return True

    def _listen(self, port: int) -> socket.socket:
        listener = socket.create_server(("127.0.0.1", port), backlog=128)
        threading.Thread(target=self._accept, args=(listener,), name="proxy", daemon=True).start()
        return listener

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:  # cut
                return
            try:
                server = socket.create_connection(self._target, timeout=10)
            except OSError:
                client.close()
                continue
            server.settimeout(None)
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            pair = (client, server)
            with self._lock:
                self._pairs.add(pair)
            for one, other in (pair, pair[::-1]):
                args = (one, other, pair, one is client)
                threading.Thread(target=self._pump, args=args, name="proxy", daemon=True).start()

    def _pump(self, one: socket.socket, other: socket.socket, pair: _Pair, is_asking: bool) -> None:
        with suppress(OSError):
            while data := one.recv(_PIECE):
                self._flows.wait()
                if self._delay:
                    time.sleep(self._delay)
                if is_asking and self._is_to_be_lost(data):
                    _end(one)
                    other.sendall(data)
                    time.sleep(0.5)  # the server does what it was asked
                    break
                other.sendall(data)
        with self._lock:
            self._pairs.discard(pair)
        _end(one)
        _end(other)


def _end(end: socket.socket) -> None:
    """Close it, and wake the thread that waits on it."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    with suppress(OSError):
        end.close()
