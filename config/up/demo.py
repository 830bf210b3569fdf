"""The demonstration: a few real jobs in a house that has none, so that its first visitor sees something happen.

They are made once. A house in which there is, or ever was, a job is left as it is: deleted jobs stay deleted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction

from errors.exceptions import Refused
from jobs import services
from jobs.models import Job

OWNER = "demonstration"
HEALTH = "demo-health"
_OWN_HEALTH = re.compile(r"http://[^/]+/health/live")

CLOCK = """\
echo "It is $(date '+%H:%M:%S %Z'), and this is execution $JOB_EXECUTION_ID of $JOB_NAME."
sleep 1
echo "Load of this machine: $(cut -d ' ' -f 1-3 /proc/loadavg)"
"""
SECOND_TRY = """\
echo "Try $JOB_ATTEMPT of run $JOB_RUN_ID."
if [ "$JOB_ATTEMPT" = 1 ]; then
    echo "The first try fails on purpose." >&2
    exit 1
fi
echo "The second try succeeds."
"""
EXTRACT = """\
for part in one two three; do
    echo "Extracting part $part"
    sleep 0.5
done
"""
REPORT = 'echo "The report of $(date +%F) is ready. The run that set it off: $JOB_RUN_ID"\n'


def demonstration(url: str) -> list[dict[str, Any]]:
    """The jobs, in the API's words, for a house at `url`; parents before their children."""
    return [
        _shell("demo-clock", "Tell the time", CLOCK, "@every 10s", "A shell command. Its output shows while it runs."),
        {
            "name": HEALTH,
            "title": "Is this house alive?",
            "description": "An HTTP check: this house asks its own health page and looks at the status of the answer.",
            "job_type": {"name": "http"},
            "configuration": {"url": f"{url}/health/live", "timeout": 5},
            "schedule": "@every 15s",
        },
        {
            "name": "demo-task",
            "title": "Call a Python task",
            "description": "A Python function of this house, as a task: it writes a line to the log.",
            "job_type": {"name": "test-log"},
            "schedule": "@every 20s",
        },
        _shell(
            "demo-second-try",
            "Succeed at the second try",
            SECOND_TRY,
            "@every 30s",
            "A command that fails at its first try. The job allows one retry, two seconds later, and that succeeds.",
            retries=1,
            retry_delay=2,
        ),
        _shell("demo-extract", "Extract", EXTRACT, "@every 1m", "The first of two steps: see demo-report."),
        _shell(
            "demo-report",
            "Report on the extract",
            REPORT,
            "@manually",
            "The second of two steps: runs when demo-extract has completed, and is canceled when that fails.",
            parents=["demo-extract"],
        ),
    ]


def _shell(name: str, title: str, script: str, schedule: str, description: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "title": title,
        "description": description,
        "job_type": {"name": "shell"},
        "configuration": {"command": script, "shell": True},
        "schedule": schedule,
        **more,
    }


def make_demonstration(url: str, now: datetime) -> list[str]:
    """Make the demonstration in an empty house; return what there is to say about it, a line each.

    In a house that has it, only the address of its own health page is brought up to date.
    """
    if Job.objects.exists():
        return list(_follow_address(url, now))
    made, refused = [], []
    with transaction.atomic():
        for fields in demonstration(url):
            try:
                with transaction.atomic():
                    made.append(services.create({**fields, "owner": OWNER}, by=OWNER, now=now).name)
            except Refused as refusal:  # an executor that this house does not allow, say
                refused.append(f"no demonstration job {fields['name']}: {refusal}")
    if made:
        refused.insert(0, f"made {len(made)} demonstration jobs: {', '.join(made)}")
    return refused


def _follow_address(url: str, now: datetime) -> Iterator[str]:
    """Let the demonstration's HTTP check ask the house where it is now, unless somebody gave it another task."""
    job = Job.objects.living().select_related("payload").filter(name=HEALTH, created_by=OWNER).first()
    asked = str(job.payload.configuration.get("url", "")) if job else ""
    if job is None or not _OWN_HEALTH.fullmatch(asked) or asked == f"{url}/health/live":
        return
    configuration = {**job.payload.configuration, "url": f"{url}/health/live"}
    services.update(job, {"configuration": configuration}, by=OWNER, now=now, partial=True)
    yield f"{HEALTH} now asks {url}"
