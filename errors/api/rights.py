"""What the caller of a request may do. The roles are ordered: each may do all that those before it may.

Who holds which role is decided above (config.access); views only ask here.
"""

from __future__ import annotations

from enum import IntEnum

from rest_framework.request import Request

from errors.exceptions import Forbidden


class Role(IntEnum):
    READER = 1
    """Sees types, jobs, executions and their output."""
    EXECUTOR = 2
    """Also runs, cancels, retries and pauses."""
    EDITOR = 3
    """Also creates, changes and deletes jobs and user types, and gives a run another configuration."""
    SUPERUSER = 4
    """Also system types, users, and the house itself."""


def grant(request: Request, role: Role | None) -> None:
    """Remember the role in which `request` acts; called once, where it is let in."""
    request.role = role  # type: ignore[attr-defined]  # read back only by role_of


def role_of(request: Request) -> Role | None:
    """The role in which `request` acts; None for nobody's and for a user without a role."""
    return getattr(request, "role", None)


def may(request: Request, role: Role) -> bool:
    """Whether `request` acts in `role` or a higher one."""
    present = role_of(request)
    return present is not None and present >= role


def require(request: Request, role: Role, message: str = "") -> None:
    """Raise Forbidden unless `request` acts in `role` or a higher one."""
    if not may(request, role):
        raise Forbidden(message or f"This needs the role {role.name.lower()}.")
