"""The http executor's settings: method, url, headers, body, timeout, expectCode, expectBody, debug, tls….

What Dkron only warns about (headers that are no JSON, a timeout that is no number) goes on, with a line before the
answer. Headers that carry credentials are kept as secrets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from config.dialects.dkron.executors.shape import Told
from executions.executors.http import CONFIGURATION_SCHEMA
from jobtypes.secrets import MASK, split_secrets

TIMEOUT = 30  # seconds
_SECRET = re.compile(r"auth|cookie|token|secret|passw|credential|api-?key", re.IGNORECASE)
_FILES = {"tlsCertificateFile": "tls_certificate", "tlsCertificateKeyFile": "tls_key", "tlsRootCAsFile": "tls_roots"}
_ANY_STATUS = ["100-599"]
Pairs = list[tuple[str, str]]


def translate(config: Mapping[str, str], job: str) -> Told:
    """What an http job is told."""
    shown = dict(config)
    shown |= split_secrets(CONFIGURATION_SCHEMA, {"url": config["url"]})[0] if config.get("url") else {}
    headers, wrong = _headers(config.get("headers", ""))
    if any(_SECRET.search(name) for name, _ in headers):
        shown["headers"] = _masked(headers)
    lines = [wrong] if wrong else []
    configuration: dict[str, Any] = {
        "method": config.get("method", "").upper(),
        "url": config.get("url", ""),
        "headers": {name: value for name, value in headers if not _SECRET.search(name)},
        "secret_headers": {name: value for name, value in headers if _SECRET.search(name)},
        "timeout": TIMEOUT,
        "expected_status": _codes(config.get("expectCode", "")),
        "follow_redirects": True,
        "literal": True,
        "body_only": True,
    }
    if said := config.get("timeout"):
        if re.fullmatch(r"[0-9]{1,9}", said, re.ASCII):
            configuration["timeout"] = int(said) or TIMEOUT
        else:
            lines.append(f"timeout {said[:40]!r} is no number of seconds: {TIMEOUT} s are allowed")
    if config.get("body"):
        configuration["body"] = config["body"]
    if config.get("expectBody"):
        configuration["expected_body"] = config["expectBody"]
    if config.get("tlsNoVerifyPeer") == "true":
        configuration["verify_tls"] = False
    configuration |= {ours: config[theirs] for theirs, ours in _FILES.items() if config.get(theirs)}
    if config.get("debug"):
        lines.append(json.dumps(shown, ensure_ascii=False, sort_keys=True))  # a database may keep another order
    if lines:
        configuration["preface"] = "\n".join(lines)
    return Told("http", configuration, shown)


def _headers(text: str) -> tuple[Pairs, str]:
    """The headers of a JSON list of ``Name: value``, and what is wrong with the text, if anything is."""
    if not text:
        return [], ""
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        return [], "headers: this is no JSON list of texts, and none were sent"
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        return [], "headers: this is no JSON list of texts, and none were sent"
    parted = (entry.partition(":") for entry in entries)
    pairs = {name.strip(): value.strip() for name, colon, value in parted if colon}
    unread = [entry[:40] for entry in entries if ":" not in entry and not _SECRET.search(entry)]
    return list(pairs.items()), f"headers: without a colon, and not sent: {', '.join(unread)}" if unread else ""


def _masked(headers: Pairs) -> str:
    return json.dumps(
        [f"{name}: {MASK if _SECRET.search(name) else value}" for name, value in headers], ensure_ascii=False
    )


def revealed(text: str, whole: Mapping[str, Any]) -> str:
    """A masked list of headers with the secrets of the `whole` configuration in their places."""
    headers, _ = _headers(text)
    secrets = whole.get("secret_headers") or {}
    return json.dumps([f"{name}: {secrets.get(name, value)}" for name, value in headers], ensure_ascii=False)


def _codes(text: str) -> list[int | str]:
    """``200,206``; without a word every answer is what was expected."""
    codes = [word.strip() for word in text.split(",") if word.strip()]
    return [int(code) if re.fullmatch(r"[0-9]{1,9}", code, re.ASCII) else code for code in codes] or [*_ANY_STATUS]


def read(configuration: Mapping[str, Any]) -> dict[str, str]:
    """The same the other way, as far as Dkron has words for it."""
    body = configuration.get("body")
    headers = {**(configuration.get("headers") or {}), **(configuration.get("secret_headers") or {})}
    codes = configuration.get("expected_status") or range(200, 300)
    said = {
        "method": configuration.get("method", "GET"),
        "url": configuration.get("url", ""),
        "headers": json.dumps([f"{name}: {value}" for name, value in headers.items()]) if headers else "",
        "body": body if isinstance(body, str) or body is None else json.dumps(body),
        "timeout": str(int(configuration["timeout"])) if configuration.get("timeout") else "",
        "expectCode": "" if list(codes) == _ANY_STATUS else ",".join(map(str, codes)),
        "expectBody": configuration.get("expected_body"),
        "tlsNoVerifyPeer": "true" if configuration.get("verify_tls") is False else "",
        **{theirs: configuration.get(ours) for theirs, ours in _FILES.items()},
    }
    return {name: value for name, value in said.items() if value}
