"""`/v6/job-type-names/` and `/v6/job-types/`: NGA Scale's services, to the letter; what differs says docs/scale.md."""

from __future__ import annotations

from collections import defaultdict
from typing import Any, cast

from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response

from errors.api import values
from errors.api.filters import FieldOrdering, ScaleFilterBackend
from errors.api.rights import Role, require
from errors.api.serializers import LARGEST_INTEGER
from errors.exceptions import NotFound
from jobtypes import documents, publish
from jobtypes.api import bodies
from jobtypes.api.filters import BY_NAME, JOB_TYPE_ORDERS, NAME_ORDERS, JobTypeFilters, VersionFilters, orderable
from jobtypes.api.serializers import (
    VALIDATION,
    JobTypeDetailSerializer,
    JobTypeNameSerializer,
    JobTypeSerializer,
    RevisionDetailSerializer,
    RevisionSerializer,
    validation,
)
from jobtypes.models import JobType, JobTypeRevision
from jobtypes.publish import Changes
from jobtypes.seed import Report

DONE: dict[str, Any] = {"is_valid": True, "errors": [], "warnings": []}
"""The answer to an edit: what cannot be done is a 400, and warnings are told by the validation only."""


class JobTypeNames(GenericAPIView[JobType]):
    """The names of job types. Filters choose names of which at least one version fits; a row is about all versions."""

    queryset = JobType.objects.all()
    serializer_class = JobTypeNameSerializer
    filterset_class = JobTypeFilters
    ordering_fields = NAME_ORDERS
    ordering = BY_NAME[:2]

    @extend_schema(operation_id="job_type_names_list", responses=JobTypeNameSerializer(many=True))
    def get(self, request: Request) -> Response:
        newest = orderable(JobType.objects.newest_of_each_name().light())
        fitting = ScaleFilterBackend().filter_queryset(request, self.get_queryset(), self)
        if fitting.query.where:
            newest = newest.filter(name__in=fitting.order_by().values("name"))
        page = self.paginate_queryset(FieldOrdering().filter_queryset(request, newest, self)) or []
        versions: dict[str, list[str]] = defaultdict(list)
        named = JobType.objects.filter(name__in=[row.name for row in page]).order_by("precedence", "pk")
        for name, version in named.values_list("name", "version"):
            versions[name].append(version)
        return self.get_paginated_response(JobTypeNameSerializer(page, many=True, context={"versions": versions}).data)


class JobTypes(GenericAPIView[JobType]):
    queryset = JobType.objects.all()
    serializer_class = JobTypeSerializer
    filterset_class = JobTypeFilters
    ordering_fields = JOB_TYPE_ORDERS
    ordering = BY_NAME

    def get_queryset(self) -> QuerySet[JobType]:
        return orderable(JobType.objects.light())

    @extend_schema(
        operation_id="job_types_list",
        summary="Job types, a row for each version.",
        responses=JobTypeSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(JobTypeSerializer(page, many=True).data)

    @extend_schema(
        operation_id="job_types_create",
        summary="Add a Seed image; of a known name and version: a new revision.",
        request=bodies.NewSerializer,
        responses={201: JobTypeDetailSerializer, 200: VALIDATION},
        filters=False,
    )
    def post(self, request: Request) -> Response:
        given = cast(Changes, bodies.read(request, bodies.NewSerializer))
        if unknown := bodies.unknown(request, bodies.NewSerializer):
            manifest = documents.manifest_of(given["manifest"])
            if given.get("configuration"):
                documents.refuse_misshapen(given["configuration"], manifest)
            bodies.refuse(unknown)
        published = publish.publish(given, now=timezone.now())
        if not published.is_new:
            return Response(DONE)
        job_type = published.job_type
        where = reverse("job-type", args=[job_type.name, job_type.version])
        return Response(
            JobTypeDetailSerializer(job_type).data,
            status=status.HTTP_201_CREATED,
            headers={"Location": request.build_absolute_uri(where)},
        )


class Validation(GenericAPIView[JobType]):
    @extend_schema(
        operation_id="job_types_validation",
        summary="Look at a job type's documents; nothing is saved.",
        request=bodies.CheckSerializer,
        responses=VALIDATION,
        filters=False,
    )
    def post(self, request: Request) -> Response:
        given = bodies.read(request, bodies.CheckSerializer)
        report: Report = documents.findings(given["manifest"], given.get("configuration"))
        return Response(validation(report))


class JobTypeVersions(GenericAPIView[JobType]):
    """The versions of a name, newest first. A name that nobody knows has none."""

    queryset = JobType.objects.all()
    serializer_class = JobTypeSerializer
    filterset_class = VersionFilters

    @extend_schema(operation_id="job_types_versions", responses=JobTypeSerializer(many=True))
    def get(self, request: Request, name: str) -> Response:
        versions = JobType.objects.light().filter(name=name).order_by("-precedence", "-pk")
        page = self.paginate_queryset(self.filter_queryset(versions))
        return self.get_paginated_response(JobTypeSerializer(page, many=True).data)


class JobTypeView(GenericAPIView[JobType]):
    queryset = JobType.objects.all()
    serializer_class = JobTypeDetailSerializer
    filter_backends = []

    @extend_schema(operation_id="job_types_retrieve", summary="A job type in one version.")
    def get(self, request: Request, name: str, version: str) -> Response:
        return Response(JobTypeDetailSerializer(_one(name, version)).data)

    @extend_schema(
        operation_id="job_types_edit",
        summary="Edit a job type; executors may pause it.",
        request=bodies.EditSerializer,
        responses=VALIDATION,
    )
    def patch(self, request: Request, name: str, version: str) -> Response:
        given = bodies.read(request, bodies.EditSerializer)
        if not set(request.data) <= publish.OF_SYSTEM_TYPES:
            require(request, Role.EDITOR)
        changes = cast(Changes, given)
        if unknown := bodies.unknown(request, bodies.EditSerializer):
            publish.judged_for(name, version, changes)
            _one(name, version)
            bodies.refuse(unknown)
        publish.edit(name, version, changes, now=timezone.now())
        return Response(DONE)


class Revisions(GenericAPIView[JobTypeRevision]):
    """The revisions of a job type, newest first."""

    queryset = JobTypeRevision.objects.all()
    serializer_class = RevisionSerializer
    filter_backends = []

    @extend_schema(operation_id="job_types_revisions_list", responses=RevisionSerializer(many=True))
    def get(self, request: Request, name: str, version: str) -> Response:
        job_type = _one(name, version)
        columns = JobTypeRevision.objects.only("revision_num", "docker_image", "created", "job_type")
        page = self.paginate_queryset(columns.filter(job_type=job_type).order_by("-revision_num")) or []
        for revision in page:
            revision.job_type = job_type
        return self.get_paginated_response(RevisionSerializer(page, many=True).data)


class Revision(GenericAPIView[JobTypeRevision]):
    queryset = JobTypeRevision.objects.all()
    serializer_class = RevisionDetailSerializer
    filter_backends = []

    @extend_schema(operation_id="job_types_revisions_retrieve", summary="A revision of a job type.")
    def get(self, request: Request, name: str, version: str, revision_num: int) -> Response:
        number = values.integer(str(revision_num))
        if number > LARGEST_INTEGER:
            raise NotFound("Not found.")
        found = JobTypeRevision.objects.select_related("job_type").defer(
            "input_schema", "configuration_schema", "job_type__manifest", "job_type__configuration"
        )
        revision = get_object_or_404(found, job_type__name=name, job_type__version=version, revision_num=number)
        return Response(RevisionDetailSerializer(revision).data)


def _one(name: str, version: str) -> JobType:
    job_type = JobType.objects.filter(name=name, version=version).first()
    if job_type is None:
        raise NotFound("Not found.")
    return job_type
