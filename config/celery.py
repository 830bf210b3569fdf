"""The Celery app: `celery -A config worker` is a worker of the house, `celery -A config beat` a scheduler."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("jobhouse")
app.config_from_object("config.settings:CELERY")
app.autodiscover_tasks()
# By name: their modules need Django's models, which are not loaded yet.
app.steps["worker"].update({"executions.bootsteps:EngineStep", "executions.bootsteps:SchedulerStep"})
app.steps["consumer"].add("executions.bootsteps:HintStep")


@setup_logging.connect
def _keep_django_logging(**_: Any) -> None:
    """Celery leaves logging alone when somebody answers this signal; Django has configured it."""
