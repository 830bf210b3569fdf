"""What the end of a family of processes means for the try it performed."""

from __future__ import annotations

import signal
from typing import Any

from executions.executors.base import Outcome, ProcessResult


def outcome(result: ProcessResult) -> Outcome:
    """The outcome of a family that ended as `result` says; of a success, without outputs."""
    facts: dict[str, Any] = {
        "exit_code": result.exit_code,
        "signal": result.signal,
        "max_rss_bytes": result.max_rss_bytes,
        "cpu_seconds": result.cpu_seconds,
        "exception": result.exception,
        "traceback": result.traceback,
    }
    match result.ended_by:
        case "stop":
            return Outcome(ok=False, message=f"Stopped: {result.message}", stopped=True, **facts)
        case "timeout":
            return Outcome.failed("timeout", result.message, reason="timeout", **facts)
        case "memory":
            return Outcome.failed("out-of-memory", result.message, **facts)
        case "launch":
            return Outcome.failed("task-launch", result.message, **facts)
        case "lost":
            return Outcome.failed("worker-lost", result.message, reason="worker-lost", **facts)
    if result.exit_code == 0 and not result.message:
        return Outcome(ok=True, **facts)
    return Outcome.failed("algorithm-unknown", result.message or status(result), **facts)


def status(result: ProcessResult) -> str:
    """How a command ended, in words: ``exit status 3``, ``signal: killed``."""
    if result.signal is None:
        return f"exit status {result.exit_code}"
    return f"signal: {(signal.strsignal(result.signal) or str(result.signal)).lower()}"
