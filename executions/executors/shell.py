"""The shell executor: runs a command, as a list of words or as a text for /bin/sh.

    shell: false   the text is split into words first, as a shell would; then $NAME and ${NAME} inside a word are filled
                   in. One placeholder never becomes two words, whatever its value holds, and nothing else is special.
    shell: true    the text goes to `/bin/sh -c` unchanged; the same names are environment variables there.

    literal: true  without a shell: the words as they stand, nothing filled in; what follows an unquoted ; & | < or > is
                   left out (as Dkron reads a command)

A value never becomes part of a shell's text, and a secret never part of a command line.
"""

from __future__ import annotations

import base64
import binascii
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, TypeVar

from executions.executors import endings, environment
from executions.executors.base import Context, Executor, Limits, Outcome, WorkOrder

MAX_COMMAND = 64 * 1024  # characters
MAX_NAMES = 100
MAX_ENVIRONMENT = 32 * 1024  # bytes of configured names and values
_PLACEHOLDER = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_NAME = re.compile(environment.NAME_PATTERN)
_PART = re.compile(r"\\.|'[^']*'|\"(?:[^\"\\]|\\.)*\"|[^\\'\"]", re.DOTALL)
"""A character of a command, an escaped one, or a quoted text."""
_USER = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_][A-Za-z0-9_.-]*)?$"
Number = TypeVar("Number", int, float)
_VARIABLES: dict[str, Any] = {
    "type": "object",
    "maxProperties": MAX_NAMES,
    "propertyNames": {"pattern": environment.NAME_PATTERN},
    "additionalProperties": {"type": "string", "maxLength": MAX_ENVIRONMENT},
}


class Unusable(Exception):
    """The configuration cannot be run as it stands; the message says why, in one line for people."""


class Misread(Unusable):
    """It never can be: a text in it is not what it has to be."""


@dataclass(frozen=True, slots=True)
class Variables:
    """The names a command knows."""

    environment: dict[str, str]
    """All of them."""
    fillable: dict[str, str]
    """Those that may stand on a command line."""


class ShellExecutor(Executor):
    """Runs a command in a family of processes of its own; exit status 0 is success."""

    name: ClassVar[str] = "shell"
    title: ClassVar[str] = "Shell command"
    description: ClassVar[str] = "Runs a command on a worker. Whoever may edit such a job runs code there."
    configuration_schema: ClassVar[Mapping[str, Any]] = {
        "type": "object",
        "required": ["command"],
        "additionalProperties": False,
        "properties": {
            "command": {
                "title": "Command",
                "description": "What to run; $INPUT_NAME, $JOB_NAME and the names of the environment are filled in.",
                "anyOf": [
                    {"type": "string", "minLength": 1, "maxLength": MAX_COMMAND},
                    {
                        "type": "array",
                        "minItems": 1,
                        "maxItems": 1000,
                        "items": {"type": "string", "maxLength": MAX_COMMAND},
                    },
                ],
            },
            "shell": {
                "title": "Through a shell",
                "description": "Give the text to /bin/sh, which knows pipes, wildcards and variables.",
                "type": "boolean",
                "default": False,
            },
            "literal": {
                "title": "Words as they stand",
                "description": "Without a shell: fill nothing in, and leave out what follows an unquoted ; & | < or >.",
                "type": "boolean",
                "default": False,
            },
            "env": {"title": "Environment", **_VARIABLES},
            "secret_env": {
                "title": "Secret environment",
                "description": "Like the environment, but encrypted, never shown and never filled into the command.",
                "writeOnly": True,
                **_VARIABLES,
            },
            "cwd": {
                "title": "Working folder",
                "description": "Unset: a private folder that is removed after the run.",
                "type": "string",
                "pattern": "^/",
                "maxLength": 4096,
            },
            "stdin": {"title": "Standard input", "type": "string", "maxLength": MAX_COMMAND},
            "stdin_base64": {
                "title": "Standard input in base64",
                "description": "Bytes, in place of a standard input that is text.",
                "type": "string",
                "maxLength": MAX_COMMAND,
            },
            "user": {
                "title": "Run as",
                "description": "A user, or user:group. Only a worker that runs as root can.",
                "type": "string",
                "pattern": _USER,
                "maxLength": 100,
            },
            "timeout": {
                "title": "Time limit",
                "description": "Seconds; the job's own time limit holds if it is lower.",
                "type": "number",
                "exclusiveMinimum": 0,
                "maximum": 7 * 24 * 3600,
            },
            "memory_limit": {
                "title": "Memory limit",
                "description": "MiB that all processes of the command may use together.",
                "type": "integer",
                "minimum": 1,
            },
        },
    }

    def run(self, order: WorkOrder, context: Context) -> Outcome:
        """Run the configured command to its end; a configuration that cannot run is a failure to launch."""
        configuration = order.configuration
        try:
            variables = gather(order)
            argv = command_line(configuration, variables.fillable)
            stdin = standard_input(configuration)
            refuse_nul(argv, variables.environment)
        except Misread as error:
            return Outcome.failed("invalid-input", str(error))
        except Unusable as error:
            return Outcome.failed("task-launch", str(error))
        result = context.spawn(
            argv,
            env=variables.environment,
            cwd=configuration.get("cwd") or None,
            stdin=stdin,
            limits=narrowed(order.limits, configuration),
        )
        return endings.outcome(result)


def gather(order: WorkOrder) -> Variables:
    """The names that `order`'s command knows. What tells runs apart and their input is never overridden."""
    configured = _configured(order.configuration, "env")
    secret = _configured(order.configuration, "secret_env")
    if len(configured) + len(secret) > MAX_NAMES:
        raise Unusable(f"The environment has more than {MAX_NAMES} names")
    size = sum(len(f"{name}={value}".encode("utf-8", "replace")) for name, value in (configured | secret).items())
    if size > MAX_ENVIRONMENT:
        raise Unusable(f"The environment is larger than {MAX_ENVIRONMENT // 1024} KiB")
    own = environment.identity(order) | environment.inputs(order)
    plain = {name: value for name, value in configured.items() if name not in secret} | own
    return Variables(
        environment=environment.standing() | configured | secret | own,
        fillable={name: value for name, value in plain.items() if not _holds_secret(value, order.secrets)},
    )


def _configured(configuration: Mapping[str, Any], key: str) -> dict[str, str]:
    found = configuration.get(key) or {}
    if not isinstance(found, Mapping):
        raise Unusable(f"{key} is not an object of names and values")
    wrong = next((name for name in found if not _NAME.match(str(name))), None)
    if wrong is not None:
        raise Unusable(f"Not a name for the environment: {wrong!r}")
    return {name: environment.as_text(value) for name, value in found.items()}


def _holds_secret(value: str, secrets: Sequence[str]) -> bool:
    return any(secret in value for secret in secrets if secret)


def command_line(configuration: Mapping[str, Any], variables: Mapping[str, str]) -> list[str]:
    """The words to start for all that `configuration` says. Raises Unusable."""
    command, shell = configuration.get("command"), bool(configuration.get("shell"))
    argv = literal(command) if configuration.get("literal") and not shell else compose(command, shell, variables)
    user, _, group = str(configuration.get("user") or "").partition(":")
    return [*_as_user(user, group), *argv] if user else argv


def _as_user(user: str, group: str) -> list[str]:
    """The words that let a command run as somebody else, with that user's groups or with one group only."""
    if group:
        return ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--"]
    return ["runuser", "-u", user, "--"]


def standard_input(configuration: Mapping[str, Any]) -> bytes:
    """What the command reads. Raises Misread."""
    coded = configuration.get("stdin_base64")
    if not coded:
        return str(configuration.get("stdin") or "").encode("utf-8", "replace")
    try:
        return base64.b64decode(coded, validate=True)
    except (binascii.Error, ValueError):
        raise Misread("The standard input is not base64") from None


def literal(command: Any) -> list[str]:
    """The words of a command up to the first operator of a shell, with nothing filled in. Raises Misread."""
    if not isinstance(command, str):
        return compose(command, False, {})
    try:
        words = shlex.split(_before_operator(command))
    except ValueError as error:
        raise Misread(f"The command cannot be split into words: {error}") from error
    if not words or not words[0]:
        raise Misread("The command is empty")
    return words


def _before_operator(command: str) -> str:
    """`command` up to its first unquoted operator. Raises ValueError for a bare parenthesis."""
    for part in _PART.finditer(command):
        if part[0] in ("(", ")"):
            raise ValueError("it holds a bare parenthesis")
        if part[0] in (";", "&", "|", "<", ">"):
            before = command[: part.start()]
            return re.sub(r"(?:(?<=\s)|^)[0-9]\S*$", "", before) if part[0] == ">" else before  # 2>file
    return command


def compose(command: Any, shell: bool, variables: Mapping[str, str]) -> list[str]:
    """The words to start. Raises Unusable."""
    if shell:
        if not isinstance(command, str) or not command.strip():
            raise Unusable("The command for the shell is empty or not a text")
        return ["/bin/sh", "-c", command]
    words = [fill(word, variables) for word in split(command)]
    if not words or not words[0]:
        raise Unusable("The command is empty")
    return words


def split(command: Any) -> list[str]:
    """The words of a command that is a text or already a list of them. Raises Unusable."""
    if isinstance(command, str):
        try:
            return shlex.split(command)
        except ValueError as error:
            raise Unusable(f"The command cannot be split into words: {error}") from error
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        return command
    raise Unusable("The command is neither a text nor a list of texts")


def fill(word: str, variables: Mapping[str, str]) -> str:
    """`word` with each $NAME and ${NAME} of a known name replaced by its value; an unknown one stays as typed."""
    return _PLACEHOLDER.sub(lambda found: variables.get(found[1] or found[2], found[0]), word)


def refuse_nul(argv: Sequence[str], variables: Mapping[str, str]) -> None:
    """Raises Unusable when a word or a value contains a NUL character, which would cut it short."""
    if any("\0" in word for word in argv):
        raise Unusable("The command contains a NUL character")
    wrong = next((name for name, value in variables.items() if "\0" in value), None)
    if wrong is not None:
        raise Unusable(f"The value of {wrong} contains a NUL character")


def narrowed(limits: Limits, configuration: Mapping[str, Any]) -> Limits:
    """`limits`, lowered by what the configuration asks for, never lifted."""
    memory = configuration.get("memory_limit")
    return replace(
        limits,
        seconds=_lower(limits.seconds, configuration.get("timeout")),
        memory=_lower(limits.memory, memory * 1024 * 1024 if memory else None),
    )


def _lower(first: Number | None, second: Number | None) -> Number | None:
    return min((limit for limit in (first, second) if limit), default=None)
