"""The shell executor's settings: command, shell, env, cwd, timeout, mem_limit, payload, su."""

from __future__ import annotations

import base64
import json
import math
import shlex
from collections.abc import Mapping
from typing import Any

from config.dialects.dkron import goes
from config.dialects.dkron.executors.shape import Told

_SAME = ("command", "cwd")
OWN_NAME = "ENV_JOB_NAME"
"""What a command finds its job's name under."""


def translate(config: Mapping[str, str], job: str) -> Told:
    """What a shell job is told. A duration or size that is none has been refused before."""
    configuration: dict[str, Any] = {name: config[name] for name in _SAME if config.get(name)}
    if goes.boolean(config.get("shell", "")):
        configuration["shell"] = True
    else:
        configuration["literal"] = True
    configuration["env"] = {**_environment(config.get("env", "")), OWN_NAME: job}
    timeout = None
    if config.get("timeout"):
        seconds = goes.duration(config["timeout"])
        configuration["timeout"] = float(seconds)
        timeout = math.ceil(seconds) if seconds > 0 else None
    if config.get("mem_limit"):
        configuration["memory_limit"] = goes.mebibytes(goes.size(config["mem_limit"]))
    if config.get("payload"):
        configuration["stdin_base64"] = config["payload"]
    if config.get("su"):
        configuration["user"] = config["su"]
    return Told("shell", configuration, dict(config), timeout)


def _environment(text: str) -> dict[str, str]:
    """``K=V,K2=V2``; an entry without a sign of equality names nothing."""
    entries = (entry.partition("=") for entry in text.split(",") if "=" in entry)
    return {name.strip(): value for name, _, value in entries}


def read(configuration: Mapping[str, Any]) -> dict[str, str]:
    """The same the other way, as far as Dkron has words for it."""
    command = configuration.get("command", "")
    config = {"command": command if isinstance(command, str) else shlex.join(map(str, command))}
    if configuration.get("shell"):
        config["shell"] = "true"
    env = {**(configuration.get("env") or {}), **(configuration.get("secret_env") or {})}
    env.pop(OWN_NAME, None)
    if env:
        config["env"] = ",".join(f"{name}={value}" for name, value in env.items())
    if configuration.get("cwd"):
        config["cwd"] = configuration["cwd"]
    if configuration.get("timeout"):
        config["timeout"] = f"{configuration['timeout']:g}s"
    if configuration.get("memory_limit"):
        config["mem_limit"] = f"{configuration['memory_limit']}MB"
    if configuration.get("stdin_base64"):
        config["payload"] = configuration["stdin_base64"]
    elif configuration.get("stdin"):
        config["payload"] = base64.b64encode(configuration["stdin"].encode()).decode()
    if configuration.get("user"):
        config["su"] = configuration["user"]
    return config


def as_text(value: Any) -> str:
    """A value of a configuration where only texts are known."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
