"""Every URL the house answers."""

from django.contrib import admin
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from config import fallback, health
from config.dialects.dkron import ui
from config.metrics import MetricsView

urlpatterns = [
    path("", ui.home),
    path("admin/", admin.site.urls),
    path("v6/", include("errors.api.urls")),
    path("v6/", include("jobs.api.urls")),  # first: `jobs/validation/` stands where a job's name would
    path("v6/", include("executions.api.urls")),  # before job types, for the same reason: `job-types/status/`
    path("v6/", include("jobtypes.api.urls")),
    path("v6/", include("config.access.api.urls")),
    path("", include("config.dialects.dkron.urls")),
    path("api/1/workers/", include("config.dialects.udata.urls")),
    path("api/v1/", include("config.dialects.taipy.urls")),
    path("api/", include("config.dialects.adverity.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(metadata_class=None), name="docs"),
    path("health", health.health, name="health"),
    path("health/live", health.live, name="health-live"),
    path("health/ready", health.ready, name="health-ready"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    re_path(r"^(?:v6|api)/.*[^/]$", fallback.without_slash),
]

handler400 = fallback.bad_request
handler403 = fallback.permission_denied
handler404 = fallback.page_not_found
handler500 = fallback.server_error
