"""From a try that has ended to what is stored of its output: all processors that its job names, in one child process.

    replaced (the slot's thread) --> perform (a forked child of the slot's runner) --> each processor

What a processor prints goes to the worker's own output, which is how `log` works. Nothing here raises, and nothing
takes longer than SECONDS.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import structlog

from executions.executors import environment
from executions.executors.base import Limits, Stream
from executions.executors.process.client import Runner
from executions.processors import processors
from executions.processors.base import Ended, is_true

log = structlog.get_logger(__name__)

SECONDS = 5.0
"""What all processors of one try may take together."""


def replaced(runner: Runner, named: Mapping[str, Mapping[str, str]], ended: Ended) -> str | None:
    """Let the processors in `named` (name: options) work on `ended`; return the text to store in the place of its
    output, or None where it stays.
    """
    bound = log.bind(job=ended.job, execution=ended.execution)
    known = {name: dict(options) for name, options in sorted(named.items()) if name in processors()}
    for name in sorted(named.keys() - known.keys()):
        bound.warning("a processor is not installed here: skipped", processor=name)
    if not known:
        return None
    try:
        result = runner.call(
            f"{__name__}:perform",
            {"named": known, "ended": asdict(ended)},
            env=environment.standing(),
            limits=Limits(seconds=SECONDS),
            on_output=_to_our_own,
        )
    except Exception as error:  # noqa: BLE001 -- whatever it is, it must not fail the run
        bound.exception("processors could not be run: the output stays", error=str(error))
        return None
    if result.ended_by != "exit" or not isinstance(result.value, dict):
        said = result.message or "ended without an answer"
        bound.warning("processors did not come to an end: the output stays", reason=said)
        return None
    for name, why in result.value["failed"].items():
        bound.warning("a processor failed", processor=name, reason=why)
    texts: list[str] = result.value["texts"]
    return "\n".join(texts) if texts else None


def perform(named: Mapping[str, Mapping[str, str]], ended: Mapping[str, Any]) -> dict[str, Any]:
    """In the child: what each processor wants to be stored (``texts``), and why others did not work (``failed``)."""
    texts: list[str] = []
    failed: dict[str, str] = {}
    for name, options in named.items():
        try:
            text = processors()[name].process(Ended(**ended), options)
        except Exception as error:  # noqa: BLE001 -- one that breaks keeps the others from nothing
            failed[name] = f"{type(error).__name__}: {error}"[:500]
            continue
        if not is_true(options.get("forward", "")):
            texts.append(text)
    return {"texts": texts, "failed": failed}


def _to_our_own(stream: Stream, data: bytes, time: float, lost: int) -> None:
    """To the process's true streams: a worker's `sys.stdout` may be its logger."""
    ours = sys.__stdout__ if stream == "stdout" else sys.__stderr__
    if ours is not None:
        ours.buffer.write(data)
        ours.flush()
