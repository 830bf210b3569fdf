"""Mounted at /v6/, after executions.api.urls, whose fixed words stand where a job type's name would."""

from django.urls import path

from jobtypes.api import paths
from jobtypes.api.views import JobTypeNames, JobTypes, JobTypeVersions, JobTypeView, Revision, Revisions, Validation
from jobtypes.api.workspaces import Workspaces, WorkspaceView

paths.register()

_ONE = "job-types/<job_type_name:name>/<job_type_version:version>/"

urlpatterns = [
    path("job-type-names/", JobTypeNames.as_view(), name="job-type-names"),
    path("job-types/", JobTypes.as_view(), name="job-types"),
    path("job-types/validation/", Validation.as_view(), name="job-type-validation"),
    path("job-types/<job_type_name:name>/", JobTypeVersions.as_view(), name="job-type-versions"),
    path(_ONE, JobTypeView.as_view(), name="job-type"),
    path(f"{_ONE}revisions/", Revisions.as_view(), name="job-type-revisions"),
    path(f"{_ONE}revisions/<int:revision_num>/", Revision.as_view(), name="job-type-revision"),
    path("workspaces/", Workspaces.as_view(), name="workspaces"),
    path("workspaces/<int:pk>/", WorkspaceView.as_view(), name="workspace"),
]
