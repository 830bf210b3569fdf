"""A JSON body, within limits: what is malformed, too deep or too large is refused before anybody looks at it."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import JSONParser

_STRING = re.compile(r'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_SURROGATE = re.compile("[\ud800-\udfff]")


class TooLarge(APIException):
    """The body is larger than the limit."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."
    default_code = "too_large"


class StrictJSONParser(JSONParser):
    """JSON in UTF-8. Of a key that is repeated the last one wins.

    Refused with 400: what is no JSON, nesting deeper than `max_depth`, more than `max_keys` keys (or objects and
    arrays), a number of more than `max_digits` digits or beyond what a float holds, NaN and Infinity, text with a NUL
    or half a surrogate pair. Refused with 413: a body of more bytes than DATA_UPLOAD_MAX_MEMORY_SIZE.
    """

    max_depth = 64
    max_keys = 10_000
    max_digits = 40

    def parse(
        self, stream: IO[bytes], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = self.max_bytes()
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"The body is larger than {limit} bytes.")
        return self.loads(body)

    def max_bytes(self) -> int:
        return settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 1_048_576

    def loads(self, body: bytes) -> Any:
        """The value that `body` holds. Raises ParseError."""
        try:
            text = body.removeprefix(codecs.BOM_UTF8).decode()
        except UnicodeDecodeError as error:
            refuse(f"the body is not UTF-8 (byte {error.start})")
        self._refuse_crowds(text)
        try:
            value = json.loads(
                text, parse_int=self._integer, parse_float=self._float, parse_constant=self._refuse_constant
            )
        except RecursionError:
            refuse(f"nested deeper than {self.max_depth} levels")
        except ValueError as error:
            refuse(str(error))
        self._check(value)
        return value

    def _refuse_crowds(self, text: str) -> None:
        """Refuse before parsing what would take many times its own size in memory."""
        if text.count("[") + text.count("{") > self.max_keys:
            bare = _STRING.sub("", text)
            if bare.count("[") + bare.count("{") > self.max_keys:
                refuse(f"more than {self.max_keys} objects and arrays")

    def _integer(self, text: str) -> int:
        self._refuse_long(text)
        return int(text)

    def _float(self, text: str) -> float:
        self._refuse_long(text)
        value = float(text)
        if value in (float("inf"), float("-inf")):
            refuse(f"the number {text} is out of range")
        return value

    def _refuse_long(self, text: str) -> None:
        if len(text) > self.max_digits and sum(character.isdigit() for character in text) > self.max_digits:
            refuse(f"a number has more than {self.max_digits} digits")

    def _refuse_constant(self, name: str) -> NoReturn:
        refuse(f"{name} is not a JSON value")

    def _check(self, value: Any) -> None:
        keys = 0
        waiting = [(value, 1)]
        while waiting:
            item, depth = waiting.pop()
            if isinstance(item, str):
                self._check_text(item)
                continue
            if not isinstance(item, (dict, list)):
                continue
            if depth > self.max_depth:
                refuse(f"nested deeper than {self.max_depth} levels")
            if isinstance(item, dict):
                keys += len(item)
                if keys > self.max_keys:
                    refuse(f"more than {self.max_keys} keys")
                for key in item:
                    self._check_text(key)
            below = item.values() if isinstance(item, dict) else item
            waiting.extend((child, depth + 1) for child in below if isinstance(child, (str, dict, list)))

    def _check_text(self, text: str) -> None:
        if "\x00" in text:
            refuse("a NUL character is not allowed in text")
        if not text.isascii() and _SURROGATE.search(text):
            refuse("text holds half a surrogate pair")


def refuse(why: str) -> NoReturn:
    raise ParseError(f"JSON parse error - {why}")
