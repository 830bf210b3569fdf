"""Following executions at a shell: what they print, as they print it, until the run's last try has ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from executions import output
from executions.models import Execution
from executions.states import Status

LINES = 500
"""Lines read at once."""
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 1.0
"""Seconds between two looks: the shortest while something comes, growing while nothing does."""
CANCELED = 130
"""The exit code for a run that was canceled, as for a program that was interrupted."""

Write = Callable[[str, str], None]
"""Takes a stream's name and a line."""


def follow(execution: Execution, write: Write, again: Callable[[Execution, Execution], None]) -> Execution:
    """Write what `execution` prints, and the tries after it, until the last has ended; return that one.

    `again` is called with a try that has ended and the one that follows it.
    """
    while True:
        for stream, text in lines_of(execution.pk):
            write(stream, text)
        execution = Execution.objects.with_names().get(pk=execution.pk)
        following = next_try(execution)
        if following is None:
            return execution
        again(execution, following)
        execution = following


def lines_of(execution: int) -> Iterator[tuple[str, str]]:
    """Each line of output with its stream, as it comes; ends when the execution has ended and all was read."""
    after, pause = 0, SHORTEST_PAUSE
    while True:
        page = output.read(Execution.objects.get(pk=execution), after, LINES)
        yield from shown(page, after)
        if page.lines:
            after, pause = page.after, SHORTEST_PAUSE
            continue
        if page.done:
            return
        time.sleep(pause)
        pause = min(1.5 * pause, LONGEST_PAUSE)


def shown(page: output.Page, after: int) -> Iterator[tuple[str, str]]:
    """The lines of `page` with their streams, and a word where output before a line was not kept."""
    for line in page.lines:
        if line.seq > after + 1:
            yield "stderr", "[… some output was not kept …]"
        after = line.seq
        yield line.stream, line.text


def next_try(execution: Execution) -> Execution | None:
    """The try that follows `execution` in its run; None when it is the last."""
    if execution.is_last_try:
        return None
    same = Execution.objects.with_names().filter(group=execution.group, slot=execution.slot)
    return same.filter(attempt__gt=execution.attempt).order_by("attempt").first()


def exit_code(execution: Execution) -> int:
    """The exit code that says how an ended execution ended: its own, as a shell would give it."""
    if execution.status == Status.COMPLETED:
        return 0
    if execution.status == Status.CANCELED:
        return CANCELED
    if execution.signal:
        return 128 + execution.signal
    return execution.exit_code or 1


def how(execution: Execution) -> str:
    """How an execution stands, in a few words."""
    words = f"{execution.status}"
    if execution.reason:
        words += f" ({execution.reason})"
    if execution.message:
        words += f": {execution.message}"
    return words
