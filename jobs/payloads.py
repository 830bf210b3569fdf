"""What the runs of a job are told: configuration and input, checked against the revision that will run."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from errors.exceptions import Invalid
from jobs.models import Payload
from jobtypes import interface
from jobtypes.limits import MAX_CONFIGURATION, MAX_INPUT, Problem, excess
from jobtypes.models import JobTypeRevision

DEFAULTS: Mapping[str, Any] = {"configuration": {}, "input": {"json": {}, "files": {}}}

_ENVIRONMENT = ("env", "secret_env")
"""Where executors keep the environment of a run; it is limited as one."""
_MAX_ENVIRONMENT_NAMES = 100
_MAX_ENVIRONMENT_KIB = 32


def compose(
    revision: JobTypeRevision, configuration: Any, input: Any, present: Payload | None = None, *, lenient: bool = False
) -> tuple[Payload, list[Problem]]:
    """The payload that holds `configuration` and `input`, and what is wrong with them (paths begin with their names).

    Not saved: it is `present` itself where nothing differs from that one. A secret that is sent back as ``********``
    keeps the value that `present` has. `lenient` takes what the revision's schemas refuse, since each run looks again
    (`refusals`); what is too large to be kept, and a mask that stands for nothing, are wrong all the same.
    """
    if problems := [*too_much(configuration=configuration, input=input)]:
        return present or Payload(), problems
    stored = present.secrets if present else {}
    try:
        whole = interface.keep_secrets(revision.configuration_schema, configuration, stored)
    except Invalid as refusal:
        return present or Payload(), [Problem(path, words[0]) for path, words in refusal.fields.items()]
    if not lenient and (problems := refusals(revision, whole, input)):
        return present or Payload(), problems
    public, secrets = interface.split_secrets(revision.configuration_schema, whole)
    made = Payload(configuration=public, secrets=secrets, input=input)
    return (present, []) if present and _tells_the_same(present, made) else (made, [])


def refusals(revision: JobTypeRevision, configuration: Any, input: Any) -> list[Problem]:
    """What `revision` refuses of a configuration, its secrets filled in, and of an input."""
    problems = interface.validate_configuration(revision.configuration_schema, configuration)
    return problems + interface.validate_input(revision.input_schema, input)


def too_much(**given: Any) -> Iterator[Problem]:
    """What of `configuration` and `input` is no object, or larger than the house takes, whatever the job type says."""
    for name, value in given.items():
        if not isinstance(value, dict):
            yield Problem(name, "must be an object")
        elif found := excess(value, name, MAX_CONFIGURATION if name == "configuration" else MAX_INPUT):
            yield found
        elif name == "configuration":
            yield from _crowded([part for key in _ENVIRONMENT if isinstance(part := value.get(key), dict)])


def _crowded(environments: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    variables = [(name, value) for environment in environments for name, value in environment.items()]
    size = sum(len(str(name).encode()) + len(str(value).encode()) for name, value in variables)
    place = f"configuration.{_ENVIRONMENT[0]}"
    if len(variables) > _MAX_ENVIRONMENT_NAMES:
        yield Problem(place, f"must have at most {_MAX_ENVIRONMENT_NAMES} names, not {len(variables)}")
    elif size > _MAX_ENVIRONMENT_KIB * 1024:
        yield Problem(place, f"must not be larger than {_MAX_ENVIRONMENT_KIB} KiB")


def _tells_the_same(one: Payload, other: Payload) -> bool:
    """Compared as JSON: to Python 1 and true are equal."""
    said, meant = ([told.configuration, told.secrets, told.input] for told in (one, other))
    return json.dumps(said, sort_keys=True) == json.dumps(meant, sort_keys=True)
