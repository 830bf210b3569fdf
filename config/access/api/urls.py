"""Mounted at /v6/. The policy table (config.access.policy) knows each route by its name."""

from django.urls import path

from config.access.api.audit import Audit
from config.access.api.tokens import TokenViewSet

urlpatterns = [
    path("audit/", Audit.as_view(), name="audit"),
    path("tokens/", TokenViewSet.as_view({"get": "list", "post": "create"}), name="tokens"),
    path("tokens/<int:pk>/", TokenViewSet.as_view({"get": "retrieve", "delete": "destroy"}), name="token"),
]
