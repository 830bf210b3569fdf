"""Error: a named cause of failure that says whether another try can help."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from errors import catalogue


class Error(models.Model):
    """A known cause of a failed execution, in Scale's categories.

    Built-in errors have no job type; the others belong to a job type *name* and are shared by all its versions.
    """

    class Category(models.TextChoices):
        SYSTEM = catalogue.SYSTEM
        ALGORITHM = catalogue.ALGORITHM
        DATA = catalogue.DATA

    name = models.CharField(max_length=50)
    title = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001 -- Scale answers null, not ""
    description = models.CharField(max_length=250, null=True, blank=True)  # noqa: DJ001 -- as title
    job_type_name = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001 -- null marks the built-in ones
    category = models.CharField(max_length=10, choices=Category)
    is_builtin = models.BooleanField(default=False)
    should_be_retried = models.BooleanField(default=False)
    created = models.DateTimeField(auto_now_add=True)
    last_modified = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("last_modified", "id")
        constraints = (
            models.UniqueConstraint(fields=["name"], condition=Q(job_type_name=None), name="error_builtin_name_once"),
            models.UniqueConstraint(fields=["job_type_name", "name"], name="error_name_once_per_job_type"),
            models.CheckConstraint(
                condition=Q(category__in=[catalogue.SYSTEM, catalogue.ALGORITHM, catalogue.DATA]),
                name="error_category_is_known",
            ),
            models.CheckConstraint(
                condition=Q(is_builtin=True, job_type_name=None) | Q(is_builtin=False, job_type_name__isnull=False),
                name="error_builtin_has_no_job_type",
            ),
        )
        indexes = (models.Index(fields=["last_modified", "id"], name="error_by_last_modified"),)

    def __str__(self) -> str:
        return self.name if self.is_builtin else f"{self.job_type_name}/{self.name}"
