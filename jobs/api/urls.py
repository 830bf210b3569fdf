"""Mounted at /v6/, before executions.api.urls: `validation` stands where a job's name would."""

from django.urls import path

from jobs.api.views import JobValidation, SchedulePreview

urlpatterns = [
    path("jobs/validation/", JobValidation.as_view(), name="job-validation"),
    path("schedules/preview/", SchedulePreview.as_view(), name="schedule-preview"),
]
