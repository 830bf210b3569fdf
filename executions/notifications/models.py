"""The tables of notifications. What happened to executions is told by their ids: history may go before the log does."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.timezone import now as utc_now

from jobs.models import Job
from jobtypes.encryption import EncryptedJSONField


class TargetManager(models.Manager["NotificationTarget"]):
    """Leaves addresses where they are: they are opened only to send something."""

    def get_queryset(self) -> models.QuerySet[NotificationTarget]:
        return super().get_queryset().defer("url")


class NotificationTarget(models.Model):
    """Where messages go. Its address is a secret: it stands encrypted in `url`, and masked in `address`."""

    name = models.CharField(max_length=128, unique=True)
    url = EncryptedJSONField(default=dict, help_text='Encrypted: {"url": …}.')
    address = models.CharField(max_length=500, help_text="What may be shown of it.")
    created_by = models.CharField(max_length=150, blank=True, default="")
    created = models.DateTimeField(auto_now_add=True)
    last_modified = models.DateTimeField(auto_now=True)

    objects = TargetManager()

    class Meta:
        ordering = ("name",)
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.name


class NotificationRule(models.Model):
    """Which event of which jobs goes to which target. Of job, owner and label one is given at most; none: all jobs."""

    class Event(models.TextChoices):
        FAILURE = "failure"
        """A run failed its last try: once, then at most once an hour while the job goes on failing."""
        RECOVERY = "recovery"
        """The first run that succeeded after that."""
        SUCCESS = "success"
        MISSED = "missed"
        LATE = "late"
        LONG = "long"
        START = "start"
        END = "end"
        """Every end of a run, however it ended."""

    event = models.CharField(max_length=8, choices=Event)
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    owner = models.CharField(max_length=250, blank=True, default="", help_text="Jobs of this owner.")
    label_key = models.CharField(max_length=128, blank=True, default="", help_text="Jobs with this metadata label …")
    label_value = models.CharField(max_length=1000, blank=True, default="", help_text="… and this value of it.")
    target = models.ForeignKey(NotificationTarget, on_delete=models.PROTECT, related_name="rules")
    late_after = models.PositiveIntegerField(
        null=True, blank=True, help_text="Seconds after its instant from which on a start is late."
    )
    is_enabled = models.BooleanField(default=True)
    created_by = models.CharField(max_length=150, blank=True, default="", editable=False)
    created = models.DateTimeField(auto_now_add=True)
    last_modified = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(event="late", late_after__isnull=False) | (~Q(event="late") & Q(late_after=None)),
                name="notification_rule_late_after_with_late",
            ),
            models.CheckConstraint(
                condition=Q(job=None, owner="") | Q(job=None, label_key="") | Q(owner="", label_key=""),
                name="notification_rule_one_scope",
            ),
        )

    def __str__(self) -> str:
        return f"{self.event} of {self.scope} to {self.target_id and self.target}"

    @property
    def scope(self) -> str:
        """Whom it is about, in words."""
        if self.job_id:
            return f"job {self.job}"
        if self.owner:
            return f"jobs of {self.owner}"
        return f"jobs labelled {self.label_key}={self.label_value}" if self.label_key else "all jobs"


class NotificationEvent(models.Model):
    """Something that a rule may want to tell: recorded in the transaction in which it happened."""

    TEST = "test"

    kind = models.CharField(max_length=8, choices=[*NotificationRule.Event.choices, (TEST, TEST)])
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.CASCADE, related_name="+", db_index=False)
    execution = models.BigIntegerField(null=True, blank=True)
    rule = models.BigIntegerField(null=True, blank=True, help_text="The only rule that it is for.")
    once = models.CharField(
        max_length=100, null=True, blank=True, unique=True, help_text="Of events with the same words one is kept."
    )
    time = models.DateTimeField()
    details = models.JSONField(default=dict)
    is_dispatched = models.BooleanField(default=False, db_default=False)

    class Meta:
        ordering = ("-id",)
        indexes = (
            models.Index(fields=["id"], condition=Q(is_dispatched=False), name="notification_undispatched"),
            models.Index(fields=["time"], name="notification_event_by_time"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class NotificationDelivery(models.Model):
    """One event on its way to one target. `next_try` is empty when it has ended, well or not.

    While a try is made `next_try` lies a few minutes ahead: should its process end, another takes it up then.
    """

    class Outcome(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        FAILED = "failed"

    event = models.ForeignKey(NotificationEvent, on_delete=models.CASCADE, related_name="deliveries")
    target = models.ForeignKey(NotificationTarget, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    target_name = models.CharField(max_length=128)
    outcome = models.CharField(max_length=7, choices=Outcome, default=Outcome.WAITING, db_default=Outcome.WAITING)
    tries_made = models.PositiveSmallIntegerField(default=0, db_default=0)
    next_try = models.DateTimeField(null=True, blank=True)
    created = models.DateTimeField()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "notification deliveries"
        constraints = (
            models.UniqueConstraint(fields=["event", "target_name"], name="notification_delivery_once"),
            models.CheckConstraint(
                condition=Q(outcome="waiting", next_try__isnull=False) | (~Q(outcome="waiting") & Q(next_try=None)),
                name="notification_delivery_tried_while_waiting",
            ),
        )
        indexes = (
            models.Index(
                fields=["next_try", "id"], condition=Q(next_try__isnull=False), name="notification_delivery_due"
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_id} to {self.target_name}"


class NotificationTry(models.Model):
    """One try to send a delivery, with the answer."""

    class Outcome(models.TextChoices):
        SENDING = "sending"
        SENT = "sent"
        FAILED = "failed"
        UNKNOWN = "unknown"
        """Its process ended before it wrote down the answer: the message may have been sent."""

    delivery = models.ForeignKey(NotificationDelivery, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField()
    time = models.DateTimeField(default=utc_now)
    outcome = models.CharField(max_length=7, choices=Outcome, default=Outcome.SENDING)
    message = models.CharField(max_length=500, blank=True, default="")

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "notification tries"
        constraints = (models.UniqueConstraint(fields=["delivery", "number"], name="notification_try_once"),)
        indexes = (models.Index(fields=["time", "id"], name="notification_try_by_time"),)

    def __str__(self) -> str:
        return f"try {self.number} of {self.delivery}"


class AlertState(models.Model):
    """That something goes on with a job, and when it was last told: a row of topic ``failure`` means that it fails."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    topic = models.CharField(max_length=40)
    since = models.DateTimeField()
    alerted = models.DateTimeField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["topic", "job"], name="alert_state_once"),)

    def __str__(self) -> str:
        return f"{self.topic} of {self.job_id}"
