"""Where a house may stand: one `up` per data folder, one per address."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path

CLIENT_SECONDS = 5
"""How long a client may stop in the middle of a request, or of taking its answer: it holds a thread meanwhile."""
PATIENCE = 8.0
"""Seconds that the remains of a killed house have to leave the address; they need five at most."""


class NoPlace(Exception):
    """The house cannot stand there; the message says why and what to do."""


@dataclass(frozen=True)
class Address:
    host: str
    port: int

    @property
    def url(self) -> str:
        """The address as this machine can ask for it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(self.host, self.host)  # noqa: S104 -- recognised, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"


@dataclass(frozen=True)
class Lock:
    """A data folder kept to ourselves. It goes with the process that holds the open file, however that ends."""

    descriptor: int
    was_killed: bool
    """The last `up` there ended without a chance to tidy up."""

    def release(self) -> None:
        os.ftruncate(self.descriptor, 0)
        os.close(self.descriptor)


def lock(folder: Path, address: Address) -> Lock:
    """Keep `folder` to this process. Raises NoPlace when another `up` has it."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT, 0o600)
    text = os.pread(descriptor, 1000, 0).decode(errors="replace")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise NoPlace(_taken_by(folder, text)) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "url": address.url}).encode(), 0)
    return Lock(descriptor, was_killed=bool(text))


def _taken_by(folder: Path, text: str) -> str:
    try:
        other = json.loads(text)
        who = f"process {other['pid']}, {other['url']}"
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return (
        f"A house is already running with the data in {folder} ({who}).\n"
        "Stop that one, or give this one a folder of its own: DATA_DIR=/another/folder"
    )


def listen(address: Address, *, patience: float = 0.0) -> socket.socket:
    """A socket bound to `address`, kept open over restarts of the web process so that nobody else can take it.

    Asks again for `patience` seconds while the address is taken. Raises NoPlace when it cannot be had.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return _bind(address)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= end:
                raise NoPlace(_why_not(address, error)) from error
            time.sleep(0.25)


def _bind(address: Address) -> socket.socket:
    found = socket.getaddrinfo(address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, place = found[0]
    bound = socket.socket(family, kind, protocol)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        for direction in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):  # connections inherit it
            bound.setsockopt(socket.SOL_SOCKET, direction, struct.pack("ll", CLIENT_SECONDS, 0))
        bound.bind(place)
        bound.listen(2048)
    except OSError:
        bound.close()
        raise
    return bound


def _why_not(address: Address, error: OSError) -> str:
    where, other = f"{address.host}:{address.port}", address.port + 1
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"{address.host} is not an address of this machine. Use --host 127.0.0.1, or HOST=127.0.0.1."
    if error.errno == errno.EADDRINUSE:
        return (
            f"Another program is listening on {where}.\n"
            f"Stop it, or choose another port: `PORT={other} make run`, or `manage.py up --port {other}`."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return f"No right to listen on {where}: ports below 1024 belong to root. Use one above: --port 8000."
    return f"Cannot listen on {where}: {error.strerror}."
