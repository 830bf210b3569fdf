"""Dkron's addresses, with and without a last slash; what is not here is answered as Dkron answers it."""

from django.urls import re_path

from config.dialects.common import door_path
from config.dialects.dkron import ui
from config.dialects.dkron.views import base, cluster, jobs, runs

urlpatterns = [
    door_path("v1/", cluster.Index.as_view(), name="dkron"),
    door_path("v1/members/", cluster.Members.as_view(), name="dkron-members"),
    door_path("v1/leader/", cluster.Leader.as_view(), name="dkron-leader"),
    door_path("v1/isleader/", cluster.IsLeader.as_view(), name="dkron-isleader"),
    door_path("v1/leave/", cluster.Leave.as_view(), name="dkron-leave"),
    door_path("v1/busy/", runs.Busy.as_view(), name="dkron-busy"),
    door_path("v1/pause/", cluster.Pause.as_view(), name="dkron-pause"),
    door_path("v1/unpause/", cluster.Unpause.as_view(), name="dkron-unpause"),
    door_path("v1/restore/", cluster.Restore.as_view(), name="dkron-restore"),
    door_path("v1/jobs/", jobs.JobList.as_view(), name="dkron-jobs"),
    door_path("v1/jobs/<str:name>/", jobs.JobDetail.as_view(), name="dkron-job"),
    door_path("v1/jobs/<str:name>/run/", jobs.JobRun.as_view(), name="dkron-job-run"),
    door_path("v1/jobs/<str:name>/toggle/", jobs.JobToggle.as_view(), name="dkron-job-toggle"),
    door_path("v1/jobs/<str:name>/executions/", runs.JobExecutions.as_view(), name="dkron-job-executions"),
    door_path(
        "v1/jobs/<str:name>/executions/<str:execution>/", runs.JobExecution.as_view(), name="dkron-job-execution"
    ),
    door_path("v1/executions/<str:name>/", runs.OldExecutions.as_view(), name="dkron-executions"),
    door_path("debug/vars/", cluster.Variables.as_view(), name="dkron-debug-vars"),
    re_path(r"^v1(?:/.*)?$", base.unknown),
    re_path(r"^ui(?:/(?P<path>.*))?$", ui.page, name="dkron-ui"),
]
