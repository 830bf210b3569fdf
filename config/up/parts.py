"""Which parts a house has here, and how each is started."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

from django.conf import settings

from config.up.address import Address
from config.up.supervisor import Part

EMBEDDED_SCHEDULER = "JOBHOUSE_EMBEDDED_SCHEDULER"
"""Set for a worker that carries the scheduler, since without a broker nothing can pass between two processes."""


def house(listening: socket.socket) -> list[Part]:
    """The parts, in the order in which they start."""
    if settings.IS_EMBEDDED_BROKER:
        return [web(listening), worker({EMBEDDED_SCHEDULER: "1"})]
    return [web(listening), worker({}), scheduler()]


def web(listening: socket.socket) -> Part:
    """Console, API and health. Stopped last: jobs that are finishing may call it."""
    options = {
        "bind": f"fd://{listening.fileno()}",
        "worker-class": "gthread",
        "workers": "1",
        "threads": "8",
        "timeout": "60",
        "graceful-timeout": "5",
        "keep-alive": "5",
        "limit-request-line": "8190",
        "log-level": "warning",
    }
    if os.path.isdir("/dev/shm"):  # noqa: S108 -- gunicorn makes a file of its own there
        options["worker-tmp-dir"] = "/dev/shm"  # noqa: S108 -- a heartbeat in a file must not wait for a disk
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return Part(
        "web", ["gunicorn", "config.wsgi", *words, "--no-control-socket"], descriptors=[listening.fileno()], stage=1
    )


def worker(environment: Mapping[str, str]) -> Part:
    slots = str(settings.WORKER_SLOTS)
    words = ["--concurrency", slots, "--loglevel", settings.LOG_LEVEL, "--without-gossip", "--without-mingle"]
    return Part("worker", ["celery", "--quiet", "-A", "config", "worker", *words], environment)


def scheduler() -> Part:
    # Without a pid file: what it knows stands in the database.
    words = ["--pidfile=", "--loglevel", settings.LOG_LEVEL]
    return Part("scheduler", ["celery", "--quiet", "-A", "config", "beat", *words])


def environment(address: Address) -> dict[str, str]:
    """The environment of every part: ours, with what was decided here spelled out."""
    given = dict(os.environ)
    given.setdefault("LOG_FORMAT", "text")
    return given | {
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "config.settings"),
        "DATA_DIR": str(settings.DATA_DIR),
        "HOST": address.host,
        "PORT": str(address.port),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(settings.BASE_DIR), os.environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
    }
