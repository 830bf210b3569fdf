"""Mounted at /v6/, after jobs.api.urls. The policy table (config.access.policy) knows each route by its name."""

from django.urls import path

from executions.api.bulk import BackfillViewSet, BulkActionViewSet, ManyExecutions
from executions.api.errors import Errors
from executions.api.executions import ExecutionViewSet, OutputViewSet
from executions.api.files import FileViewSet
from executions.api.house import Pause, Resume, Status
from executions.api.jobs import JobViewSet
from executions.api.notifications import Log, Rules, RuleView, Target, Targets, TargetTest
from executions.api.queue import Queue, QueueStatus
from executions.api.statistics import Failures, JobTypesPending, JobTypesRunning, JobTypeStatus, SystemFailures
from executions.api.workers import Workers

urlpatterns = [
    path("jobs/", JobViewSet.as_view({"get": "list", "post": "create"}), name="jobs"),
    path(
        "jobs/<str:name>/",
        JobViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}),
        name="job",
    ),
    path("jobs/<str:name>/run/", JobViewSet.as_view({"post": "run"}), name="job-run"),
    path("jobs/<str:name>/pause/", JobViewSet.as_view({"post": "pause"}), name="job-pause"),
    path("jobs/<str:name>/resume/", JobViewSet.as_view({"post": "resume"}), name="job-resume"),
    path("jobs/<str:name>/upcoming/", JobViewSet.as_view({"get": "upcoming"}), name="job-upcoming"),
    path("jobs/<str:name>/backfill/", BackfillViewSet.as_view({"post": "create"}), name="job-backfill"),
    path("jobs/<str:name>/executions/", ExecutionViewSet.as_view({"get": "of_job"}), name="job-executions"),
    path("executions/", ExecutionViewSet.as_view({"get": "list", "post": "create"}), name="executions"),
    path("executions/cancel/", ManyExecutions.as_view({"post": "cancel"}), name="executions-cancel"),
    path("executions/retry/", ManyExecutions.as_view({"post": "retry"}), name="executions-retry"),
    path("bulk/", BulkActionViewSet.as_view({"get": "list"}), name="bulk-actions"),
    path("bulk/<int:pk>/", BulkActionViewSet.as_view({"get": "retrieve"}), name="bulk-action"),
    path("bulk/<int:pk>/abort/", BulkActionViewSet.as_view({"post": "abort"}), name="bulk-action-abort"),
    path("executions/<int:pk>/", ExecutionViewSet.as_view({"get": "retrieve"}), name="execution"),
    path("executions/<int:pk>/cancel/", ExecutionViewSet.as_view({"post": "cancel"}), name="execution-cancel"),
    path("executions/<int:pk>/retry/", ExecutionViewSet.as_view({"post": "retry"}), name="execution-retry"),
    path("executions/<int:pk>/output/", OutputViewSet.as_view({"get": "retrieve"}), name="execution-output"),
    path("errors/", Errors.as_view(), name="errors"),
    path("failures/", Failures.as_view(), name="failures"),
    path("job-types/status/", JobTypeStatus.as_view(), name="job-type-status"),
    path("job-types/pending/", JobTypesPending.as_view(), name="job-type-pending"),
    path("job-types/running/", JobTypesRunning.as_view(), name="job-type-running"),
    path("job-types/system-failures/", SystemFailures.as_view(), name="job-type-system-failures"),
    path("executions/<int:pk>/files/<int:file>/", FileViewSet.as_view({"get": "retrieve"}), name="execution-file"),
    path("queue/", Queue.as_view(), name="queue"),
    path("queue/status/", QueueStatus.as_view(), name="queue-status"),
    path("workers/", Workers.as_view(), name="workers"),
    path("status/", Status.as_view(), name="status"),
    path("notifications/targets/", Targets.as_view(), name="notification-targets"),
    path("notifications/targets/<int:pk>/", Target.as_view(), name="notification-target"),
    path("notifications/targets/<int:pk>/test/", TargetTest.as_view(), name="notification-target-test"),
    path("notifications/rules/", Rules.as_view(), name="notification-rules"),
    path("notifications/rules/<int:pk>/", RuleView.as_view(), name="notification-rule"),
    path("notifications/log/", Log.as_view(), name="notification-log"),
    path("house/pause/", Pause.as_view(), name="house-pause"),
    path("house/resume/", Resume.as_view(), name="house-resume"),
]
