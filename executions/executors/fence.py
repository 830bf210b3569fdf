"""A fence around clients that open connections of their own: message brokers' libraries, in a run's own process.

    fence = Fence(Allowed.parse(settings.OUTBOUND_ALLOW))
    with fence:
        fence.check("broker.example.org", 5672)      # refuses at once, before a library would try for long
        library.connect(...)

Guarantee: while it stands no socket of this process connects to an address that `Allowed` refuses, whatever a name
resolves to at a second look, and wherever a broker sends its client to (Kafka and NATS name further servers). It judges
the very address that is connected to, by an audit hook, which no library goes around. One fence at a time.
"""

from __future__ import annotations

import socket
import sys
from types import TracebackType
from typing import Any

from executions.executors.addresses import Allowed, read
from executions.executors.outbound import Forbidden

_INTERNET = (socket.AF_INET, socket.AF_INET6)
_standing: list[Fence] = []


class Unresolved(OSError):
    """A name has no address."""


class Fence:
    """Stands within its `with`. `refused` is the first refusal, which the library may have worded away."""

    def __init__(self, allow: Allowed) -> None:
        self.allow = allow
        self.refused: Forbidden | None = None
        self._names: dict[str, str] = {}
        self._look_up = socket.getaddrinfo

    def __enter__(self) -> Fence:
        _install()
        self._look_up = socket.getaddrinfo
        socket.getaddrinfo = self._resolve
        _standing.append(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        _standing.remove(self)
        socket.getaddrinfo = self._look_up

    def check(self, host: str, port: int) -> None:
        """Raises Forbidden when any address of `host` must not be reached, Unresolved when it has none."""
        try:
            found = self._resolve(host.strip("[]"), port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise Unresolved(f"the name {host} does not resolve") from None
        for _, _, _, _, place in found:
            self.judge(place)

    def judge(self, place: tuple[Any, ...]) -> None:
        """Raises Forbidden when the socket address `place` must not be reached."""
        address, port = str(place[0]), int(place[1])
        host = self._names.get(address, address)
        try:
            word = self.allow.refusal(host, read(address), port)
        except ValueError:  # a name, which the system resolves by itself: only what was looked up is connected to
            word = "unresolved"
        if word:
            refusal = Forbidden(host, address, word)
            self.refused = self.refused or refusal
            raise refusal

    def _resolve(self, host: Any, port: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """`socket.getaddrinfo`, which remembers what name each address was found under."""
        found = self._look_up(host, port, *args, **kwargs)
        name = host.decode("idna") if isinstance(host, bytes) else host
        for _, _, _, _, place in found:
            if name:
                self._names[str(place[0])] = str(name)
        return list(found)


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and _standing and arguments[0].family in _INTERNET:
        _standing[-1].judge(arguments[1])


def _install() -> None:
    """Audit hooks stay for ever: there is one for the process, which does nothing while no fence stands."""
    global _is_installed
    if not _is_installed:
        sys.addaudithook(_hook)
        _is_installed = True


_is_installed = False
