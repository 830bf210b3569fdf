"""Mounted at /v6/. The list of errors counts executions, and stands in executions.api."""

from django.urls import path

from errors.api.views import ErrorDetail

urlpatterns = [
    path("errors/<int:pk>/", ErrorDetail.as_view(), name="error"),
]
