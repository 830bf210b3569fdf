"""The processors: what is done with the output of a finished try, by the names that its job gives.

    Job.processors = {"files": {"log_dir": "nightly"}, "log": {"forward": "true"}}

    try ends --> chain.process: the processors of its job, in a process of their own --> stored output --> end recorded

Each gets the whole kept output, redacted. What it returns is stored in the place of the output, unless its `forward` is
``"true"``; of several that replace it each has a line. None can fail a run or hold it up for more than `chain.SECONDS`:
one that breaks, takes too long or is not installed is told in the log, and the output stays.

A package that adds one declares it in the entry-point group ``jobhouse.processors``; see docs/executors.md.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points

from executions.processors.base import Processor

GROUP = "jobhouse.processors"


@cache
def processors() -> dict[str, Processor]:
    """All processors that are installed, by name."""
    return {point.name: point.load()() for point in entry_points(group=GROUP)}
