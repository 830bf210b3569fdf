"""What is done inside the peers' stage."""

from __future__ import annotations

import time
from datetime import timedelta
from itertools import cycle, islice

from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask
from django_celery_beat.schedulers import DatabaseScheduler
from django_celery_results.models import TaskResult

from tests.bench.peer import app, clock, noop


def submit_each(count: int, wait: bool = False) -> dict[str, float]:
    """Send `count` tasks one by one; the seconds it took, and those until the last result stands."""
    begun = time.monotonic()
    for _ in range(count):
        noop.delay()
    submitted = time.monotonic() - begun
    while wait and TaskResult.objects.count() < count:
        time.sleep(0.01)
    return {"submitted": submitted, "ended": time.monotonic() - begun}


def light_load(count: int, per_second: float) -> list[float]:
    """Milliseconds from sending a task to its beginning, at so many a second."""
    sent = {}
    begun = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
        moment = time.time()
        sent[clock.delay().id] = moment
    deadline = time.monotonic() + 30
    while TaskResult.objects.filter(task_id__in=list(sent)).count() < count and time.monotonic() < deadline:
        time.sleep(0.1)
    results = TaskResult.objects.filter(task_id__in=list(sent)).values_list("task_id", "result")
    return [(float(began) - sent[task]) * 1000 for task, began in results]


def make_periodic_tasks(count: int, crontabs: list[str]) -> None:
    """`count` periodic tasks, all due now: half intervals of an hour, half crontabs."""
    long_ago = timezone.now() - timedelta(days=10)
    hourly, _ = IntervalSchedule.objects.get_or_create(every=1, period=IntervalSchedule.HOURS)
    minutes = [_crontab(text) for text in crontabs]
    half = count // 2
    schedules = [{"interval": hourly}] * half + [{"crontab": item} for item in islice(cycle(minutes), count - half)]
    PeriodicTask.objects.all().delete()
    PeriodicTask.objects.bulk_create(
        [
            PeriodicTask(name=f"task {number}", task="noop", last_run_at=long_ago, **schedule)
            for number, schedule in enumerate(schedules)
        ],
        batch_size=2000,
    )


def _crontab(text: str) -> CrontabSchedule:
    names = ("minute", "hour", "day_of_month", "month_of_year", "day_of_week")
    return CrontabSchedule.objects.get_or_create(**dict(zip(names, text.split(), strict=True)), timezone="UTC")[0]


def fire(count: int, crontabs: list[str], seconds: float) -> dict[str, float]:
    """Let beat fire its due tasks for `seconds` at most; how many, in how long. Loading them first is not counted."""
    make_periodic_tasks(count, crontabs)
    scheduler = DatabaseScheduler(app=app)
    scheduler.sync_every = 10**6  # its syncs, which stop all firing, are left out
    assert len(scheduler.schedule) >= count
    begun = time.monotonic()
    fired = 0
    while fired < count and time.monotonic() - begun < seconds:
        before = scheduler._tasks_since_sync
        scheduler.tick()
        fired += scheduler._tasks_since_sync - before
    took = time.monotonic() - begun
    app.control.purge()
    return {"fired": fired, "seconds": took}
