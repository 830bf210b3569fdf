"""Job: a named standing order. Payload: what its runs are told. JobRecord: what came of it so far."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils.timezone import now as utc_now

from jobs.schedule import Schedule, parse
from jobtypes.encryption import EncryptedJSONField
from jobtypes.models import JobType, JobTypeRevision


def this_second() -> datetime:
    """Now, whole seconds: instants of a schedule have no fraction."""
    return utc_now().replace(microsecond=0)


class Payload(models.Model):
    """What a run is told: its executor's configuration and its input. Immutable; an edit makes another row.

    A job points at its current payload and every execution at the one it was made with, so that history shows what
    really ran and an edit never changes what is already queued. `configuration` holds ``********`` in the place of
    each secret; the values stand encrypted in `secrets`.
    """

    configuration = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    input = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    secrets = EncryptedJSONField(default=dict)
    created = models.DateTimeField(default=utc_now)

    def __str__(self) -> str:
        return f"payload {self.pk}"


class JobQuerySet(models.QuerySet["Job"]):
    def living(self) -> JobQuerySet:
        """Jobs that have not been archived."""
        return self.filter(archived=None)

    def due(self, now: datetime) -> JobQuerySet:
        """Jobs whose next instant has come, most overdue first. A paused job waits: its pause counts as downtime."""
        return self.filter(archived=None, is_enabled=True, paused_at=None, next_run_at__lte=now).order_by(
            "next_run_at", "id"
        )


class Job(models.Model):
    """A named standing order: this job type, with this payload, on this schedule."""

    class Concurrency(models.TextChoices):
        ALLOW = "allow"
        FORBID = "forbid"
        REPLACE = "replace"

    class Misfire(models.TextChoices):
        ONCE = "once"
        ALL = "all"
        SKIP = "skip"

    name = models.CharField(max_length=128)
    title = models.CharField(max_length=250, blank=True, default="")
    description = models.TextField(max_length=10_000, blank=True, default="")
    owner = models.CharField(max_length=250, blank=True, default="")
    owner_email = models.CharField(max_length=250, blank=True, default="")
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    created = models.DateTimeField(auto_now_add=True)
    last_modified = models.DateTimeField(auto_now=True)
    archived = models.DateTimeField(null=True, blank=True, editable=False)

    job_type = models.ForeignKey(JobType, on_delete=models.PROTECT, related_name="jobs")
    follows_newest = models.BooleanField(default=True, help_text="Runs the newest active version of its job type.")
    job_type_revision = models.ForeignKey(
        JobTypeRevision,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: the current one.",
    )
    payload = models.ForeignKey(Payload, on_delete=models.PROTECT, related_name="+")

    schedule = models.CharField(max_length=255, blank=True, default="@manually")
    timezone = models.CharField(max_length=64, blank=True, default="", help_text="Empty: the house's zone.")
    is_enabled = models.BooleanField(default=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    misfire_policy = models.CharField(max_length=4, choices=Misfire, default=Misfire.ONCE)
    misfire_grace = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds; empty: no limit.")
    schedule_anchor = models.DateTimeField(default=this_second, editable=False, help_text="What @every counts from.")
    next_run_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_scheduled_for = models.DateTimeField(null=True, blank=True, editable=False)

    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    paused_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    pause_note = models.CharField(max_length=250, blank=True, default="", editable=False)

    priority = models.PositiveIntegerField(null=True, blank=True, help_text="Lower runs sooner; empty: the job type's.")
    timeout = models.PositiveIntegerField(null=True, blank=True, help_text="Seconds; empty: the job type's.")
    retries = models.PositiveSmallIntegerField(default=0)
    retry_delay = models.PositiveIntegerField(default=1, help_text="Seconds before the first retry; doubles each time.")
    deadline = models.PositiveIntegerField(default=172_800, help_text="Seconds within which a run must have started.")
    concurrency = models.CharField(max_length=7, choices=Concurrency, default=Concurrency.ALLOW)
    at_most_once = models.BooleanField(
        default=False, help_text="A run lost with its worker is a failure, not tried again."
    )
    is_ephemeral = models.BooleanField(default=False, help_text="Archived after its first success.")
    is_ad_hoc = models.BooleanField(
        default=False, editable=False, help_text="The house's own, for runs of a type by hand."
    )

    parents = models.ManyToManyField("self", symmetrical=False, related_name="children", blank=True)
    tags = models.JSONField(default=dict, blank=True, help_text="Choose workers.")
    metadata = models.JSONField(default=dict, blank=True, help_text="Free labels.")
    processors = models.JSONField(default=dict, blank=True, help_text="What is done with a run's output, by name.")
    foreign = models.JSONField(
        default=dict, editable=False, help_text="What a foreign door keeps of its own about the job, by door."
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.UniqueConstraint(fields=["name"], condition=Q(archived=None), name="job_name_once_among_the_living"),
            models.CheckConstraint(condition=~Q(name=""), name="job_has_a_name"),
            models.CheckConstraint(
                condition=Q(concurrency__in=["allow", "forbid", "replace"]), name="job_concurrency_is_known"
            ),
            models.CheckConstraint(
                condition=Q(misfire_policy__in=["once", "all", "skip"]), name="job_misfire_policy_is_known"
            ),
            models.CheckConstraint(condition=Q(retries__gte=0, retries__lte=100), name="job_retries_within_bounds"),
            models.CheckConstraint(
                condition=Q(retry_delay__gte=0, retry_delay__lte=3600), name="job_retry_delay_within_bounds"
            ),
            models.CheckConstraint(condition=Q(deadline__gte=0), name="job_deadline_not_negative"),
            models.CheckConstraint(condition=Q(timeout=None) | Q(timeout__gte=1), name="job_timeout_positive"),
            models.CheckConstraint(condition=Q(priority=None) | Q(priority__gte=1), name="job_priority_positive"),
            models.CheckConstraint(
                condition=Q(next_run_at=None)
                | Q(last_scheduled_for=None)
                | Q(next_run_at__gt=models.F("last_scheduled_for")),
                name="job_next_run_after_the_last",
            ),
        )
        indexes = (
            models.Index(
                fields=["next_run_at", "id"],
                condition=Q(archived=None, is_enabled=True, paused_at=None, next_run_at__isnull=False),
                name="job_due",
            ),
            models.Index(fields=["job_type", "id"], name="job_by_type"),
            models.Index(fields=["archived", "name", "id"], name="job_by_name"),
            models.Index(fields=["paused_until"], condition=Q(paused_until__isnull=False), name="job_pause_ends"),
        )

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        super().save(*args, **kwargs)
        JobRecord.objects.get_or_create(job=self)

    @property
    def zone(self) -> str:
        """The timezone its schedule is read in."""
        return self.timezone or settings.TIME_ZONE

    @property
    def parsed_schedule(self) -> Schedule:
        """Its schedule, parsed. Raises jobs.schedule.ScheduleError where a stored text is no longer valid."""
        return parse(self.schedule, self.zone)

    @property
    def instant_mark(self) -> timedelta:
        """What tells the instants of an interval anchored anew, after the clock was set back, from its earlier ones."""
        return timedelta(microseconds=self.schedule_anchor.microsecond if self.schedule.startswith("@every") else 0)

    def next_instant(self, after: datetime) -> datetime | None:
        """The first instant of its schedule after `after`, whatever else would keep it from running."""
        following = self.parsed_schedule.next_after(after, self.schedule_anchor)
        return following + self.instant_mark if following else None

    @property
    def is_paused(self) -> bool:
        return self.paused_at is not None


class JobRecord(models.Model):
    """What came of a job so far. Its own narrow row, since every execution of the job updates it."""

    job = models.OneToOneField(Job, primary_key=True, on_delete=models.CASCADE, related_name="record")
    success_count = models.PositiveBigIntegerField(default=0)
    error_count = models.PositiveBigIntegerField(default=0)
    missed_count = models.PositiveBigIntegerField(default=0)
    missed_reason = models.CharField(max_length=250, blank=True, default="")
    last_success = models.DateTimeField(null=True, blank=True)
    last_error = models.DateTimeField(null=True, blank=True)
    last_status = models.CharField(max_length=10, blank=True, default="", help_text="How the newest ended try ended.")
    last_execution = models.BigIntegerField(null=True, blank=True, help_text="The newest ended try.")

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(success_count__gte=0, error_count__gte=0, missed_count__gte=0),
                name="job_record_counts_not_negative",
            ),
        )

    def __str__(self) -> str:
        return f"record of {self.job}"
