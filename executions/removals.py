"""Removal: a foreign door's record of a run is gone for that door; the house keeps the run."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

from executions.states import Door


class Removal(models.Model):
    """That a client of a foreign door deleted its record of a run: that door shows it no more.

    The run itself stays, for all other doors and for whoever waits for it, until its history is pruned.
    """

    run = models.ForeignKey(
        "executions.Execution",
        on_delete=models.CASCADE,
        related_name="removals",
        db_index=False,
        help_text="The first execution of the run.",
    )
    door = models.CharField(max_length=9, choices=Door)
    by = models.CharField(max_length=150, blank=True, default="")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (models.UniqueConstraint(fields=["run", "door"], name="removal_once_per_door"),)

    def __str__(self) -> str:
        return f"run {self.run_id} removed from {self.door}"
