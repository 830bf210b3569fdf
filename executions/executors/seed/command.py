"""A manifest's command as the words that the image's entry point gets. Pure.

The text is split at blanks first and filled in afterwards, so a value is never more than a part of one word. Filled in
are ``$NAME``, ``${NAME}`` and ``${NAME/#/prefix}``; blanks in a prefix, which is the manifest's, do part words.
A declared name without a value vanishes, prefix and all; a name that nobody declared stays as typed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping

_PLACEHOLDER = re.compile(
    r"\$(?:\{(?P<braced>[A-Za-z0-9_-]+)(?:/#/(?P<prefix>[^{}]*))?\}|(?P<bare>[A-Za-z_][A-Za-z0-9_]*))"
)
_WORD = re.compile(r"(?:" + re.sub(r"\?P<\w+>", "?:", _PLACEHOLDER.pattern) + r"|\S)+")


def words(command: str, values: Mapping[str, str], declared: Collection[str]) -> list[str]:
    """The words of `command`. `values` holds what may be filled in; `declared` are the names that vanish without."""
    return [word for template in _WORD.findall(command) for word in _filled(template, values, declared)]


def _filled(template: str, values: Mapping[str, str], declared: Collection[str]) -> Iterator[str]:
    """The words that one word of the template becomes: one as a rule; none when nothing is left of it."""
    word: str | None = None
    for piece in _pieces(template, values, declared):
        if piece is None:  # a blank in a prefix
            if word is not None:
                yield word
            word = None
        else:
            word = (word or "") + piece
    if word is not None:
        yield word


def _pieces(template: str, values: Mapping[str, str], declared: Collection[str]) -> Iterator[str | None]:
    end = 0
    for found in _PLACEHOLDER.finditer(template):
        if found.start() > end:
            yield template[end : found.start()]
        end = found.end()
        name = found["braced"] or found["bare"]
        if name in values:
            yield from _split(found["prefix"] or "")
            yield values[name]
        elif name not in declared:
            yield from _split(found[0])
    if end < len(template):
        yield template[end:]


def _split(text: str) -> Iterator[str | None]:
    """The words of `text`, with None where blanks part them, or stand at its ends."""
    for part in re.findall(r"\s+|\S+", text):
        yield None if part.isspace() else part
