"""The console's site: the pages that belong to no model, and what every page knows about the house."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from config.console import auditlog, crontab, dashboard, failures, nav, notices, planned, queue, search, views
from executions import clock, house
from executions.models import House

LONGEST_NOTE = 250


class ConsoleSite(admin.AdminSite):
    """Django's admin site with a dashboard in the place of the list of its tables."""

    site_header = "Jobhouse"
    site_title = "Jobhouse"
    index_title = "Dashboard"
    index_template = "admin/index.html"
    site_url = None

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Besides Django's: the navigation, whether the house is paused, the zone of all times; one query more."""
        context = super().each_context(request)
        if context["has_permission"]:
            context |= {
                "nav": nav.groups(request),
                "house": House.objects.filter(id=1).first(),
                "zone": timezone.get_current_timezone_name(),
                "may_pause_house": request.user.is_superuser,
                "saved_views": views.of(request),  # asked for where a page shows them
                "may_share_views": views.may_share(request),
            }
        return context

    def get_urls(self) -> list[URLResolver | URLPattern]:
        mine: list[URLResolver | URLPattern] = [
            path("search/", self.admin_view(self.search), name="search"),
            path("queue/", self.admin_view(self.queue), name="queue"),
            path("failures/", self.admin_view(self.failures), name="failures"),
            path("calendar/", self.admin_view(self.calendar), name="calendar"),
            path("notifications/", self.admin_view(self.notifications), name="notifications"),
            path("crontab/", self.admin_view(self.crontab), name="crontab"),
            path("audit/", self.admin_view(self.audit), name="audit"),
            path("audit/<str:kind>/", self.admin_view(self.export_audit), name="export-audit"),
            path("tables/", self.admin_view(self.tables), name="tables"),
            path("house/pause/", self.admin_view(self.pause_house), name="pause-house"),
            path("house/resume/", self.admin_view(self.resume_house), name="resume-house"),
            path("views/save/", self.admin_view(views.save), name="save-view"),
            path("views/<int:key>/delete/", self.admin_view(views.delete), name="delete-view"),
        ]
        return [*mine, *super().get_urls()]

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
        """A page of ours: `template` extends ``console/page.html``."""
        return TemplateResponse(request, template, {**self.each_context(request), "title": title, **context})

    # --- pages ---
    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        request.current_app = self.name  # as Django's own index sets it
        if not request.user.has_perm("executions.view_execution"):
            return self.tables(request)
        return self.page(
            request, "admin/index.html", "Dashboard", dashboard=dashboard.read(clock.now()), **(extra_context or {})
        )

    def tables(self, request: HttpRequest) -> TemplateResponse:
        """Every table that this user may see, as Django lists them."""
        return self.page(request, "console/tables.html", "All tables", app_list=self.get_app_list(request))

    def search(self, request: HttpRequest) -> HttpResponse:
        found = search.find(request.user, request.GET.get("q", ""))
        if found.only:
            return HttpResponseRedirect(found.only)
        return self.page(request, "console/search.html", "Search", found=found)

    def queue(self, request: HttpRequest) -> TemplateResponse:
        if not request.user.has_perm("executions.view_execution"):
            raise PermissionDenied
        return self.page(request, "console/queue.html", "Queue", queue=queue.read(clock.now()))

    def failures(self, request: HttpRequest) -> TemplateResponse:
        if not request.user.has_perms(("errors.view_error", "executions.view_execution")):
            raise PermissionDenied
        only = request.GET.get("error", "")
        key = int(only) if only.isascii() and only.isdigit() and len(only) < 19 else None
        return self.page(
            *(request, "console/failures.html", "Failures"),
            failures=failures.read(clock.now(), request.GET.get("span", ""), key),
            spans=[(span, words) for span, (words, *_) in failures.SPANS.items()],
            sample=failures.SAMPLE,
        )

    def calendar(self, request: HttpRequest) -> TemplateResponse:
        if not request.user.has_perm("jobs.view_job"):
            raise PermissionDenied
        calendar = planned.read(clock.now(), request.GET.get("hour", ""))
        limits = {name.lower(): getattr(planned, name) for name in planned.SAID}
        return self.page(request, "console/calendar.html", "Calendar", calendar=calendar, hours=range(24), **limits)

    def notifications(self, request: HttpRequest) -> TemplateResponse:
        if not request.user.has_perm("executions.view_notificationtry"):
            raise PermissionDenied
        return self.page(request, "console/notifications.html", "Notifications", notices=notices.read(request.GET))

    def crontab(self, request: HttpRequest) -> HttpResponse:
        if not request.user.has_perm("jobs.view_job"):
            raise PermissionDenied
        sheet = crontab.read(request, clock.now())
        if sheet.is_done:
            return HttpResponseRedirect(reverse("admin:jobs_job_changelist"))
        return self.page(request, "console/crontab.html", "Crontab", sheet=sheet)

    def audit(self, request: HttpRequest) -> TemplateResponse:
        return self.page(request, "console/audit.html", "Audit log", log=auditlog.read(request))

    def export_audit(self, request: HttpRequest, kind: str) -> Any:
        return auditlog.answer(request, kind)

    # --- the house's own pause ---
    def pause_house(self, request: HttpRequest) -> HttpResponse:
        if refused := _not_by_superuser(request):
            return refused
        note = request.POST.get("note", "").replace("\x00", "").strip()[:LONGEST_NOTE]
        if not note:
            messages.error(request, "Say why: whoever finds the house paused wants to know.")
        else:
            house.pause(request.user.get_username(), note, clock.now())
            messages.success(request, "The house is paused: nothing starts any more, what runs goes on.")
        return back(request)

    def resume_house(self, request: HttpRequest) -> HttpResponse:
        if refused := _not_by_superuser(request):
            return refused
        house.resume(request.user.get_username(), clock.now())
        messages.success(request, "The house goes on.")
        return back(request)


def _not_by_superuser(request: HttpRequest) -> HttpResponse | None:
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not request.user.is_superuser:
        raise PermissionDenied
    return None


def back(request: HttpRequest) -> HttpResponseRedirect:
    """To the page that the form stood on (its field `next`), if that is one of ours; else to the dashboard."""
    there = request.POST.get("next", "")
    is_ours = there.startswith("/admin/") and url_has_allowed_host_and_scheme(there, {request.get_host()})
    return HttpResponseRedirect(there if is_ours else reverse("admin:index"))
