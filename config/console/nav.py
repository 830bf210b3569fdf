"""The navigation: what an operator looks at, what is defined, and the system; what a user may not see is left out."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Entry:
    """A link. `permission`: a Django permission, empty for everybody who may enter, ``superuser`` for those only."""

    label: str
    route: str
    permission: str = ""
    key: str = ""
    """What leads there from the keyboard, after ``g``."""
    query: str = ""


@dataclass(frozen=True, slots=True)
class Link:
    """An entry as it stands on a page."""

    label: str
    url: str
    key: str
    is_current: bool


GROUPS: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "Operate",
        (
            Entry("Dashboard", "admin:index", key="d"),
            Entry("Executions", "admin:executions_execution_changelist", "executions.view_execution", "e"),
            Entry("Queue", "admin:queue", "executions.view_execution", "q"),
            Entry("Workers", "admin:executions_worker_changelist", "executions.view_worker", "w", query="life=alive"),
            Entry("Failures", "admin:failures", "errors.view_error", "f"),
            Entry("Calendar", "admin:calendar", "jobs.view_job", "c"),
        ),
    ),
    (
        "Define",
        (
            Entry("Jobs", "admin:jobs_job_changelist", "jobs.view_job", "j"),
            Entry("Crontab", "admin:crontab", "jobs.view_job"),
            Entry("Job types", "admin:jobtypes_jobtype_changelist", "jobtypes.view_jobtype", "t"),
            Entry("Errors", "admin:errors_error_changelist", "errors.view_error", "r"),
            Entry("Workspaces", "admin:jobtypes_workspace_changelist", "jobtypes.view_workspace"),
        ),
    ),
    (
        "System",
        (
            Entry("Notifications", "admin:notifications", "executions.view_execution", "n"),
            Entry("Tokens", "admin:access_token_changelist", "", "k"),
            Entry("Users", "admin:auth_user_changelist", "auth.view_user", "u"),
            Entry("Audit log", "admin:audit", "", "a"),
            Entry("House", "admin:executions_house_changelist", "executions.view_house", "h"),
            Entry("All tables", "admin:tables"),
        ),
    ),
)


def groups(request: HttpRequest) -> list[tuple[str, list[Link]]]:
    """The groups for this user and page. A route that does not exist (yet) is left out."""
    found = []
    for title, entries in GROUPS:
        links = [link for entry in entries if _may(request, entry) and (link := _link(request, entry))]
        if links:
            found.append((title, links))
    return found


def _may(request: HttpRequest, entry: Entry) -> bool:
    if entry.permission == "superuser":
        return bool(request.user.is_superuser)
    return not entry.permission or request.user.has_perm(entry.permission)


def _link(request: HttpRequest, entry: Entry) -> Link | None:
    try:
        url = reverse(entry.route)
    except NoReverseMatch:
        return None
    is_current = request.path == url if entry.route == "admin:index" else request.path.startswith(url)
    return Link(entry.label, f"{url}?{entry.query}" if entry.query else url, entry.key, is_current)
