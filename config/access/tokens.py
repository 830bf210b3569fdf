"""Keys that programs carry: made here, kept as digests only."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from config.access.models import Token
from errors import audit

PREFIX = "jh_"
BITS = 256
SHOWN = 12
"""How many characters of a key are kept, to recognise it by; what is left unknown is far beyond guessing."""


@transaction.atomic
def create(user: User, *, role: str = "", name: str = "", expires: datetime | None = None) -> tuple[Token, str]:
    """A new token of `user`, and its key: the only time that the key can be had."""
    key = PREFIX + secrets.token_urlsafe(BITS // 8)
    token = Token.objects.create(
        user=user, role=role, name=name, expires=expires, prefix=key[:SHOWN], digest=digest(key)
    )
    audit.record(token, "create", after={"user": user.get_username(), **_facts(token)})
    return token, key


@transaction.atomic
def change(token: Token, changes: Mapping[str, Any]) -> None:
    """Give `token` another name, role or expiry."""
    before = _facts(Token.objects.select_for_update().get(pk=token.pk))
    for name, value in changes.items():
        setattr(token, name, value)
    token.save(update_fields=list(changes))
    audit.changed(token, "update", before, _facts(token))


@transaction.atomic
def revoke(token: Token) -> None:
    """End `token` at once and for ever. One that is gone already is no error."""
    found = Token.objects.filter(pk=token.pk)
    audited = {"user": token.user.get_username(), **_facts(token)}
    if found.delete()[0]:
        audit.record(token, "delete", before=audited)


def _facts(token: Token) -> dict[str, Any]:
    return audit.fields(token, ("prefix", "name", "role", "expires"))


def digest(key: str) -> str:
    """What is kept of `key`. A key is random in all its bits, so one round of SHA-256 is as good as many."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
