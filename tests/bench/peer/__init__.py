"""The peers' Celery app: one task that does nothing, its results kept by django-celery-results."""

import os
import time

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.bench.peer.settings")

app = Celery("peer")
app.config_from_object("tests.bench.peer.settings:CELERY")


@app.task(name="noop")
def noop() -> None:
    """Does nothing."""


@app.task(name="clock")
def clock() -> float:
    """When it began."""
    return time.time()
