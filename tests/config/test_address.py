"""The socket on which a house listens."""

from __future__ import annotations

import socket
import struct

import pytest

from config.up.address import CLIENT_SECONDS, Address, listen


@pytest.mark.parametrize("direction", [socket.SO_RCVTIMEO, socket.SO_SNDTIMEO])
def test_a_client_that_stops_midway_does_not_hold_its_connection_for_ever(direction):
    with listen(Address("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()):
        connection, _ = listening.accept()
        with connection:
            connection.setblocking(True)
            kept = connection.getsockopt(socket.SOL_SOCKET, direction, 16)

    assert struct.unpack("ll", kept) == (CLIENT_SECONDS, 0)
