"""Who may do what: one table, a role for every route and method. What is not in it is refused.

Names are those of the URL patterns. HEAD goes as GET; OPTIONS needs what the least of the route's methods needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from config.access import roles
from errors.api import rights
from errors.api.rights import Role

if TYPE_CHECKING:  # the framework's views take this module's class as their default while they are being imported
    from rest_framework.views import APIView

READER, EXECUTOR, EDITOR, SUPERUSER = Role.READER, Role.EXECUTOR, Role.EDITOR, Role.SUPERUSER
UDATA_READS = READER if settings.UDATA_OPEN_READS else EDITOR

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
    "job-backfill": {"POST": EXECUTOR},
    "job-executions": {"GET": READER},
    "schedule-preview": {"GET": READER},
    # Executions
    "executions": {"GET": READER, "POST": EXECUTOR},
    "execution": {"GET": READER},
    "execution-cancel": {"POST": EXECUTOR},
    "execution-retry": {"POST": EXECUTOR},
    "executions-cancel": {"POST": EXECUTOR},
    "executions-retry": {"POST": EXECUTOR},
    "bulk-actions": {"GET": READER},
    "bulk-action": {"GET": READER},
    "bulk-action-abort": {"POST": EXECUTOR},
    "execution-output": {"GET": READER},
    "execution-file": {"GET": READER},
    # The house
    "queue": {"GET": READER},
    "queue-status": {"GET": READER},
    "workers": {"GET": READER},
    "status": {"GET": READER},
    "house-pause": {"POST": SUPERUSER},
    "house-resume": {"POST": SUPERUSER},
    # Notifications
    "notification-targets": {"GET": READER, "POST": EDITOR},
    "notification-target": {"GET": READER, "PATCH": EDITOR, "DELETE": EDITOR},
    "notification-target-test": {"POST": EDITOR},
    "notification-rules": {"GET": READER, "POST": EDITOR},
    "notification-rule": {"GET": READER, "PATCH": EDITOR, "DELETE": EDITOR},
    "notification-log": {"GET": READER},
    # Access
    "tokens": {"GET": READER, "POST": READER},  # one's own; those of others are told apart by the view
    "token": {"GET": READER, "DELETE": READER},
    "audit": {"GET": READER},
    "metrics": {"GET": READER},
    # Adverity's door
    "adverity-jobs": {"GET": READER},
    "adverity-job": {"GET": READER},
    "adverity-job-imported": {"GET": READER},
    "adverity-job-stop": {"POST": EXECUTOR},
    "adverity-datastreams": {"GET": READER},
    "adverity-datastream": {"GET": READER},
    "adverity-datastream-jobs": {"GET": READER},
    "adverity-fetch-fixed": {"POST": EXECUTOR},
    "adverity-errors": {"GET": READER},
    "adverity-error": {"GET": READER},
    # Taipy's door: TAIPY_READER, TAIPY_EDITOR and TAIPY_EXECUTOR
    "taipy-jobs": {"GET": READER, "POST": EDITOR},
    "taipy-job": {"GET": READER, "DELETE": EDITOR},
    "taipy-job-cancel": {"POST": EXECUTOR},
    # Dkron's door
    "dkron": {"GET": READER},
    "dkron-members": {"GET": READER},
    "dkron-leader": {"GET": READER},
    "dkron-isleader": {"GET": READER},
    "dkron-leave": {"POST": EDITOR},
    "dkron-busy": {"GET": READER},
    "dkron-pause": {"GET": READER, "POST": EDITOR},
    "dkron-unpause": {"POST": EDITOR},
    "dkron-restore": {"POST": EDITOR},
    "dkron-jobs": {"GET": READER, "POST": EDITOR, "PATCH": EDITOR},
    "dkron-job": {"GET": READER, "POST": EXECUTOR, "PUT": EDITOR, "DELETE": EDITOR},
    "dkron-job-run": {"POST": EXECUTOR},
    "dkron-job-toggle": {"POST": EXECUTOR},
    "dkron-job-executions": {"GET": READER, "DELETE": EDITOR},
    "dkron-job-execution": {"GET": READER},
    "dkron-executions": {"GET": READER},
    "dkron-debug-vars": {"GET": READER},
    # udata, which asks for its administrator even where one only looks
    "udata-jobs": {"GET": UDATA_READS, "POST": EDITOR},
    "udata-schedulables": {"GET": UDATA_READS},
    "udata-job": {"GET": UDATA_READS, "PUT": EDITOR, "DELETE": EDITOR},
    "udata-task": {"GET": UDATA_READS},
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
