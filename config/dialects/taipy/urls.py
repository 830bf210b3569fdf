"""Mounted at /api/v1/. Every path answers with its last slash and without it."""

from config.dialects.common import door_path
from config.dialects.taipy.views import TaipyJobs

urlpatterns = [
    door_path("jobs/", TaipyJobs.as_view({"get": "list", "post": "create"}), "taipy-jobs"),
    door_path("jobs/<str:job_id>/", TaipyJobs.as_view({"get": "retrieve", "delete": "destroy"}), "taipy-job"),
    door_path("jobs/cancel/<str:job_id>/", TaipyJobs.as_view({"post": "cancel"}), "taipy-job-cancel"),
]
