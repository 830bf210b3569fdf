"""Keys that programs carry: made here, kept as digests only."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from django.contrib.auth.models import User

from config.access.models import Token

PREFIX = "jh_"
BITS = 256
SHOWN = 12
"""How many characters of a key are kept, to recognise it by; what is left unknown is far beyond guessing."""


def create(user: User, *, role: str = "", name: str = "", expires: datetime | None = None) -> tuple[Token, str]:
    """A new token of `user`, and its key: the only time that the key can be had."""
    key = PREFIX + secrets.token_urlsafe(BITS // 8)
    token = Token.objects.create(
        user=user, role=role, name=name, expires=expires, prefix=key[:SHOWN], digest=digest(key)
    )
    return token, key


def digest(key: str) -> str:
    """What is kept of `key`. A key is random in all its bits, so one round of SHA-256 is as good as many."""
    return hashlib.sha256(key.encode(errors="surrogatepass")).hexdigest()
