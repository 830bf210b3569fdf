"""What a job's configuration and input ask to be sent, as a request for `outbound`. Pure.

``$INPUT_X`` and ``${INPUT_X}`` stand for the input value ``x``, named as in a command's environment. It stays one value
wherever it is put: URL-quoted in the URL and in a form, escaped in JSON, refused in a header when it has line breaks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from executions.executors import outbound
from executions.executors.environment import as_text

_PLACEHOLDER = re.compile(r"\$(?:INPUT_(\w+)|\{INPUT_(\w+)\})", re.ASCII)
_JSON_STRING_OR_PLACEHOLDER = re.compile(r'"(?:[^"\\]|\\.)*"|' + _PLACEHOLDER.pattern, re.ASCII)
_UNFIT = re.compile(r"[^A-Z0-9_]")  # in the name of a variable, as executions.executors.environment has them
JSON, FORM, TEXT = "application/json", "application/x-www-form-urlencoded", "text/plain; charset=utf-8"


class NoValue(ValueError):
    """The configuration asks for an input value that is missing or cannot stand where it is asked for."""


def build(configuration: Mapping[str, Any], values: Mapping[str, Any]) -> outbound.Request:
    """The request that `configuration` describes, filled with `values`. Raises NoValue."""
    fill = _Literal(values) if configuration.get("literal") else _Filler(values)
    headers, secret_headers = (
        {name: fill.text(value, as_text) for name, value in (configuration.get(part) or {}).items()}
        for part in ("headers", "secret_headers")
    )
    given = {name.lower(): value for name, value in (headers | secret_headers).items()}.get("content-type")
    body, content_type = _body(configuration.get("body"), given, fill)
    if body is not None and given is None:
        headers["Content-Type"] = content_type
    return outbound.Request(
        method=str(configuration.get("method", "GET")).upper(),
        url=fill.text(configuration["url"], _in_url),
        headers=headers,
        secret_headers=secret_headers,
        body=body,
        timeout=float(configuration.get("timeout", outbound.TIMEOUT)),
        verify_tls=bool(configuration.get("verify_tls", True)),
        certificates=outbound.Certificates(
            configuration.get("tls_certificate"), configuration.get("tls_key"), configuration.get("tls_roots")
        ),
    )


class _Filler:
    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {_UNFIT.sub("_", name.upper()): value for name, value in values.items()}

    def value(self, placeholder: re.Match[str]) -> Any:
        """The input value that a match of `_PLACEHOLDER` stands for."""
        name = placeholder[1] or placeholder[2]
        if name not in self._values:
            raise NoValue(f"the configuration uses INPUT_{name}, which the input does not give")
        return self._values[name]

    def text(self, template: str, write: Callable[[Any], str]) -> str:
        return _PLACEHOLDER.sub(lambda placeholder: write(self.value(placeholder)), template)

    def data(self, template: Any) -> Any:
        """`template` with every string in it filled; one that is nothing but a placeholder becomes the value itself."""
        if isinstance(template, str):
            whole = _PLACEHOLDER.fullmatch(template)
            return self.value(whole) if whole else self.text(template, as_text)
        if isinstance(template, Mapping):
            return {name: self.data(part) for name, part in template.items()}
        return [self.data(part) for part in template] if isinstance(template, list) else template

    def json(self, template: str) -> str:
        """`template`, a text of JSON, filled: within quotes with escaped text, outside of them with a JSON value."""

        def one(found: re.Match[str]) -> str:
            if found[0].startswith('"'):
                return self.text(found[0], lambda value: json.dumps(as_text(value))[1:-1])
            return json.dumps(self.value(found))

        return _JSON_STRING_OR_PLACEHOLDER.sub(one, template)


class _Literal(_Filler):
    """Fills nothing in: what looks like the name of an input is text."""

    def text(self, template: str, write: Callable[[Any], str]) -> str:
        return template

    def data(self, template: Any) -> Any:
        return template

    def json(self, template: str) -> str:
        return template


def _body(template: Any, content_type: str | None, fill: _Filler) -> tuple[bytes | None, str]:
    """The body to send and what to call it when the headers do not."""
    if template is None:
        return None, ""
    if not isinstance(template, str):
        return json.dumps(fill.data(template)).encode(), JSON
    kind = content_type or (JSON if template.lstrip().startswith(("{", "[")) else TEXT)
    if re.search(r"[/+]json\b", kind, re.IGNORECASE):
        text = fill.json(template)
    elif kind.lower().startswith(FORM):
        text = fill.text(template, lambda value: quote_plus(as_text(value), errors="replace"))
    else:
        text = fill.text(template, as_text)
    return text.encode("utf-8", "replace"), kind


def _in_url(value: Any) -> str:
    text = as_text(value)
    if text in (".", ".."):
        raise NoValue(f"the input value {text!r} would change the path of the URL")
    return quote(text, safe="", errors="replace")
