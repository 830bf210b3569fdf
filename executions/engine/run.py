"""One execution from claim to outcome: its work order, its executor, its output, and the request to stop it."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

import structlog

from executions.engine import capacity, seed_order
from executions.engine.finish import Finished
from executions.executors import executor_named
from executions.executors.base import Cleanup, Limits, Outcome, ProcessResult, Stream, WorkOrder
from executions.executors.process.client import Runner, Stop
from executions.failpoints import reached
from executions.models import Execution
from executions.output import Collector
from executions.processors import chain
from executions.processors.base import Ended
from executions.redaction import Redactor
from executions.states import Reason
from jobs.models import Payload
from jobs.payloads import refusals
from jobtypes import interface
from jobtypes.limits import Problem
from jobtypes.models import JobTypeRevision

log = structlog.get_logger(__name__)

HANDED_BACK = "handed back"
LOST = "lost"
"""Why an execution was stopped, besides the words of Reason."""


class Run:
    """A claimed execution in a slot. `perform` is called once, in the slot's thread; `stop` from any thread.

    Making one raises CannotDecrypt when its secrets do not open.
    """

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self.stopped = Stop()
        # All that comes from the database is read here, in the claimer's thread: slots have no connection.
        revision, payload = execution.revision_id, execution.payload_id
        self._problems = _problems(revision, payload)
        self.order = work_order(execution, _revision(revision), _payload(payload))
        self.redactor = Redactor(self.order.secrets)
        self.processors: dict[str, dict[str, str]] = execution.job.processors
        self.output = Collector(execution.pk, self.redactor, keeps_all=bool(self.processors))

    @property
    def id(self) -> int:
        return self.execution.pk

    def stop(self, why: str) -> None:
        """Have it stopped; the first reason given counts."""
        self.stopped.request(why)

    def perform(self, runner: Runner) -> Outcome:
        """Run it to its end. Whatever goes wrong comes back as a failed Outcome."""
        reached("after_start")
        try:
            outcome = self._refusal() or executor_named(self.order.executor).run(self.order, SlotContext(self, runner))
        except Exception as crash:  # the engine's only broad except: code that we did not write runs here
            log.exception("executor crashed", execution=self.id)
            outcome = Outcome.failed("unknown", f"{type(crash).__name__}: {crash}")
        self.output.finish()
        reached("after_perform")
        outcome = self._cleaned(outcome)
        if self.processors and self.stopped.reason not in (HANDED_BACK, LOST):
            self._process(runner, outcome)
        return outcome

    def finished(self, outcome: Outcome, ended: datetime) -> Finished:
        """What the clerk records."""
        why = self.stopped.reason
        handed_back = False
        if outcome.stopped and why == HANDED_BACK:
            handed_back = True
        elif outcome.stopped and why == LOST:
            outcome.stopped, outcome.reason, outcome.error = False, Reason.WORKER_LOST, "worker-lost"
        elif outcome.stopped:
            outcome.reason, outcome.message = why, ""  # the row says already who canceled it
        chunks, stale = self.output.unsaved()
        return Finished(
            self.execution, outcome, ended, self.output.total_bytes, self.output.lost_bytes, chunks, stale, handed_back
        )

    def _process(self, runner: Runner, outcome: Outcome) -> None:
        """Let the job's processors work on the output, and store what they leave of it."""
        order = self.order
        ended = Ended(
            execution=order.execution,
            group=order.group,
            attempt=order.attempt,
            job=order.job,
            host=socket.gethostname(),
            ok=outcome.ok,
            message=outcome.message,
            output=self.output.text(),
        )
        text = chain.replaced(runner, self.processors, ended)
        if text is not None:
            self.output.replace(text)

    def _refusal(self) -> Outcome | None:
        """The failure of what its type's interface refuses: a foreign door may have stored such a thing."""
        if not self._problems:
            return None
        said = "; ".join(f"{problem.path}: {problem.message}" for problem in self._problems[:5])
        part = self._problems[0].path.partition(".")[0].partition("[")[0]
        return Outcome.failed("invalid-input", f"The {part} is refused: {said}")

    def _cleaned(self, outcome: Outcome) -> Outcome:
        if not self.order.secrets:
            return outcome
        text = self.redactor.text
        return replace(
            outcome,
            message=text(outcome.message),
            traceback=text(outcome.traceback) if outcome.traceback else None,
            outputs=self.redactor.outputs(outcome.outputs),
        )


class SlotContext:
    """What the slot offers its executor (executions.executors.base.Context)."""

    def __init__(self, run: Run, runner: Runner) -> None:
        self._run = run
        self._runner = runner

    def write(self, stream: Stream, data: bytes) -> None:
        self._run.output.write(stream, data, time.time())

    def spawn(
        self, argv: list[str], *, env: Mapping[str, str], cwd: str | None = None, stdin: bytes = b"", limits: Limits
    ) -> ProcessResult:
        run = self._run
        return self._runner.spawn(
            argv, env=env, cwd=cwd, stdin=stdin, limits=limits, on_output=run.output.write, stop=run.stopped
        )

    def call(
        self,
        target: str,
        arguments: Mapping[str, Any],
        *,
        env: Mapping[str, str],
        limits: Limits,
        cleanup: Cleanup | None = None,
    ) -> ProcessResult:
        run, write = self._run, self._run.output.write
        return self._runner.call(
            target, arguments, env=env, limits=limits, on_output=write, stop=run.stopped, cleanup=cleanup
        )


def work_order(execution: Execution, revision: JobTypeRevision, payload: Payload) -> WorkOrder:
    """Everything its executor may know of `execution`, with the secrets filled in."""
    job = execution.job
    configuration = interface.merge_secrets(payload.configuration, payload.secrets)
    secrets = tuple(_texts(payload.secrets))
    if execution.job_type.executor == capacity.CONTAINER:
        configuration, of_type = seed_order.configuration(execution, revision, configuration, payload.input)
        secrets += of_type
    return WorkOrder(
        execution=execution.pk,
        group=execution.group,
        attempt=execution.attempt,
        job=job.name,
        job_type=execution.job_type.name,
        version=execution.job_type.version,
        executor=execution.job_type.executor,
        configuration=configuration,
        input=payload.input,
        manifest=revision.manifest,
        scheduled_for=execution.scheduled_for,
        limits=Limits(seconds=job.timeout or revision.manifest.get("job", {}).get("timeout") or 3600),
        secrets=secrets,
    )


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []


# Revisions and payloads never change: a worker reads each once.
@lru_cache(maxsize=512)
def _revision(key: int) -> JobTypeRevision:
    return JobTypeRevision.objects.get(pk=key)


@lru_cache(maxsize=2048)
def _payload(key: int) -> Payload:
    return Payload.objects.get(pk=key)


@lru_cache(maxsize=2048)
def _problems(revision: int, payload: int) -> list[Problem]:
    """What of the payload the revision's interface refuses."""
    told = _payload(payload)
    configuration = interface.merge_secrets(told.configuration, told.secrets)
    return refusals(_revision(revision), configuration, dict(told.input))
