"""Secrets at rest: one JSON field that is a Fernet token in the database, under the keys of ENCRYPTION_KEYS.

To rotate: put a new key first, restart, `rotate` every column (`manage.py rotate_keys`), take the old key away.
"""

from __future__ import annotations

import json
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models, transaction
from django.db.models.functions import Cast

if TYPE_CHECKING:
    _Text = models.JSONField  # what it is to whoever uses it; a text to the database
else:
    _Text = models.TextField


class CannotDecrypt(Exception):
    """A stored secret does not open with any key of ENCRYPTION_KEYS."""


@lru_cache(maxsize=4)
def _ring(keys: tuple[str, ...]) -> MultiFernet:
    if not keys:
        raise ImproperlyConfigured("ENCRYPTION_KEYS names no key")
    return MultiFernet([Fernet(key) for key in keys])


def key_ring() -> MultiFernet:
    """The keys in force: the first encrypts, all decrypt."""
    return _ring(tuple(settings.ENCRYPTION_KEYS))


class EncryptedJSONField(_Text):
    """A JSON value that only ever reaches the database encrypted; empty values are stored as an empty text.

    Raises CannotDecrypt on reading when no key fits: it never hands out what it could not open.
    """

    def get_prep_value(self, value: Any) -> str:
        if not value:
            return ""
        return key_ring().encrypt(json.dumps(value).encode()).decode()

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Any:
        if not value:
            return {}
        try:
            return json.loads(key_ring().decrypt(value.encode()))
        except InvalidToken as error:
            raise CannotDecrypt("a stored secret opens with none of the ENCRYPTION_KEYS") from error

    def to_python(self, value: Any) -> Any:
        return value

    def value_to_string(self, obj: models.Model) -> str:
        raise TypeError("secrets are not serialized")


def rotate(model: type[models.Model], column: str, chunk: int = 500) -> int:
    """Encrypt the secrets in `column` of every row of `model` anew under the first key; return how many there were.

    Goes through the rows by key, `chunk` of them in a transaction, so it may be stopped and begun again. What somebody
    changed meanwhile is left alone: it is under the first key already. Raises CannotDecrypt where no key opens one.
    """
    ring, rotated, last = key_ring(), 0, None
    raw = Cast(column, models.TextField())
    rows = model._default_manager.order_by("pk").annotate(raw=raw).exclude(raw="")
    while True:
        batch = list((rows if last is None else rows.filter(pk__gt=last)).values_list("pk", "raw")[:chunk])
        if not batch:
            return rotated
        last = batch[-1][0]
        with transaction.atomic():
            for key, token in batch:
                try:
                    fresh = ring.rotate(token.encode()).decode()
                except InvalidToken as error:
                    raise CannotDecrypt(f"{model._meta.label} {key} opens with none of the ENCRYPTION_KEYS") from error
                unchanged = model._default_manager.annotate(raw=raw).filter(pk=key, raw=token)
                rotated += unchanged.update(**{column: models.Value(fresh, output_field=models.TextField())})
