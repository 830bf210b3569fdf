"""Who may do what: one table, a role for every route and method. What is not in it is refused.

Names are those of the URL patterns. HEAD goes as GET; OPTIONS needs what the least of the route's methods needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from config.access import roles
from errors.api import rights
from errors.api.rights import Role

if TYPE_CHECKING:  # the framework's views take this module's class as their default while they are being imported
    from rest_framework.views import APIView

READER, EXECUTOR, EDITOR, SUPERUSER = Role.READER, Role.EXECUTOR, Role.EDITOR, Role.SUPERUSER

POLICY: dict[str, dict[str, Role]] = {
    # Errors
    "errors": {"GET": READER},
    "error": {"GET": READER, "PATCH": EDITOR},
    # Job types
    "job-type-names": {"GET": READER},
    "job-types": {"GET": READER, "POST": EDITOR},
    "job-type-validation": {"POST": READER},
    "job-type-versions": {"GET": READER},
    "job-type": {"GET": READER, "PATCH": EXECUTOR},  # who may only pause is told apart by the view
    "job-type-revisions": {"GET": READER},
    "job-type-revision": {"GET": READER},
    "job-type-status": {"GET": READER},
    "job-type-pending": {"GET": READER},
    "job-type-running": {"GET": READER},
    "job-type-system-failures": {"GET": READER},
    "failures": {"GET": READER},
    "workspaces": {"GET": READER, "POST": EDITOR},
    "workspace": {"GET": READER, "PATCH": EDITOR},
    # Jobs
    "jobs": {"GET": READER, "POST": EDITOR},
    "job": {"GET": READER, "PUT": EDITOR, "PATCH": EDITOR, "DELETE": EDITOR},
    "job-validation": {"POST": READER},
    "job-run": {"POST": EXECUTOR},
    "job-pause": {"POST": EXECUTOR},
    "job-resume": {"POST": EXECUTOR},
    "job-upcoming": {"GET": READER},
    "job-executions": {"GET": READER},
    "schedule-preview": {"GET": READER},
    # Executions
    "executions": {"GET": READER, "POST": EXECUTOR},
    "execution": {"GET": READER},
    "execution-cancel": {"POST": EXECUTOR},
    "execution-retry": {"POST": EXECUTOR},
    "execution-output": {"GET": READER},
    "execution-file": {"GET": READER},
    # The house
    "queue": {"GET": READER},
    "workers": {"GET": READER},
    "status": {"GET": READER},
    "house-pause": {"POST": SUPERUSER},
    "house-resume": {"POST": SUPERUSER},
    "metrics": {"GET": READER},
}

OPEN = frozenset({"schema", "docs", "health", "health-live", "health-ready"})
"""Routes that need no authentication: they show neither jobs nor secrets."""


class Allowed(BasePermission):
    """Lets a request through when its caller acts in the role that POLICY asks for, or in a higher one.

    Remembers that role on the request (`errors.api.rights`), for views whose answer depends on more than the route.
    """

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            return False
        if request.auth is None:
            rights.grant(request, roles.role_of_user(request.user))
        method = "GET" if request.method == "HEAD" else request.method or ""
        if method != "OPTIONS" and not hasattr(view, method.lower()):
            return True  # the view itself answers 405
        needed = needed_role(request.resolver_match.view_name if request.resolver_match else "", method)
        return needed is not None and rights.may(request, needed)


def needed_role(route: str, method: str) -> Role | None:
    """The role that `method` on `route` needs; None where the table says nothing, which means: refused."""
    methods = POLICY.get(route, {})
    return min(methods.values(), default=None) if method == "OPTIONS" else methods.get(method)
