"""What browser tests begin with: somebody who is signed in, and a house in which something happens."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.test import Client

from executions import clock, tally
from executions.models import Execution, House, OutputChunk
from executions.states import Status
from tests.builders import HOUR, MINUTE, SECOND, a_job, a_user, a_worker, an_execution

EXECUTIONS = "/admin/executions/execution/"


def login(role: str) -> str:
    """The session of somebody new in `role` who may enter the console."""
    user = a_user(role)
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    client.force_login(User.objects.get(pk=user.pk))
    return client.cookies["sessionid"].value


def a_day(now: datetime) -> dict[str, Execution]:
    """A house with a day behind it: three workers, seven jobs, one of which fails since two hours; and what goes on.

    Returns some of its executions by a word.
    """
    House.row()
    House.objects.update(last_tick=now, last_sweep=now)
    workers = [a_worker(f"worker-{name}", seen=now, slots=8, version="0.1.0", host=f"{name}.example") for name in "abc"]
    schedules = {
        "nightly-backup": "0 2 * * *",
        "sync-customers": "@every 15m",
        "invoice-import": "@every 30m",
        "word-count": "@every 20m",
        "cleanup-temp": "*/10 * * * *",
        "weekly-report": "0 6 * * 1",
        "send-reminders": "@every 1h",
    }
    jobs = {name: a_job(name, schedule=schedule, now=now) for name, schedule in schedules.items()}
    made: dict[str, Execution] = {}
    for number, (name, job) in enumerate(jobs.items()):
        for step in range(0, 24, 2):
            created = now - step * HOUR - number * MINUTE
            failed = (name == "invoice-import" and step < 4) or (name == "sync-customers" and step % 10 == 4)
            row = an_execution(
                job,
                status=Status.FAILED if failed else Status.COMPLETED,
                created=created,
                worker=workers[step // 2 % 3],
                message="cannot parse line 17: unexpected end" if failed else "",
            )
            took = timedelta(seconds=20 + 7 * number + (step * 13) % 11)
            Execution.objects.filter(pk=row.pk).update(ended=min(created + SECOND + took, now))
            if failed and name == "invoice-import":
                made.setdefault("failed", row)
    made["running"] = an_execution(
        jobs["nightly-backup"],
        status=Status.RUNNING,
        created=now - 15 * SECOND,
        worker=workers[0],
        lease_until=now + HOUR,
    )
    an_execution(
        jobs["word-count"], status=Status.RUNNING, created=now - 25 * SECOND, worker=workers[1], lease_until=now + HOUR
    )
    made["queued"] = an_execution(jobs["cleanup-temp"], status=Status.QUEUED, created=now - 3 * SECOND)
    print_lines(made["failed"], ["reading invoices.csv", "16 lines read"], 1)
    print_lines(made["failed"], ["\x1b[31mcannot parse line 17\x1b[0m: unexpected end"], 3, "stderr")
    tally.merge(clock.now())
    return made


def print_lines(execution: Execution, lines: list[str], first: int, stream: str = "stdout") -> None:
    """Let `execution` print these lines, of which the first has that number."""
    OutputChunk.objects.create(
        execution=execution,
        seq=first + len(lines) - 1,
        lines=len(lines),
        time=clock.now(),
        stream=stream,
        text="\n".join(lines) + "\n",
    )


def end(execution: Execution, status: str = Status.COMPLETED) -> None:
    Execution.objects.filter(pk=execution.pk).update(status=status, ended=clock.now(), lease_until=None)
