"""Keeps secrets out of output: every byte that a job prints passes here before it is stored."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, quote_plus, unquote

SHORTEST = 6
"""Shorter values are not looked for: they would blacken ordinary words."""
MASK = b"********"


def _spellings(secret: str) -> set[bytes]:
    raw = secret.encode(errors="surrogatepass")
    return {
        raw,
        unquote(secret).encode(errors="surrogatepass"),  # a password in a URL is kept as it stands there
        *_in_base64(raw),
        quote(secret, safe="").encode(),
        quote_plus(secret).encode(),
        json.dumps(secret)[1:-1].encode(),
        json.dumps(secret, ensure_ascii=False)[1:-1].encode(),
    }


def _in_base64(raw: bytes) -> set[bytes]:
    """What is the same in the base64 of every text that holds `raw`, at each of the three places it may begin at."""
    found = {base64.b64encode(raw).rstrip(b"=")}
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw)
        found.add(whole[(before * 8 + 5) // 6 : (before + len(raw)) * 8 // 6])
    return found | {word.translate(bytes.maketrans(b"+/", b"-_")) for word in found}


class Redactor:
    """Replaces the secrets of one execution, also as base64, URL- and JSON-escaped, wherever a stream was cut."""

    def __init__(self, secrets: Iterable[str]) -> None:
        words = {spelling for secret in secrets if len(secret) >= SHORTEST for spelling in _spellings(secret)}
        # The longest first, so that one secret that contains another goes as a whole.
        self._words = sorted(words, key=len, reverse=True)
        self._pattern = re.compile(b"|".join(map(re.escape, self._words))) if words else None

    def clean(self, data: bytes) -> bytes:
        """`data` without the secrets that stand in it whole."""
        return self._pattern.sub(MASK, data) if self._pattern else data

    def text(self, text: str) -> str:
        return self.clean(text.encode(errors="replace")).decode(errors="replace") if self._pattern else text

    def value(self, value: Any) -> Any:
        """A JSON value without the secrets in its texts, names and numbers; its shape stays whatever they are."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return {self.text(str(name)): self.value(part) for name, part in value.items()}
            case list() | tuple():
                return [self.value(part) for part in value]
            case int() | float() if self.text(written := json.dumps(value)) != written:
                return MASK.decode()
        return value

    def outputs(self, outputs: Mapping[str, Any]) -> dict[str, Any]:
        """An outcome's outputs without the secrets; of its files what the run said of them, not where they lie."""
        said = self.value({name: part for name, part in outputs.items() if name != "files"})
        if "files" in outputs:
            files = outputs["files"]
            said["files"] = {name: [self._file(one) for one in listed] for name, listed in files.items()}
        cleaned: dict[str, Any] = said
        return cleaned

    def _file(self, facts: Mapping[str, Any]) -> dict[str, Any]:
        return dict(facts) | {part: self.value(facts[part]) for part in ("path", "metadata") if part in facts}

    def withheld(self, data: bytes) -> int:
        """How many bytes at the end of `data` may be the beginning of a secret: keep them until more has come."""
        if not self._pattern:
            return 0
        cut = len(data)
        for word in self._words:
            at = data.find(word[:1], max(0, len(data) - len(word) + 1))
            while 0 <= at < cut:
                if word.startswith(data[at:]):
                    cut = at
                at = data.find(word[:1], at + 1)
        if cut < len(data):
            # The end of one secret may look like the beginning of another: a whole one is never cut in two.
            cut = next((m.end() for m in self._pattern.finditer(data) if m.start() < cut < m.end()), cut)
        return len(data) - cut
