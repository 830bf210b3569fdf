"""Mounted at /api/1/workers/; every path also without its last slash."""

from config.dialects.common import door_path
from config.dialects.udata.views import JobsView, JobView, SchedulablesView, TaskView

urlpatterns = [
    door_path("jobs/", JobsView.as_view(), name="udata-jobs"),
    door_path("jobs/schedulables/", SchedulablesView.as_view(), name="udata-schedulables"),
    door_path("jobs/<str:id>/", JobView.as_view(), name="udata-job"),
    door_path("tasks/<str:id>/", TaskView.as_view(), name="udata-task"),
]
