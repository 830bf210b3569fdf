"""What the executors that send one message have in common (rabbitmq, kafka, nats).

    run (the slot's thread) --> perform (a forked child) --> send (the executor's own function, its client library)

The client runs in a process of its own, so that a time limit, a cancel and a crash end it as they end any job, and
behind a fence, so that no broker leads it to an address that OUTBOUND_ALLOW does not list. Optional libraries are
imported there and nowhere else.

Keys and values of a configuration are those of Dkron's executors of the same names, so that its string maps are taken
as they are: numbers and switches may also be given as texts (``"30"``, ``"true"``). In a message `$INPUT_NAME` and
`$JOB_RUN_ID` and its like are filled in, as in a command.
"""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from executions.executors import endings, environment
from executions.executors.addresses import Allowed
from executions.executors.base import Context, Executor, Outcome, WorkOrder
from executions.executors.fence import Fence, Unresolved
from executions.executors.outbound import Forbidden
from executions.executors.shell import fill
from jobtypes.secrets import split_secrets

TIMEOUT = 30.0  # seconds for connecting, sending and hearing that it arrived
MARGIN = 5.0  # seconds for starting and importing, on top of that
MAX_TIMEOUT = 3600
MAX_MESSAGE = 64 * 1024  # characters
TRUE = frozenset({"1", "t", "true"})
_NUMBER = re.compile(r"[0-9]{1,4}(\.[0-9]{1,3})?")

SWITCH: dict[str, Any] = {"enum": [True, False, "true", "false", "1", "0", "t", "f", "T", "F", "TRUE", "FALSE", ""]}
LINE: dict[str, Any] = {"type": "string", "maxLength": 1024}
TEXT: dict[str, Any] = {"type": "string", "maxLength": MAX_MESSAGE}
SECRET: dict[str, Any] = {"type": "string", "maxLength": 1024, "writeOnly": True}
COMMON: dict[str, Any] = {
    "timeout": {
        "title": "Time limit of sending",
        "description": "Seconds for everything together: connecting, sending, hearing that it arrived.",
        "anyOf": [
            {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_TIMEOUT},
            {"type": "string", "pattern": f"^{_NUMBER.pattern}$"},
        ],
        "default": TIMEOUT,
    },
    "debug": {
        "title": "Show the configuration",
        "description": "Any text but an empty one prints the configuration, without secrets, before sending.",
        "type": ["boolean", "string"],
        "default": False,
    },
}
"""Properties that every executor of this kind has."""


class Unusable(Exception):
    """The configuration can never be sent as it stands; the message says why, in one line for people."""


class NotInstalled(Exception):
    """An optional library is missing."""

    def __init__(self, extra: str) -> None:
        super().__init__(f"This executor needs a library that is not installed: pip install jobhouse[{extra}]")


class NotSent(Exception):
    """The broker did not take the message; says why, in one line for people."""


class MessageExecutor(Executor):
    """Sends one message. `filled` are the settings in which input values are filled in."""

    filled: ClassVar[tuple[str, ...]] = ()

    @staticmethod
    @abstractmethod
    def send(configuration: Mapping[str, Any], fence: Fence, seconds: float) -> dict[str, Any]:
        """Send the message within `seconds`; what is returned are the run's outputs. Runs in the child.

        Raises Unusable, NotInstalled, NotSent, or whatever the client library raises.
        """

    def run(self, order: WorkOrder, context: Context) -> Outcome:
        """Send it in the slot's runner. That a broker does not take it in time is the job's own failure."""
        known = environment.identity(order) | environment.inputs(order)
        given = {
            name: fill(value, known) if name in self.filled and isinstance(value, str) else value
            for name, value in order.configuration.items()
        }
        try:
            within = seconds(given.get("timeout"))
        except Unusable as error:
            return Outcome.failed("invalid-input", str(error))
        limit = within + MARGIN if order.limits.seconds is None else min(within + MARGIN, order.limits.seconds)
        result = context.call(
            f"{__name__}:perform",
            {"executor": f"{type(self).__module__}:{type(self).__qualname__}", "configuration": given},
            env=environment.standing() | environment.identity(order),
            limits=replace(order.limits, seconds=limit),
        )
        outcome = endings.outcome(result)
        if not outcome.ok:
            return outcome
        answer = result.value if isinstance(result.value, dict) else {}
        if failure := answer.get("failure"):
            reason = "timeout" if failure["error"] == "timeout" else None
            return replace(outcome, ok=False, exit_code=None, reason=reason, **failure)
        return replace(outcome, outputs={"json": answer, "files": {}})


def perform(executor: str, configuration: dict[str, Any]) -> dict[str, Any]:
    """In the child: send, behind a fence. Returns the outputs, or ``{"failure": {"error", "message"}}``."""
    module, _, name = executor.partition(":")
    kind: type[MessageExecutor] = getattr(import_module(module), name)
    fence = Fence(Allowed.parse(settings.OUTBOUND_ALLOW))
    within = seconds(configuration.get("timeout"))
    if configuration.get("debug"):
        shown, _ = split_secrets(kind.configuration_schema, configuration)
        print(json.dumps(shown, ensure_ascii=False, indent=2))
    try:
        with fence:
            return kind.send(configuration, fence, within)
    except Exception as error:  # noqa: BLE001 -- a client library raises what it likes; it is the run's failure
        return {"failure": failure(fence.refused or error, within)}


def failure(error: Exception, within: float) -> dict[str, str]:
    """Name and message of what went wrong."""
    match error:
        case Unusable():
            return {"error": "invalid-input", "message": str(error)}
        case NotInstalled():
            return {"error": "task-launch", "message": str(error)}
        case NotSent() | Forbidden() | Unresolved():
            return {"error": "algorithm-unknown", "message": str(error)}
    if _is_late(error):
        return {"error": "timeout", "message": f"the message was not taken within {within:g} s"}
    kind, said = type(error).__name__, " ".join(str(error).split()) or "no reason given"
    return {"error": "algorithm-unknown", "message": (said if said.startswith(kind) else f"{kind}: {said}")[:480]}


def _is_late(error: BaseException | None) -> bool:
    """Whether time was up; libraries raise errors of their own, some because of the true one."""
    while error is not None:
        if isinstance(error, TimeoutError) or type(error).__name__.endswith("TimeoutError"):
            return True
        error = error.__cause__
    return False


def seconds(value: Any) -> float:
    """A time limit that may be given as a text; the usual one where none is given. Raises Unusable."""
    if value in (None, ""):
        return TIMEOUT
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        raise Unusable("timeout is not a number of seconds")
    if isinstance(value, bool) or not isinstance(value, (int, float, str)) or not 0 < float(value) <= MAX_TIMEOUT:
        raise Unusable(f"timeout is not between 0 and {MAX_TIMEOUT} seconds")
    return float(value)


def switch(value: Any) -> bool:
    """Whether a switch is on: true, or a text that Go reads as true."""
    return value.lower() in TRUE if isinstance(value, str) else bool(value)


def text(configuration: Mapping[str, Any], name: str, *, required: bool = False) -> str:
    """A setting that is a text, empty where it is not given. Raises Unusable."""
    value = configuration.get(name)
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise Unusable(f"{name} is not a text")
    if required and not value.strip():
        raise Unusable(f"{name} is empty")
    return value


def address(configuration: Mapping[str, Any], name: str, schemes: tuple[str, ...]) -> SplitResult:
    """The URL in the setting `name`, of one of `schemes` and with a host. Raises Unusable, which never repeats it."""
    try:
        url = urlsplit(text(configuration, name, required=True).strip())
        usable = url.scheme in schemes and url.hostname and (url.port is None or url.port > 0)
    except ValueError:
        usable = None
    if not usable:
        raise Unusable(f"{name} is not a URL with a host that begins with {' or '.join(f'{s}://' for s in schemes)}")
    return url


def library(name: str, extra: str) -> ModuleType:
    """An optional library. Raises NotInstalled."""
    try:
        return import_module(name)
    except ImportError:
        raise NotInstalled(extra) from None
