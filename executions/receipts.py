"""BulkAction: one deed for many executions, and how far it got. BulkItem: what of it is still to be done."""

from __future__ import annotations

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.utils import timezone

from executions.states import Door
from jobs.models import Job


class BulkAction(models.Model):
    """A receipt: who asked for what to be done to how many, and what has come of it so far.

    done + failed + the items that are left = count, at every commit.
    """

    class Action(models.TextChoices):
        CANCEL = "cancel"
        RETRY = "retry"
        BACKFILL = "backfill"

    class State(models.TextChoices):
        RUNNING = "running"
        COMPLETED = "completed"
        ABORTED = "aborted"

    action = models.CharField(max_length=8, choices=Action)
    filter = models.JSONField(default=dict, encoder=DjangoJSONEncoder, help_text="What it was asked for.")
    job = models.ForeignKey(
        Job,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="Whose instants are made up for.",
    )
    concurrency = models.PositiveIntegerField(default=1, help_text="How many runs of a backfill go on at once.")
    count = models.PositiveIntegerField()
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(
        default=0, help_text="Had ended before, could not be tried again, or a backfill's run that did not complete."
    )
    state = models.CharField(max_length=9, choices=State, default=State.RUNNING)
    by = models.CharField(max_length=150, blank=True, default="")
    door = models.CharField(max_length=9, choices=Door)
    created = models.DateTimeField(default=timezone.now)
    ended = models.DateTimeField(null=True, blank=True)
    aborted_by = models.CharField(max_length=150, blank=True, default="")

    class Meta:
        ordering = ("-created", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(state__in=["running", "completed", "aborted"]), name="bulk_action_state_is_known"
            ),
            models.CheckConstraint(
                condition=Q(state="running", ended=None) | Q(state__in=["completed", "aborted"], ended__isnull=False),
                name="bulk_action_ended_when_over",
            ),
        )
        indexes = (
            models.Index(fields=["id"], condition=Q(state="running"), name="bulk_action_running"),
            models.Index(fields=["-created", "-id"], name="bulk_action_by_created"),
        )

    def __str__(self) -> str:
        return f"{self.action} of {self.count}"

    @property
    def is_over(self) -> bool:
        return self.state != self.State.RUNNING


class BulkItem(models.Model):
    """One execution that a bulk action still has to do something to, or one instant whose run has not ended.

    It goes in the transaction in which its deed is done: so nothing is done twice, whoever dies in between.
    """

    bulk = models.ForeignKey(BulkAction, on_delete=models.CASCADE, related_name="items", db_index=False)
    execution = models.BigIntegerField(null=True, blank=True)
    instant = models.DateTimeField(null=True, blank=True)
    group = models.BigIntegerField(null=True, blank=True, help_text="The run that was made for the instant.")

    class Meta:
        indexes = (models.Index(fields=["bulk", "id"], name="bulk_item_in_order"),)

    def __str__(self) -> str:
        return f"item {self.pk} of {self.bulk_id}"
