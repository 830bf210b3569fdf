"""Texts with fields, as Dkron's settings have them: ``{{ .JobName }}``. Pure.

Dkron takes Go's templates. Here only fields are understood, with or without Go's trimming dashes, and comments; nothing
is ever executed. As there, a text that is wrong is not sent: what is wrong with it is sent in its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

LONGEST = 4 * 1024 * 1024
"""Characters of what a text may become."""
_BLANKS = " \t\r\n"


class _Wrong(Exception):
    """The text is no template; the message says so as Dkron would."""


def render(text: str, fields: Mapping[str, str]) -> str:
    """`text` with `fields` filled in, or, where it is wrong, the message that says why."""
    try:
        return _rendered(text, fields)
    except _Wrong as wrong:
        return str(wrong)


def _rendered(text: str, fields: Mapping[str, str]) -> str:
    parts: list[str] = []
    size = at = 0
    trims = False
    while True:
        start = text.find("{{", at)
        plain = text[at:] if start < 0 else text[at:start]
        plain = plain.lstrip(_BLANKS) if trims else plain
        if start < 0:
            parts.append(plain)
            return "".join(parts)
        line = text.count("\n", 0, start) + 1
        end = text.find("}}", start)
        if end < 0:
            raise _Wrong(f"Failed to parse template: template: report:{line}: unclosed action")
        action = text[start + 2 : end]
        trims_before = action[:1] == "-" and action[1:2] in tuple(_BLANKS)
        trims = action[-1:] == "-" and action[-2:-1] in tuple(_BLANKS)
        action = action[2 if trims_before else 0 : -2 if trims else None].strip(_BLANKS)
        parts.append(plain.rstrip(_BLANKS) if trims_before else plain)
        parts.append(_value(action, fields, line))
        size += len(plain) + len(parts[-1])
        if size > LONGEST:
            raise _Wrong(f"Failed to execute template: the text is longer than {LONGEST:,} characters")
        at = end + 2


def _value(action: str, fields: Mapping[str, str], line: int) -> str:
    if action.startswith("/*") and action.endswith("*/") and len(action) >= 4:
        return ""
    name = action.removeprefix(".")
    if name == action or not name.isidentifier():
        said = action if len(action) <= 60 else action[:60] + "…"
        raise _Wrong(
            f"Failed to parse template: template: report:{line}: only fields such as {{{{ .JobName }}}} are "
            f"understood, not {{{{ {said} }}}}"
        )
    if name not in fields:
        raise _Wrong(
            f'Failed to execute template: template: report:{line}: executing "report" at <.{name[:60]}>: '
            f"can't evaluate field {name[:60]}"
        )
    return fields[name]


def boolean(value: bool) -> str:
    """As Go prints it: receivers compare with ``true``."""
    return "true" if value else "false"


def moment(value: datetime | None) -> str:
    """As Go prints a time: ``2026-11-21 12:00:00.25 +0000 UTC``; of one that is missing the year is 1."""
    if value is None:
        return "0001-01-01 00:00:00 +0000 UTC"
    shown = value.astimezone(UTC)
    fraction = f".{shown.microsecond:06d}".rstrip("0").rstrip(".")
    return f"{shown:%Y-%m-%d %H:%M:%S}{fraction} +0000 UTC"
