"""`/v6/workspaces/`: where files are kept."""

from __future__ import annotations

from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from errors.api import values
from jobtypes import workspaces
from jobtypes.api import bodies
from jobtypes.api.filters import WorkspaceFilters
from jobtypes.api.serializers import WorkspaceDetailSerializer, WorkspaceSerializer
from jobtypes.models import Workspace


class Workspaces(GenericAPIView[Workspace]):
    queryset = Workspace.objects.all()
    serializer_class = WorkspaceSerializer
    filterset_class = WorkspaceFilters
    ordering_fields = {name: name for name in WorkspaceSerializer.Meta.fields}
    ordering = ("last_modified",)

    @extend_schema(operation_id="workspaces_list", summary="The workspaces.", responses=WorkspaceSerializer(many=True))
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(Workspace.objects.defer("configuration")))
        return self.get_paginated_response(WorkspaceSerializer(page, many=True).data)

    @extend_schema(
        operation_id="workspaces_create",
        summary="A new workspace, named after its title.",
        request=bodies.NewWorkspaceSerializer,
        responses={201: WorkspaceDetailSerializer},
        filters=False,
    )
    def post(self, request: Request) -> Response:
        given = bodies.read(request, bodies.NewWorkspaceSerializer)
        made = workspaces.create(given.pop("title"), given.pop("configuration"), now=timezone.now(), **given)
        where = request.build_absolute_uri(reverse("workspace", args=[made.pk]))
        return Response(
            WorkspaceDetailSerializer(made).data, status=status.HTTP_201_CREATED, headers={"Location": where}
        )


class WorkspaceView(GenericAPIView[Workspace]):
    queryset = Workspace.objects.all()
    serializer_class = WorkspaceDetailSerializer
    filter_backends = []

    @extend_schema(operation_id="workspaces_retrieve", summary="A workspace.")
    def get(self, request: Request, pk: int) -> Response:
        workspace = get_object_or_404(Workspace, pk=values.integer(str(pk)))
        return Response(WorkspaceDetailSerializer(workspace).data)

    @extend_schema(
        operation_id="workspaces_edit",
        summary="Change a workspace; its name stays.",
        request=bodies.WorkspaceEditSerializer,
        responses={204: None},
    )
    def patch(self, request: Request, pk: int) -> Response:
        given = bodies.read(request, bodies.WorkspaceEditSerializer)
        workspaces.change(values.integer(str(pk)), given, now=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)
