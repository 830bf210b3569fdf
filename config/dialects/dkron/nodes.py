"""The house as a cluster of Dkron's: a node is a machine; this one, which answers, leads.

Workers tell of their machine and their tags. What Dkron says of itself beside that (its protocols, its ports) are the
numbers that its own servers say.
"""

from __future__ import annotations

import os
import resource
import socket
import uuid
from datetime import datetime
from functools import cache
from typing import Any

from django.conf import settings

from executions.models import LEASE, Worker

PORT = 8946
RPC_PORT = 6868
ALIVE, LEAVING = 1, 2
WORDS = {ALIVE: "alive", LEAVING: "leaving"}
LEADER, FOLLOWER = "I am a leader", "I am a follower"


@cache
def name() -> str:
    """This node's."""
    return socket.gethostname()


@cache
def address() -> str:
    """The IP address of this node, as its own name resolves."""
    try:
        return socket.gethostbyname(name())
    except OSError:
        return "127.0.0.1"


def tags() -> dict[str, str]:
    """What this node says of itself besides what its workers add."""
    return {
        **settings.STANDING_TAGS,
        "version": settings.VERSION,
        "port": str(RPC_PORT),
        "rpc_addr": f"{address()}:{RPC_PORT}",
        "expect": "1",
    }


def members(now: datetime) -> list[dict[str, Any]]:
    """This node and every other on which a worker lives, as Dkron's list of members has them."""
    return [
        {**_member(host, said, status), "id": str(uuid.uuid4()), "statusText": WORDS[status]}
        for host, (said, status) in sorted(_hosts(now).items())
    ]


def leader(now: datetime) -> dict[str, Any]:
    said, _ = _hosts(now)[name()]
    return _member(name(), said, ALIVE)


def _hosts(now: datetime) -> dict[str, tuple[dict[str, str], int]]:
    """The tags of each machine, and whether it is alive or leaving. Of several workers on one the last to come says."""
    hosts: dict[str, tuple[dict[str, str], int]] = {name(): (tags(), ALIVE)}
    living = Worker.objects.filter(stopped=None, last_seen__gte=now - LEASE).order_by("pk")
    for host, said, is_stopping in living.values_list("host", "tags", "is_stopping"):
        known = hosts.get(host, ({**settings.STANDING_TAGS, "version": settings.VERSION}, LEAVING))
        is_alive = known[1] == ALIVE or not is_stopping
        hosts[host] = ({**known[0], **{key: str(value) for key, value in said.items()}}, ALIVE if is_alive else LEAVING)
    return hosts


def _member(host: str, said: dict[str, str], status: int) -> dict[str, Any]:
    return {
        "Name": host,
        "Addr": address() if host == name() else _resolved(host),
        "Port": PORT,
        "Tags": said,
        "Status": status,
        "ProtocolMin": 1,
        "ProtocolMax": 5,
        "ProtocolCur": 2,
        "DelegateMin": 2,
        "DelegateMax": 5,
        "DelegateCur": 4,
    }


@cache
def _resolved(host: str) -> str:
    try:
        return socket.gethostbyname(host)
    except OSError:
        return "0.0.0.0"  # noqa: S104 -- the address of a machine that this one cannot name, not one to listen on


def status(now: datetime) -> dict[str, dict[str, str]]:
    """What `/v1` answers; every value is a text."""
    hosts = _hosts(now)
    serf = {
        "members": str(len(hosts)),
        "failed": "0",
        "left": "0",
        "health_score": "0",
        "member_time": str(len(hosts)),
        "event_time": "1",
        "query_time": "1",
        "intent_queue": "0",
        "event_queue": "0",
        "query_queue": "0",
        "encrypted": "false",
        "coordinate_resets": "0",
    }
    return {"agent": {"name": name(), "version": settings.VERSION}, "serf": serf, "tags": hosts[name()][0]}


def process() -> dict[str, Any]:
    """What `/debug/vars` answers: counters of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "cmdline": ["jobhouse"],
        "memstats": {"Sys": used.ru_maxrss * 1024},
        "process": {
            "pid": os.getpid(),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 3),
            "page_faults": used.ru_majflt,
        },
    }
