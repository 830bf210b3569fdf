"""Mounted at /api/. Every path answers with its last slash and without it."""

from config.dialects.adverity.views import DatastreamViewSet, ErrorViewSet, JobViewSet
from config.dialects.common import door_path

urlpatterns = [
    door_path("jobs/", JobViewSet.as_view({"get": "list"}), "adverity-jobs"),
    door_path("jobs/<str:pk>/", JobViewSet.as_view({"get": "retrieve"}), "adverity-job"),
    door_path("jobs/<str:pk>/imported/", JobViewSet.as_view({"get": "imported"}), "adverity-job-imported"),
    door_path("jobs/<str:pk>/stop/", JobViewSet.as_view({"post": "stop"}), "adverity-job-stop"),
    door_path("datastreams/", DatastreamViewSet.as_view({"get": "list"}), "adverity-datastreams"),
    door_path("datastreams/<str:pk>/", DatastreamViewSet.as_view({"get": "retrieve"}), "adverity-datastream"),
    door_path("datastreams/<str:pk>/jobs/", JobViewSet.as_view({"get": "of_datastream"}), "adverity-datastream-jobs"),
    door_path(
        "datastreams/<str:pk>/fetch_fixed/",
        DatastreamViewSet.as_view({"post": "fetch_fixed"}),
        "adverity-fetch-fixed",
    ),
    door_path("errors/", ErrorViewSet.as_view({"get": "list"}), "adverity-errors"),
    door_path("errors/<str:pk>/", ErrorViewSet.as_view({"get": "retrieve"}), "adverity-error"),
]
