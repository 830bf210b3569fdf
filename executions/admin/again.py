"""Running an execution's job again: with the same input, or with another, asked for as the type's interface says."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse

from errors.exceptions import Invalid, Refused
from executions import clock
from executions.engine.submit import submit
from executions.models import Execution
from executions.states import Door
from jobs.models import Job
from jobtypes.models import JobTypeRevision
from jobtypes.schema_form import InputForm, input_form


def view(model_admin: Any, request: HttpRequest, execution: Execution) -> HttpResponse:
    """A form with the input of `execution`; sent off, it makes a new run of the job as the job is now."""
    if not request.user.has_perm("jobs.run_job"):
        raise PermissionDenied
    job = Job.objects.select_related("job_type", "job_type_revision", "payload").get(pk=execution.job_id)
    schema = revision_of(job).input_schema
    form = input_form(schema, execution.payload.input, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and (made := submitted(request, job, form)):
        messages.success(request, f"Execution {made.pk} of {job.name} is {made.status.lower()}.")
        return HttpResponseRedirect(reverse("admin:executions_execution_change", args=[made.pk]))
    context = {
        **model_admin.admin_site.each_context(request),
        "title": f"Run {job.name} again",
        "form": form,
        "job": job,
        "original": execution,
        "is_changed": execution.payload_id != job.payload_id,
    }
    return TemplateResponse(request, "admin/executions/execution/again.html", context)


def submitted(request: HttpRequest, job: Job, form: InputForm) -> Execution | None:
    """The run that was made; None where it was refused, and then the form says why."""
    try:
        by = request.user.get_username()
        return submit(job, by=by, door=Door.CONSOLE, now=clock.now(), input=form.native())
    except Invalid as refusal:
        found = [(path, text) for path, texts in refusal.fields.items() for text in texts]
        form.take(found or [("", refusal.message)])
    except Refused as refusal:
        form.take([("", refusal.message)])
    return None


def revision_of(job: Job) -> JobTypeRevision:
    """What will run: the pinned revision, or the current one of the newest active version."""
    if job.job_type_revision:
        return job.job_type_revision
    job_type = job.job_type
    if job.follows_newest:
        job_type = type(job_type).objects.newest_active([job_type.name]).get(job_type.name, job_type)
    return job_type.revisions.get(revision_num=job_type.revision_num)
