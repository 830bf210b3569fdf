"""What is turned down, as udata words it: `message` for people, and `errors` by field where fields are wrong."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import status
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.response import Response

from errors.api.exceptions import handler
from errors.exceptions import Forbidden, Invalid

CHALLENGE = 'Bearer realm="uData"'
MAY_NOT = "You do not have the permission to modify that object."
AUTHENTICATION: Mapping[str, str] = {
    "Invalid token.": "Invalid API token",
    "The token has expired.": "Expired API token",
}
"""udata's words for what our authentication says of a token."""


def refusal(exc: Exception, context: dict[str, Any]) -> Response | None:
    """The answer to `exc`; None for what is nobody's fault but ours."""
    answer = handler(exc, context)
    if answer is None:
        return None
    told = answer.data if isinstance(answer.data, Mapping) else {}
    body: dict[str, Any] = {"message": _message(exc, str(told.get("detail", "")))}
    if isinstance(exc, Invalid) and exc.fields:
        body["errors"] = nested(exc.fields)
    answer.data = body
    if answer.status_code == status.HTTP_401_UNAUTHORIZED:
        answer.headers["WWW-Authenticate"] = CHALLENGE
    return answer


def _message(exc: Exception, said: str) -> str:
    if isinstance(exc, NotAuthenticated):
        return "Authentication required"
    if isinstance(exc, AuthenticationFailed):
        return AUTHENTICATION.get(said, said)
    if isinstance(exc, Forbidden) or (isinstance(exc, PermissionDenied) and not said.startswith("CSRF")):
        return MAY_NOT
    return said


def nested(fields: Mapping[str, list[str]]) -> dict[str, Any]:
    """Messages by field, those of `crontab.minute` below `crontab`. What is said of `crontab` itself comes first there:
    a field has messages of its own or of its members, never both.
    """
    told: dict[str, Any] = {}
    for path, messages in fields.items():
        name, _, member = path.partition(".")
        if not member:
            told[name] = list(messages)
        elif isinstance(told.setdefault(name, {}), dict):
            told[name][member] = list(messages)
    return told
