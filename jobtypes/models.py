"""JobType: something that can run, by name and version; JobTypeRevision: what it was at one moment.

Beside a job type, in tables of their own: its tags, and its secrets, which no list of job types ever loads.
Workspace: where the files that runs put out are kept.
"""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from jobtypes.encryption import EncryptedJSONField
from jobtypes.versions import precedence


class JobTypeQuerySet(models.QuerySet["JobType"]):
    def newest_active(self, names: list[str]) -> dict[str, JobType]:
        """The active version of highest precedence for each of `names` that has one; one query."""
        active = self.filter(name__in=names, is_active=True).order_by("precedence")
        return {job_type.name: job_type for job_type in active}

    def newest_of_each_name(self) -> JobTypeQuerySet:
        """One row a name: its version of highest precedence, active or not; of several such the one made last."""
        same_name = JobType.objects.filter(name=OuterRef("name"))
        higher = Q(precedence__gt=OuterRef("precedence"))
        later = Q(precedence=OuterRef("precedence"), pk__gt=OuterRef("pk"))
        return self.filter(~Exists(same_name.filter(higher | later)))

    def light(self) -> JobTypeQuerySet:
        """Without the columns that may be large."""
        return self.defer("manifest", "configuration")


class JobType(models.Model):
    """A job type in one version (NGA Scale's term). System types are the house's own executors and tasks."""

    name = models.CharField(max_length=50)
    version = models.CharField(max_length=50)
    precedence = models.BinaryField(editable=False, max_length=1024)
    title = models.CharField(max_length=250, blank=True, default="")
    description = models.TextField(blank=True, default="")
    executor = models.CharField(max_length=50, help_text="What performs it: shell, http, task, container.")
    icon_code = models.CharField(max_length=20, null=True, blank=True)  # noqa: DJ001 -- Scale answers null if never given
    is_published = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)
    is_paused = models.BooleanField(default=False)
    is_system = models.BooleanField(default=False, editable=False)
    max_scheduled = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many may run at once; empty: any."
    )
    max_tries = models.PositiveIntegerField(default=3, help_text="Tries in all when the error says that a retry helps.")
    revision_num = models.PositiveIntegerField(default=1, editable=False)
    docker_image = models.CharField(max_length=500, blank=True, default="")
    unmet_resources = models.CharField(max_length=250, null=True, blank=True, editable=False)  # noqa: DJ001 -- Scale
    manifest = models.JSONField(default=dict)
    configuration = models.JSONField(default=dict, blank=True)
    created = models.DateTimeField(auto_now_add=True)
    deprecated = models.DateTimeField(null=True, blank=True, editable=False)
    paused = models.DateTimeField(null=True, blank=True, editable=False)
    last_modified = models.DateTimeField(auto_now=True)

    objects = JobTypeQuerySet.as_manager()

    class Meta:
        ordering = ("name", "-precedence")
        constraints = (
            models.UniqueConstraint(fields=["name", "version"], name="job_type_name_and_version_once"),
            models.CheckConstraint(condition=~Q(name=""), name="job_type_has_a_name"),
            models.CheckConstraint(condition=Q(revision_num__gte=1), name="job_type_revision_num_from_one"),
            models.CheckConstraint(condition=Q(max_tries__gte=0), name="job_type_max_tries_not_negative"),
            models.CheckConstraint(
                condition=Q(max_scheduled=None) | Q(max_scheduled__gte=0), name="job_type_max_scheduled_not_negative"
            ),
        )
        indexes = (
            models.Index(fields=["name", "-precedence"], name="job_type_by_name"),
            models.Index(fields=["last_modified", "id"], name="job_type_by_last_modified"),
        )

    def __str__(self) -> str:
        return f"{self.name} {self.version}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.precedence = precedence(self.version)
        super().save(*args, **kwargs)

    @property
    def priority(self) -> int:
        """The priority of its executions when their job states none; lower runs sooner."""
        return int(self.configuration.get("priority", 100))

    @property
    def secrets(self) -> dict[str, str]:
        """The values of its secret settings by name, decrypted; one query. For whoever runs it, and nobody else.

        Raises CannotDecrypt when none of the keys fits.
        """
        kept = JobTypeSecrets.objects.filter(job_type=self.pk).first()
        return dict(kept.settings) if kept else {}

    @property
    def timeout(self) -> int | None:
        """The manifest's time limit in seconds; None when it states none."""
        timeout = self.manifest.get("job", {}).get("timeout")
        return int(timeout) if timeout is not None else None


class JobTypeTag(models.Model):
    """A tag of a job type's manifest, as lists are searched by it."""

    job_type = models.ForeignKey(JobType, on_delete=models.CASCADE, related_name="tags", db_index=False)
    name = models.CharField(max_length=50)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["job_type", "name"], name="tag_once_per_job_type"),)

    def __str__(self) -> str:
        return self.name


class JobTypeSecrets(models.Model):
    """The values of a job type's secret settings, encrypted."""

    job_type = models.OneToOneField(JobType, primary_key=True, on_delete=models.CASCADE, related_name="kept_secrets")
    settings = EncryptedJSONField(default=dict)

    class Meta:
        verbose_name_plural = "job type secrets"

    def __str__(self) -> str:
        return f"secrets of {self.job_type_id}"


class JobTypeRevision(models.Model):
    """A job type's manifest and image as of one revision; never edited, never deleted."""

    job_type = models.ForeignKey(JobType, on_delete=models.CASCADE, related_name="revisions")
    revision_num = models.PositiveIntegerField()
    manifest = models.JSONField(default=dict)
    docker_image = models.CharField(max_length=500, blank=True, default="")
    input_schema = models.JSONField(default=dict, help_text="JSON Schema of a run's input, made from the manifest.")
    configuration_schema = models.JSONField(default=dict, help_text="JSON Schema of a job's configuration.")
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-revision_num",)
        constraints = (
            models.UniqueConstraint(fields=["job_type", "revision_num"], name="revision_num_once_per_job_type"),
            models.CheckConstraint(condition=Q(revision_num__gte=1), name="revision_num_from_one"),
        )

    def __str__(self) -> str:
        return f"{self.job_type} r{self.revision_num}"


class Workspace(models.Model):
    """A named place for the files that runs put out; configurations of job types name it.

    `configuration` is Scale's: ``{"broker": {"type": "host", "host_path": "/data/out"}}``. A host broker with an empty
    `host_path` keeps its files in the house's own folder, as the two workspaces do that are there from the start.
    """

    name = models.CharField(max_length=50, unique=True)
    title = models.CharField(max_length=50, blank=True, default="")
    description = models.CharField(max_length=500, blank=True, default="")
    base_url = models.CharField(max_length=200, blank=True, default="")
    is_active = models.BooleanField(default=True)
    configuration = models.JSONField(default=dict)
    created = models.DateTimeField(auto_now_add=True)
    deprecated = models.DateTimeField(null=True, blank=True, editable=False)
    last_modified = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("last_modified", "id")

    def __str__(self) -> str:
        return self.name
