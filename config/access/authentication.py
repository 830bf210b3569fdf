"""Who is calling: one token, in any of the headers in which clients carry one; one query a request.

Authorization: Token KEY      Authorization: Bearer KEY      Authorization: Basic base64(anyone:KEY)
X-API-KEY: KEY                X-Dkron-Token: KEY
"""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime, timedelta

from django.contrib.auth.models import AbstractBaseUser
from django.db import OperationalError, transaction
from django.db.models import Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, Throttled
from rest_framework.request import Request

from config.access import failures, roles
from config.access.models import Token
from config.access.tokens import PREFIX, digest
from errors.api import rights

LAST_USED_EVERY = timedelta(minutes=1)
MAX_KEY = 200
HEADERS = ("HTTP_X_API_KEY", "HTTP_X_DKRON_TOKEN")

_KEY = re.compile(re.escape(PREFIX) + r"[\w-]{20,}", re.ASCII)


class TokenAuthentication(BaseAuthentication):
    """The user of the token that a request carries; None when it carries none.

    Raises AuthenticationFailed (401) for a token that is unknown, expired, malformed, of an inactive user, or shown in
    the address, where every log on the way keeps it; Throttled (429) for failures beyond 20 a minute from one address.
    """

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, Token] | None:
        if any(_KEY.search(value) for values in request.query_params.lists() for value in values[1]):
            raise self._failure(request, "A token in an address is refused; send it in the Authorization header.")
        key = self._key(request)
        if key is None:
            return None
        now = timezone.now()
        token = find(key)
        if token is None or not token.user.is_active:
            raise self._failure(request, "Invalid token.")
        if token.expires and token.expires <= now:
            raise self._failure(request, "The token has expired.")
        note_use(token, now)
        rights.grant(request, roles.role_of_token(token))
        return token.user, token

    def authenticate_header(self, request: Request) -> str:
        return 'Token realm="Jobhouse"'

    def _key(self, request: Request) -> str | None:
        authorization = request.META.get("HTTP_AUTHORIZATION", "")
        scheme, _, rest = authorization.strip().partition(" ")
        match scheme.lower():
            case "token" | "bearer":
                key = rest.strip()
            case "basic":
                key = self._password(request, rest.strip())
            case _:
                key = next((request.META[name].strip() for name in HEADERS if request.META.get(name)), None)
        if key is not None and (not key or " " in key or len(key) > MAX_KEY):
            raise self._failure(request, "Invalid token header.")
        return key

    def _password(self, request: Request, encoded: str) -> str:
        try:
            return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            raise self._failure(request, "Invalid basic header.") from None

    def _failure(self, request: Request, message: str) -> AuthenticationFailed | Throttled:
        if failures.too_many(request):
            return Throttled(failures.WINDOW.total_seconds())
        failures.record(request)
        return AuthenticationFailed(message)


def find(key: str) -> Token | None:
    """The token with this key, its user and its user's rank with it."""
    return roles.with_rank(Token.objects.select_related("user")).filter(digest=digest(key)).first()


def note_use(token: Token, now: datetime) -> None:
    """Keep when a token was last used, once a minute; a database too busy for that does not fail the request."""
    if token.last_used and now - token.last_used < LAST_USED_EVERY:
        return
    stale = Q(last_used=None) | Q(last_used__lt=now - LAST_USED_EVERY)
    try:
        with transaction.atomic():
            Token.objects.filter(stale, pk=token.pk).update(last_used=now)
    except OperationalError:
        return
