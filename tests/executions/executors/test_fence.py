"""The fence around libraries that connect by themselves: real sockets, real names."""

from __future__ import annotations

import asyncio
import socket

import pytest

from executions.executors.addresses import Allowed
from executions.executors.fence import Fence, Unresolved
from executions.executors.outbound import Forbidden

NOWHERE = Allowed.parse([])
LOOPBACK = Allowed.parse(["127.0.0.1", "::1"])


@pytest.fixture
def server():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def test_a_library_reaches_what_is_allowed(server):
    with Fence(LOOPBACK) as fence:
        fence.check("127.0.0.1", server)
        socket.create_connection(("127.0.0.1", server), timeout=5).close()

    assert fence.refused is None


def test_a_library_reaches_nothing_else(server):
    with Fence(NOWHERE) as fence, pytest.raises(Forbidden, match="a loopback address that OUTBOUND_ALLOW"):
        socket.create_connection(("127.0.0.1", server), timeout=5)

    assert fence.refused is not None


def test_connecting_without_an_exception_for_errors_is_no_way_around(server):
    with Fence(NOWHERE), socket.socket() as client, pytest.raises(Forbidden):
        client.connect_ex(("127.0.0.1", server))


def test_nor_is_an_event_loop(server):
    with Fence(NOWHERE) as fence, pytest.raises((Forbidden, OSError)):
        asyncio.run(asyncio.wait_for(asyncio.open_connection("127.0.0.1", server), 5))

    assert "loopback" in str(fence.refused)


def test_a_name_that_is_allowed_may_lead_anywhere(server):
    with Fence(Allowed.parse([f"localhost:{server}"])) as fence:
        fence.check("localhost", server)
        socket.create_connection(("localhost", server), timeout=5).close()


def test_its_address_without_the_name_may_not(server):
    with Fence(Allowed.parse(["localhost"])), pytest.raises(Forbidden):
        socket.create_connection(("127.0.0.1", server), timeout=5)


def test_a_name_without_an_address_says_so():
    with Fence(LOOPBACK) as fence, pytest.raises(Unresolved, match=r"no-such-host\.invalid does not resolve"):
        fence.check("no-such-host.invalid", 1)


def test_a_fence_that_is_gone_keeps_nobody_out(server):
    before = socket.getaddrinfo
    with Fence(NOWHERE):
        pass

    socket.create_connection(("127.0.0.1", server), timeout=5).close()
    assert socket.getaddrinfo is before


def test_sockets_of_the_machine_itself_are_no_matter_of_the_fence(tmp_path):
    path = str(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as client, Fence(NOWHERE):
        listening.bind(path)
        listening.listen()
        client.connect(path)
