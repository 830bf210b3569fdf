"""Dkron's executors, each told by a map of texts, and the house's, each told by a configuration; pure.

    translate(executor, map, job)   what a client sent -------> the system job type and its configuration
    told(job)                       what a job of ours is told -> the executor and its map, in Dkron's words

An executor without a module here takes its map as it is: the senders of messages, whose settings have Dkron's names,
and whatever another package adds. One that nobody knows is stored all the same, and its runs fail and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from config.dialects.dkron.executors import http, shell
from config.dialects.dkron.executors.shape import Told
from executions.executors import executors
from jobs.models import Job
from jobtypes.secrets import MASK, merge_secrets, split_secrets

ABSENT = "absent"
NOT_FOR_DKRON = frozenset({ABSENT, "task", "container"})
"""Executors that are not told by a job, or not in texts."""

Translator = Callable[[Mapping[str, str], str], Told]
_TRANSLATORS: Mapping[str, Translator] = {"shell": shell.translate, "http": http.translate}
_READERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, str]]] = {"shell": shell.read, "http": http.read}


@dataclass(frozen=True, slots=True)
class Said:
    """What a Dkron job says about its work: its executor, and the settings of that."""

    executor: str
    config: dict[str, str]


def translate(said: Said, job: str) -> Told:
    """What `said` means here, for the job of that name. Of a map with masked secrets, with the same masks."""
    installed = executors()
    if said.executor in installed and said.executor not in NOT_FOR_DKRON:
        own = _TRANSLATORS.get(said.executor)
        return own(said.config, job) if own else _as_it_is(said, installed[said.executor].configuration_schema)
    return Told(ABSENT, {"executor": said.executor[:250]}, said.config)


def _as_it_is(said: Said, schema: Mapping[str, Any]) -> Told:
    known = schema.get("properties", {})
    is_open = schema.get("additionalProperties", True) is not False
    configuration = {name: value for name, value in said.config.items() if is_open or name in known}
    return Told(said.executor, configuration, split_secrets(schema, said.config)[0])


def told(job: Job) -> Said:
    """What `job`, with its payload loaded, is told, in Dkron's words: its client's while they hold, otherwise ours."""
    kept = job.foreign.get("dkron") or {}
    if "executor" in kept:
        said = Said(kept["executor"], kept["executor_config"])
        meant = translate(said, job.name)
        if meant.job_type == job.job_type.name and meant.configuration == job.payload.configuration:
            return said
    read = _READERS.get(job.job_type.executor, _texts)
    return Said(job.job_type.name, read(job.payload.configuration))


def revealed(job: Job) -> dict[str, str]:
    """The map of `job`, with its payload's secrets loaded, and with these in the places of their masks."""
    said = told(job)
    if not job.payload.secrets:
        return said.config
    whole = merge_secrets(job.payload.configuration, job.payload.secrets)
    of_ours = _READERS.get(job.job_type.executor, _texts)(whole)
    if MASK in said.config.get("headers", "") and job.job_type.executor == "http":
        of_ours["headers"] = http.revealed(said.config["headers"], whole)
    return {name: of_ours.get(name, value) if MASK in value else value for name, value in said.config.items()}


def _texts(configuration: Mapping[str, Any]) -> dict[str, str]:
    return {name: shell.as_text(value) for name, value in configuration.items()}
